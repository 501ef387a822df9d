"""How much further away a model has its boundaries than another: on ledgers whose distances are made up."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from convstab.errors import InputError
from convstab.ledger.ledger import Ledger
from convstab.ledger.paired import widening
from convstab.statistics.intervals import Floats


def ledger(perturbation: list[float], correct: list[bool] | None = None, attack: str = "DDN", **more: Any) -> Ledger:
    count = len(perturbation)
    rows = {
        "index": np.arange(count),
        "label": np.arange(count) % 2,
        "clean_correct": np.array(correct or [True] * count),
        "perturbation": np.array(perturbation, float),
        f"perturbation_{attack}": np.array(perturbation, float),
    }
    return Ledger([10.0], "sigma", ["even", "odd"], {"attacks": [attack]}, rows | more)


def test_it_is_the_median_of_the_ratios_of_images() -> None:
    found = widening(ledger([1, 2, 4, 8, 16]), ledger([3, 2, 2, 24, 80]))  # 3, 1, 0.5, 3, 5
    assert (found.ratio, found.longer, found.images) == (3, 3 / 5, 5)


def test_only_images_that_both_classify_and_were_attacked_in_both_count() -> None:
    before = ledger([1, 1, 1, 1, 0], [True, True, False, True, True])
    after = ledger([2, np.nan, 2, 9, 9], [True, True, True, False, True])
    assert widening(before, after).images == 1


def test_images_meet_by_their_number() -> None:
    after = ledger([7, 10], index=np.array([3, 1]), label=np.array([1, 1]))
    found = widening(ledger([1, 2, 3, 7]), after)
    assert (found.images, found.ratio) == (2, 3)  # of image 1: 10 / 2, of image 3: 7 / 7


def test_a_search_that_failed_counts_as_endless() -> None:
    found = widening(ledger([1, np.inf, 1]), ledger([np.inf, 1, 4]))
    assert (found.longer, found.ratio, found.failed) == (2 / 3, 4, 0)
    assert "too few images for an interval" in str(found)


def test_what_no_search_found_in_either_is_left_out_and_told() -> None:
    found = widening(ledger([np.inf] * 40 + [1.0] * 5), ledger([np.inf] * 40 + [2.0] * 5))
    assert (found.ratio, found.images, found.failed) == (2, 5, 40)
    assert "40 more, where no search found any, are left out" in str(found)
    assert "endlessly many times" in str(widening(ledger([1, 1]), ledger([np.inf, np.inf])))


def test_bounds_of_other_attacks_are_not_compared() -> None:
    both = ledger([5, 5], perturbation_NES=np.array([9.0, 9.0]))
    both = replace(both, settings={"attacks": ["NES", "DDN"]})
    assert widening(ledger([1, 1]), both).ratio == 5
    assert widening(ledger([3, 3], attack="NES"), both).attacks == ["NES"]
    with pytest.raises(InputError, match="no attack in common"):
        widening(ledger([1, 1]), ledger([1, 1], attack="NES"))


def test_the_interval_covers_the_true_ratio_and_groups_widen_it() -> None:
    generator = np.random.default_rng(0)
    covered, widths = 0, list[Floats]()
    for _ in range(400):
        by_group = np.exp(generator.normal(0.2, 0.5, 60)).repeat(5)
        before = ledger([1.0] * 300)
        after = ledger(by_group.tolist())
        units: dict[str, Any] = {"group": np.arange(60).repeat(5)}
        found = widening(ledger([1.0] * 300, **units), after)
        covered += found.low <= np.exp(0.2) <= found.high
        alone = widening(before, after)
        widths.append(np.array([found.high / found.low, alone.high / alone.low]))
    assert covered >= binom.ppf(0.001, 400, 0.95)
    assert (np.array(widths)[:, 0] > np.array(widths)[:, 1]).mean() > 0.95


@pytest.mark.parametrize(
    ("after", "line"),
    [
        (ledger([1, 2], label=np.array([1, 0])), "the two ledgers are of other images"),
        (ledger([1, 2], index=np.array([7, 8])), "no image in common"),
        (ledger([np.nan, 2], [True, False]), "no image in common"),
        (ledger([1, 2], attack="NES"), "no attack in common"),
    ],
)
def test_ledgers_that_do_not_meet_are_refused(after: Ledger, line: str) -> None:
    with pytest.raises(InputError, match=line):
        widening(ledger([1, 2]), after)


def test_searches_that_all_failed_tell_nothing() -> None:
    with pytest.raises(InputError, match="no search of either ledger found any noise for the 2 images"):
        widening(ledger([np.inf, np.inf]), ledger([np.inf, np.inf]))
