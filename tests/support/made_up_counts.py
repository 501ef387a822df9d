"""Counts of results that are made up: what goes with a confusion."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convstab.evaluation.confidence import BINS, MARGIN_EDGES
from convstab.evaluation.exact import UNIT
from convstab.evaluation.tally import PSNR_EDGES, SCORE_EDGES


def totals_of(confusion: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """The totals of draws in which the model is certain of what it says; without a histogram."""
    levels, classes, _ = confusion.shape
    draws, correct = confusion.sum((1, 2)), confusion.trace(axis1=1, axis2=2)
    calibration = np.zeros((levels, BINS, 3), np.int64)
    calibration[:, -1] = np.stack([draws, correct, draws * int(UNIT)], 1)
    margins = np.zeros((levels, 2, len(MARGIN_EDGES) - 1), np.int64)
    margins[..., -1] = np.stack([draws - correct, correct], 1)
    histogram = np.zeros((classes, 2, len(PSNR_EDGES) - 1, len(SCORE_EDGES) - 1), np.int64)
    return {"confusion": confusion, "histogram": histogram, "calibration": calibration, "margins": margins}


def columns_of(correct: NDArray[Any], draws: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """The columns that go with correct draws, of images that are correct when clean where none is misclassified."""
    shares = 1 - correct / draws
    losses = {"brier_mean": 2 * shares, "nll_mean": 20 * shares}
    return {"changed": draws - correct, **losses, "margin_mean": 20 - 40 * shares, "margin_sd": 0 * shares}
