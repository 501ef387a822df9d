"""Blur, beside SciPy and scikit-image, which filter image by image."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import gaussian

from convstab.degradations.blur import disk, lines
from convstab.degradations.by_name import degradation
from convstab.errors import InputError
from tests.degradations.photos import copies, error, photos


def edge() -> torch.Tensor:
    """Higher than wide, and smaller than wide filters."""
    return photos()[2, :, 3:26, :17].contiguous()


def for_each_channel(image: torch.Tensor, kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([ndimage.convolve(channel, kernel, mode="nearest") for channel in image.double().numpy()])


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.7, 12.0])
def test_gaussian_blur_is_that_of_scikit_image(sigma: float) -> None:
    theirs = gaussian(edge().double().numpy(), sigma, channel_axis=0, preserve_range=True)  # type: ignore[no-untyped-call]
    assert copies(degradation("gaussian_blur"), sigma, edge()).numpy()[0] == pytest.approx(theirs, abs=2e-4)


def test_long_lines_are_filtered_in_bands() -> None:
    image = photos(144)[0, :, :120, :70].contiguous()
    theirs = gaussian(image.double().numpy(), 2.0, channel_axis=0, preserve_range=True)  # type: ignore[no-untyped-call]
    assert copies(degradation("gaussian_blur"), 2.0, image).numpy()[0] == pytest.approx(theirs, abs=2e-4)


@pytest.mark.parametrize("radius", [0.75, 2.5, 7.0, 15.3])
def test_defocus_is_a_convolution_with_a_disk(radius: float) -> None:
    theirs = for_each_channel(edge(), disk(radius).numpy())
    assert copies(degradation("defocus"), radius, edge()).numpy()[0] == pytest.approx(theirs, abs=2e-4)


@pytest.mark.parametrize("radius", [2.7, 9.6])
def test_a_disk_covers_its_area(radius: float) -> None:
    """Its part in the middle pixel is 1 / area, its second moment radius^2 / 4, and that of a pixel 1 / 12."""
    cover = disk(radius)
    offsets = torch.arange(len(cover)).double() - len(cover) // 2
    middle = cover[len(cover) // 2, len(cover) // 2]
    assert float(1 / middle) == pytest.approx(np.pi * radius**2, rel=0.02)
    assert float((cover.sum(1) * offsets.square()).sum()) == pytest.approx(radius**2 / 4 + 1 / 12, rel=0.02)
    for turned in (cover.T, cover.flip(0), cover.flip(1)):
        assert turned.numpy() == pytest.approx(cover.numpy(), abs=1e-15)


def test_a_disk_within_a_pixel_changes_nothing() -> None:
    assert error(degradation("defocus"), 0.01, edge()) < 1e-6
    assert error(degradation("defocus"), 0.5, edge()) < 1e-6
    assert error(degradation("defocus"), 0.6, edge()) > 1


@pytest.mark.parametrize("angle", [0.0, 90.0, 37.0, -20.0])
@pytest.mark.parametrize("length", [0.4, 3.0, 11.0])
def test_motion_blur_is_the_mean_of_moved_images(angle: float, length: float) -> None:
    steps = (np.arange(400) + 0.5) / 400 - 0.5
    turn = np.deg2rad(angle)
    wide = np.pad(edge().double().numpy(), ((0, 0), (8, 8), (8, 8)), mode="edge")
    moved = [ndimage.shift(wide, (0, -np.sin(turn) * at * length, np.cos(turn) * at * length), order=1) for at in steps]
    theirs = np.mean(moved, 0)[:, 8:-8, 8:-8]
    assert copies(degradation("motion_blur", angle=angle), length, edge()).numpy()[0] == pytest.approx(theirs, abs=0.05)


def test_each_draw_of_motion_blur_has_its_own_angle() -> None:
    dot = torch.zeros(1, 33, 33, dtype=torch.uint8)
    dot[0, 16, 16] = 255
    made = copies(degradation("motion_blur"), 15.0, dot, 64)[:, 0]
    at = torch.arange(-16, 17).double()
    xx, yy = made.sum(1) @ at.square() / 255, made.sum(2) @ at.square() / 255
    xy = -(made * at[:, None] * at).sum((1, 2)) / 255
    angles = torch.rad2deg(torch.atan2(2 * xy, xx - yy) / 2).remainder(180)
    assert angles.sort().values.numpy() == pytest.approx(np.linspace(0, 180, 64), abs=35)
    assert float((xx + yy).mean()) == pytest.approx(15**2 / 12, rel=0.1)


def test_lines_are_symmetric_and_sum_to_1() -> None:
    made = lines(7.3, torch.linspace(0, 3, 7).double())
    assert made.flip(1, 2).numpy() == pytest.approx(made.numpy(), abs=1e-12)
    assert made.sum((1, 2)).numpy() == pytest.approx(np.ones(7))


@pytest.mark.parametrize("name", ["gaussian_blur", "defocus", "motion_blur"])
def test_a_flat_image_stays_as_it_is(name: str) -> None:
    assert error(degradation(name), 5.0, torch.full((3, 9, 9), 77, dtype=torch.uint8), 3) < 1e-8


def test_an_angle_is_a_number() -> None:
    with pytest.raises(InputError, match=r"^angle is up; it must be a number \(degrees\), or null$"):
        degradation("motion_blur", angle="up")
