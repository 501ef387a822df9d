"""Whether another model has its boundaries further away: the least perturbations of two ledgers, image by image."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convstab.errors import InputError
from convstab.ledger.ledger import Ledger
from convstab.ledger.sentences import least_of
from convstab.statistics.intervals import median_ends


@dataclass(frozen=True)
class Widening:
    """How many times as long the least perturbations of a model are as those of another.

    ratio, low, high: the median over images, and its 95 % interval over images or groups of them. longer: share of the
    images with a ratio above 1. images: those that both models classify correctly when clean, on which both were
    attacked, and for at least one of which noise was found. failed: those besides for which none was found in either.
    attacks: by which.
    """

    ratio: float
    low: float
    high: float
    longer: float
    images: int
    failed: int
    attacks: Sequence[str]

    def __str__(self) -> str:
        told = np.isfinite(self.low) or np.isfinite(self.high)
        ends = f"95 % {times(max(self.low, 0))} to {times(self.high)}" if told else "too few images for an interval"
        by = " and ".join(self.attacks)
        failed = f"; {self.failed} more, where no search found any, are left out" if self.failed else ""
        return (
            f"the least perturbation by {by} is {times(self.ratio)} times as long (median, {ends}), and longer for "
            f"{100 * self.longer:.1f} % of {self.images} images{failed}"
        )


def times(ratio: float) -> str:
    """How many times as long."""
    return f"{ratio:.3f}" if np.isfinite(ratio) else "endlessly many"


def widening(before: Ledger, after: Ledger) -> Widening:
    """How much longer the least perturbations are after than before, by the attacks and on the images of both ledgers.

    They are upper bounds of how far boundaries are, and as tight as the attacks, whose settings have to be the same. A
    search that failed in one of the ledgers counts as an endless perturbation.

    Raises InputError when they have no attack in common, no image has a least perturbation in both, or images of one
    number have other labels.
    """
    attacks = [name for name in before.settings["attacks"] if name in after.settings["attacks"]]
    if not attacks:
        raise InputError("the two ledgers have no attack in common, and bounds by different attacks tell nothing")
    _, *rows = np.intersect1d(before.rows["index"], after.rows["index"], return_indices=True)
    labels, others = (one.rows["label"][places] for one, places in zip((before, after), rows, strict=True))
    if not np.array_equal(labels, others) or list(before.classes) != list(after.classes):
        raise InputError("the two ledgers are of other images: those of the same number have other labels")
    least = [
        np.where(one.rows["clean_correct"], least_of(one, attacks), np.nan)[places]
        for one, places in zip((before, after), rows, strict=True)
    ]
    both = (least[0] > 0) & (least[1] > 0)  # NaN is not; 0: it was correct when evaluated, and not when attacked
    found = both & (np.isfinite(least[0]) | np.isfinite(least[1]))
    if not both.any():
        raise InputError("the two ledgers have no image in common that is correct when clean and was attacked in both")
    if not found.any():
        raise InputError(
            f"no search of either ledger found any noise for the {both.sum()} images that they have in common"
        )
    ratio = least[1][found] / least[0][found]
    ends = median_ends(ratio, before.units.part(rows[0][found]))
    longer, failed = float((ratio > 1).mean()), int((both & ~found).sum())
    return Widening(float(np.median(ratio)), *ends, longer, int(found.sum()), failed, attacks)
