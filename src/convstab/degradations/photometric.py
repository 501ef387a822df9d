"""Light and its curve: brightness, exposure, contrast, gamma, saturation."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from convstab.degradations.degradation import Degradation, Shape
from convstab.degradations.exactness import of_images, settled
from convstab.errors import InputError
from convstab.images import GREY_LEVELS
from convstab.validation import Flag, Positive


@dataclass(frozen=True)
class Brightness(Degradation):
    """Adds the level, in grey levels, to every value; below 0 the image darkens. Squared error: level^2.

    hsv: add it to the value of HSV, the largest channel, and let the others keep their ratio to it.
    Source: with hsv Hendrycks and Dietterich 2019, brightness.
    """

    name: ClassVar[str] = "brightness"
    unit: ClassVar[str] = "grey levels"
    low: ClassVar[float] = -GREY_LEVELS
    high: ClassVar[float] = GREY_LEVELS
    grid: ClassVar[tuple[float, ...]] = (5.0, 10.0, 20.0, 40.0, 60.0, 80.0, 100.0, 128.0)
    hsv: Flag = False

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:  # noqa: ARG002
        """The images, brighter."""
        more = of_images(levels)
        if not self.hsv:
            return images + more.float()
        value = images.amax(1, keepdim=True).double()
        raised = (value + more).clamp(0, GREY_LEVELS)
        return settled(torch.where(value > 0, images * raised / value.clamp_min(1e-9), raised))


@dataclass(frozen=True)
class Exposure(Degradation):
    """Exposes longer; the level is stops: each doubles the light, below 0 each halves it.

    Values are light to the power of 1 / gamma, so that they are multiplied by 2^(level / gamma).

    gamma: of the camera's curve; 1 for images that are linear in light. 2.2 is near sRGB's.
    """

    name: ClassVar[str] = "exposure"
    unit: ClassVar[str] = "stops"
    low: ClassVar[float] = -10.0
    high: ClassVar[float] = 10.0
    grid: ClassVar[tuple[float, ...]] = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
    gamma: Positive = 2.2

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:  # noqa: ARG002
        """The images, exposed longer."""
        return settled(images * of_images(levels / self.gamma).exp2())


@dataclass(frozen=True)
class Contrast(Degradation):
    """Scales the distance of values from the mean of their channel; the level is the factor, 0 leaves the mean.

    The squared error is (1 - level)^2 times the variance within channels.
    Source: Hendrycks and Dietterich 2019, contrast.
    """

    name: ClassVar[str] = "contrast"
    unit: ClassVar[str] = "factor"
    neutral: ClassVar[float] = 1.0
    high: ClassVar[float] = 20.0
    grid: ClassVar[tuple[float, ...]] = (0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 0.9)

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:  # noqa: ARG002
        """The images with less contrast."""
        mean = images.double().mean((2, 3), keepdim=True)
        return settled(mean + of_images(levels) * (images - mean))


@dataclass(frozen=True)
class Gamma(Degradation):
    """Takes values, as shares of white, to the power of the level: above 1 darker, below 1 brighter."""

    name: ClassVar[str] = "gamma"
    unit: ClassVar[str] = "exponent"
    neutral: ClassVar[float] = 1.0
    low: ClassVar[float] = 0.05
    high: ClassVar[float] = 20.0
    grid: ClassVar[tuple[float, ...]] = (1.1, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0)

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:  # noqa: ARG002
        """The images under another curve."""
        return settled((images.double() / GREY_LEVELS).pow(of_images(levels)) * GREY_LEVELS)

    def severity(self, level: float) -> float:
        """Halvings or doublings of the exponent: 2 and 1/2 are as far from 1."""
        return abs(math.log2(level))

    def between(self, level: float, strength: float) -> float:
        """The exponent that is so far on the way, in halvings or doublings."""
        return float(level**strength)


@dataclass(frozen=True)
class Saturation(Degradation):
    """Multiplies the saturation of HSV by the level, up to its end; 0 leaves the value, without colour.

    Source: Hendrycks and Dietterich 2019, saturate, where it adds nothing.
    """

    name: ClassVar[str] = "saturation"
    unit: ClassVar[str] = "factor"
    neutral: ClassVar[float] = 1.0
    high: ClassVar[float] = 100.0
    grid: ClassVar[tuple[float, ...]] = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)

    def check_shape(self, shape: Shape) -> None:
        """Raise InputError for images without colours."""
        if shape[0] != 3:
            raise InputError(f"saturation needs RGB images; these have {shape[0]} channel{'s' * (shape[0] > 1)}")

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:  # noqa: ARG002
        """The images with other colours."""
        value, least = (extreme(images, 1, True).double() for extreme in (torch.amax, torch.amin))
        most = value / (value - least).clamp_min(1e-9)  # the factor at which saturation is 1
        return settled(value - (value - images) * torch.minimum(of_images(levels), most))
