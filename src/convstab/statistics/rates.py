"""From counts to rates: images, or groups of them, are the independent units, never draws."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from convstab.statistics import intervals
from convstab.statistics.intervals import Estimate, Floats
from convstab.units import IMAGES, Integers, Units


def accuracy(rates: Floats, units: Units = IMAGES) -> Estimate:
    """Share of correct draws; rates (n, levels) are the shares of each image, NaN where it was not drawn."""
    return where_drawn(rates, lambda drawn, rows: intervals.mean(drawn, units=units.part(rows)))


def balanced_accuracy(rates: Floats, labels: Integers, units: Units = IMAGES) -> Estimate:
    """Mean of the recalls of the classes that have images, which is what the paper's Tables 2 and 6 call accuracy."""

    def estimate(drawn: Floats, rows: NDArray[np.bool_]) -> Estimate:
        _, member, sizes = np.unique(labels[rows], return_inverse=True, return_counts=True)
        return intervals.mean(drawn, 1 / sizes[member], units.part(rows))

    return where_drawn(rates, estimate)


def flip_rate(rates: Floats, clean_correct: NDArray[np.bool_], units: Units = IMAGES) -> Estimate:
    """Share of misclassified draws among the images that are correct when clean, clean_correct (n,)."""
    chosen = units.part(clean_correct)
    return where_drawn(1 - rates[clean_correct], lambda flips, rows: intervals.mean(flips, units=chosen.part(rows)))


def where_drawn(rates: Floats, estimate: Callable[[Floats, NDArray[np.bool_]], Estimate]) -> Estimate:
    """An estimate of each level from the images that were drawn under it, which are told as bool (n,)."""
    drawn = ~np.isnan(rates)
    if drawn.all():
        return estimate(rates, np.ones(len(rates), bool))
    levels = [estimate(rates[rows][:, [level]], rows) for level, rows in enumerate(drawn.T)]
    value, low, high = (np.concatenate([getattr(one, name) for one in levels]) for name in ("value", "low", "high"))
    return Estimate(value, low, high)


def mean_of_drawn(rates: Floats) -> Floats:
    """The mean over the levels that an image was drawn under, (n,); NaN where there is none. rates: (n, levels)."""
    drawn = ~np.isnan(rates)
    means: Floats = np.where(drawn.any(1), np.nansum(rates, 1) / drawn.sum(1).clip(1), np.nan)
    return means


def first_failure(rates: Floats) -> Integers:
    """The place of the mildest level with a misclassified draw of each image, (n,); the number of levels: none.

    rates: (n, levels), from the mildest level to the worst.
    """
    failed = rates < 1
    first: Integers = np.where(failed.any(1), failed.argmax(1), rates.shape[1])
    return first


def precision(confusion: Integers) -> Floats:
    """Share of correct draws among those taken for a class, (..., K); confusion (..., label, predicted)."""
    return ratio(np.diagonal(confusion, axis1=-2, axis2=-1), confusion.sum(-2))


def recall(confusion: Integers) -> Floats:
    """Share of correct draws among those of a class, (..., K); confusion (..., label, predicted)."""
    return ratio(np.diagonal(confusion, axis1=-2, axis2=-1), confusion.sum(-1))


def attraction(confusion: Integers) -> Floats:
    """Share of all misclassified draws that are taken for each class, (..., K); confusion (..., label, predicted)."""
    correct = np.diagonal(confusion, axis1=-2, axis2=-1)
    misclassified = confusion.sum(-2) - correct
    return ratio(misclassified, misclassified.sum(-1, keepdims=True))


def over_levels(confusion: Integers, weights: Integers | NDArray[np.bool_]) -> Integers:
    """The confusion of all degraded draws, as the paper's Tables 2 to 6 pool them: (K, K) from (levels, K, K).

    weights: how often the draws of each level count, (levels,): those of levels with fewer draws count more often.
    """
    return np.asarray((confusion * np.asarray(weights, np.int64)[:, None, None]).sum(0))


def ratio(part: Integers | Floats, whole: Integers | Floats) -> Floats:
    """The quotient, NaN where the whole is 0."""
    quotient = np.full(np.broadcast(part, whole).shape, np.nan)
    np.divide(part, whole, out=quotient, where=whole != 0)
    return quotient
