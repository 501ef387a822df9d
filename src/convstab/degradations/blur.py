"""Blur: light that goes astray, lenses out of focus, cameras that move."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from convstab.degradations.degradation import Degradation, Numbers, Shape
from convstab.degradations.exactness import by_level
from convstab.degradations.filters import convolved, separable
from convstab.validation import Limit, is_number, or_null

FINE = 33  # lines through a pixel that chords of a disk are taken on, and points of a pixel's length in a line; odd
Angle = Annotated[float | None, or_null(Limit(is_number, "a number (degrees)"))]


@dataclass(frozen=True)
class GaussianBlur(Degradation):
    """Filters with a Gaussian; the level is its standard deviation in pixels.

    Sampled at the pixels, cut off at 4 standard deviations. Below 0.2 pixels it changes next to nothing.
    Source: Hendrycks and Dietterich 2019, Gaussian blur; skimage.filters.gaussian, whose defaults these are.
    """

    name: ClassVar[str] = "gaussian_blur"
    unit: ClassVar[str] = "pixels"
    high: ClassVar[float] = 100.0
    grid: ClassVar[tuple[float, ...]] = (0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:  # noqa: ARG002
        """The images, blurred along rows and columns."""
        return separable(images, levels, gaussian_matrix)


def gaussian_matrix(sigma: float, size: int) -> Tensor:
    """The filter of a line of pixels, float64 (size, size); what falls beyond an end falls on its last pixel."""
    radius = int(4 * sigma + 0.5)
    offsets = torch.arange(-radius, radius + 1)
    weights = torch.exp(-0.5 * (offsets.double() / sigma).square())
    pixels = torch.arange(size)[:, None]
    matrix = torch.zeros(size, size, dtype=torch.float64)
    return matrix.scatter_add_(1, (pixels + offsets).clamp(0, size - 1), (weights / weights.sum()).repeat(size, 1))


@dataclass(frozen=True)
class Defocus(Degradation):
    """Filters with a disk, as a lens out of focus does; the level is its radius in pixels.

    A pixel weighs as much as the disk covers of it. Up to 0.5 nothing changes: the disk lies within one pixel.
    Source: Goodman, Introduction to Fourier Optics, section 6.4 (geometrical optics).
    """

    name: ClassVar[str] = "defocus"
    unit: ClassVar[str] = "pixels"
    high: ClassVar[float] = 100.0
    grid: ClassVar[tuple[float, ...]] = (0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0)

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:  # noqa: ARG002
        """The images, blurred."""
        blurred = torch.empty_like(images)
        for radius, chosen in by_level(levels):
            blurred[chosen] = convolved(images[chosen], disk(radius).to(images.device)[None])
        return blurred


def disk(radius: float) -> Tensor:
    """The share of each pixel that a disk covers, scaled to sum to 1, float64 (K, K)."""
    reach = math.ceil(max(0.0, radius - 0.5))
    pixels = torch.arange(-reach, reach + 1)
    lines = (torch.arange(len(pixels) * FINE, dtype=torch.float64) - (len(pixels) * FINE - 1) / 2) / FINE
    half = (radius**2 - lines.square()).clamp_min(0).sqrt()[:, None]  # of the chord on each line
    chords = (half.minimum(pixels + 0.5) - (-half).maximum(pixels - 0.5)).clamp_min(0)
    cover = chords.unflatten(0, (-1, FINE)).sum(1)
    share: Tensor = (cover + cover.T) / (2 * cover.sum())
    return share


@dataclass(frozen=True)
class MotionBlur(Degradation):
    """Averages the image along a straight line, as a camera that moves does; the level is its length in pixels.

    Between pixels the image is interpolated bilinearly.

    angle: of the line, in degrees, counterclockwise from the rows; None: each draw has its own, uniform.
    """

    name: ClassVar[str] = "motion_blur"
    unit: ClassVar[str] = "pixels"
    high: ClassVar[float] = 200.0
    grid: ClassVar[tuple[float, ...]] = (1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0)
    angle: Angle = None

    def numbers(self, shape: Shape) -> tuple[Numbers, ...]:  # noqa: ARG002
        """The angle, where it is not given."""
        return (Numbers("uniform", 1),) if self.angle is None else ()

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:
        """The images, blurred."""
        turn = random[0][:, 0].double() * math.pi if random else torch.full_like(levels, math.radians(self.angle or 0))
        blurred = torch.empty_like(images)
        for length, chosen in by_level(levels):
            blurred[chosen] = convolved(images[chosen], lines(length, turn[chosen]))
        return blurred


def lines(length: float, angles: Tensor) -> Tensor:
    """Lines through the middle of a square of pixels, float64 (N, K, K), each point shared by its four neighbours."""
    reach, count = math.ceil(length / 2), max(2 * FINE, math.ceil(length * FINE))
    size = 2 * reach + 1
    along = ((torch.arange(count, dtype=torch.float64, device=angles.device) + 0.5) / count - 0.5) * length
    column, row = (step[:, None] * along + reach for step in (angles.cos(), -angles.sin()))
    kernels = torch.zeros(len(angles), size * size, dtype=torch.float64, device=angles.device)
    for right, below in ((0, 0), (0, 1), (1, 0), (1, 1)):
        share = (1 - (column.floor() + right - column).abs()) * (1 - (row.floor() + below - row).abs())
        places = (row.floor() + below).clamp_max(size - 1) * size + (column.floor() + right).clamp_max(size - 1)
        kernels.scatter_add_(1, places.long(), share)  # beyond the end the share is 0
    return kernels.view(-1, size, size) / count
