"""The correlation of models over images: against scipy, and its interval against simulated models."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, rankdata, spearmanr

from convstab.statistics import pairwise
from convstab.statistics.intervals import Estimate
from convstab.units import Units

Floats = NDArray[np.float64]
RNG = np.random.default_rng
TRIES = 300


def flips(rng: np.random.Generator, images: int, hard: float, own: float = 0.5, size: int = 1) -> Floats:
    """Flip rates of three models under noise that they share in part, (3, images); images of a group are alike.

    hard: how far the boundaries are, in spreads of the noise. own: how much the models differ. size: of the groups.
    """
    alike = 0.8 * rng.normal(size=images // size).repeat(size) + 0.6 * rng.normal(size=images)
    margin = hard - alike - own * rng.normal(size=(3, images))
    noise = rng.normal(size=(1, images, 30)) + rng.normal(size=(3, images, 30))
    found: Floats = (noise / 2**0.5 > margin[..., None]).mean(2)
    return found


def found_of(values: Floats, units: Units) -> Estimate:
    return pairwise.mean_correlation(values[..., None], units)


def test_it_is_the_mean_over_pairs_of_scipys() -> None:
    values = flips(RNG(0), 300, 2)
    pairs = [spearmanr(values[one], values[other]).statistic for one, other in ((0, 1), (0, 2), (1, 2))]
    assert found_of(values, Units()).value[0] == pytest.approx(np.mean(pairs))


def test_images_that_were_not_drawn_are_left_out_level_by_level() -> None:
    values = np.stack([flips(RNG(0), 300, 2), flips(RNG(1), 300, 2)], 2)
    values[:, 100:, 1] = np.nan
    found = pairwise.mean_correlation(values)
    alone = found_of(values[:, :100, 1], Units())
    for name in ("value", "low", "high"):
        assert getattr(found, name)[1] == getattr(alone, name)[0]


def influences(values: Floats) -> Floats:
    """What taking out each image does to the correlation: the jackknife, which knows no formula."""
    count = values.shape[1]
    left = [np.delete(values, place, 1) for place in range(count)]
    whole = found_of(values, Units()).value[0]
    found: Floats = (count - 1) * (whole - np.array([found_of(each, Units()).value[0] for each in left]))
    return found


@pytest.mark.parametrize("hard", [0.0, 2.0])
def test_the_influence_of_an_image_is_what_taking_it_out_does(hard: float) -> None:
    values = flips(RNG(3), 400, hard)
    _, found = pairwise.correlation(values, pairwise.centred_ranks(values))
    np.testing.assert_allclose(found, influences(values), atol=0.06 * np.abs(found).max())


@pytest.mark.parametrize(
    ("hard", "own", "size"), [(0, 0.5, 1), (2, 0.5, 1), (3, 0.5, 1), (3.5, 1, 1), (1, 3, 1), (2, 0.5, 5)]
)
def test_the_interval_covers_the_truth_where_few_images_fail_and_in_groups(hard: float, own: float, size: int) -> None:
    many = flips(RNG(0), 200_000, hard, own, size)
    truth = np.corrcoef([rankdata(each) for each in many])[np.triu_indices(3, 1)].mean()
    units = Units(np.arange(500 // size).repeat(size)) if size > 1 else Units()
    each = [found_of(flips(RNG(1 + seed), 500, hard, own, size), units) for seed in range(TRIES)]
    told = [one for one in each if not np.isnan(one.low[0])]
    inside = sum(one.low[0] <= truth <= one.high[0] for one in told)
    assert len(told) > TRIES / 2
    assert inside >= binom.ppf(0.001, len(told), 0.95), inside / len(told)


def test_intervals_that_take_the_images_of_groups_for_independent_are_too_narrow() -> None:
    many = flips(RNG(0), 200_000, 0, 0.5, 20)
    truth = np.corrcoef([rankdata(each) for each in many])[np.triu_indices(3, 1)].mean()
    each = [found_of(flips(RNG(1 + seed), 500, 0, 0.5, 20), Units()) for seed in range(TRIES)]
    inside = sum(one.low[0] <= truth <= one.high[0] for one in each)
    assert inside < binom.ppf(0.001, TRIES, 0.95)


def test_images_of_which_several_count_as_one_widen_it_likewise() -> None:
    values = flips(RNG(0), 400, 0)
    plain, four = found_of(values, Units()), found_of(values, Units(design_effect=4.0))
    widths = [np.arctanh(one.high[0]) - np.arctanh(one.low[0]) for one in (plain, four)]
    assert widths[1] / widths[0] == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("failing", [1, 10, 30])
def test_too_few_failures_have_a_correlation_and_no_interval(failing: int) -> None:
    values = np.zeros((2, 100))
    values[:, :failing] = RNG(0).random((2, failing)) + 0.1
    found = found_of(values, Units())
    assert found.value[0] > 0.5
    assert bool(np.isnan(found.low[0])) is bool(np.isnan(found.high[0])) is (failing < pairwise.FEWEST)


def test_where_a_model_never_fails_nothing_is_told() -> None:
    values = flips(RNG(0), 100, 1)
    values[1] = 0
    found = found_of(values, Units())
    assert np.isnan([found.value, found.low, found.high]).all()


def test_models_that_are_the_same_correlate_by_one() -> None:
    found = found_of(np.repeat(flips(RNG(0), 100, 1)[:1], 2, 0), Units())
    assert found.value[0] == pytest.approx(1)
    assert np.isnan(found.low[0])
