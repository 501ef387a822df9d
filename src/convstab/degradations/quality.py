"""Equal quality: for each image the level at which a family leaves it a given PSNR."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convstab.degradations.degradation import Degradation
from convstab.degradations.draws.same_draws import SameDraws, within
from convstab.degradations.similarity import psnr_of_mse
from convstab.errors import InputError
from convstab.images import quantise_, row_length
from convstab.validation import is_number

PILOTS, MANY_PILOTS = 8, 32  # draws whose mean squared error is set; many where a draw takes FEW numbers: it says less
FEW = 64
NEAR, NEAR_COARSE = 0.25, 1.0  # dB, how far off a level may be; of a family whose levels are coarse
DOUBLINGS, HALVINGS = 10, 24  # of the strength, beyond the family's grid, and in between
ENOUGH = 0.01  # dB, so near an image needs no more halvings
IN_VAIN = 2  # doublings in a row that change less than this: the blur of a flat image
AT_ONCE = 2**22  # values of draws that are made at once

Floats = NDArray[np.float64]


def level_for_psnr(
    family: Degradation, pixels: Tensor, ids: Tensor | Sequence[int], target_db: float, seed: int = 0
) -> tuple[Floats, Floats]:
    """The level of each image at which its degraded copies have a PSNR, after they are clipped and rounded to 8 bits.

    The mean squared error over 8 pilot draws is set by bisection, over 32 where a draw has only an angle or a place.
    Their random numbers have keys of their own, and are the same at all levels; an image's level is the same whatever
    stands beside it. Families with two directions are taken in that of their grid. Where nothing is drawn, there is one
    copy.

    Args:
        family: the degradation.
        pixels: uint8 (n, C, H, W).
        ids: (n,), of the images: they key the random numbers.
        target_db: dB, a finite number.
        seed: of the random numbers.

    Returns:
        levels: float64 (n,), NaN where no level comes within 0.25 dB (1 dB where levels are coarse: JPEG, bits,
            resolution, impulses), such as for the blur of a flat image.
        achieved: float64 (n,), the PSNR of the nearest level that was found, in dB, also where that is not near.

    Raises:
        InputError: a target that is no finite number, or images that the family cannot degrade.
    """
    if not is_number(target_db):
        raise InputError(f"target_db is {target_db}; it must be a finite number (dB)")
    shape = (pixels.shape[1], pixels.shape[2], pixels.shape[3])
    family.check_shape(shape)
    each = max(1, AT_ONCE // (MANY_PILOTS * row_length(math.prod(shape))))
    found = [
        Search(Pilots(family, part, [int(one) for one in own], seed), target_db).run()
        for part, own in zip(pixels.split(each), torch.as_tensor(ids).split(each), strict=True)
    ]
    levels, achieved = (np.concatenate([pair[place] for pair in found] or [np.empty(0)]) for place in range(2))
    near = NEAR_COARSE if family.coarse else NEAR
    levels[~(np.abs(achieved - target_db) <= near)] = math.nan
    return levels, achieved


class Pilots(SameDraws):
    """Draws of a few images by which their level is set. pixels: uint8 (n, C, H, W)."""

    def __init__(self, family: Degradation, pixels: Tensor, ids: Sequence[int], seed: int) -> None:
        shape = (pixels.shape[1], pixels.shape[2], pixels.shape[3])
        draws = pilots_of(sum(count for _, count in family.numbers(shape)))
        super().__init__(family, pixels, ids, seed, draws, "?")

    def psnr(self, levels: Floats, images: NDArray[np.intp]) -> Floats:
        """The PSNR of the mean squared error of some images, each at its level."""
        error = quantise_(self.at(levels, images)).unflatten(0, (-1, self.draws)) - self.clean[images][:, None]
        squares = error.double().square().mean((2, 3, 4))
        decibels: Floats = psnr_of_mse(squares.mean(1)).cpu().numpy()
        return decibels


class Search:
    """Looks for the level of each image by bisection of the strength: 1 is the worst level of the family's grid."""

    def __init__(self, pilots: Pilots, target: float) -> None:
        self.pilots, self.target = pilots, target
        self.levels, self.achieved = (np.full(len(pilots), math.nan) for _ in range(2))  # the nearest met so far
        self.decibels = np.full(len(pilots), math.nan)  # met last
        self.low, self.high = np.zeros(len(pilots)), np.ones(len(pilots))

    def run(self) -> tuple[Floats, Floats]:
        """The nearest levels that are met, and their PSNR: first the upper end doubles until it is bad enough."""
        beyond = self.found_ends()
        for _ in range(HALVINGS):
            images = np.flatnonzero(~(np.abs(self.achieved - self.target) <= ENOUGH) & ~beyond)
            middle = (self.low[images] + self.high[images]) / 2
            above = self.too_good(middle, images)
            self.low[images[above]], self.high[images[~above]] = middle[above], middle[~above]
        return self.levels, self.achieved

    def found_ends(self) -> NDArray[np.bool_]:
        """Set the upper end for each image, and tell those that even the worst level leaves too good, (n,)."""
        images, beyond = np.arange(len(self.pilots)), np.zeros(len(self.pilots), bool)
        in_vain = np.zeros(len(self.pilots), int)
        for _ in range(DOUBLINGS):
            before = self.decibels.copy()
            images = images[self.too_good(self.high[images], images)]
            changed = ~np.isclose(self.decibels[images], before[images], rtol=0, atol=ENOUGH)
            in_vain[images] = np.where(changed, 0, in_vain[images] + 1)
            ended = np.array([self.level(2 * end) == self.level(end) for end in self.high[images]], bool)
            ended |= in_vain[images] == IN_VAIN
            beyond[images[ended]], images = True, images[~ended]
            self.low[images] = self.high[images]
            self.high[images] *= 2
        beyond[images] = True
        return beyond

    def level(self, strength: float) -> float:
        """The level at a strength, within the range of the family."""
        family = self.pilots.family
        return within(family, family.between(family.check(family.grid)[-1], strength))

    def too_good(self, strengths: Floats, images: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Whether the quality of some images, each at a strength, is above the target."""
        if not len(images):
            return np.zeros(0, bool)
        levels = np.array([self.level(strength) for strength in strengths.tolist()])
        decibels = self.decibels[images] = self.pilots.psnr(levels, images)
        nearer = ~(np.abs(decibels - self.target) >= np.abs(self.achieved[images] - self.target))
        self.levels[images[nearer]], self.achieved[images[nearer]] = levels[nearer], decibels[nearer]
        return np.asarray(decibels > self.target)


def pilots_of(numbers: int) -> int:
    """How many pilot draws there are where each takes so many random numbers."""
    return MANY_PILOTS if 0 < numbers < FEW else PILOTS if numbers else 1
