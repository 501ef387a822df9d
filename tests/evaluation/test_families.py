"""Evaluations under any degradation: the counts are those of the draws, one by one."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor, nn

import convstab as cs
from convstab.degradations.by_name import FAMILIES
from convstab.degradations.draws.make import degraded_copies
from convstab.evaluation.result import StabilityResult

IMAGES, SIDE = 12, 16


@pytest.fixture(scope="module")
def photos() -> cs.Images:
    picture = torch.from_numpy(data.astronaut()).permute(2, 0, 1)  # type: ignore[no-untyped-call]
    tiles = picture.unfold(1, SIDE, 40).unfold(2, SIDE, 40).flatten(1, 2).transpose(0, 1)
    return cs.Images(tiles[20 : 20 + IMAGES], torch.arange(IMAGES) % 3, ids=torch.arange(IMAGES) + 100)


@pytest.fixture(scope="module")
def linear() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, 3)).eval()


def by_hand(model: nn.Module, images: cs.Images, result: StabilityResult) -> np.ndarray[Any, Any]:
    """Correct draws, (images, levels), each draw classified alone."""
    found = np.zeros((len(images), len(result.levels)), int)
    for row, (pixels, label, image) in enumerate(zip(images.pixels, images.labels, images.ids, strict=True)):
        for place, (level, draws) in enumerate(zip(result.levels, result.protocol.draws_of, strict=True)):
            copies: Tensor = degraded_copies(pixels, result.degradation, level, draws, int(image))
            found[row, place] = int((model(copies).argmax(1) == label).sum())
    return found


@pytest.mark.parametrize("name", FAMILIES)
def test_counts_are_those_of_each_draw_by_itself(
    name: str, photos: cs.Images, linear: nn.Module, tmp_path: Path
) -> None:
    levels = FAMILIES[name].grid[::3]
    result = cs.evaluate(linear, photos, name, levels, draws=3, batch_size=16, workers=1)
    assert result.levels[0] == FAMILIES[name].neutral
    assert not result.degraded[0]
    assert result.degraded[1:].all()
    np.testing.assert_array_equal(result.by_image("correct"), by_hand(linear, photos, result))
    other = cs.evaluate(linear, photos, name, levels, draws=3, batch_size=48, workers=2)
    for column, values in result.rows.items():
        np.testing.assert_array_equal(values, other.rows[column])
    result.write(tmp_path)
    again = StabilityResult.read(tmp_path)  # which compares rows, confusion and histogram
    assert again.protocol == result.protocol


def test_a_family_without_randomness_is_drawn_once(photos: cs.Images, linear: nn.Module) -> None:
    result = cs.evaluate(linear, photos, "jpeg", [50, 10], draws=7)
    assert set(result.rows["draws"]) == {1}
    assert set(cs.evaluate(linear, photos, "gaussian", [9], draws=7).by_image("draws")[:, 1]) == {7}


def test_settings_are_part_of_the_protocol(photos: cs.Images, linear: nn.Module, tmp_path: Path) -> None:
    result = cs.evaluate(linear, photos, {"name": "motion_blur", "angle": 30}, [5], draws=7)
    assert set(result.rows["draws"]) == {1}  # the angle was all that is random
    result.write(tmp_path)
    assert StabilityResult.read(tmp_path).degradation.settings == {"name": "motion_blur", "angle": 30}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"degradation": "fog"}, "degradation is fog; it can be brightness, chain"),
        ({"degradation": {"name": "jpeg", "quality": 3}}, "degradation jpeg takes no quality; it takes subsampling"),
        ({"degradation": "jpeg", "levels": [0]}, "a level of jpeg is 0; it must be a number"),
        ({"degradation": "saturation", "images": "grey"}, "saturation"),
    ],
)
def test_what_a_family_cannot_do_is_said(asked: Any, said: str, photos: cs.Images) -> None:
    grey = asked.pop("images", None)
    images = cs.Images(photos.pixels[:, :1], photos.labels) if grey else photos
    model = nn.Sequential(nn.Flatten(), nn.Linear(images.pixels[0].numel(), 3)).eval()
    with pytest.raises(cs.InputError, match=said):
        cs.evaluate(model, images, draws=1, **asked)
