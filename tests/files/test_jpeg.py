"""JPEG in memory: two codecs with the same bits, and the one that is always there where the other is not."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from convstab.files import jpeg


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    """The codec is chosen again, before and after."""
    jpeg.fastest.cache_clear()
    yield
    jpeg.fastest.cache_clear()


def images(shape: tuple[int, ...], count: int = 3) -> NDArray[np.uint8]:
    """Half noise, half shades."""
    noise = np.random.default_rng(0).integers(0, 256, (count, *shape))
    shade = np.linspace(0, 255, shape[1])[:, None]
    return ((noise + shade) / 2).astype(np.uint8)


@pytest.mark.parametrize(
    "shape", [(28, 28, 1), (32, 32, 3), (37, 51, 3), (7, 9, 3), (1, 1, 3), (1, 1, 1), (224, 224, 3)]
)
@pytest.mark.parametrize("subsampling", jpeg.SUBSAMPLINGS)
def test_imagecodecs_gives_the_bits_of_pillow(shape: tuple[int, ...], subsampling: str) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    assert jpeg.fastest() is not jpeg.by_pillow
    for quality in (1, 7, 10, 25, 50, 75, 90, 95, 96, 100):
        for pixels in images(shape, 2):
            theirs = jpeg.by_imagecodecs(imagecodecs, pixels, quality, subsampling)
            assert np.array_equal(jpeg.by_pillow(pixels, quality, subsampling), theirs), quality


def test_without_it_or_with_other_bits_pillow_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(jpeg, "import_module", missing)
    assert jpeg.fastest() is jpeg.by_pillow

    class Other:
        """One grey level off, in one pixel."""

        @staticmethod
        def jpeg8_encode(pixels: NDArray[np.uint8], **options: Any) -> Any:
            return pixels if pixels.ndim == 2 else pixels[:, :, :, None], options

        @staticmethod
        def jpeg8_decode(file: Any) -> NDArray[np.uint8]:
            pixels, options = file
            colours = options["subsampling"]
            image = pixels if colours is None else pixels[..., 0]
            whole = image.reshape(*image.shape[:2], -1)
            read = jpeg.by_pillow(whole, options["level"], ":".join(colours or "420")).copy()
            read[0, 0, 0] ^= options["level"] == 95
            return read

    jpeg.fastest.cache_clear()
    monkeypatch.setattr(jpeg, "import_module", lambda _: Other)
    assert jpeg.fastest() is jpeg.by_pillow
    monkeypatch.setattr(jpeg, "QUALITIES", (50,))
    jpeg.fastest.cache_clear()
    assert jpeg.fastest() is not jpeg.by_pillow


def test_each_image_has_its_own_quality() -> None:
    pixels, qualities = images((33, 34, 3), 7), [5, 20, 35, 50, 65, 80, 95]
    found = jpeg.compressed(pixels, qualities, "4:2:0")
    assert found.shape == pixels.shape
    for place, quality in enumerate(qualities):
        assert np.array_equal(found[place], jpeg.by_pillow(pixels[place], quality, "4:2:0"))
