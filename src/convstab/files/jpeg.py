"""JPEG files in memory: by Pillow, or by imagecodecs, which gives the same bits several times as fast."""

import io
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Codec = Callable[[Pixels, int, str], Pixels]  # of an image (H, W, C), a quality and a subsampling
SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")  # of the colours
TRIED = ((17, 23, 3), (16, 16, 1))  # shapes of images that two codecs are compared on
QUALITIES = 10, 50, 95, 100


def compressed(images: Pixels, qualities: Sequence[int], subsampling: str) -> Pixels:
    """Images as they are read from JPEG files, (N, H, W, C), C 1 or 3; qualities: of each, 1 to 100.

    subsampling: of the colours, "4:4:4", "4:2:2" or "4:2:0".
    """
    codec, plain = fastest(), images.copy()  # imagecodecs minds the strides of an axis of one element
    read = np.empty_like(plain)
    for place, (pixels, quality) in enumerate(zip(plain, qualities, strict=True)):
        read[place] = codec(pixels, quality, subsampling)
    return read


@cache
def fastest() -> Codec:
    """The codec that is taken: imagecodecs, where it is installed and gives what Pillow gives."""
    try:
        other = partial(by_imagecodecs, import_module("imagecodecs"))
    except ImportError:
        return by_pillow
    return other if are_alike(by_pillow, other) else by_pillow


def are_alike(one: Codec, other: Codec) -> bool:
    """Whether two codecs give the same bits for images of noise: both hold the same library, in some version."""
    random = np.random.default_rng(0)
    return all(
        np.array_equal(one(pixels, quality, subsampling), other(pixels, quality, subsampling))
        for pixels in (random.integers(0, 256, shape).astype(np.uint8) for shape in TRIED)
        for quality in QUALITIES
        for subsampling in SUBSAMPLINGS
    )


def by_pillow(pixels: Pixels, quality: int, subsampling: str) -> Pixels:
    """An image after JPEG by Pillow."""
    file = io.BytesIO()
    grey = pixels.shape[2] == 1
    image = Image.fromarray(pixels[:, :, 0] if grey else pixels)
    image.save(file, "JPEG", quality=quality, **({} if grey else {"subsampling": subsampling}))
    return np.asarray(Image.open(file)).reshape(pixels.shape)


def by_imagecodecs(imagecodecs: Any, pixels: Pixels, quality: int, subsampling: str) -> Pixels:
    """An image after JPEG by imagecodecs, the module."""
    grey = pixels.shape[2] == 1
    colours = None if grey else subsampling.replace(":", "")
    file = imagecodecs.jpeg8_encode(pixels[:, :, 0] if grey else pixels, level=quality, subsampling=colours)
    read: Pixels = imagecodecs.jpeg8_decode(file)
    return read.reshape(pixels.shape)
