"""95 % intervals of means, changes and medians over independent units: they hold where few of them fail, too."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv
from scipy.stats import binom

from convstab.units import IMAGES, Units

Floats = NDArray[np.float64]
CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
LEAST = 1e-12  # a share below, or above 1 minus it, is rounding


@dataclass(frozen=True)
class Estimate:
    """Rates with their confidence intervals, one per level; NaN where there is nothing to count."""

    value: Floats
    low: Floats
    high: Floats

    @property
    def half(self) -> Floats:
        """Half the width of the intervals."""
        return (self.high - self.low) / 2


def mean(rates: Floats, weights: Floats | None = None, units: Units = IMAGES, tail: float = TAIL) -> Estimate:
    """Weighted mean over images, (levels,), with a 95 % interval.

    The interval is that of Clopper and Pearson (1934) with the mean times the effective number of units in place of
    the number of successes. Each unit counts as one trial, however many draws and images it has: of all variables in
    [0, 1] with one mean, those that are 0 or 1 spread most (Hoeffding 1963, Journal of the ASA 58:13). So the draws of
    an image and the images of a group may be as dependent as they like.

    rates: (n, levels), in [0, 1]. weights: (n,), above 0; None: all the same. tail: chance to lie beyond each end.
    """
    if not len(rates):
        nothing = np.full(rates.shape[1], np.nan)
        return Estimate(nothing, nothing, nothing)
    value, trials = value_and_trials(rates, weights, units)
    return Estimate(value, *clopper_pearson(value, trials, tail))


def value_and_trials(rates: Floats, weights: Floats | None = None, units: Units = IMAGES) -> tuple[Floats, Floats]:
    """What the interval of ``mean`` is made of: the weighted mean, and the effective number of trials, (levels,) each.

    rates: (n, levels), in [0, 1], at least one image. weights: (n,), above 0; None: all the same.
    """
    means, share = by_unit(rates, np.ones(len(rates)) if weights is None else weights, units)
    value = (share @ means) / (share @ np.ones_like(means))  # exactly 1 where all are
    trials = effective_trials(means, value, share / share.sum()) / units.design_effect
    return value, np.maximum(trials, 1.0)


def by_unit(values: Floats, weights: Floats, units: Units) -> tuple[Floats, Floats]:
    """The weighted mean of each unit, (units, levels), and its weight, (units,); values (n, levels), weights (n,)."""
    if units.groups is None:
        return values, weights
    _, member = np.unique(units.members(len(values)), return_inverse=True)
    share = np.bincount(member, weights).astype(float)
    sums = np.stack([np.bincount(member, weights * column) for column in values.T], axis=1)
    return sums / share[:, None], share


def effective_trials(means: Floats, value: Floats, share: Floats) -> Floats:
    """How many independent trials, each 0 or 1, know as much of the mean as the units do, (levels,).

    For units of equal weight it is their number; else p (1 - p) / variance (Korn and Graubard 1998), at most what the
    weights alone leave (Kish 1965). The variance is that of units that are 0 or 1 with the chances seen, and with the
    heaviest unit once more among the fewer of the two: it may be that which had luck (Fay and Feuer 1997).

    means: (units, levels), in [0, 1]. value: their mean, (levels,). share: the weight of each unit, (units,), of sum 1.
    """
    squares, seldom = share**2, np.minimum(value, 1 - value)
    most, chance = 1 / squares.sum(), seldom + share.max()
    chances = np.where(value <= 0.5, means, 1 - means)
    spread = squares @ (chances * (1 - 2 * chance) + chance**2) + share.max() ** 2 * (1 - 2 * chance)
    inner = chance * (1 - chance)
    seen = np.divide(inner, spread, out=np.full_like(value, most), where=(inner > LEAST) & (spread > LEAST**2))
    trials: Floats = np.minimum(seen, most)
    return trials


def clopper_pearson(share: Floats, trials: Floats, tail: float = TAIL) -> tuple[Floats, Floats]:
    """The exact 95 % interval of a share of independent trials; neither they nor the successes need be whole.

    tail: chance to lie beyond each end, 2.5 % of that interval.
    """
    successes = share * trials
    failures = np.maximum(trials - successes, 0.0)
    low = np.where(share > LEAST, betaincinv(np.maximum(successes, LEAST), failures + 1, tail), 0.0)
    high = np.where(share < 1 - LEAST, betaincinv(successes + 1, np.maximum(failures, LEAST), 1 - tail), 1.0)
    return np.minimum(low, share), np.maximum(high, share)  # rounding must not exclude the share


def mean_change(changes: Floats, units: Units = IMAGES, tail: float = TAIL) -> Estimate:
    """Mean over images of changes in [-1, 1], (n, levels), with a 95 % interval.

    It is the difference of how far units rise and how far they fall, two shares that are 0 for most; so its interval
    is made of theirs, which know few changing units (Newcombe 1998, Statistics in Medicine 17:2635).
    tail: chance to lie beyond each end.
    """
    if not len(changes):
        return mean(changes)
    net, share = by_unit(changes, np.ones(len(changes)), units)
    rises, falls = net.clip(0, 1), (-net).clip(0, 1)
    alike = Units(design_effect=units.design_effect)
    up, down = (mean(part, share, alike, tail) for part in (rises, falls))
    spread = rises.std(0) * falls.std(0)
    inner = -rises.mean(0) * falls.mean(0)  # their covariance: no unit does both
    together = np.divide(inner, spread, out=np.zeros_like(spread), where=spread > 0)
    value = up.value - down.value
    low = value - apart(up.value - up.low, down.high - down.value, together)
    high = value + apart(up.high - up.value, down.value - down.low, together)
    return Estimate(value, low.clip(-1, 1), high.clip(-1, 1))


def apart(first: Floats, second: Floats, correlation: Floats) -> Floats:
    """How far a difference may be off when its two numbers may be off so far."""
    return np.sqrt(first**2 - 2 * correlation * first * second + second**2)


def median_ends(values: Floats, units: Units = IMAGES) -> tuple[float, float]:
    """The 95 % interval of a median by order statistics: whatever the values are, infinite ones too; (n,).

    The shares of units that lie below the median are no wider spread than those of as many coins, so the ends are the
    values up to and from which lies the share of the images that so many coins fall short of in 2.5 % of cases.
    Infinite to both sides where there are too few units. Units of unequal size count as fewer (Kish 1965).
    """
    weights = by_unit(np.zeros((len(values), 1)), np.ones(len(values)), units)[1]
    trials = weights.sum() ** 2 / (weights**2).sum() / units.design_effect
    place = int(binom.ppf(TAIL, int(trials), 0.5))
    if place < 1:
        return -np.inf, np.inf
    ordered, rank = np.sort(values), int(np.ceil(place / trials * len(values) - LEAST))
    return float(ordered[rank - 1]), float(ordered[len(values) - rank])
