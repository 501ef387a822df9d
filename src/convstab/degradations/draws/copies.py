"""Degraded copies in batches: each draw gets its own keyed random numbers, whatever stands beside it."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from convstab.degradations.degradation import Degradation
from convstab.degradations.gaussian import Gaussian, add_noise
from convstab.generators.draws import DrawRange, row_by_row
from convstab.generators.floats import NoiseSource
from convstab.images import as_images, as_rows, quantise_, row_length

EXACT = 2.0**24  # float32 adds up whole numbers without rounding as long as the sum is less
PART = 256  # squares of grey levels, whose sum always is


class Copies(ABC):
    """Makes draws of a few images as rows (see ``images.as_rows``) on their device.

    dtype: of the rows: uint8 where draws are what an 8-bit image holds, else float32.
    """

    dtype: torch.dtype

    @abstractmethod
    def fill(self, rows: Tensor, runs: Sequence[DrawRange]) -> Tensor:
        """Write draws over ``rows``, (N, row length), in grey levels, clipped and rounded as they are to be.

        Gives the sum of the squared errors of each, (N,), float64: exact where grey levels are whole.
        """


class FloatCopies(Copies):
    """Draws of any degradation, from random numbers that are floats.

    pixels: uint8 (n, C, H, W). index: their ids. levels: of the degradation for each image, float64 (n, levels); NaN:
    as the image is. keys: of each level, which key the random numbers.
    """

    def __init__(
        self,
        degradation: Degradation,
        levels: Tensor,
        keys: Sequence[float],
        pixels: Tensor,
        index: Sequence[int],
        seed: int,
        clip: bool,
        rounding: bool,
    ) -> None:
        self.degradation, self.keys, self.index = degradation, keys, index
        self.clip, self.rounding = clip, rounding
        self.dtype = torch.uint8 if clip and rounding else torch.float32
        self.levels = levels.nan_to_num(nan=degradation.neutral, posinf=math.inf, neginf=-math.inf)
        self.plain = self.levels.tolist()
        self.shape = channels, height, width = tuple(pixels.shape[1:])
        degradation.check_shape((channels, height, width))
        self.clean = as_rows(pixels)
        numbers = degradation.numbers((channels, height, width))
        names = [name_of(degradation, place) for place in range(len(numbers))]
        laws = zip(numbers, names, strict=True)
        self.sources = [NoiseSource(seed, pixels.device, wanted.law, name) for wanted, name in laws]
        self.counts = [wanted.each for wanted in numbers]
        self.direct = type(degradation) is Gaussian
        self.degraded, self.error = self.clean[:0], self.clean[:0]  # used again for every batch

    def fill(self, rows: Tensor, runs: Sequence[DrawRange]) -> Tensor:
        """See ``Copies``."""
        count = len(rows)
        if len(self.degraded) < count:
            self.degraded = self.clean.new_zeros(count, self.clean.shape[1])
            self.error = torch.zeros_like(self.degraded)
        degraded, error, size = self.degraded[:count], self.error[:count], math.prod(self.shape)
        (self.add_noise if self.direct else self.degrade)(degraded, runs)
        quantise_(degraded, self.clip, self.rounding)
        for row, image, _, _, length in runs:
            torch.sub(degraded[row : row + length], self.clean[image], out=error[row : row + length])
        error[:, size:] = 0  # noise fills whole groups of 16
        rows.copy_(degraded)
        return squares(error, self.rounding)

    def add_noise(self, rows: Tensor, runs: Sequence[DrawRange]) -> None:
        """Gaussian noise, drawn where it is wanted: no copy is made."""
        for row, image, level, first, count in runs:
            drawn, sigma = rows[row : row + count], self.plain[image][level]
            if sigma:
                self.sources[0].fill(drawn, self.index[image], self.keys[level], first)
                add_noise(self.clean[image], drawn, sigma)
            else:
                drawn.copy_(self.clean[image])

    def degrade(self, rows: Tensor, runs: Sequence[DrawRange]) -> None:
        """Any degradation, all draws of the batch at once."""
        images, level, _ = row_by_row(runs, rows.device)
        torch.index_select(self.clean, 0, images, out=rows)
        clean = as_images(rows, self.shape)
        degraded = self.degradation.apply(clean, self.levels[images, level], self.random(len(rows), runs))
        rows[:, : clean[0].numel()] = degraded.permute(0, 2, 3, 1).flatten(1)

    def random(self, total: int, runs: Sequence[DrawRange]) -> list[Tensor]:
        """The random numbers of all draws of a batch, float32 (total, count) for each source."""
        found = []
        for source, count in zip(self.sources, self.counts, strict=True):
            numbers = self.clean.new_zeros(total, row_length(count))
            for row, image, level, first, length in runs:
                if self.plain[image][level] != self.degradation.neutral:
                    source.fill(numbers[row : row + length], self.index[image], self.keys[level], first)
            found.append(numbers[:, :count])
        return found


def squares(error: Tensor, whole_levels: bool = True) -> Tensor:
    """The sum of the squares of each row, float64 (N,), whatever the other rows are; exact for whole grey levels.

    error: float32 (N, row length), is overwritten.
    """
    error.square_()
    if whole_levels and error.device.type == "cpu":  # to ask would make another device wait
        whole = error.sum(1)
        if whole.numel() and whole.max() < EXACT:
            return whole.double()
    length = error.shape[1]
    part = max(divisor for divisor in range(1, PART + 1) if length % divisor == 0)
    parts: Tensor = error.unflatten(1, (-1, part))
    return parts.sum(2).double().sum(1)


def name_of(degradation: Degradation, place: int) -> str:
    """What keys the random numbers of a family: its name, and which of its sources; none for Gaussian noise."""
    if degradation.name == Gaussian.name:
        return ""
    return degradation.name if place == 0 else f"{degradation.name}.{place}"
