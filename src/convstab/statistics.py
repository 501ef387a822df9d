"""From counts to rates: images, not draws, are the independent units."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]
Integers = NDArray[np.integer[Any]]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """Rates with their confidence intervals, one per sigma; NaN where there is nothing to count."""

    value: Floats
    low: Floats
    high: Floats


def accuracy(rates: Floats) -> Estimate:
    """Share of right draws; rates (n, sigmas) are the shares of each image."""
    return mean_with_interval(rates, np.zeros(len(rates), np.int64))


def balanced_accuracy(rates: Floats, labels: Integers) -> Estimate:
    """Mean of the recalls of the classes that have images, which is what the paper's Tables 2 and 6 call accuracy."""
    return mean_with_interval(rates, labels)


def flip_rate(rates: Floats, clean_correct: NDArray[np.bool_]) -> Estimate:
    """Share of wrong draws among the images that are right without noise, clean_correct (n,)."""
    flips = 1 - rates[clean_correct]
    return mean_with_interval(flips, np.zeros(len(flips), np.int64))


def mean_with_interval(rates: Floats, strata: Integers) -> Estimate:
    """Mean over strata of the mean over images, (sigmas,), with a 95 % interval.

    The interval is Wilson's with the effective number of images, p (1 - p) / variance of the mean, in place of the
    number of trials (Korn and Graubard 1998; Franco et al. 2019). The draws of an image may be as dependent as they
    like. Where all images agree, the effective number is that of images that have one draw each. With few failing
    images, about 3, the interval covers the truth 92 times in 100.

    rates: (n, sigmas), in [0, 1]. strata: (n,), the images of each are a sample of their own.
    """
    if not len(rates):
        nothing = np.full(rates.shape[1], np.nan)
        return Estimate(nothing, nothing, nothing)
    _, member, sizes = np.unique(strata, return_inverse=True, return_counts=True)
    means = np.zeros((len(sizes), rates.shape[1]))
    np.add.at(means, member, rates)
    means /= sizes[:, None]
    squares = np.zeros_like(means)
    np.add.at(squares, member, (rates - means[member]) ** 2)
    spread = np.where(sizes[:, None] > 1, squares / np.maximum(sizes - 1, 1)[:, None], rates.var(0))
    value = means.mean(0)
    variance = (spread / sizes[:, None]).sum(0) / len(sizes) ** 2
    single = len(sizes) ** 2 / (1 / sizes).sum()  # effective number of images, if each had one draw
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = np.where(variance > 0, value * (1 - value) / variance, single)
    return Estimate(value, *wilson(value, np.maximum(effective, 1)))


def wilson(value: Floats, trials: Floats) -> tuple[Floats, Floats]:
    """Wilson's 95 % interval of a share that was found in a number of independent trials."""
    z2 = float(ndtri((1 + CONFIDENCE) / 2)) ** 2
    centre = (value + z2 / (2 * trials)) / (1 + z2 / trials)
    half = np.sqrt(z2 * (value * (1 - value) / trials + z2 / (4 * trials**2))) / (1 + z2 / trials)
    low, high = (
        np.minimum(centre - half, value),
        np.maximum(centre + half, value),
    )  # rounding must not exclude the value
    return low.clip(0, 1) + 0.0, high.clip(0, 1)  # + 0.0: no minus zero


def first_failure(rates: Floats, sigmas: Floats) -> Floats:
    """The smallest sigma at which any draw of an image is wrong, (n,); infinite if none is. rates (n, sigmas)."""
    failures: Floats = np.where(rates < 1, sigmas, np.inf).min(1)
    return failures


def precision(confusion: Integers) -> Floats:
    """Share of right draws among those taken for a class, (..., K); confusion (..., label, predicted)."""
    return ratio(np.diagonal(confusion, axis1=-2, axis2=-1), confusion.sum(-2))


def recall(confusion: Integers) -> Floats:
    """Share of right draws among those of a class, (..., K); confusion (..., label, predicted)."""
    return ratio(np.diagonal(confusion, axis1=-2, axis2=-1), confusion.sum(-1))


def attraction(confusion: Integers) -> Floats:
    """Share of all wrong draws that are taken for each class, (..., K); confusion (..., label, predicted)."""
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    wrong = confusion.sum(-2) - right
    return ratio(wrong, wrong.sum(-1, keepdims=True))


def over_noise(confusion: Integers, sigmas: Floats) -> Integers:
    """The confusion of all draws with noise, as the paper's Tables 2 to 6 pool them: (K, K) from (sigmas, K, K)."""
    return np.asarray(confusion[np.asarray(sigmas) > 0].sum(0))


def ratio(part: Integers, whole: Integers) -> Floats:
    """The quotient, NaN where the whole is 0."""
    quotient = np.full(np.broadcast(part, whole).shape, np.nan)
    np.divide(part, whole, out=quotient, where=whole != 0)
    return quotient
