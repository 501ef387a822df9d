"""Draws of a few images whose random numbers are the same at all levels, so that a search sees the level alone."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convstab.degradations.degradation import Degradation
from convstab.generators.floats import NoiseSource
from convstab.images import as_images, as_rows, row_length


class SameDraws:
    """Makes the draws of some of the images at a level of their own.

    family: the degradation. pixels: uint8 (n, C, H, W). ids: n, of the images. seed: 64 bits. draws: of each image.
    purpose: a letter that keeps the random numbers apart from those for something else.
    Raises InputError for images that the family cannot degrade.
    """

    def __init__(
        self, family: Degradation, pixels: Tensor, ids: Sequence[int], seed: int, draws: int, purpose: str
    ) -> None:
        self.family, self.shape, self.draws = family, (pixels.shape[1], pixels.shape[2], pixels.shape[3]), draws
        family.check_shape(self.shape)
        self.clean = as_images(as_rows(pixels), self.shape)
        self.random = [
            self.numbers(NoiseSource(seed, pixels.device, law, f"{purpose}{family.name}.{place}"), count, ids)
            for place, (law, count) in enumerate(family.numbers(self.shape))
        ]

    def __len__(self) -> int:
        return len(self.clean)

    def numbers(self, source: NoiseSource, count: int, ids: Sequence[int]) -> Tensor:
        """The random numbers of all draws of one kind, float32 (n * draws, count)."""
        numbers = self.clean.new_empty(len(ids), self.draws, row_length(count))
        for rows, image in zip(numbers, ids, strict=True):
            source.fill(rows, image, 0.0)
        return numbers.flatten(0, 1)[:, :count]

    def at(self, levels: Sequence[float] | NDArray[np.float64], images: Sequence[int] | NDArray[np.intp]) -> Tensor:
        """The draws of some images, each at its level, float32 (m * draws, C, H, W), grey levels, not yet clipped.

        levels: m. images: m, their places.
        """
        chosen = torch.as_tensor(np.asarray(images, np.int64), device=self.clean.device)
        rows = (chosen[:, None] * self.draws + torch.arange(self.draws, device=chosen.device)).flatten()
        level = torch.as_tensor(np.asarray(levels, np.float64), device=chosen.device).repeat_interleave(self.draws)
        clean = self.clean[chosen].repeat_interleave(self.draws, 0)
        return self.family.apply(clean, level, [numbers[rows] for numbers in self.random])


def within(family: Degradation, level: float) -> float:
    """The level, or the end of the range that it lies beyond."""
    return level if level == family.neutral else min(max(level, family.low), family.high)
