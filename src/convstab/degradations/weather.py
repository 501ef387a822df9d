"""What lies between the camera and the scene: haze, and things in the way."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from torch import Tensor

from convstab.degradations.degradation import Degradation, Numbers, Shape
from convstab.degradations.exactness import of_images, settled
from convstab.images import GREY_LEVELS
from convstab.validation import Limit, Positive, is_number

THRESHOLD = 0.05  # of the contrast that is left at the visibility, WMO's meteorological optical range
Grey = Annotated[
    float, Limit(lambda value: is_number(value) and 0 <= value <= GREY_LEVELS, "a number in [0, 255] (grey levels)")
]


@dataclass(frozen=True)
class Haze(Degradation):
    """Mixes the image with airlight, as haze does; the level is the visibility in metres, "inf" is clear air.

    All of the image is at one distance d: x t + airlight (1 - t), t = 0.05^(d / level).

    distance: of what the image shows, metres. airlight: of the sky at the horizon, grey levels.
    Source: Koschmieder 1924; meteorological optical range: WMO-No. 8, chapter 9.
    """

    name: ClassVar[str] = "haze"
    unit: ClassVar[str] = "metres of visibility"
    neutral: ClassVar[float] = math.inf
    low: ClassVar[float] = 1.0
    grid: ClassVar[tuple[float, ...]] = (30.0, 50.0, 75.0, 100.0, 150.0, 250.0, 500.0, 1000.0)
    distance: Positive = 50.0
    airlight: Grey = 220.0

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:  # noqa: ARG002
        """The images in haze."""
        left = (of_images(self.distance / levels) * math.log(THRESHOLD)).exp()
        return settled(images * left + self.airlight * (1 - left))

    def severity(self, level: float) -> float:
        """The optical thickness of a metre, up to a constant."""
        return 1 / level

    def between(self, level: float, strength: float) -> float:
        """The visibility that gives so much of the optical thickness."""
        return level / strength if strength else self.neutral


@dataclass(frozen=True)
class Occlusion(Degradation):
    """Covers a rectangle; the level is the share of the image that it covers. Each draw has its own place, uniform.

    The rectangle is as wide to high as the image; a pixel that it covers in part is mixed.

    grey: of the rectangle, grey levels.
    """

    name: ClassVar[str] = "occlusion"
    unit: ClassVar[str] = "share of the image"
    high: ClassVar[float] = 1.0
    grid: ClassVar[tuple[float, ...]] = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
    grey: Grey = 0.0

    def numbers(self, shape: Shape) -> tuple[Numbers, ...]:  # noqa: ARG002
        """The place: of the free height, and of the free width."""
        return (Numbers("uniform", 2),)

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:
        """The images with something in the way."""
        side, place = levels.sqrt(), random[0].double()
        down, along = (
            covered(size, side * size, place[:, axis] * (1 - side) * size) for axis, size in enumerate(images.shape[2:])
        )
        cover = (down[:, :, None] * along[:, None, :])[:, None]
        return settled(images * (1 - cover) + self.grey * cover)


def covered(size: int, length: Tensor, start: Tensor) -> Tensor:
    """How much of each of ``size`` pixels in a line lies within a piece of it, float64 (N, size)."""
    pixels = length.new_tensor(range(size))
    ends = (start + length)[:, None].minimum(pixels + 1) - start[:, None].maximum(pixels)
    return ends.clamp(0, 1)
