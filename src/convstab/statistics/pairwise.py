"""How alike models fail image by image: the rank correlation of their rates, and its interval over images or groups."""

from itertools import combinations

import numpy as np
from scipy.stats import rankdata
from scipy.stats import t as student

from convstab.statistics.intervals import TAIL, Estimate, Floats
from convstab.units import IMAGES, Integers, Units

FEWEST = 20  # units with a failure of each model, below which their spread tells no interval
TINY = 1e-12  # what rounding leaves of a variance where all values agree, and of 1 less a correlation that is 1


def mean_correlation(values: Floats, units: Units = IMAGES) -> Estimate:
    """Mean over pairs of models of Spearman's rank correlation over images, (levels,), with a 95 % interval.

    Ranks, with those of equal values averaged: rates of failing are 0 for most images, so that a few that fail often
    would decide without. The interval is made on the scale of Fisher's z. Its usual error, that of normal laws, does
    not hold for such rates, nor for groups; so it is that of the infinitesimal jackknife, the spread of the influence
    that each unit has, ranks included. It has Student's quantiles, for the units that fail tell nearly all.

    values: (models, n, levels), at least two models, from 0, such as flip rates; NaN where an image was not drawn.
    NaN where the values of a model all agree. Ends NaN where a model has values above 0 in fewer than 20 units, and
    where all models rank the images alike.
    Source: Croux and Dehon, Influence functions of the Spearman and Kendall correlation measures, Statistical Methods
    and Applications 19, 2010; Efron, The jackknife, the bootstrap and other resampling plans, 1982, chapter 6.
    """
    members, effect = units.members(values.shape[1]), 1.0 if units.groups is not None else units.design_effect
    value, low, high = np.array([of_level(level, members, effect) for level in np.moveaxis(values, 2, 0)]).T
    return Estimate(value, low, high)


def of_level(values: Floats, members: Integers, design_effect: float) -> tuple[float, float, float]:
    """The correlation under one level and the ends of its interval; values (models, n), members (n,)."""
    drawn = ~np.isnan(values).any(0)
    values, members = values[:, drawn], members[drawn]
    ranks = centred_ranks(values)
    variance = (ranks**2).mean(1)
    if not drawn.any() or (variance < TINY).any():
        return np.nan, np.nan, np.nan
    value, influence = correlation(values, ranks)
    failing = min(len(np.unique(members[each > 0])) for each in values) / design_effect
    if failing < FEWEST or 1 - abs(value) < TINY:
        return value, np.nan, np.nan
    _, unit = np.unique(members, return_inverse=True)
    error = np.sqrt(design_effect * (np.bincount(unit, influence) ** 2).sum()) / len(unit) / (1 - value**2)
    half = student.ppf(1 - TAIL, failing - 1) * error
    return value, float(np.tanh(np.arctanh(value) - half)), float(np.tanh(np.arctanh(value) + half))


def centred_ranks(values: Floats) -> Floats:
    """Ranks as shares of the images, of mean 0; equal values have the same; values (models, n)."""
    count = values.shape[1]
    found: Floats = (rankdata(values, axis=1) - (count + 1) / 2) / max(count, 1)
    return found


def correlation(values: Floats, ranks: Floats) -> tuple[float, Floats]:
    """The mean correlation over pairs, and the influence of each image on it, (n,); values, ranks: (models, n)."""
    product = ranks @ ranks.T / ranks.shape[1]
    variance = np.diagonal(product)
    own = [of_covariance(values, ranks, one, one) / variance[one] for one in range(len(values))]
    found, influence = list[float](), np.zeros(ranks.shape[1])
    for one, other in combinations(range(len(values)), 2):
        spread = float(np.sqrt(variance[one] * variance[other]))
        found.append(float(product[one, other]) / spread)
        influence += of_covariance(values, ranks, one, other) / spread - found[-1] * (own[one] + own[other]) / 2
    return float(np.mean(found)), influence / len(found)


def of_covariance(values: Floats, ranks: Floats, one: int, other: int) -> Floats:
    """The influence of each image on the covariance of the ranks of two models: its own ranks, and those it moves."""
    found: Floats = ranks[one] * ranks[other] + moved(values[one], ranks[other]) + moved(values[other], ranks[one])
    found -= found.mean()
    return found


def moved(values: Floats, ranks: Floats) -> Floats:
    """How far each image lifts the ranks of one model, times those of another: those above it, and half of its equals.

    values: (n,), of the one. ranks: (n,), of the other.
    """
    _, place = np.unique(values, return_inverse=True)
    sums = np.bincount(place, ranks)
    above = sums[::-1].cumsum()[::-1] - sums
    lifted: Floats = (above + sums / 2)[place] / len(values)
    return lifted
