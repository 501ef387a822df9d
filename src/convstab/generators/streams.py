"""A stream of random numbers for each search of an attack."""

import struct
from collections.abc import Iterable
from hashlib import blake2b

import torch
from torch import Tensor


class Streams:
    """One generator for each slot of a batch, so that an image's numbers do not depend on its neighbours.

    The numbers depend on (seed, image) and on the sizes of the fills before, and are those of the kind of device.

    seed: any integer of 64 bits.
    device: where the numbers are wanted.
    """

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        self.seed, self.device = seed, torch.device(device)
        self.generators: list[torch.Generator] = []

    def __len__(self) -> int:
        return len(self.generators)

    def append(self, image: int) -> None:
        """Add a slot for an image (index in the test set)."""
        self.generators.append(torch.Generator(self.device))
        self.restart(-1, image)

    def restart(self, slot: int, image: int) -> None:
        """Give a slot to another image."""
        self.generators[slot].manual_seed(image_key(self.seed, image))

    def keep(self, slots: Iterable[int]) -> None:
        """Keep only these slots, in this order."""
        self.generators = [self.generators[slot] for slot in slots]

    def only(self, slot: int) -> "Streams":
        """The stream of one slot, as if it were alone."""
        alone = Streams(self.seed, self.device)
        alone.generators = [self.generators[slot]]
        return alone

    def uniform_(self, rows: Tensor) -> Tensor:
        """Fill float32 rows (slots, ...) with numbers in [0, 1), in place."""
        for row, generator in zip(rows, self.generators, strict=True):
            row.uniform_(generator=generator)
        return rows

    def uniform(self, *shape: int) -> Tensor:
        """Numbers in [0, 1), float32 (slots, *shape)."""
        return self.uniform_(torch.empty(len(self), *shape, device=self.device))

    def normal_(self, rows: Tensor) -> Tensor:
        """Fill float32 rows (slots, ...) with standard normal numbers, in place."""
        for row, generator in zip(rows, self.generators, strict=True):
            row.normal_(generator=generator)
        return rows


def image_key(seed: int, image: int) -> int:
    """64 bits that look random and name the random numbers of one attack on one image."""
    return int.from_bytes(blake2b(struct.pack("<qq", seed, image), digest_size=8, person=b"attack").digest())
