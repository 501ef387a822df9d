"""Gaussian noise: sigma in grey levels, clipped and rounded as an 8-bit image is."""

import math
from typing import Any

import torch
from torch import Tensor

from convstab.errors import InputError
from convstab.generators import NoiseSource
from convstab.images import as_images, as_rows, grey_to_unit_, quantise_, row_length


def check_sigmas(sigmas: Any) -> tuple[float, ...]:
    """Noise levels in grey levels, ascending; InputError when one is negative, not a number, or there twice."""
    try:
        levels = sorted(float(sigma) for sigma in sigmas)
    except (TypeError, ValueError) as error:
        raise InputError(f"sigmas is {sigmas}; it must be a list of numbers, such as [8, 20]") from error
    for sigma in levels:
        if not 0 <= sigma < math.inf:  # NaN fails every comparison
            raise InputError(f"sigma is {sigma}; it must be a number of grey levels, 0 (no noise) or more")
    if not levels or len(set(levels)) < len(levels):
        raise InputError(f"sigmas is {levels}; it must name every noise level once, and at least one")
    return tuple(levels)


def add_noise(clean: Tensor, noise: Tensor, sigma: float) -> Tensor:
    """The sum clean + sigma * noise, written over ``noise``; clean and sigma in grey levels."""
    return torch.add(clean, noise, alpha=sigma, out=noise)


def noisy_copies(
    pixels: Tensor,
    sigma: float,
    draws: int,
    image: int,
    seed: int = 0,
    clip: bool = True,
    rounding: bool = True,
) -> Tensor:
    """The first ``draws`` noisy copies of one image, float32 (draws, C, H, W), channels last, in [0, 1] if clipped.

    pixels: uint8 (C, H, W). sigma: in grey levels. image: index in the test set. Paper: section 4, tolerance
    against noise. Raises InputError for a sigma below 0 or no number.
    """
    check_sigmas([sigma])
    rows = torch.empty(draws, row_length(pixels.numel()), device=pixels.device)
    clean = as_rows(pixels[None])
    NoiseSource(seed, pixels.device).fill(rows, image, sigma)
    quantise_(add_noise(clean, rows, sigma), clip, rounding)
    return as_images(grey_to_unit_(rows), pixels.shape)
