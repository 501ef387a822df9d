"""The normal law in whole numbers is exact to 2^-64."""

from fractions import Fraction
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest

from convstab.generators.rounded_normal import UNDECIDED, rounded_normal
from tests.generators.by_hand import threshold

SIGMAS = [1e-200, 1e-3, 0.3, 1.0, 8.0, 20.0, 40.0, 255.0, 1e9]


def law_of(sigma: float) -> dict[int, Fraction]:
    """The probability of each whole number, from the numbers of 64 bits that stand for it."""
    law = rounded_normal(sigma)
    ends = [0, *map(int, law.thresholds), 2**64]
    shares = {law.lowest + place: Fraction(high - low, 2**64) for place, (low, high) in enumerate(pairwise(ends))}
    return {k: share for k, share in shares.items() if share}


@pytest.mark.parametrize("sigma", SIGMAS)
def test_every_whole_number_has_its_probability_to_64_bits(sigma: float) -> None:
    limits = [0, *(threshold(k, sigma) for k in range(-255, 255)), 2**64]
    wanted = {k: Fraction(limits[k + 256] - limits[k + 255], 2**64) for k in range(-255, 256)}
    assert law_of(sigma) == {k: share for k, share in wanted.items() if share}
    assert sum(law_of(sigma).values()) == 1


@pytest.mark.parametrize("sigma", [0.3, 1.0, 20.0, 255.0])
def test_the_law_is_that_of_the_standard_library(sigma: float) -> None:
    normal = NormalDist(0, sigma)
    for k, share in law_of(sigma).items():
        if abs(k) < 255:
            assert float(share) == pytest.approx(normal.cdf(k + 0.5) - normal.cdf(k - 0.5), abs=1e-15)
    if sigma == 255:
        assert float(law_of(sigma)[255]) == pytest.approx(1 - normal.cdf(254.5), abs=1e-15)  # and all beyond


@pytest.mark.parametrize("sigma", SIGMAS)
def test_heads_that_decide_decide_what_all_bits_say(sigma: float) -> None:
    law = rounded_normal(sigma)
    heads = np.arange(2**16, dtype=np.uint64) << np.uint64(48)
    for tail in (0, 1, 2**47, 2**48 - 1):
        said = law.at(heads + np.uint64(tail))
        assert ((law.table == said) | (law.table == UNDECIDED)).all()
    assert (law.table == UNDECIDED).sum() <= 510


def test_mirrored_numbers_are_as_likely() -> None:
    law = law_of(20.0)
    assert all(law[-k] == share for k, share in law.items())
    assert len(law) > 300


def test_the_tables_of_many_levels_are_made_once() -> None:
    sigmas = [1 + place / 7 for place in range(200)]
    first = [rounded_normal(sigma) for sigma in sigmas]
    assert all(rounded_normal(sigma) is law for sigma, law in zip(sigmas, first, strict=True))
