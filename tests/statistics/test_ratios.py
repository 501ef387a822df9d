"""Ratios of means: a closed form, simulated truth, and what has no end."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq

from convstab.statistics import intervals, ratios
from convstab.units import Units

Floats = NDArray[np.float64]
FAMILIES, LEVELS, DRAWS = 3, 4, 2


def two_models(
    count: int, ours: float, theirs: float, random: np.random.Generator, group: int = 1
) -> tuple[Floats, Floats]:
    """Error rates of two models on the same images, (count, families): what is hard for one is so for the other."""
    hard = np.repeat(2 * random.normal(size=(-(-count // group), 1, 1)), group, axis=0)[:count]
    family, level = np.linspace(-0.5, 0.5, FAMILIES)[:, None], np.linspace(-1, 1, LEVELS)
    odds = (base + hard + 0.5 * random.normal(size=(count, 1, 1)) + family + level for base in (ours, theirs))
    first, second = ((random.binomial(DRAWS, 1 / (1 + np.exp(-one))) / DRAWS).mean(2) for one in odds)
    return first, second


@pytest.mark.parametrize("group", [1, 10])
@pytest.mark.parametrize(("ours", "theirs"), [(0, 0), (-2, -1), (-5, -4)])
@pytest.mark.parametrize("count", [50, 400])
def test_the_intervals_cover_the_truth(count: int, ours: float, theirs: float, group: int) -> None:
    random, units = np.random.default_rng(0), Units(groups=np.arange(count) // group)
    first, second = two_models(200_000, ours, theirs, random)
    truth, repetitions, hits = first.mean(0) / second.mean(0), 300, np.zeros(FAMILIES + 1)
    for _ in range(repetitions):
        each, mean = ratios.of_means(*two_models(count, ours, theirs, random, group), units)
        hits[:-1] += (each.low <= truth) & (truth <= each.high) | np.isnan(each.value)
        hits[-1] += mean.low <= truth.mean() <= mean.high or np.isnan(mean.value)
    assert (hits / repetitions >= 0.92).all()  # 0.95 less three standard deviations of a simulation is 0.912


def test_an_end_is_where_the_interval_of_a_difference_begins_to_hold_zero() -> None:
    first, second = two_models(300, -2, -1, np.random.default_rng(1))
    found, _ = ratios.of_means(first[:, :1], second[:, :1])
    top, bottom = (intervals.mean(one[:, :1]) for one in (first, second))
    together = np.corrcoef(first[:, 0], second[:, 0])[0, 1]

    def lower(ratio: float) -> float:
        """Of the difference first - ratio * second."""
        below, aside = (top.value - top.low)[0], ratio * (bottom.high - bottom.value)[0]
        spread = np.sqrt(below**2 - 2 * together * below * aside + aside**2)
        return float(top.value[0] - ratio * bottom.value[0] - spread)

    assert found.low[0] == pytest.approx(brentq(lower, 0, found.value[0]))
    assert found.low[0] < found.value[0] < found.high[0]


def test_what_goes_together_is_narrower_than_what_does_not() -> None:
    random = np.random.default_rng(2)
    first, second = two_models(400, 0, 0, random)
    same, other = (ratios.of_means(first, one)[1] for one in (second, random.permutation(second)))
    assert same.high - same.low < 0.7 * (other.high - other.low)


def test_where_the_second_mean_may_be_zero_there_is_no_upper_end() -> None:
    changes = np.zeros((40, 1))
    changes[:3], changes[3:5] = 0.5, -0.5
    found, mean = ratios.of_means(np.full((40, 1), 0.2), changes)
    assert found.value[0] == pytest.approx(16)
    assert found.high[0] == mean.high == np.inf
    assert 0 < found.low[0] < 16
    none, _ = ratios.of_means(np.full((40, 1), 0.2), np.zeros((40, 1)))
    assert np.isnan([none.value, none.low, none.high]).all()


def test_a_mean_below_zero_has_ends_on_both_sides() -> None:
    random = np.random.default_rng(3)
    gains = np.where(random.random((400, 1)) < 0.2, -1.0, 0.0)
    found, _ = ratios.of_means(gains, np.full((400, 1), 0.5))
    assert found.value[0] == pytest.approx(gains.mean() / 0.5)
    assert found.low[0] < found.value[0] < found.high[0] < 0
    turned, _ = ratios.of_means(-gains, np.full((400, 1), 0.5))
    np.testing.assert_allclose([-turned.high, -turned.low], [found.low, found.high], rtol=0.2)
