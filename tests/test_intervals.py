"""Intervals: exact ones of scipy, what must be monotone, and simulated truth; the grid is that of the benchmark."""

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import binomtest

from convstab import intervals, statistics
from convstab.intervals import Estimate, Floats
from convstab.units import Units

GRID: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "interval_coverage.py"))
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
    found = statistics.accuracy(np.repeat([1.0, 0.0], [images - failed, failed])[:, None])
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


@pytest.mark.parametrize("chances", [(0.05, 0.05), (0.02, 0), (0.1, 0), (0, 0.05), (0, 0.001)])
def test_balanced_intervals_cover_the_truth_where_few_units_make_a_class(chances: tuple[float, float]) -> None:
    """As the 43 classes of GTSRB: of some there are two signs, which count as much as the 25 of another."""
    sizes = np.array([2] * 10 + [5] * 10 + [20] * 23)
    chance = np.where(sizes > 2, chances[1], chances[0])
    labels = np.arange(43).repeat(sizes)
    right = (RNG(0).random((len(labels), 2000)) >= chance[labels][:, None]).astype(float)
    found = statistics.balanced_accuracy(right, labels)
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
