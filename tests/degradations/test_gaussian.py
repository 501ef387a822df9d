"""Noise: its distribution and its key."""

import math

import numpy as np
import pytest
import torch

from convstab.degradations.draws.make import degraded_copies
from convstab.degradations.gaussian import Gaussian
from convstab.errors import InputError
from convstab.generators.floats import BLOCK, NoiseSource
from convstab.images import as_images, as_rows, to_unit


def grey(level: int, *shape: int) -> torch.Tensor:
    return torch.full(shape, level, dtype=torch.uint8)


def photo(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("sigma", [1, 8, 40])
def test_noise_is_normal_with_the_given_grey_levels(sigma: float) -> None:
    noise = (
        degraded_copies(grey(128, 3, 32, 32), Gaussian(), sigma, 64, 0, clip=False, rounding=False) * 255 - 128
    ).double()
    count = noise.numel()
    assert abs(noise.mean()) < 5 * sigma / count**0.5
    assert noise.std().item() == pytest.approx(sigma, rel=5 / (2 * count) ** 0.5)
    assert (noise.abs() > 2 * sigma).double().mean().item() == pytest.approx(math.erfc(2**0.5), rel=0.03)


def test_copies_are_what_an_8_bit_image_holds() -> None:
    levels = degraded_copies(photo(3, 16, 16), Gaussian(), 40, 10, 0) * 255
    assert levels.min() == 0
    assert levels.max() == 255
    assert torch.equal(levels, levels.round())
    free = degraded_copies(photo(3, 16, 16), Gaussian(), 40, 10, 0, clip=False, rounding=False) * 255
    assert free.min() < 0
    assert free.max() > 255


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 33, 31), (1, 3, 3)])
def test_ten_draws_are_the_first_of_many(shape: tuple[int, ...]) -> None:
    many = degraded_copies(photo(*shape), Gaussian(), 20, 2 * BLOCK + 5, 7)
    assert torch.equal(degraded_copies(photo(*shape), Gaussian(), 20, 10, 7), many[:10])
    assert len(many.flatten(1).unique(dim=0)) == len(many)


def test_any_draw_can_be_had_alone_and_in_any_order() -> None:
    source, other = NoiseSource(3), NoiseSource(3)
    whole = source.fill(torch.empty(100, 48), image=5, level=2.0)
    for first, stop in [(90, 100), (31, 33), (0, 7), (7, 40), (40, 64)]:
        assert torch.equal(other.fill(torch.empty(stop - first, 48), 5, 2.0, first), whole[first:stop])


def test_seed_image_and_sigma_each_change_the_noise() -> None:
    def noise(seed: int, image: int, sigma: float) -> torch.Tensor:
        return NoiseSource(seed).fill(torch.empty(4, 16), image, sigma)

    fills = [noise(0, 0, 1.0), noise(1, 0, 1.0), noise(0, 1, 1.0), noise(0, 0, 2.0)]
    assert len(torch.stack(fills).flatten(1).unique(dim=0)) == 4
    assert np.abs(np.corrcoef(torch.stack([fill.flatten() for fill in fills]).numpy())[0, 1:]).max() < 0.5


def test_sigma_0_is_the_clean_image() -> None:
    clean = photo(3, 16, 16)
    assert torch.equal(degraded_copies(clean, Gaussian(), 0, 2, 0), to_unit(clean).expand(2, -1, -1, -1))


def test_rows_are_channels_last_views() -> None:
    pixels = photo(2, 3, 4, 4)
    images = as_images(as_rows(pixels), (3, 4, 4))
    assert torch.equal(images, pixels.float())
    assert images.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("sigmas", [[-1.0], [math.nan], [math.inf], [1.0, 1.0], []])
def test_other_sigmas_are_refused(sigmas: list[float]) -> None:
    with pytest.raises(InputError, match="level"):
        Gaussian().check(sigmas)
