"""Intervals: exact ones of scipy, what must be monotone, and simulated truth; the grid is that of the benchmark."""

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import binomtest

from convstab.statistics import intervals, rates
from convstab.statistics.intervals import Estimate, Floats
from convstab.units import Units

GRID: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "interval_coverage.py"))
SETS = {(50, False): 600, (50, True): 150, (421, False): 300, (421, True): 80, (10_000, False): 80}  # repetitions
RNG = np.random.default_rng


def below(repetitions: int) -> float:
    """What a coverage of 0.94 falls short of in fewer than 1 of 100 simulations of so many repetitions."""
    return 0.94 - float(ndtri(0.995)) * float(np.sqrt(0.94 * 0.06 / repetitions))


def wilson_by_variance(values: Floats, units: Units) -> Estimate:
    """The method that was: Wilson's interval, with as many trials as the variance among images says."""
    value, variance = values.mean(0), values.var(0, ddof=1) / len(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        trials = np.where(variance > 0, value * (1 - value) / variance, len(values))
    z2 = float(ndtri(0.975)) ** 2
    centre = (value + z2 / (2 * trials)) / (1 + z2 / trials)
    half = np.sqrt(z2 * (value * (1 - value) / trials + z2 / (4 * trials**2))) / (1 + z2 / trials)
    return Estimate(value, np.minimum(centre - half, value), np.maximum(centre + half, value))


@pytest.mark.parametrize("kind", ["rates", "changes"])
@pytest.mark.parametrize("law", GRID["LAWS"])
def test_intervals_cover_the_truth_whatever_the_units_the_draws_and_the_law(law: str, kind: str) -> None:
    interval = intervals.mean_change if kind == "changes" else GRID["of_rates"]
    for (units, grouped), repetitions in SETS.items():
        if GRID["LAWS"][law].least <= units:
            found = GRID["coverage"](GRID[kind], law, GRID["TestSet"](units, grouped), repetitions, interval)
            assert found >= below(repetitions), (units, grouped)


@pytest.mark.parametrize(
    ("law", "units", "grouped"),
    [("3 fragile", 421, False), ("3 fragile", 50, False), ("Beta(.2, 1.8)", 421, True), ("common", 50, True)],
)
def test_the_grid_fails_for_intervals_that_believe_the_variance_of_images(law: str, units: int, grouped: bool) -> None:
    repetitions = 100 if grouped else 1500
    found = GRID["coverage"](GRID["rates"], law, GRID["TestSet"](units, grouped), repetitions, wilson_by_variance)
    assert found < below(repetitions)


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("units", [50, 421])
def test_intervals_are_hardly_wider_than_wilsons_where_failures_are_common(units: int, grouped: bool) -> None:
    assert 0.95 < GRID["widths"](GRID["TestSet"](units, grouped), 60) < 1.15


@pytest.mark.parametrize(("failed", "images"), [(0, 100), (7, 100), (1, 10_000), (50, 100), (100, 100)])
def test_one_draw_an_image_gives_the_exact_interval(failed: int, images: int) -> None:
    found = rates.accuracy(np.repeat([1.0, 0.0], [images - failed, failed])[:, None])
    expected = binomtest(images - failed, images).proportion_ci(method="exact")
    assert (found.low[0], found.high[0]) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("step", [1 / 150, 0.1, 1.0])
def test_both_ends_rise_with_every_unit_that_fails(step: float) -> None:
    """One flip in 150 draws of one image gave 3.8e-6, none 3.9e-4."""
    failing = np.tri(60, 200, -1).T[:, :50] * step  # the first column: none
    found = intervals.mean(np.vstack([failing, np.zeros((800, 50))]))
    assert (np.diff(found.low) >= 0).all()
    assert (np.diff(found.high) > 0).all()
    assert found.high[0] == pytest.approx(binomtest(0, 1000).proportion_ci(method="exact").high)


def test_images_that_all_fail_alike_leave_doubt() -> None:
    found = intervals.mean(np.full((100, 1), 0.1))
    expected = binomtest(10, 100).proportion_ci(method="exact")
    assert (found.low[0], found.high[0]) == pytest.approx((expected.low, expected.high))


def test_copies_of_an_image_in_its_group_tell_nothing() -> None:
    rates = RNG(0).random((40, 3))
    once = intervals.mean(rates)
    copied = intervals.mean(rates.repeat(30, axis=0), units=Units(RNG(1).permutation(40).repeat(30)))
    counted = intervals.mean(rates.repeat(30, axis=0), units=Units(design_effect=30.0))
    for found in (copied, counted):
        np.testing.assert_allclose([found.value, found.low, found.high], [once.value, once.low, once.high])


def test_a_group_is_found_by_its_number_wherever_its_images_are() -> None:
    rates, groups = RNG(0).random((60, 2)), RNG(1).integers(0, 9, 60)
    order = np.argsort(groups, kind="stable")
    one, other = (
        intervals.mean(rates, units=Units(groups)),
        intervals.mean(rates[order], units=Units(groups[order] * 7)),
    )
    np.testing.assert_allclose([one.value, one.low, one.high], [other.value, other.low, other.high])
    assert one.value == pytest.approx(rates.mean(0))
    changed = intervals.mean_change(rates - 0.5, Units(groups))
    again = intervals.mean_change((rates - 0.5)[order], Units(groups[order] * 7))
    np.testing.assert_allclose([changed.value, changed.low, changed.high], [again.value, again.low, again.high])
    assert changed.value == pytest.approx(rates.mean(0) - 0.5)  # a large group counts more


@pytest.mark.parametrize("chances", [(0.05, 0.05), (0.02, 0), (0.1, 0), (0, 0.05), (0, 0.001)])
def test_balanced_intervals_cover_the_truth_where_few_units_make_a_class(chances: tuple[float, float]) -> None:
    """As the 43 classes of GTSRB: of some there are two signs, which count as much as the 25 of another."""
    sizes = np.array([2] * 10 + [5] * 10 + [20] * 23)
    chance = np.where(sizes > 2, chances[1], chances[0])
    labels = np.arange(43).repeat(sizes)
    correct = (RNG(0).random((len(labels), 2000)) >= chance[labels][:, None]).astype(float)
    found = rates.balanced_accuracy(correct, labels)
    truth = 1 - chance.mean()
    assert ((found.low <= truth) & (truth <= found.high)).mean() >= 0.94


@pytest.mark.parametrize(("correlation", "chance"), [(0.5, 0.05), (0.5, 0.002), (0.2, 0.05), (0.2, 0.002)])
def test_a_design_effect_covers_the_truth_where_the_groups_are_not_known(correlation: float, chance: float) -> None:
    """421 objects of 30 images fail by chances of this intra-class correlation."""
    a, b = chance * (1 / correlation - 1), (1 - chance) * (1 / correlation - 1)
    of_object = RNG(0).binomial(30, RNG(1).beta(a, b, (421, 400))) / 30
    rates, units = of_object.repeat(30, axis=0), Units(design_effect=1 + 29 * correlation)
    found = intervals.mean(rates, units=units)
    assert ((found.low <= chance) & (chance <= found.high)).mean() >= below(400)
    changed = intervals.mean_change(rates[:, :200] - rates[:, 200:], units)
    assert ((changed.low <= 0) & (changed.high >= 0)).mean() >= below(200)


@pytest.mark.parametrize("within", [0.1, 1.0])
@pytest.mark.parametrize(("units", "grouped"), [(10, True), (50, False), (50, True), (421, True)])
def test_intervals_of_medians_cover_the_truth(units: int, grouped: bool, within: float) -> None:
    assert GRID["median_coverage"](GRID["TestSet"](units, grouped), 1000, within) >= below(1000)


def test_intervals_of_medians_of_images_are_too_narrow_for_groups() -> None:
    """What the groups are for: the same values, each image taken as a unit."""
    values = RNG(0).normal(size=(300, 50)).repeat(30, axis=1)
    ends = np.array([intervals.median_ends(row) for row in values])
    assert ((ends[:, 0] <= 0) & (ends[:, 1] >= 0)).mean() < 0.6
    units = Units(np.arange(50).repeat(30))
    ends = np.array([intervals.median_ends(row, units) for row in values])
    assert ((ends[:, 0] <= 0) & (ends[:, 1] >= 0)).mean() >= below(300)
    assert intervals.median_ends(values[0], Units(design_effect=30.0)) == intervals.median_ends(values[0], units)


def test_too_few_groups_have_no_interval_of_a_median() -> None:
    values: NDArray[Any] = np.arange(150.0)
    assert intervals.median_ends(values, Units(np.arange(150) // 30)) == (-np.inf, np.inf)
    assert np.isfinite(intervals.median_ends(values)).all()


def test_six_images_have_the_first_interval_of_a_median() -> None:
    """All of n values lie to one side of the median in 2 of 2^n cases: 3 % for 6 of them, but 6 % for 5."""
    values = np.array([3.0, 1, 2, 9, 5, 4])
    assert intervals.median_ends(values) == (1, 9)
    assert intervals.median_ends(values[:5]) == (-np.inf, np.inf)


def test_no_images_have_no_change() -> None:
    none = intervals.mean_change(np.zeros((0, 2)))
    assert none.value.shape == (2,)
    assert np.isnan([none.value, none.low, none.high]).all()


def test_one_image_is_one_trial() -> None:
    with np.errstate(all="raise"):
        found = intervals.mean(np.array([[1.0, 0.0]]))
    np.testing.assert_allclose([found.low, found.high], [[0.025, 0], [1, 0.975]])  # p^1 = 0.025


def test_the_distance_of_two_ends_is_the_law_of_cosines() -> None:
    ends = (np.array(value) for value in ([3.0, 3, 3, 3], [4.0, 4, 4, 5], [0.0, 1, -1, 0.5]))
    np.testing.assert_allclose(intervals.apart(*ends), [5, 1, 7, 19**0.5])


@pytest.mark.parametrize(("rise", "fall"), [(30, 10), (10, 30), (5, 0), (0, 5), (50, 50), (100, 0)])
def test_the_interval_of_a_change_is_newcombes_of_exact_ends(rise: int, fall: int) -> None:
    """Method 10 of Newcombe (1998) for paired proportions, with the ends of scipy's exact test."""
    changes = np.zeros((100, 2))
    changes[:rise, 0], changes[rise : rise + fall, 0], changes[:2, 1] = 1, -1, 0.5
    with np.errstate(all="raise"):
        found = intervals.mean_change(changes)
    up, down = rise / 100, fall / 100
    (up_low, up_high), (down_low, down_high) = (exact_ends(count) for count in (rise, fall))
    spread = (up * (1 - up) * down * (1 - down)) ** 0.5
    phi = -up * down / spread if spread else 0.0
    below_by = (up - up_low) ** 2 - 2 * phi * (up - up_low) * (down_high - down) + (down_high - down) ** 2
    above_by = (up_high - up) ** 2 - 2 * phi * (up_high - up) * (down - down_low) + (down - down_low) ** 2
    assert found.value[0] == pytest.approx(up - down)
    assert found.low[0] == pytest.approx(up - down - below_by**0.5)
    assert found.high[0] == pytest.approx(up - down + above_by**0.5)


def exact_ends(count: int) -> tuple[float, float]:
    """Of a share of 100."""
    interval = binomtest(count, 100).proportion_ci(method="exact")
    return float(interval.low), float(interval.high)


@pytest.mark.parametrize("means", [[0.1, 0.0, 0.6, 0.2], [0.0, 0.0, 0.1, 0.0], [0.2, 0.4, 0.6, 0.8]])
def test_unequal_units_know_as_much_as_the_variance_of_coins_says(means: list[float]) -> None:
    """Each unit is 0 or 1; the heaviest fails once more, which moves the share by its weight."""
    share = np.array([0.4, 0.3, 0.2, 0.1])
    chance, more = share @ means + 0.4, np.array([1.0, 0, 0, 0])
    variance = sum(
        weight**2 * (mean * (1 - chance) ** 2 + (1 - mean) * chance**2)
        for weight, mean in zip(share, np.array(means) + more, strict=True)
    )
    expected = min(chance * (1 - chance) / variance, 1 / (share**2).sum())
    both = np.stack([means, 1 - np.array(means)], axis=1)  # it is the same for successes
    found = intervals.effective_trials(both, share @ both, share)
    np.testing.assert_allclose(found, [expected] * 2)
