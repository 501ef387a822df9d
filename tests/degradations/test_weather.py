"""Haze by Koschmieder's law, and rectangles by their area."""

import numpy as np
import pytest
import torch

from convstab.degradations.by_name import degradation
from convstab.errors import InputError
from tests.degradations.photos import copies, photos


@pytest.mark.parametrize("distance", [20.0, 50.0])
def test_at_the_visibility_a_twentieth_of_the_contrast_is_left(distance: float) -> None:
    image = photos()[0]
    made = copies(degradation("haze", distance=distance, airlight=200), distance, image)[0]
    assert made.numpy() == pytest.approx((image.double() * 0.05 + 190).numpy(), abs=1e-3)
    twice = copies(degradation("haze", distance=distance, airlight=200), 2 * distance, image)[0]
    assert float(twice.std() / image.double().std()) == pytest.approx(0.05**0.5, rel=1e-4)


def test_the_middle_of_the_way_is_half_the_optical_thickness() -> None:
    family = degradation("haze")
    assert family.between(50, 0.5) == 100
    assert family.check([50, float("inf"), 100]) == (float("inf"), 100, 50)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("shape", [(3, 24, 17), (1, 1, 9)])
def test_the_rectangle_covers_its_share_anywhere(share: float, shape: tuple[int, int, int]) -> None:
    white = torch.full(shape, 255, dtype=torch.uint8)
    made = copies(degradation("occlusion", grey=55.0), share, white, 200)
    assert ((255 - made).mean((1, 2, 3)) / 200).numpy() == pytest.approx(share, abs=1e-5)
    assert torch.equal(made[:, :1].expand_as(made), made)
    if share < 0.2:
        middle = ((255 - made[:, 0]).sum(1) @ (torch.arange(shape[2]).double() + 0.5)) / (255 - made[:, 0]).sum((1, 2))
        half = share**0.5 * shape[2] / 2
        ends = np.quantile(middle.numpy(), [0, 0.5, 1])
        assert ends == pytest.approx([half, shape[2] / 2, shape[2] - half], abs=shape[2] * 0.12)


def test_height_and_width_of_the_place_are_independent() -> None:
    made = 255 - copies(degradation("occlusion"), 0.04, torch.full((1, 20, 20), 255, dtype=torch.uint8), 300)[:, 0]
    middles = torch.stack([made.sum(axis) @ torch.arange(20).double() for axis in (1, 2)])
    assert abs(float(torch.corrcoef(middles)[0, 1])) < 0.25


def test_the_grey_of_a_rectangle_is_a_grey_level() -> None:
    with pytest.raises(InputError, match=r"^grey is 256; it must be a number in \[0, 255\] \(grey levels\)$"):
        degradation("occlusion", grey=256)
