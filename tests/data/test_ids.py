"""Ids and parts of images are those of their paths."""

import doctest
import unicodedata

import numpy as np
import pytest

from convstab.data import ids
from convstab.errors import InputError


def test_the_examples_run() -> None:
    assert doctest.testmod(ids).failed == 0


def test_ids_fit_in_an_int64_and_spread_over_it() -> None:
    found = ids.ids_of([f"cat/{number}.png" for number in range(4000)]).numpy()
    assert found.dtype == np.int64
    assert found.min() >= 0
    assert len(np.unique(found)) == 4000
    assert np.abs(np.bincount(found >> 60, minlength=8) - 500).max() < 100  # some 4.8 standard deviations


def test_a_path_is_the_same_however_its_letters_are_composed() -> None:
    composed = "café/1.png"
    apart = unicodedata.normalize("NFD", composed)
    assert apart != composed
    assert ids.id_of(apart) == ids.id_of(composed)
    assert ids.share_of(apart) == ids.share_of(composed)
    with pytest.raises(InputError, match=r"are one name"):
        ids.ids_of([composed, apart])


def test_a_path_that_is_no_unicode_has_an_id() -> None:
    assert ids.id_of("caf\udce9/1.png") != ids.id_of("cafe/1.png")


def test_shares_are_uniform_and_not_those_of_the_ids() -> None:
    names = [f"cat/{number}.png" for number in range(4000)]
    shares = np.array([ids.share_of(name) for name in names])
    assert np.abs(np.histogram(shares, 8, (0, 1))[0] - 500).max() < 100
    of_ids = np.array([ids.id_of(name) for name in names]) / 2**63
    assert abs(np.corrcoef(shares, of_ids)[0, 1]) < 0.08  # 5 standard errors
