"""95 % intervals of ratios of two means over the same units, and of the mean of several such ratios."""

import numpy as np

from convstab.statistics import intervals
from convstab.statistics.intervals import Estimate, Floats
from convstab.units import IMAGES, Units

LEAST = 1e-9  # a share of a mean, below which it may be 0


def of_means(first: Floats, second: Floats, units: Units = IMAGES) -> tuple[Estimate, Estimate]:
    """How many times the mean of one quantity is that of another, and the mean of these ratios over the columns.

    The ends are where the interval of first - ratio * second begins to hold 0. That one is made of the intervals of the
    two means and of the correlation of their units, as that of a difference is (Newcombe 1998; for ratios Donner and
    Zou 2012, Statistical Methods in Medical Research 21:347). An end is infinite where the second mean may be 0.

    first, second: (n, columns), in [-1, 1], of n images.
    Returns estimates of (columns,) and of (): NaN where the mean of the second is not above 0, or a value is NaN.
    """
    top, bottom = interval_of(first, units), interval_of(second, units)
    means = [intervals.by_unit(values, np.ones(len(values)), units)[0] for values in (first, second)]
    value = np.divide(top.value, bottom.value, out=np.full_like(top.value, np.nan), where=bottom.value > 0)
    together = correlations(*means).diagonal()
    low = lowest(top, bottom, together)
    high = -lowest(Estimate(-top.value, -top.high, -top.low), bottom, -together)
    each = Estimate(value, *(np.where(np.isnan(value), np.nan, end) for end in (low, high)))
    return each, mean_of(each, means[0] - value * means[1])


def interval_of(values: Floats, units: Units) -> Estimate:
    """The interval of a mean of shares, or of changes where some are below 0."""
    return intervals.mean_change(values, units) if (values < 0).any() else intervals.mean(values, units=units)


def correlations(first: Floats, second: Floats) -> Floats:
    """How each column of the first goes with each of the second over units, (columns, columns); 0 where one is flat."""
    spread = np.outer(first.std(0), second.std(0))
    together = (first - first.mean(0)).T @ (second - second.mean(0)) / len(first)
    found: Floats = np.divide(together, spread, out=np.zeros_like(spread), where=spread > 0)
    return found.clip(-1, 1)


def lowest(top: Estimate, bottom: Estimate, together: Floats) -> Floats:
    """The lower end of a ratio: the root of the quadratic equation that its definition comes to."""
    below = top.value - top.low
    aside = np.where(top.low >= 0, bottom.high - bottom.value, bottom.value - bottom.low)
    square, half, rest = (
        bottom.value**2 - aside**2,
        top.value * bottom.value - together * below * aside,
        top.value**2 - below**2,
    )
    root = np.sqrt((half**2 - square * rest).clip(0))
    with np.errstate(divide="ignore", invalid="ignore"):
        above_zero = np.where(rest > 0, rest / (half + root), 0)
        below_zero = np.where(square > LEAST * bottom.value**2, (half - root) / square, -np.inf)
    return np.where(top.low >= 0, above_zero, below_zero)


def mean_of(each: Estimate, influence: Floats) -> Estimate:
    """The mean of ratios, whose deviations go together as what the units do to them; influence: (units, columns)."""
    together, value, ends = correlations(influence, influence), each.value.mean(), []
    np.fill_diagonal(together, 1)
    for sign, end in ((-1, each.low), (1, each.high)):
        apart = np.abs(end - each.value)
        spread = np.sqrt((apart @ together @ apart).clip(0)) if np.isfinite(apart).all() else apart.sum()
        ends.append(value + sign * spread / len(apart))
    return Estimate(*map(np.asarray, (value, *ends)))
