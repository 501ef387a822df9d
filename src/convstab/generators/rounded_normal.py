"""The normal law in whole numbers: which one a random number of 64 bits stands for."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from mpmath.ctx_mp import MPContext
from numpy.typing import NDArray

LARGEST = 255  # grey levels: more changes a pixel no further, once it is clipped
HEAD = 16  # bits that decide nearly always
UNDECIDED = np.iinfo(np.int16).max  # in the table: a threshold lies within
FAR = 7.0  # erfc of it is 4e-23, less than a half of 2^-63
PRECISION = 192  # bits, of the law before it is rounded to 64


@dataclass(frozen=True, eq=False)
class RoundedNormal:
    """A normal number of a standard deviation, rounded to the nearest whole number and kept within -255 to 255.

    A random number u of 64 bits, unsigned, stands for ``lowest`` and the number of thresholds that are at most u. So a
    whole number k has its probability, Phi((k + 1/2) / sigma) - Phi((k - 1/2) / sigma), to 2^-64.

    thresholds: uint64, ascending. lowest: the number below all of them. table: int16 (2^16,): what each head, the
    upper 16 bits of u, stands for, or ``UNDECIDED``.
    """

    thresholds: NDArray[np.uint64]
    lowest: int
    table: NDArray[np.int16]

    def at(self, random: NDArray[np.uint64]) -> NDArray[np.int16]:
        """What random numbers of 64 bits stand for."""
        found: NDArray[np.int16] = (self.thresholds.searchsorted(random, side="right") + self.lowest).astype(np.int16)
        return found


@lru_cache(maxsize=512)  # of 128 KiB each
def rounded_normal(sigma: float) -> RoundedNormal:
    """The law for a standard deviation, above 0."""
    scaled = cumulative(sigma)
    within = [threshold for threshold in scaled if 0 < threshold < 2**64]
    thresholds = np.array(within, np.uint64)
    lowest = scaled.count(0) - LARGEST
    table = np.full(2**HEAD, UNDECIDED, np.int16)
    starts = np.arange(2**HEAD, dtype=np.uint64) << np.uint64(64 - HEAD)
    law = RoundedNormal(thresholds, lowest, table)
    first, last = law.at(starts), law.at(starts + np.uint64(2 ** (64 - HEAD) - 1))
    table[first == last] = first[first == last]
    table.flags.writeable = thresholds.flags.writeable = False
    return law


def cumulative(sigma: float) -> list[int]:
    """2^64 Phi((k + 1/2) / sigma) for k from -255 to 254, each rounded to the nearest whole number."""
    exact: Any = MPContext()  # of its own: mpmath's precision is one for all threads
    exact.prec = PRECISION
    unit = exact.mpf(sigma) * exact.sqrt(8)
    within = sum((2 * k + 1) / (sigma * math.sqrt(8)) < FAR for k in range(LARGEST))
    upper = [int(exact.nint(exact.ldexp(exact.erfc((2 * k + 1) / unit), 63))) for k in range(within)]
    upper += [0] * (LARGEST - within)
    return upper[::-1] + [2**64 - tail for tail in upper]
