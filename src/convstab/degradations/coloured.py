"""Gaussian noise whose power lies in a band of spatial frequencies."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from convstab.degradations.degradation import Degradation, Numbers, Shape
from convstab.degradations.exactness import of_images, settled
from convstab.degradations.gaussian import PAPER_SIGMAS
from convstab.errors import InputError
from convstab.images import as_images
from convstab.validation import NotNegative


@dataclass(frozen=True)
class Coloured(Degradation):
    """Adds Gaussian noise of a band of frequencies; the level is its standard deviation, in grey levels.

    White noise, of each channel its own, is filtered in the frequency domain, periodically, and scaled so that the
    expected squared error before clipping is level^2. Frequencies are radial, in cycles per pixel: 0 is a shift of the
    whole image, 0.5 the finest stripes along an axis, 0.707 the finest chequerboard.

    lowest, highest: the ends of the band, both included. By default blotches of 8 pixels and more.
    Raises InputError for a band that holds no frequency of an image: those of a side of n pixels are multiples of 1/n.
    """

    name: ClassVar[str] = "coloured"
    unit: ClassVar[str] = "grey levels"
    grid: ClassVar[tuple[float, ...]] = PAPER_SIGMAS
    lowest: NotNegative = 0.0
    highest: NotNegative = 0.125

    def numbers(self, shape: Shape) -> tuple[Numbers, ...]:
        """A normal number for each value, white."""
        return (Numbers("normal", math.prod(shape)),)

    def check_shape(self, shape: Shape) -> None:
        """Raise InputError for images too small for the band."""
        if not self.band(*shape[1:]).any():
            band = f"from {self.lowest:g} to {self.highest:g} cycles per pixel"
            raise InputError(f"coloured noise {band} is none on {shape[1]} x {shape[2]} pixels: widen the band")

    def band(self, height: int, width: int) -> Tensor:
        """Which frequencies of the two-dimensional transform are in the band, bool (H, W)."""
        rows, columns = (torch.fft.fftfreq(size, dtype=torch.float64) for size in (height, width))
        radius = torch.hypot(rows[:, None], columns)
        return (radius >= self.lowest - 1e-9) & (radius <= self.highest + 1e-9)

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:
        """The images with noise."""
        height, width = images.shape[2:]
        band = self.band(height, width).to(images.device)
        white = as_images(random[0], tuple(images.shape[1:])).contiguous().double()
        kept = torch.fft.rfft2(white) * band[:, : width // 2 + 1]
        noise = torch.fft.irfft2(kept, (height, width)) / band.double().mean().sqrt()
        return settled(images + of_images(levels) * noise)
