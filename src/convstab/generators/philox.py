"""Philox4x64-10: each block of its random words is a function of a key and a counter, so any can be had at once.

Source: Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011. NumPy's ``Philox`` is the same
function, on a CPU; here it is also made of PyTorch's integers, for any device.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

WORDS = 4  # of 64 bits in a block
ROUNDS = 10
FACTORS = 0xD2E7470EE14C6C93, 0xCA5A826395121157
WEYL = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B  # what the key grows by in each round
LOW = 0xFFFFFFFF


class Key(NamedTuple):
    """The 128 bits that name a stream, as two numbers of 64 bits."""

    first: int
    second: int


class Stream:
    """The words of one key, in the order of the counter: word 0 of the counter grows first, then word 1, 2 and 3.

    Not for several threads at once.
    """

    def __init__(self, key: Key) -> None:
        self.bits = np.random.Philox(key=np.array(key, np.uint64), counter=0)
        self.counter = 0  # of the last block that was made: NumPy counts before it makes one

    def words(self, counter: int, blocks: int) -> NDArray[np.uint64]:
        """The words of ``blocks`` blocks, (4 * blocks,); counter: 256 bits, of the first, not 0."""
        self.bits.advance((counter - 1 - self.counter) % 2**256)
        self.counter = counter - 1 + blocks
        return self.bits.random_raw(WORDS * blocks)


def words_of(key: Tensor, counter: Tensor) -> Tensor:
    """The words of each counter, int64 with the bits of unsigned numbers, (..., 4).

    key: int64 (..., 2). counter: int64 (..., 4), its word 0 first. On any device; nothing waits for it.
    """
    first, second = key.unbind(-1)
    words = list(counter.unbind(-1))
    for _ in range(ROUNDS):
        low0, high0 = product(words[0], FACTORS[0])
        low1, high1 = product(words[2], FACTORS[1])
        words = [high1 ^ words[1] ^ first, low1, high0 ^ words[3] ^ second, low0]
        first, second = first + signed(WEYL[0]), second + signed(WEYL[1])
    return torch.stack(torch.broadcast_tensors(*words), -1)


def product(words: Tensor, factor: int) -> tuple[Tensor, Tensor]:
    """The low and the high 64 bits of the product of unsigned numbers."""
    low, high = words & LOW, shifted(words, 32)
    factor_low, factor_high = factor & LOW, factor >> 32
    across = shifted(low * factor_low, 32) + (high * factor_low & LOW) + (low * factor_high & LOW)
    top = high * factor_high + shifted(high * factor_low, 32) + shifted(low * factor_high, 32) + shifted(across, 32)
    return words * signed(factor), top


def shifted(words: Tensor, bits: int) -> Tensor:
    """Unsigned numbers shifted to the right."""
    return (words >> bits) & ((1 << (64 - bits)) - 1)


def signed(word: int) -> int:
    """The signed number with the bits of an unsigned one of 64 bits."""
    return word - 2**64 if word >= 2**63 else word
