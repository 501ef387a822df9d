"""Loss of resolution: fewer pixels, and back to as many as there were."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor

from convstab.degradations.degradation import Degradation
from convstab.degradations.filters import separable
from convstab.validation import Limit

WINDOWS: dict[str, Callable[[Tensor], Tensor]] = {  # the weight at a distance, in pixels of the coarser line
    "box": lambda at: ((at > -0.5) & (at <= 0.5)).double(),
    "bilinear": lambda at: (1 - at.abs()).clamp_min(0),
}
Window = Annotated[Literal["box", "bilinear"], Limit(lambda value: value in WINDOWS, "box or bilinear")]


@dataclass(frozen=True)
class Resolution(Degradation):
    """Makes images smaller and as large again; the level is the factor by which a side shrinks, 1 is the image.

    The small sides are whole: side / level, rounded down, at least 1. What is between is not rounded to grey levels.

    window: "bilinear" averages and interpolates with triangles, "box" makes squares of one colour ("pixelate").
    Source: Pillow's resize, whose weights these are; with "box" Hendrycks and Dietterich 2019, pixelate.
    """

    name: ClassVar[str] = "resolution"
    unit: ClassVar[str] = "times fewer pixels on a side"
    neutral: ClassVar[float] = 1.0
    low: ClassVar[float] = 1.0
    coarse: ClassVar[bool] = True
    grid: ClassVar[tuple[float, ...]] = (1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0)
    window: Window = "bilinear"

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:  # noqa: ARG002
        """The images with less detail."""
        return separable(images, levels, partial(there_and_back, self.window))


def there_and_back(window: str, factor: float, size: int) -> Tensor:
    """A line of pixels made shorter and as long again, float64 (size, size)."""
    small = max(1, math.floor(size / factor + 1e-9))
    return resize_matrix(window, small, size) @ resize_matrix(window, size, small)


def resize_matrix(window: str, size: int, target: int) -> Tensor:
    """How Pillow makes ``target`` pixels of ``size``, float64 (target, size); each row sums to 1."""
    scale = max(1.0, size / target)
    centres = (torch.arange(target, dtype=torch.float64) + 0.5) * (size / target)
    pixels = torch.arange(size)
    weights = WINDOWS[window]((pixels + 0.5 - centres[:, None]) / scale)
    return weights / weights.sum(1, keepdim=True)
