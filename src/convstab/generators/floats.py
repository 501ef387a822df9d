"""Random numbers as floats, keyed by what they are for and by nothing else: each draw has its own."""

import struct
from hashlib import blake2b
from typing import Literal

import torch
from torch import Tensor

BLOCK = 32  # draws that share one state of the generator


class NoiseSource:
    """Random numbers that depend on (seed, name, image, level, draw) and on nothing else.

    Every ``BLOCK`` draws of an image under one level start their own generator, so that any draw can be had without
    those before it and 10 draws are the first 10 of 150. The values are those of the kind of device: CPU and CUDA
    differ. A CPU generator takes 32 bits of the key, so of a million blocks some hundred pairs share their noise.

    seed: any integer of 64 bits.
    device: where the numbers are wanted.
    law: standard normal, or uniform in [0, 1).
    name: tells apart what needs numbers of its own, at most 16 bytes; Gaussian noise has none.
    """

    def __init__(
        self,
        seed: int,
        device: torch.device | str = "cpu",
        law: Literal["normal", "uniform"] = "normal",
        name: str = "",
    ) -> None:
        self.seed, self.uniform, self.name = seed, law == "uniform", name.encode()
        self.generator = torch.Generator(device)
        self.whole = self.generator.device.type != "cpu"  # elsewhere the values of a fill depend on its size
        self.next: tuple[int, float, int] | None = None  # image, level and draw that a CPU generator stands before

    def fill(self, rows: Tensor, image: int, level: float, first: int = 0) -> Tensor:
        """Fill ``rows``, float32 (n, size), size a multiple of 16, in place with draws first ... first + n - 1.

        image: id. level: only a part of the key; normal numbers have standard deviation 1.
        """
        done, count = 0, len(rows)
        while done < count:
            block, skip = divmod(first + done, BLOCK)
            take = min(BLOCK - skip, count - done)
            target = rows[done : done + take]
            if skip and self.next == (image, level, first + done):
                self.draw_(target)
            else:
                self.fill_from_start_of_block(target, self.key(image, level, block), skip)
            done += take
            self.next = None if self.whole else (image, level, first + done)
        return rows

    def fill_from_start_of_block(self, target: Tensor, key: int, skip: int) -> None:
        """Fill ``target`` with the draws of one block that follow its first ``skip``."""
        self.generator.manual_seed(key)
        count, size = target.shape
        length = BLOCK if self.whole else skip + count
        if length == count:
            self.draw_(target)
        else:
            target.copy_(self.draw_(target.new_empty(length, size))[skip : skip + count])

    def draw_(self, rows: Tensor) -> Tensor:
        """Fill rows with the next numbers of the generator, in place."""
        if self.uniform:
            return rows.uniform_(generator=self.generator)
        return rows.normal_(generator=self.generator)

    def key(self, image: int, level: float, block: int) -> int:
        """64 bits that look random and name one block of draws."""
        words = struct.pack("<qqdq", self.seed, image, level, block)
        return int.from_bytes(blake2b(words, digest_size=8, person=self.name).digest())
