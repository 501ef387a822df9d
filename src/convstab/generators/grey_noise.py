"""Normal noise in whole grey levels, the same on every machine; docs/noise.md defines it."""

import struct
from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from convstab.generators.draws import DrawRange
from convstab.generators.philox import WORDS, Key, Stream
from convstab.generators.rounded_normal import HEAD, UNDECIDED, rounded_normal

HEADS = 64 // HEAD  # in a word
TAIL = 64 - HEAD  # bits
LOOKED_UP = 2**15  # pixels at once: NumPy makes places of 64 bits of their heads


class GreyNoise:
    """Normal noise of some levels: round(sigma * n), n standard normal, for each pixel of any draw of any image.

    It depends on (seed, sigma, image, draw) and on the size, and on nothing else. Not for several threads at once.

    seed: 64 bits. sigmas: grey levels, 0 or more. size: values of an image.
    """

    def __init__(self, seed: int, sigmas: Sequence[float], size: int) -> None:
        self.size, (self.heads, self.spare) = size, words_of_draw(size)
        self.blocks = (self.heads + self.spare) // WORDS
        self.laws = [rounded_normal(sigma) if sigma else None for sigma in sigmas]
        self.streams = [Stream(key_of(seed, sigma)) for sigma in sigmas]
        self.words = np.empty((0, WORDS * self.blocks), "<u8")  # of the rows, used again
        self.level = np.empty(0, np.intp)

    def fill(self, noise: NDArray[np.int16], runs: Iterable[DrawRange]) -> None:
        """Write draws of images, by their ids, over the rows of ``noise``, (n, size), contiguous: -255 to 255."""
        if len(self.words) < len(noise):
            self.words = np.empty((len(noise), WORDS * self.blocks), "<u8")
            self.level = np.empty(len(noise), np.intp)
        heads, together = self.words.view("<u2")[:, : self.size], max(1, LOOKED_UP // self.size)
        for run in runs:
            rows, law = slice(run.row, run.row + run.length), self.laws[run.level]
            self.level[rows] = run.level
            if law is None:
                noise[rows] = 0
                continue
            counter = counter_of(run.image, run.first * self.blocks)
            words = self.streams[run.level].words(counter, run.length * self.blocks)
            self.words[rows] = words.reshape(run.length, -1)
            for first in range(run.row, rows.stop, together):
                some = slice(first, min(first + together, rows.stop))
                law.table.take(heads[some], out=noise[some], mode="clip")
        self.decide(noise, heads)

    def decide(self, noise: NDArray[np.int16], heads: NDArray[np.uint16]) -> None:
        """Give each pixel whose head does not decide the lower bits of a spare word, in their order."""
        places = np.flatnonzero(noise == UNDECIDED)
        if not len(places):
            return
        row, pixel = np.divmod(places, self.size)
        rank = np.arange(len(places)) - row.searchsorted(row)
        tails = self.words[row, self.heads + rank % self.spare] & np.uint64(2**TAIL - 1)
        random, level = heads[row, pixel].astype(np.uint64) << np.uint64(TAIL) | tails, self.level[row]
        found = noise.reshape(-1)
        for one in np.unique(level):
            law, own = self.laws[one], level == one
            assert law is not None  # no pixel is undecided without noise
            found[places[own]] = law.at(random[own])


def key_of(seed: int, sigma: float) -> Key:
    """The key of a level."""
    digest = blake2b(struct.pack("<qd", seed, sigma), digest_size=16, person=b"gaussian").digest()
    return Key(*struct.unpack("<QQ", digest))


def counter_of(image: int, block: int) -> int:
    """The counter of a block of an image: word 0 is the block, from 1, and word 2 the image."""
    return ((image % 2**64) << 128) + block + 1


def words_of_draw(size: int) -> tuple[int, int]:
    """How many words of a draw hold heads, and how many are spare: whole blocks of both.

    Of 65,536 heads at most 510 do not decide, whatever sigma: there are spare words for twice as many pixels in large
    images, and for more in small ones. Should they not do, they are used again.
    """
    return WORDS * -(-size // (HEADS * WORDS)), WORDS * (2 + size // 256)
