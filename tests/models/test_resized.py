"""Images that are resized to those that a model takes: as Pillow does it, and what that does to noise."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from convstab.models.resized import Resized


@pytest.mark.parametrize(("here", "there"), [((96, 64), (32, 32)), ((20, 30), (32, 48)), ((28, 28), (28, 28))])
def test_it_resizes_as_the_folders_of_images_are_resized(here: tuple[int, int], there: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*here, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(pixels).resize((here[1] // 2, here[0] // 2)).resize(here[::-1]))
    wanted = np.asarray(Image.fromarray(smooth).resize(there[::-1], Image.Resampling.BICUBIC))
    found = Resized(nn.Identity(), there)(torch.from_numpy(smooth).permute(2, 0, 1)[None] / 255)
    np.testing.assert_allclose(found[0].permute(1, 2, 0).mul(255), wanted, atol=1.5)  # Pillow rounds twice


def test_white_noise_before_an_image_shrinks_is_so_much_weaker() -> None:
    noisy = 0.5 + 0.05 * torch.randn(4, 1, 192, 192, generator=torch.Generator().manual_seed(0))
    shrunk = Resized(nn.Identity(), (48, 48))(noisy)
    assert shrunk.std().item() == pytest.approx(0.05 / 4, rel=0.2)  # bicubic: 0.82 of it


def test_images_are_neither_above_white_nor_below_black() -> None:
    edges = torch.zeros(1, 1, 30, 30)
    edges[..., 15:] = 1  # bicubic goes beyond them
    assert Resized(nn.Identity(), (64, 64))(edges).aminmax() == (0, 1)


def test_an_image_is_resized_alike_whatever_stands_beside_it() -> None:
    images = torch.rand(33, 3, 41, 37, generator=torch.Generator().manual_seed(1))
    model = Resized(nn.Identity(), (24, 20))
    assert torch.equal(model(images)[[7, 32]], model(images[[7, 32]]))
