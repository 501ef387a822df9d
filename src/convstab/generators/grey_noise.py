"""Normal noise in whole grey levels, the same on every machine; docs/noise.md defines it."""

import struct
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from convstab.generators.philox import WORDS, Key, Stream
from convstab.generators.rounded_normal import HEAD, UNDECIDED, rounded_normal

HEADS = 64 // HEAD  # in a word
TAIL = 64 - HEAD  # bits
TOGETHER = 2**16  # pixels: what is drawn at once stays in the cache


class GreyNoise:
    """The noise of one level: round(sigma * n), n standard normal, for each pixel of any draw of any image.

    It depends on (seed, sigma, image, draw) and on the size, and on nothing else. Not for several threads at once.

    seed: 64 bits. sigma: above 0, grey levels. size: values of an image.
    """

    def __init__(self, seed: int, sigma: float, size: int) -> None:
        self.law, self.size = rounded_normal(sigma), size
        self.stream = Stream(key_of(seed, sigma))
        self.heads, self.spare = words_of_draw(size)
        self.blocks = (self.heads + self.spare) // WORDS

    def draws(self, image: int, first: int, count: int) -> NDArray[np.int16]:
        """Draws first ... first + count - 1 of an image, by its id, (count, size), within -255 to 255."""
        words = self.stream.words(counter_of(image, first * self.blocks), count * self.blocks)
        words = words.astype("<u8", copy=False).reshape(count, -1)
        heads = words.view("<u2")[:, : self.size]
        noise: NDArray[np.int16] = self.law.table.take(heads, mode="clip")
        self.decide(noise, heads, words[:, self.heads :])
        return noise

    def decide(self, noise: NDArray[np.int16], heads: NDArray[np.uint16], spare: NDArray[np.uint64]) -> None:
        """Give each pixel whose head does not decide the lower bits of a spare word, in their order."""
        places = np.flatnonzero(noise == UNDECIDED)
        draw, pixel = np.divmod(places, self.size)
        rank = np.arange(len(places)) - draw.searchsorted(draw)
        tails = spare[draw, rank % self.spare] & np.uint64(2**TAIL - 1)
        noise[draw, pixel] = self.law.at(heads[draw, pixel].astype(np.uint64) << np.uint64(TAIL) | tails)


def key_of(seed: int, sigma: float) -> Key:
    """The key of a level."""
    digest = blake2b(struct.pack("<qd", seed, sigma), digest_size=16, person=b"gaussian").digest()
    return Key(*struct.unpack("<QQ", digest))


def counter_of(image: int, block: int) -> int:
    """The counter of a block of an image: word 0 is the block, from 1, and word 2 the image."""
    return ((image % 2**64) << 128) + block + 1


def words_of_draw(size: int) -> tuple[int, int]:
    """How many words of a draw hold heads, and how many are spare: whole blocks of both.

    Of 65,536 heads at most 510 do not decide, whatever sigma: there are spare words for three times as many pixels in
    large images, and ten times in small ones. Should they not do, they are used again.
    """
    return WORDS * -(-size // (HEADS * WORDS)), WORDS * (2 + size // 256)
