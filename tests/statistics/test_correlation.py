"""Intra-class correlation: against scipy's analysis of variance, and against simulated groups of known correlation."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import f_oneway

from convstab.errors import InputError
from convstab.statistics import correlation

Floats = NDArray[np.float64]
RNG = np.random.default_rng


def frames_of(groups: int, size: int) -> NDArray[np.int64]:
    return np.repeat(np.arange(groups), size)


def failures(rho: float, groups: int, size: int, sets: int, seed: int = 0, mean: float = 0.2) -> Floats:
    """Images that fail or do not, (groups * size, sets): Beta-binomial groups, which correlate by 1 / (a + b + 1)."""
    total = 1 / rho - 1
    rng = RNG(seed)
    chance = rng.beta(mean * total, (1 - mean) * total, (groups, sets))
    return (rng.random((groups * size, sets)) < chance.repeat(size, 0)).astype(float)


@pytest.mark.parametrize("sizes", [(4,) * 6, (1, 2, 9, 5, 3, 3)])
def test_it_is_that_of_the_analysis_of_variance(sizes: tuple[int, ...]) -> None:
    """F is the quotient of the mean squares, so correlation = (F - 1) / (F - 1 + typical size)."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    values = RNG(3).normal(size=(len(groups), 1)) + groups[:, None] % 3
    ratio = f_oneway(*(values[groups == group, 0] for group in range(len(sizes)))).statistic
    images = sum(sizes)
    typical = (images - sum(size**2 for size in sizes) / images) / (len(sizes) - 1)
    order = RNG(4).permutation(len(groups))
    found = correlation.intraclass_correlation(values[order], 7 * groups[order] - 3)
    assert found[0] == pytest.approx((ratio - 1) / (ratio - 1 + typical))


def test_frames_that_fail_all_or_none_correlate_by_1() -> None:
    values = (np.arange(12) % 3 == 0).astype(float).repeat(10)[:, None]
    assert correlation.intraclass_correlation(values, frames_of(12, 10)) == pytest.approx(1)
    assert np.stack(correlation.correlation_interval(values, frames_of(12, 10))) == pytest.approx(1)


@pytest.mark.parametrize("rho", [0.05, 0.3, 0.8])
def test_a_known_correlation_is_found(rho: float) -> None:
    values = failures(rho, groups=500, size=10, sets=20)
    found = correlation.intraclass_correlation(values, frames_of(500, 10))
    assert found.mean() == pytest.approx(rho, abs=0.01)


def test_independent_frames_correlate_by_0_on_average() -> None:
    values = (RNG(1).random((300, 400)) < 0.1).astype(float)
    found = correlation.intraclass_correlation(values, frames_of(30, 10))
    assert found.mean() == pytest.approx(0, abs=0.005)
    assert found.min() < 0 < found.max()


def test_few_draws_hide_correlation_and_their_variance_can_be_taken_out() -> None:
    """Images whose chance of failing is half the group's, half their own: 0.5; 4 draws of each add their variance."""
    rng, draws, groups = RNG(2), 4, frames_of(3000, 10)
    chance = 0.5 + 0.2 * rng.uniform(-1, 1, (3000, 1)).repeat(10, 0) + 0.2 * rng.uniform(-1, 1, (30000, 1))
    rates = rng.binomial(draws, chance) / draws
    error = correlation.draw_variance(rates, draws)
    shared = 0.04 / 3  # variance of 0.2 times a uniform number in [-1, 1]
    of_draws = (0.25 - 2 * shared) / draws  # mean of chance * (1 - chance), a draw's variance
    assert error.mean() == pytest.approx(of_draws, rel=0.01)
    as_they_are = correlation.intraclass_correlation(rates, groups)
    unlimited = correlation.intraclass_correlation(rates, groups, error)
    assert as_they_are[0] == pytest.approx(shared / (2 * shared + of_draws), abs=0.02)
    assert unlimited[0] == pytest.approx(0.5, abs=0.03)


def test_the_design_effect_is_the_variance_of_a_mean_beside_that_of_independent_images() -> None:
    values = failures(0.3, groups=40, size=30, sets=4000, mean=0.5)
    found = values.mean(0).var() / (0.25 / len(values))
    assert correlation.design_effect(np.array(0.3), 30) == pytest.approx(found, rel=0.06)
    assert correlation.design_effect(np.array([0.0, 1.0]), 30).tolist() == [1, 30]


@pytest.mark.parametrize("rho", [0.1, 0.5])
def test_the_interval_covers_the_truth(rho: float) -> None:
    values = failures(rho, groups=130, size=10, sets=300)
    low, high = correlation.correlation_interval(values, frames_of(130, 10), resamples=400)
    assert 0.9 < ((low <= rho) & (rho <= high)).mean() < 0.985


def test_where_all_images_agree_there_is_no_correlation() -> None:
    values = np.stack([np.full(20, 0.1), np.linspace(0, 1, 20)], 1)
    found = correlation.intraclass_correlation(values, frames_of(4, 5))
    ends = correlation.correlation_interval(values, frames_of(4, 5))
    assert np.isnan([found, *ends]).tolist() == [[True, False]] * 3


@pytest.mark.parametrize(
    ("groups", "said"),
    [([0, 0, 1], "do not match 4 images"), ([5] * 4, "4 images in 1 groups"), ([0, 1, 2, 3], "4 images in 4 groups")],
)
def test_groups_that_say_nothing_are_refused(groups: list[int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        correlation.intraclass_correlation(np.zeros((4, 1)), np.array(groups))


def test_one_draw_does_not_tell_how_much_draws_differ() -> None:
    with pytest.raises(InputError, match="at least 2"):
        correlation.draw_variance(np.ones((4, 1)), 1)
