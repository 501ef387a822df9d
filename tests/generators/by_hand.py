"""docs/noise.md in plain Python, without NumPy, PyTorch or mpmath: what convstab's noise must be."""

import math
import struct
from fractions import Fraction
from hashlib import blake2b

ALL = 2**64 - 1
ONE = 2**300  # of numbers with a fixed point


def philox(counter: list[int], key: tuple[int, int]) -> list[int]:
    """Philox4x64-10, as the paper of Salmon et al. has it."""
    a, b, c, d = counter
    k, m = key
    for _ in range(10):
        left, right = a * 0xD2E7470EE14C6C93, c * 0xCA5A826395121157
        a, b, c, d = (right >> 64) ^ b ^ k, right & ALL, (left >> 64) ^ d ^ m, left & ALL
        k, m = (k + 0x9E3779B97F4A7C15) & ALL, (m + 0xBB67AE8584CAA73B) & ALL
    return [a, b, c, d]


def arctan_of_inverse(n: int) -> int:
    power, total, place = ONE // n, 0, 1
    while power:
        total += power // place if place % 4 == 1 else -(power // place)
        power, place = power // n**2, place + 2
    return total


PI = 16 * arctan_of_inverse(5) - 4 * arctan_of_inverse(239)  # Machin


def upper_tail(x: Fraction) -> Fraction:
    """1 - Phi(x) for 0 <= x < 12, by Phi(x) = 1/2 + exp(-x^2 / 2) / sqrt(2 pi) (x + x^3 / 3 + x^5 / (3 5) + ...)."""
    square = x.numerator**2 * ONE // x.denominator**2
    term = total = x.numerator * ONE // x.denominator
    power = growth = ONE  # exp(x^2 / 2)
    place = 1
    while term or power:
        term = term * square // ONE // (2 * place + 1)
        power = power * square // ONE // (2 * place)
        total, growth, place = total + term, growth + power, place + 1
    density = math.isqrt(2 * PI * ONE) * growth // ONE
    return Fraction(1, 2) - Fraction(total, density)


def threshold(k: int, sigma: float) -> int:
    """The nearest whole number to 2^64 Phi((k + 1/2) / sigma)."""
    if k < 0:
        return 2**64 - threshold(-1 - k, sigma)
    x = Fraction(2 * k + 1, 2) / Fraction(sigma)
    return 2**64 - round(2**64 * upper_tail(x)) if x < 12 else 2**64


def noise(seed: int, sigma: float, image: int, draw: int, size: int) -> list[int]:
    digest = blake2b(struct.pack("<qd", seed, sigma), digest_size=16, person=b"gaussian").digest()
    key = int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
    head_blocks = -(-size // 16)
    blocks = head_blocks + 2 + size // 256
    counters = ([draw * blocks + block + 1, 0, image % 2**64, 0] for block in range(blocks))
    words = [word for counter in counters for word in philox(counter, key)]
    spare, used, found = words[4 * head_blocks :], 0, []
    thresholds = [threshold(k, sigma) for k in range(-255, 255)]
    for pixel in range(size):
        head = (words[pixel // 4] >> 16 * (pixel % 4)) % 2**16
        least, most = (
            sum(limit <= random for limit in thresholds) for random in (head << 48, (head << 48) + 2**48 - 1)
        )
        if least != most:
            random = (head << 48) + spare[used % len(spare)] % 2**48
            least, used = sum(limit <= random for limit in thresholds), used + 1
        found.append(least - 255)
    return found
