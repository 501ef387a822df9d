"""One image file as pixels of a chosen form, whatever mode it is stored in."""

import io
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Literal, get_args

import numpy as np
from PIL import Image

from convstab.errors import InputError
from convstab.files.seals import regular

Resize = Literal["squash", "crop"]

FILTER = Image.Resampling.BICUBIC  # Pillow widens it when shrinking: antialiased
FORMATS = ("PPM", "PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF")  # Pillow has others, of which one starts Ghostscript
LARGEST = 4096 * 4096  # pixels of an image that is decoded beside others; each takes some 8 bytes a pixel
LARGEST_SIDE = 1024  # pixels that images may be resized to
ORIENTATION = 0x0112  # the EXIF tag
TURNED = {  # what brings an image that was stored so upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
WHITE_16 = 65_535
BEHIND = "white"  # what shows through where an image is transparent: as browsers and paper show it

large_one = Lock()


@dataclass(frozen=True)
class Encoded:
    """An image file within another file. name: for messages. digest: of its bytes, which ``content`` reads."""

    name: str
    digest: str
    content: Callable[[], bytes] = field(compare=False, repr=False)

    def __str__(self) -> str:
        return self.name


Source = Path | Encoded


@dataclass(frozen=True)
class Form:
    """The form that images are brought to.

    size: pixels of a side, 1 to 1,024. channels: 3 (RGB) or 1 (grey, ITU-R 601).
    resize: "squash": the whole image, whatever its proportions; "crop": the largest square in its middle.
    largest: pixels that a file may have; those above ``LARGEST`` are decoded one after another.
    """

    size: int
    channels: int = 3
    resize: Resize = "squash"
    largest: int = LARGEST

    def __post_init__(self) -> None:
        """Raise InputError for what is out of range."""
        if type(self.size) is not int or not 1 <= self.size <= LARGEST_SIDE:
            raise InputError(f"dataset.size={self.size} must be at least 1 pixel and at most {LARGEST_SIDE:,}")
        if self.channels not in (1, 3):
            raise InputError(f"channels is {self.channels}; it must be 3 (RGB) or 1 (grey)")
        if self.resize not in get_args(Resize):
            raise InputError(f"resize is {self.resize}; it must be {' or '.join(get_args(Resize))}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return self.channels, self.size, self.size


def read(path: Source, form: Form) -> np.ndarray:
    """One file as uint8 (C, size, size); InputError, which names it, when it is not a readable image."""
    try:
        with Image.open(opened(path), formats=FORMATS) as image:
            pixels = math.prod(image.size)
            if pixels > form.largest:
                raise Image.DecompressionBombError  # before anything is decoded
            if pixels <= LARGEST:
                return as_array(image, form)
            with large_one:
                return as_array(image, form)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{path} has more than {form.largest:,} pixels: it is not an image of a data set") from error
    except InputError as error:
        raise error if str(path) in str(error) else InputError(f"{path} {error}") from error
    except Exception as error:  # a damaged image can raise anything
        raise unreadable(path, error) from error


def unreadable(path: Source, error: Exception) -> InputError:
    """That a file is no image, for this reason."""
    reason = getattr(error, "strerror", None) or "it is truncated or altered"  # Pillow's own have no strerror
    return InputError(f"{path} is not a readable image: {reason}")


def opened(path: Source) -> Path | io.BytesIO:
    """What Pillow opens; InputError for a pipe or a device."""
    if isinstance(path, Encoded):
        return io.BytesIO(path.content())
    regular(path)
    return path


def as_array(image: Image.Image, form: Form) -> np.ndarray:
    """An image, upright, resized and in the form's colours, uint8 (C, size, size)."""
    image.load()
    turn = TURNED.get(image.getexif().get(ORIENTATION, 1))
    image = plain(image)
    if turn is not None:
        image = image.transpose(turn)
    image = image.convert("RGB" if form.channels == 3 else "L")
    resized = np.asarray(image.resize((form.size, form.size), FILTER, box=box(image.size, form.resize)))
    return resized.transpose(2, 0, 1) if form.channels == 3 else resized[None]


def plain(image: Image.Image) -> Image.Image:
    """An image of 8 bits a channel in which nothing is transparent."""
    if image.mode.startswith("I"):
        return of_16_bits(image)
    if image.mode == "F":
        raise InputError("has floating-point pixels, whose white is not known: store 8 or 16 bits")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        seen = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", seen.size, BEHIND), seen)
    return image


def of_16_bits(image: Image.Image) -> Image.Image:
    """16 bits of grey as 8: 65,535 becomes 255, in between the nearest. ``convert`` would cut off all above 255."""
    values = np.asarray(image)
    if values.size and not 0 <= values.min() <= values.max() <= WHITE_16:
        raise InputError("has pixels of 32 bits, whose white is not known: store 8 or 16 bits")
    return Image.fromarray(((values.astype(np.uint32) * 255 + WHITE_16 // 2) // WHITE_16).astype(np.uint8))


def box(size: tuple[int, int], resize: Resize) -> tuple[float, float, float, float]:
    """What is kept of an image of this width and height: left, upper, right, lower."""
    width, height = size
    if resize == "squash":
        return 0, 0, width, height
    side = min(size)
    left, upper = (width - side) / 2, (height - side) / 2
    return left, upper, left + side, upper + side
