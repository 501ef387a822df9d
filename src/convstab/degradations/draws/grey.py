"""Gaussian noise as an 8-bit image holds it: whole grey levels are drawn, added and clipped as integers."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from convstab.degradations.draws.copies import Copies, squares
from convstab.generators.device_noise import DeviceNoise
from convstab.generators.draws import DrawRange, row_by_row
from convstab.generators.grey_noise import GreyNoise
from convstab.images import WHITE, row_length

TOGETHER = 2**19  # pixels that are worked on at once


class GreyCopies(Copies):
    """Draws under Gaussian noise, clipped and rounded, made on a CPU.

    sigmas: of the levels, grey levels, 0 or more. pixels: uint8 (n, C, H, W). index: their ids. seed: 64 bits.
    """

    dtype = torch.uint8

    def __init__(self, sigmas: Sequence[float], pixels: Tensor, index: Sequence[int], seed: int) -> None:
        self.index, self.size = index, pixels[0].numel()
        self.clean = pixels.permute(0, 2, 3, 1).flatten(1).short().numpy()
        self.noise = GreyNoise(seed, sigmas, self.size)
        self.together = max(1, TOGETHER // self.size)
        self.make_room(0)

    def make_room(self, count: int) -> None:
        """Arrays for so many draws, used again for the next."""
        self.drawn = np.empty((count, self.size), np.int16)
        self.beneath = np.empty_like(self.drawn)
        self.error = torch.zeros(count, row_length(self.size))

    def fill(self, rows: Tensor, runs: Sequence[DrawRange]) -> Tensor:
        """See ``Copies``."""
        if len(self.drawn) < min(self.together, len(rows)):
            self.make_room(min(self.together, len(rows)))
        found = torch.empty(len(rows), dtype=torch.float64)
        for first in range(0, len(rows), self.together):
            some = slice(first, min(first + self.together, len(rows)))
            found[some] = self.fill_some(rows[some], list(between(runs, some.start, some.stop)))
        return found

    def fill_some(self, rows: Tensor, runs: Sequence[DrawRange]) -> Tensor:
        """As many rows as are worked on at once."""
        count = len(rows)
        drawn, clean, error = self.drawn[:count], self.beneath[:count], self.error[:count]
        self.noise.fill(drawn, [run._replace(image=self.index[run.image]) for run in runs])
        for row, image, _, _, length in runs:
            clean[row : row + length] = self.clean[image]
        np.clip(np.add(drawn, clean, out=drawn), 0, WHITE, out=drawn)
        rows[:, : self.size] = torch.from_numpy(drawn)
        error[:, : self.size] = torch.from_numpy(np.subtract(drawn, clean, out=drawn))
        return squares(error)


def between(runs: Sequence[DrawRange], start: int, stop: int) -> Iterator[DrawRange]:
    """What of the runs goes into the rows start ... stop - 1; rows are counted from there."""
    for row, image, level, first, length in runs:
        low, high = max(row, start), min(row + length, stop)
        if low < high:
            yield DrawRange(low - start, image, level, first + low - row, high - low)


class DeviceCopies(Copies):
    """The same draws, bit for bit, made on any device: a batch at once, and nothing waits for it."""

    dtype = torch.uint8

    def __init__(self, sigmas: Sequence[float], pixels: Tensor, index: Sequence[int], seed: int) -> None:
        self.size, self.device = pixels[0].numel(), pixels.device
        self.clean = pixels.permute(0, 2, 3, 1).flatten(1).short()
        self.index = torch.tensor(index, device=self.device)
        self.noise = DeviceNoise(seed, sigmas, self.size, self.device)

    def fill(self, rows: Tensor, runs: Sequence[DrawRange]) -> Tensor:
        """See ``Copies``."""
        image, level, draw = row_by_row(runs, self.device)
        clean = self.clean[image]
        degraded = (clean + self.noise.draws(self.index[image], level, draw)).clamp_(0, WHITE)
        rows[:, : self.size] = degraded
        error = torch.zeros(len(rows), row_length(self.size), device=self.device)
        error[:, : self.size] = degraded - clean
        return squares(error)
