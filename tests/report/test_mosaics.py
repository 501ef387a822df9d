"""Pictures of a page: small images within a budget, and figures."""

from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from convstab.report import mosaics
from convstab.report.mosaics import Picture
from tests.support.page_examples import scores


def test_pictures_are_thinned_evenly_and_every_class_keeps_one() -> None:
    random = np.random.default_rng(0)
    tiles = [(random.integers(0, 256, (40, 3, 3, 16, 16), dtype=np.uint8), np.repeat(np.arange(4), 10))] * 2
    whole = mosaics.mosaics(tiles, budget=10**9)
    needed = sum(len(mosaic.uri) for mosaic in whole)
    half = mosaics.mosaics(tiles, budget=needed // 2)
    assert [len(mosaic.rows) for mosaic in whole] == [40, 40]
    assert half[0].rows.tolist() == [ten + place for ten in (0, 10, 20, 30) for place in (0, 3, 6, 9)]  # 0.5 with room
    assert sum(len(mosaic.uri) for mosaic in half) <= needed // 2
    assert [mosaic.rows.tolist() for mosaic in mosaics.mosaics(tiles, budget=1)] == [[0, 10, 20, 30]] * 2


def test_a_mosaic_is_never_higher_than_its_format_allows() -> None:
    images = np.zeros((300, 1, 1, 64, 64), np.uint8)
    (mosaic,) = mosaics.mosaics([(images, np.arange(300))], budget=10**9)
    assert len(mosaic.rows) == 16_383 // 64


def test_small_groups_stay_whole_and_large_ones_lose_first() -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (24, 3, 3, 16, 16), dtype=np.uint8)
    tiles = [(images, np.repeat(np.arange(12), 2)), (images, np.repeat(np.arange(2), 12))]
    needed = sum(len(mosaic.uri) for mosaic in mosaics.mosaics(tiles, budget=10**9))
    pairs, dozens = mosaics.mosaics(tiles, budget=int(0.8 * needed))  # 48 images take all, so 36 and some fit
    assert len(pairs.rows) == 24
    assert dozens.rows.tolist() == [0, 2, 4, 7, 9, 11, 12, 14, 16, 19, 21, 23]


def test_a_class_that_does_not_differ_has_its_dots(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []

    def keep(figure: Figure, alt: str) -> Picture:
        drawn.append(figure)
        return Picture("", 1, 1, alt)

    monkeypatch.setattr(mosaics, "picture", keep)
    mosaics.differences_picture(scores())
    recall: Any = drawn[0].axes[0].collections[0].get_offsets()
    np.testing.assert_allclose(recall, [[25, 0], [-20, 1], [0, 2], [-20, 3]])
