"""Whether another model has its boundaries further away: the least perturbations of two ledgers, image by image."""

from dataclasses import dataclass

import numpy as np

from convstab.errors import InputError
from convstab.ledger.ledger import Ledger
from convstab.statistics.intervals import median_ends


@dataclass(frozen=True)
class Widening:
    """How many times as long the least perturbations of a model are as those of another.

    ratio, low, high: the median over images, and its 95 % interval over images or groups of them. longer: share of the
    images with a ratio above 1. images: those that both models classify correctly when clean, and on which both were
    attacked.
    """

    ratio: float
    low: float
    high: float
    longer: float
    images: int

    def __str__(self) -> str:
        ends = f"95 % {self.low:.3f} to {self.high:.3f}"
        return (
            f"the least perturbation is {self.ratio:.3f} times as long (median, {ends}), and longer for "
            f"{self.longer:.1%} of {self.images} images"
        )


def widening(before: Ledger, after: Ledger) -> Widening:
    """How much further away boundaries are after than before, on the images that both ledgers have.

    A search that failed counts as an endless perturbation; where both failed, the ratio is 1.

    Raises InputError when no image has a least perturbation in both, or images of one number have other labels.
    """
    _, *rows = np.intersect1d(before.rows["index"], after.rows["index"], return_indices=True)
    labels, others = (one.rows["label"][places] for one, places in zip((before, after), rows, strict=True))
    if not np.array_equal(labels, others) or list(before.classes) != list(after.classes):
        raise InputError("the two ledgers are of other images: those of the same number have other labels")
    least = [
        np.where(one.rows["clean_correct"], one.rows["perturbation"], np.nan)[places]
        for one, places in zip((before, after), rows, strict=True)
    ]
    both = (least[0] > 0) & (least[1] > 0)  # NaN is not; 0: it was correct when evaluated, and not when attacked
    if not both.any():
        raise InputError("the two ledgers have no image in common that is correct when clean and was attacked in both")
    first, second = (values[both] for values in least)
    failed = np.isinf(first) & np.isinf(second)
    ratio = np.where(failed, 1.0, second / np.where(failed, 1.0, first))
    ends = median_ends(ratio, before.units.part(rows[0][both]))
    return Widening(float(np.median(ratio)), *ends, float((ratio > 1).mean()), int(both.sum()))
