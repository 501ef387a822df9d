"""Moved, turned and scaled images, beside SciPy's spline interpolation of order 1."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from convstab.degradations.by_name import degradation
from tests.degradations.photos import copies, photos


def image() -> torch.Tensor:
    return photos()[1, :, :27].contiguous()


@pytest.mark.parametrize(("angle", "down", "right"), [(0.0, 0, 1), (90.0, -1, 0), (37.0, None, None)])
@pytest.mark.parametrize("distance", [0.5, 3.0, 100.0])
def test_translation_is_scipys_shift(angle: float, down: float | None, right: float | None, distance: float) -> None:
    turn = np.deg2rad(angle)
    way = (-np.sin(turn) if down is None else down, np.cos(turn) if right is None else right)
    theirs = ndimage.shift(image().double().numpy(), (0, way[0] * distance, way[1] * distance), order=1, mode="nearest")
    assert copies(degradation("translation", angle=angle), distance, image())[0].numpy() == pytest.approx(
        theirs, abs=1e-3
    )


def test_directions_of_translations_are_uniform() -> None:
    dot = torch.zeros(1, 31, 31, dtype=torch.uint8)
    dot[0, 15, 15] = 255
    made, at = copies(degradation("translation"), 8.0, dot, 200)[:, 0] / 255, torch.arange(-15, 16).double()
    x, y = made.sum(1) @ at, -(made.sum(2) @ at)
    assert torch.hypot(x, y).numpy() == pytest.approx(8, abs=1e-3)
    angles = torch.atan2(y, x).remainder(2 * torch.pi).sort().values
    assert angles.numpy() == pytest.approx(np.linspace(0, 2 * np.pi, 200), abs=0.7)


@pytest.mark.parametrize("degrees", [-90.0, 17.0, 180.0])
def test_rotation_is_scipys(degrees: float) -> None:
    theirs = ndimage.rotate(image().double().numpy(), degrees, (1, 2), reshape=False, order=1, mode="nearest")
    found = copies(degradation("rotation"), degrees, image())[0].numpy()
    assert found == pytest.approx(theirs, abs=1e-3)


@pytest.mark.parametrize("factor", [0.5, 1.3, 4.0])
def test_scale_is_scipys_affine_transform(factor: float) -> None:
    centre = (np.array([27, 32]) - 1) / 2
    theirs = [
        ndimage.affine_transform(
            channel, np.full(2, 1 / factor), offset=centre - centre / factor, order=1, mode="nearest"
        )
        for channel in image().double().numpy()
    ]
    assert copies(degradation("scale"), factor, image())[0].numpy() == pytest.approx(np.stack(theirs), abs=1e-3)
