"""Groups of a known size, on affinities whose groups are known; and the table of GTSRB's signs."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from convstab.data.grouping import groups_of_size
from convstab.data.signs import sign_table, signs_of
from convstab.errors import InputError


def affinity_of(truth: NDArray[np.int64], noise: float, seed: int = 0) -> NDArray[np.float64]:
    """1 within groups, -1 between them, and normal noise."""
    errors = noise * np.random.default_rng(seed).normal(size=(len(truth), len(truth)))
    return np.where(truth[:, None] == truth, 1.0, -1.0) + (errors + errors.T) / 2


def same(groups: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    return np.asarray(groups[:, None] == groups)


@pytest.mark.parametrize(("size", "groups", "noise"), [(10, 8, 1.0), (30, 5, 2.0), (2, 6, 0.1), (7, 1, 1.0)])
def test_planted_groups_are_found(size: int, groups: int, noise: float) -> None:
    truth = np.random.default_rng(1).permutation(np.repeat(np.arange(groups), size))
    found = groups_of_size(affinity_of(truth, noise), size)
    np.testing.assert_array_equal(same(found), same(truth))


@pytest.mark.parametrize("seed", range(5))
def test_groups_have_the_size_even_where_affinities_say_nothing(seed: int) -> None:
    noise = affinity_of(np.arange(42), 9.0, seed)
    assert np.bincount(groups_of_size(noise, 6)).tolist() == [6] * 7


@pytest.mark.parametrize("seed", range(5))
def test_no_swap_would_be_better(seed: int) -> None:
    affinity = affinity_of(np.arange(24), 3.0, seed)
    np.fill_diagonal(affinity, 0)
    found = groups_of_size(affinity, 4)
    best = affinity[same(found)].sum()
    for a, b in combinations(range(24), 2):
        swapped = found.copy()
        swapped[[a, b]] = found[[b, a]]
        assert affinity[same(swapped)].sum() <= best + 1e-6


@pytest.mark.parametrize(("images", "size"), [(10, 3), (4, 1)])
def test_images_that_make_no_whole_groups_are_refused(images: int, size: int) -> None:
    with pytest.raises(InputError, match=f"{images} images cannot be groups of {size}"):
        groups_of_size(np.zeros((images, images)), size)


def test_the_test_set_is_421_signs_of_30_frames() -> None:
    table = sign_table()
    assert sorted(table) == list(range(12630))
    assert np.bincount(list(table.values())).tolist() == [30] * 421


def test_signs_are_found_by_file_name() -> None:
    table = sign_table()
    assert signs_of(["12629.ppm", "00001.ppm"]).tolist() == [table[12629], table[1]]
    with pytest.raises(InputError, match=r"00000.ppm to 12629.ppm"):
        signs_of(["12630.ppm"])
    with pytest.raises(InputError, match=r"00000.ppm to 12629.ppm"):
        signs_of(["sign.ppm"])
