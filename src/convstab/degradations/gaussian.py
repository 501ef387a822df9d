"""Additive white Gaussian noise."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from convstab.degradations.degradation import Degradation, Numbers, Shape
from convstab.images import as_images

PAPER_SIGMAS = (1.0, 2.0, 4.0, 8.0, 10.0, 14.0, 18.0, 20.0, 25.0, 30.0, 35.0, 40.0)  # section 4, in grey levels


@dataclass(frozen=True)
class Gaussian(Degradation):
    """Adds independent normal noise to every value; the level is its standard deviation, sigma, in grey levels.

    Paper: section 4. The expected squared error before clipping is sigma^2.
    """

    name: ClassVar[str] = "gaussian"
    unit: ClassVar[str] = "grey levels"
    quantity: ClassVar[str] = "sigma"
    grid: ClassVar[tuple[float, ...]] = PAPER_SIGMAS

    def numbers(self, shape: Shape) -> tuple[Numbers, ...]:
        """A normal number for each value of the image."""
        return (Numbers("normal", math.prod(shape)),)

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:
        """The images with noise."""
        noise = as_images(random[0], tuple(images.shape[1:]))
        return images + levels.float().view(-1, 1, 1, 1) * noise


def add_noise(clean: Tensor, noise: Tensor, sigma: float) -> Tensor:
    """The sum clean + sigma * noise, written over ``noise``; clean and sigma in grey levels."""
    return torch.add(clean, noise, alpha=sigma, out=noise)
