"""Compression: JPEG, and fewer bits for each value."""

import io
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from convstab.degradations.degradation import Degradation, Shape
from convstab.degradations.exactness import of_images
from convstab.errors import InputError
from convstab.images import GREY_LEVELS
from convstab.validation import Limit

LARGE = 2**16  # values of an image that are worth a thread: to hand Python over costs as much as a small image
SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")
Subsampling = Annotated[
    Literal["4:4:4", "4:2:2", "4:2:0"], Limit(lambda value: value in SUBSAMPLINGS, "4:4:4, 4:2:2 or 4:2:0")
]


@dataclass(frozen=True)
class Jpeg(Degradation):
    """Compresses images as JPEG files and reads them again, with Pillow; the level is the quality, a whole number.

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
        pixels = images.round().clamp(0, GREY_LEVELS).byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()
        threads = torch.get_num_threads() if pixels[0].size >= LARGE else 1
        if threads == 1:
            read = list(map(self.compressed, pixels, levels.tolist()))
        else:
            with ThreadPoolExecutor(threads) as pool:
                read = list(pool.map(self.compressed, pixels, levels.tolist()))
        return torch.from_numpy(np.stack(read)).to(images.device).permute(0, 3, 1, 2).float()

    def compressed(self, pixels: NDArray[np.uint8], quality: float) -> NDArray[np.uint8]:
        """An image, (H, W, C), after JPEG."""
        file = io.BytesIO()
        grey = pixels.shape[2] == 1
        image = Image.fromarray(pixels[:, :, 0] if grey else pixels)
        image.save(file, "JPEG", quality=int(quality), **({} if grey else {"subsampling": self.subsampling}))
        return np.asarray(Image.open(file)).reshape(pixels.shape)


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
