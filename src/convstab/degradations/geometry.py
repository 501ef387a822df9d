"""Images that are moved, turned and scaled: bilinear between pixels, and beyond the edge as the last pixels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from convstab.degradations.blur import Angle
from convstab.degradations.degradation import Degradation, Numbers, Shape
from convstab.degradations.exactness import settled


@dataclass(frozen=True)
class Translation(Degradation):
    """Moves the image; the level is the distance in pixels.

    angle: of the direction, in degrees, counterclockwise from the right; None: each draw has its own, uniform.
    """

    name: ClassVar[str] = "translation"
    unit: ClassVar[str] = "pixels"
    grid: ClassVar[tuple[float, ...]] = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
    angle: Angle = None

    def numbers(self, shape: Shape) -> tuple[Numbers, ...]:  # noqa: ARG002
        """The direction, where it is not given."""
        return (Numbers("uniform", 1),) if self.angle is None else ()

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:
        """The images, moved."""
        full = 2 * math.pi
        turn = random[0][:, 0].double() * full if random else torch.full_like(levels, math.radians(self.angle or 0))
        one, none = torch.ones_like(levels), torch.zeros_like(levels)
        return resampled(images, one, none, -levels * turn.cos(), levels * turn.sin())


@dataclass(frozen=True)
class Rotation(Degradation):
    """Turns the image about its middle; the level is degrees, counterclockwise, below 0 clockwise."""

    name: ClassVar[str] = "rotation"
    unit: ClassVar[str] = "degrees"
    low: ClassVar[float] = -180.0
    high: ClassVar[float] = 180.0
    grid: ClassVar[tuple[float, ...]] = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0)

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:  # noqa: ARG002
        """The images, turned."""
        turn, none = levels * (math.pi / 180), torch.zeros_like(levels)
        return resampled(images, turn.cos(), turn.sin(), none, none)


@dataclass(frozen=True)
class Scale(Degradation):
    """Scales what the image shows about its middle; the level is the factor: above 1 it is larger, below 1 smaller."""

    name: ClassVar[str] = "scale"
    unit: ClassVar[str] = "factor"
    neutral: ClassVar[float] = 1.0
    low: ClassVar[float] = 0.05
    high: ClassVar[float] = 20.0
    grid: ClassVar[tuple[float, ...]] = (1.02, 1.05, 1.1, 1.2, 1.35, 1.5, 2.0)

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:  # noqa: ARG002
        """The images, scaled."""
        none = torch.zeros_like(levels)
        return resampled(images, 1 / levels, none, none, none)

    def severity(self, level: float) -> float:
        """Halvings or doublings: 2 and 1/2 are as far from 1."""
        return abs(math.log2(level))

    def between(self, level: float, strength: float) -> float:
        """The factor that is so far on the way, in halvings or doublings."""
        return float(level**strength)


def resampled(images: Tensor, cos: Tensor, sin: Tensor, right: Tensor, down: Tensor) -> Tensor:
    """Images whose pixel at (x, y) from the middle was at (cos x - sin y + right, sin x + cos y + down).

    cos, sin, right, down: one for each image, float64 (N,), pixels.
    """
    height, width = images.shape[2:]
    y, x = (torch.arange(size, device=images.device).double() - (size - 1) / 2 for size in (height, width))
    cos, sin, right, down = (value.view(-1, 1, 1) for value in (cos, sin, right, down))
    columns = cos * x - sin * y[:, None] + right
    rows = sin * x + cos * y[:, None] + down
    places = torch.stack((columns.expand_as(rows) * 2 / width, rows * 2 / height), 3)
    whole = images.to(torch.float64, memory_format=torch.contiguous_format)
    return settled(F.grid_sample(whole, places, mode="bilinear", padding_mode="border", align_corners=False))
