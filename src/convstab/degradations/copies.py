"""Degraded copies in batches: each draw gets its own keyed random numbers, whatever stands beside it."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from convstab.degradations.degradation import Degradation
from convstab.degradations.gaussian import Gaussian, add_noise
from convstab.generators import NoiseSource
from convstab.images import as_images, as_rows, grey_to_unit_, quantise_, row_length


class DrawRange(NamedTuple):
    """Consecutive draws of one image under one level, within a batch."""

    row: int  # of the batch, of the first draw
    image: int  # position in the slice
    level: int  # position in the levels
    first: int  # draw
    length: int  # number of draws


class Copies:
    """Makes draws of a few images, which are held as rows (see ``images.as_rows``) on their device.

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
    ) -> None:
        self.degradation, self.keys, self.index = degradation, keys, index
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

    def fill(self, rows: Tensor, runs: Sequence[DrawRange]) -> None:
        """Write draws over ``rows``, float32 (N, row length), in grey levels, not yet clipped and rounded."""
        if self.direct:
            self.add_noise(rows, runs)
        else:
            self.degrade(rows, runs)

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
        lengths = torch.tensor([run.length for run in runs], device=rows.device)
        images, level = (
            torch.tensor(values, device=rows.device).repeat_interleave(lengths)
            for values in ([run.image for run in runs], [run.level for run in runs])
        )
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


def name_of(degradation: Degradation, place: int) -> str:
    """What keys the random numbers of a family: its name, and which of its sources; none for Gaussian noise."""
    if degradation.name == Gaussian.name:
        return ""
    return degradation.name if place == 0 else f"{degradation.name}.{place}"


def degraded_copies(
    pixels: Tensor,
    degradation: Degradation,
    level: float,
    draws: int,
    image: int,
    seed: int = 0,
    clip: bool = True,
    rounding: bool = True,
    key: float | None = None,
) -> Tensor:
    """The first ``draws`` degraded copies of one image, float32 (draws, C, H, W), channels last, in [0, 1] if clipped.

    pixels: uint8 (C, H, W). image: its id. key: of the random numbers; None: the level.
    Paper: section 4, tolerance against noise.
    Raises InputError for a level out of range, or an image that the family cannot degrade.
    """
    (checked,) = degradation.check([level])
    levels = torch.tensor([[checked]], dtype=torch.float64, device=pixels.device)
    copies = Copies(degradation, levels, [checked if key is None else key], pixels[None], [image], seed)
    rows = torch.zeros(draws, row_length(pixels.numel()), device=pixels.device)
    copies.fill(rows, [DrawRange(0, 0, 0, 0, draws)])
    quantise_(rows, clip, rounding)
    return as_images(grey_to_unit_(rows), tuple(pixels.shape))
