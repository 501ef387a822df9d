"""Means of losses over images: numbers without an upper end, of which a few may be the most of the sum."""

import numpy as np
from scipy.stats import gamma

from convstab.statistics import intervals
from convstab.statistics.intervals import TAIL, Estimate, Floats
from convstab.units import IMAGES, Units


def mean_loss(losses: Floats, units: Units = IMAGES) -> Estimate:
    """Mean over images of losses of at least 0, (levels,), with an approximate 95 % interval over units.

    No interval of a mean without an upper end can be exact (Bahadur and Savage 1956, Annals of Mathematical Statistics
    27:1115). This is the gamma interval of Fay and Feuer (1997, Statistics in Medicine 16:791) with the variance among
    units: exact where the loss is one number or 0 and seldom the former; at the upper end the heaviest unit counts once
    more.

    losses: (n, levels).
    """
    if not len(losses):
        return intervals.mean(losses)
    means, weights = intervals.by_unit(losses, np.ones(len(losses)), units)
    share = weights / weights.sum()
    parts = share[:, None] * means
    value = parts.sum(0)
    count, most = len(share), parts.max(0) * units.design_effect
    spread = (share**2) @ (means - value) ** 2 * count / max(count - 1, 1) * units.design_effect
    spread = spread if count > 1 else most**2  # of one unit nothing is known but its size
    low = gamma_quantile(TAIL, value, spread)
    high = gamma_quantile(1 - TAIL, value + most, spread + most**2)
    return Estimate(value, np.minimum(low, value), np.maximum(high, value))


def gamma_quantile(tail: float, mean: Floats, variance: Floats) -> Floats:
    """The quantile of the gamma distribution of this mean and variance; the mean where nothing varies."""
    varies = (variance > 0) & (mean > 0)
    scale = np.divide(variance, mean, out=np.ones_like(mean), where=varies)
    return np.where(varies, gamma.ppf(tail, np.where(varies, mean / scale, 1), scale=scale), mean)
