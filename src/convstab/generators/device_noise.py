"""Normal noise in whole grey levels on any device: the integers of ``GreyNoise``, a batch at a time."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from convstab.generators.grey_noise import TAIL, key_of, words_of_draw
from convstab.generators.philox import WORDS, signed, words_of
from convstab.generators.rounded_normal import HEAD, LARGEST, UNDECIDED, rounded_normal

SIGN = signed(2**63)  # turned over, the order of signed numbers is that of unsigned ones


class DeviceNoise:
    """The noise of some levels, see ``GreyNoise``; nothing waits for the device.

    seed: 64 bits. sigmas: grey levels, 0 or more. size: values of an image.
    """

    def __init__(self, seed: int, sigmas: Sequence[float], size: int, device: torch.device) -> None:
        self.size, (self.heads, self.spare) = size, words_of_draw(size)
        self.table = torch.zeros(len(sigmas), 2**HEAD, dtype=torch.int16)
        self.thresholds = torch.full((len(sigmas), 2 * LARGEST), torch.iinfo(torch.int64).max)
        self.lowest = torch.zeros(len(sigmas), dtype=torch.int64)
        for place, sigma in enumerate(sigmas):
            if sigma:
                law = rounded_normal(sigma)
                self.table[place] = torch.from_numpy(law.table.copy())
                ordered = torch.from_numpy(law.thresholds.view(np.int64).copy()) ^ SIGN
                self.thresholds[place, : len(ordered)], self.lowest[place] = ordered, law.lowest
        self.keys = torch.tensor([[signed(word) for word in key_of(seed, sigma)] for sigma in sigmas])
        for name in ("table", "thresholds", "lowest", "keys"):
            setattr(self, name, getattr(self, name).to(device))
        self.block = torch.arange(1, (self.heads + self.spare) // WORDS + 1, device=device)
        self.shifts = torch.arange(0, 64, HEAD, device=device)

    def draws(self, image: Tensor, level: Tensor, draw: Tensor) -> Tensor:
        """Draws of images, by their ids, int16 (n, size). image, level (place), draw: int64 (n,)."""
        words = self.words(image, level, draw)
        heads = ((words[:, : self.heads, None] >> self.shifts) & (2**HEAD - 1)).flatten(1)[:, : self.size]
        noise = self.table.view(-1)[level[:, None] * 2**HEAD + heads]
        undecided = noise == UNDECIDED
        rank = (undecided.cumsum(1) - 1).clamp_(min=0) % self.spare
        tails = words[:, self.heads :].gather(1, rank) & (2**TAIL - 1)
        random = ((heads << TAIL) | tails) ^ SIGN
        beyond = torch.searchsorted(self.thresholds[level], random, right=True)
        return torch.where(undecided, beyond + self.lowest[level, None], noise).short()

    def words(self, image: Tensor, level: Tensor, draw: Tensor) -> Tensor:
        """The random words of draws, (n, heads and spare)."""
        block = draw[:, None] * len(self.block) + self.block
        zero = torch.zeros_like(block)
        counter = torch.stack([block, zero, image[:, None].expand_as(block), zero], -1)
        return words_of(self.keys[level][:, None], counter).flatten(1)
