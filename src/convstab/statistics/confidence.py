"""From counts of confidence to calibration and selective risk: one number for each level."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from convstab.statistics.intervals import Floats
from convstab.units import Integers


def reliability(calibration: NDArray[np.int64], unit: float) -> tuple[Floats, Floats, Floats]:
    """Share of the draws, accuracy and mean confidence in each bin, (levels, bins); NaN in a bin without draws.

    calibration: (levels, bins, 3): draws, correct draws, and the sum of their confidence in whole ``1 / unit``.
    """
    draws, correct, confidence = (calibration[..., place].astype(float) for place in range(3))
    with np.errstate(invalid="ignore", divide="ignore"):
        return draws / draws.sum(1, keepdims=True), correct / draws, confidence / unit / draws


def expected_calibration_error(calibration: NDArray[np.int64], unit: float) -> Floats:
    """The mean distance of accuracy and confidence, (levels,); NaN without draws.

    Each bin weighs as its draws do. With few draws it is biased upwards, for chance moves the accuracy of a bin away
    from its confidence. Source: Guo, Pleiss, Sun, Weinberger, On Calibration of Modern Neural Networks, ICML 2017,
    equation 3. calibration, unit: see ``reliability``.
    """
    share, accuracy, confidence = reliability(calibration, unit)
    error: Floats = np.nansum(share * np.abs(accuracy - confidence), axis=1)
    return np.where(calibration[..., 0].any(1), error, np.nan)


def area_under_risk_coverage(counts: Integers) -> Floats:
    """The mean error of the n most confident draws over n = 1, 2, ..., (levels,); NaN without draws.

    The draws of one bin are in random order: this is the expectation. Source: Geifman, Uziel, El-Yaniv, Bias-Reduced
    Uncertainty Estimation for Deep Neural Classifiers, ICLR 2019. counts: (levels, misclassified or
    correct, bins), of ascending confidence.
    """
    errors, draws = from_the_top(counts)
    before, missed = draws.cumsum(1) - draws, errors.cumsum(1) - errors
    each = np.divide(errors, draws, out=np.zeros_like(draws), where=draws > 0)
    harmonic = digamma(before + draws + 1) - digamma(before + 1)  # 1 / (before + 1) + ... + 1 / (before + draws)
    area = (errors + (missed - before * each) * harmonic).sum(1)
    total = draws.sum(1)
    mean: Floats = np.divide(area, total, out=np.full_like(total, np.nan), where=total > 0)
    return mean


def accuracy_at_coverage(counts: Integers, coverage: float) -> Floats:
    """Accuracy of this share of the draws, the most confident ones, (levels,); NaN without draws.

    The draws of one bin are in random order: this is the expectation. counts: see ``area_under_risk_coverage``.
    """
    errors, draws = from_the_top(counts)
    kept = np.ceil(coverage * draws.sum(1) - 1e-9)[:, None]  # 0.8 of 10 is 8
    taken = (kept - (draws.cumsum(1) - draws)).clip(0, draws)
    missed = np.divide(errors * taken, draws, out=np.zeros_like(draws), where=draws > 0).sum(1)
    found: Floats = np.full(len(kept), np.nan)
    np.divide(kept[:, 0] - missed, kept[:, 0], out=found, where=kept[:, 0] > 0)
    return found


def from_the_top(counts: Integers) -> tuple[Floats, Floats]:
    """Misclassified draws and all draws, (levels, bins), from the most confident bin on."""
    ordered = counts[..., ::-1].astype(float)
    return ordered[:, 0], ordered.sum(1)
