"""Gaussian noise as an 8-bit image holds it: whole grey levels are drawn, added and clipped as integers."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from convstab.degradations.draws.copies import Copies, DrawRange, squares
from convstab.generators.device_noise import DeviceNoise
from convstab.generators.grey_noise import GreyNoise
from convstab.images import WHITE, row_length

TOGETHER = 2**15  # pixels: what is worked on at once stays in a core's cache


class GreyCopies(Copies):
    """Draws under Gaussian noise, clipped and rounded, made on a CPU.

    sigmas: of the levels, grey levels, 0 or more. pixels: uint8 (n, C, H, W). index: their ids. seed: 64 bits.
    """

    dtype = torch.uint8

    def __init__(self, sigmas: Sequence[float], pixels: Tensor, index: Sequence[int], seed: int) -> None:
        self.index, self.size = index, pixels[0].numel()
        self.clean = pixels.permute(0, 2, 3, 1).flatten(1).short().numpy()
        self.noise = [GreyNoise(seed, sigma, self.size) if sigma else None for sigma in sigmas]
        self.error = torch.zeros(0, row_length(self.size))  # used again for every batch

    def fill(self, rows: Tensor, runs: Sequence[DrawRange]) -> Tensor:
        """See ``Copies``."""
        if len(self.error) < len(rows):
            self.error = torch.zeros(len(rows), row_length(self.size))
        error, together = self.error[: len(rows)], max(1, TOGETHER // self.size)
        for row, image, level, first, length in runs:
            for done in range(0, length, together):
                at = slice(row + done, row + min(done + together, length))
                self.fill_run(rows[at], error[at], image, level, first + done)
        return squares(error)

    def fill_run(self, rows: Tensor, error: Tensor, image: int, level: int, first: int) -> None:
        """Draws of one image under one level, from draw ``first`` on, and their errors."""
        clean, noise = self.clean[image], self.noise[level]
        if noise is None:
            rows[:, : self.size], error[:, : self.size] = torch.from_numpy(clean), 0
            return
        drawn = noise.draws(self.index[image], first, len(rows))
        np.clip(np.add(drawn, clean, out=drawn), 0, WHITE, out=drawn)
        rows[:, : self.size] = torch.from_numpy(drawn)
        error[:, : self.size] = torch.from_numpy(np.subtract(drawn, clean, out=drawn))


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
        _, image, level, first, length = np.array(runs).T
        within = np.arange(length.sum()) - np.repeat(length.cumsum() - length, length)
        draw = np.stack([image.repeat(length), level.repeat(length), first.repeat(length) + within])
        image, level, draw = torch.from_numpy(draw).to(self.device, non_blocking=True)
        clean = self.clean[image]
        degraded = (clean + self.noise.draws(self.index[image], level, draw)).clamp_(0, WHITE)
        rows[:, : self.size] = degraded
        error = torch.zeros(len(rows), row_length(self.size), device=self.device)
        error[:, : self.size] = degraded - clean
        return squares(error)
