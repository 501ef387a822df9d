"""Compression: JPEG, and fewer bits for each value."""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import torch
from torch import Tensor

from convstab.degradations.degradation import Degradation, Shape
from convstab.degradations.exactness import of_images
from convstab.degradations.filters import NEAR
from convstab.errors import InputError
from convstab.files import jpeg
from convstab.images import GREY_LEVELS
from convstab.validation import Limit

LARGE = 2**16  # values of an image that are worth a thread: to hand Python over costs as much as a small image
Subsampling = Annotated[
    Literal["4:4:4", "4:2:2", "4:2:0"], Limit(lambda value: value in jpeg.SUBSAMPLINGS, "4:4:4, 4:2:2 or 4:2:0")
]


@dataclass(frozen=True)
class Jpeg(Degradation):
    """Compresses images as JPEG files and reads them again, as Pillow does; the level is the quality, a whole number.

    Values are clipped and rounded first, as in a file. Quality 100 is not lossless; "inf" is: not compressed. Images of
    another device go over the processor's memory.

    subsampling: of the colours; "4:2:0", which Pillow takes, halves their resolution.
    Source: ITU-T T.81; tables and scale of the Independent JPEG Group.
    """

    name: ClassVar[str] = "jpeg"
    unit: ClassVar[str] = "quality"
    neutral: ClassVar[float] = math.inf
    low: ClassVar[float] = 1.0
    high: ClassVar[float] = 100.0
    coarse: ClassVar[bool] = True
    grid: ClassVar[tuple[float, ...]] = (7.0, 10.0, 15.0, 18.0, 25.0, 50.0, 75.0, 90.0, 95.0)
    subsampling: Subsampling = "4:2:0"

    def check(self, levels: Any) -> tuple[float, ...]:
        """Levels from the mildest to the worst; InputError for one that is no quality."""
        found = super().check(levels)
        for level in found:
            if level != self.neutral and level != int(level):
                raise InputError(f"a level of jpeg is {level:g}; it must be a whole number (quality)")
        return found

    def check_shape(self, shape: Shape) -> None:
        """Raise InputError for images that are neither grey nor RGB."""
        if shape[0] not in (1, 3):
            raise InputError(f"jpeg takes grey or RGB images; these have {shape[0]} channels")

    def severity(self, level: float) -> float:
        """Steps of quality below "not compressed"."""
        return 0.0 if level == self.neutral else self.high + 1 - level

    def between(self, level: float, strength: float) -> float:
        """The whole quality nearest to so many of the steps."""
        steps = round(strength * self.severity(level))
        return self.high + 1 - steps if steps else self.neutral

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:  # noqa: ARG002
        """The images as they are read from files."""
        each, threads = max(1, NEAR // images[0].numel()), torch.get_num_threads()
        pieces = images.split(each), levels.split(each)
        if threads == 1 or images[0].numel() < LARGE:
            return torch.cat(list(map(self.compressed, *pieces)))
        with ThreadPoolExecutor(threads) as pool:
            return torch.cat(list(pool.map(self.compressed, *pieces)))

    def compressed(self, images: Tensor, levels: Tensor) -> Tensor:
        """Some of the images, one after another."""
        pixels = images.round().clamp_(0, GREY_LEVELS).byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()
        read = jpeg.compressed(pixels, list(map(int, levels.tolist())), self.subsampling)
        return torch.from_numpy(read).to(images.device).permute(0, 3, 1, 2).float()


@dataclass(frozen=True)
class Quantisation(Degradation):
    """Rounds values to fewer grey levels, black and white among them; the level is bits, of which 2^bits are left.

    Their number is rounded, so that any bits from 1 to 8 will do. The squared error is about
    (255 / (2^bits - 1))^2 / 12.
    """

    name: ClassVar[str] = "quantisation"
    unit: ClassVar[str] = "bits"
    neutral: ClassVar[float] = 8.0
    low: ClassVar[float] = 1.0
    high: ClassVar[float] = 8.0
    coarse: ClassVar[bool] = True
    grid: ClassVar[tuple[float, ...]] = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:  # noqa: ARG002
        """The images in fewer grey levels."""
        steps = of_images(levels.exp2().round() - 1).float()
        return (images * steps / GREY_LEVELS).round() * GREY_LEVELS / steps
