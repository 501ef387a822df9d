"""Noise that strikes each value on its own, beside Gaussian noise."""

import math
from abc import ABC
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from convstab.degradations.degradation import Degradation, Numbers, Shape
from convstab.degradations.exactness import of_images, settled
from convstab.degradations.gaussian import PAPER_SIGMAS
from convstab.images import GREY_LEVELS, as_images

CENTRE = 2.0**-25  # uniform float32 numbers are multiples of 2^-24: the middle of the step that one stands for


class ValueNoise(Degradation, ABC):
    """Noise with one uniform number for each value of the image."""

    def numbers(self, shape: Shape) -> tuple[Numbers, ...]:
        """A uniform number for each value."""
        return (Numbers("uniform", math.prod(shape)),)


@dataclass(frozen=True)
class Uniform(ValueNoise):
    """Adds independent uniform noise to every value; the level is its standard deviation in grey levels.

    The noise lies within sqrt(3) times the level. The expected squared error before clipping is level^2.
    """

    name: ClassVar[str] = "uniform"
    unit: ClassVar[str] = "grey levels"
    grid: ClassVar[tuple[float, ...]] = PAPER_SIGMAS

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:
        """The images with noise."""
        width = of_images(levels * math.sqrt(12)).float()
        return images + width * (as_images(random[0], tuple(images.shape[1:])) - 0.5)


@dataclass(frozen=True)
class Laplace(ValueNoise):
    """Adds independent Laplacian noise to every value; the level is its standard deviation in grey levels.

    Heavier tails than Gaussian noise. The expected squared error before clipping is level^2.
    """

    name: ClassVar[str] = "laplace"
    unit: ClassVar[str] = "grey levels"
    grid: ClassVar[tuple[float, ...]] = PAPER_SIGMAS

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:
        """The images with noise: the quantiles of the law at the uniform numbers."""
        middle = as_images(random[0], tuple(images.shape[1:])).double() - (0.5 - CENTRE)
        exponential = torch.log1p(-2 * middle.abs())
        return settled(images - of_images(levels / math.sqrt(2)) * middle.sign() * exponential)


@dataclass(frozen=True)
class Speckle(Degradation):
    """Multiplies every value by 1 + level * n, n standard normal; the level is a share of the value.

    The expected squared error before clipping is level^2 times the mean square of the image.
    Source: Hendrycks and Dietterich 2019, speckle noise.
    """

    name: ClassVar[str] = "speckle"
    unit: ClassVar[str] = "share of the value"
    grid: ClassVar[tuple[float, ...]] = (0.02, 0.05, 0.1, 0.15, 0.2, 0.35, 0.45, 0.6)

    def numbers(self, shape: Shape) -> tuple[Numbers, ...]:
        """A normal number for each value."""
        return (Numbers("normal", math.prod(shape)),)

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:
        """The images with noise."""
        share = of_images(levels).float() * as_images(random[0], tuple(images.shape[1:]))
        return images + images * share


@dataclass(frozen=True)
class Impulse(ValueNoise):
    """Makes values black or white, each with half the probability; the level is the share that is struck.

    Each channel is struck on its own. Expected squared error: level * (2 E[x^2] - 510 E[x] + 255^2) / 2.
    Source: skimage.util.random_noise, mode "s&p"; Hendrycks and Dietterich 2019, impulse noise.
    """

    name: ClassVar[str] = "impulse"
    unit: ClassVar[str] = "share of the values"
    high: ClassVar[float] = 1.0
    coarse: ClassVar[bool] = True
    grid: ClassVar[tuple[float, ...]] = (0.001, 0.003, 0.01, 0.03, 0.06, 0.09, 0.17, 0.27)

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:
        """The images with black and white values."""
        numbers, share = as_images(random[0], tuple(images.shape[1:])).double(), of_images(levels)
        lit = torch.where(numbers < share / 2, GREY_LEVELS, images)
        return torch.where((numbers >= share / 2) & (numbers < share), 0.0, lit)
