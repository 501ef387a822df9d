"""How much further away a model has its boundaries than another: on ledgers whose distances are made up."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from convstab.errors import InputError
from convstab.ledger.ledger import Ledger
from convstab.ledger.paired import widening
from convstab.statistics.intervals import Floats


def ledger(perturbation: list[float], correct: list[bool] | None = None, **more: Any) -> Ledger:
    count = len(perturbation)
    rows = {
        "index": np.arange(count),
        "label": np.arange(count) % 2,
        "clean_correct": np.array(correct or [True] * count),
        "perturbation": np.array(perturbation, float),
    }
    return Ledger([10.0], "sigma", ["even", "odd"], {}, rows | more)


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
    found = widening(ledger([1, np.inf, np.inf]), ledger([np.inf, 1, np.inf]))
    assert (found.longer, found.ratio) == (1 / 3, 1)


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
    ],
)
def test_ledgers_that_do_not_meet_are_refused(after: Ledger, line: str) -> None:
    with pytest.raises(InputError, match=line):
        widening(ledger([1, 2]), after)
