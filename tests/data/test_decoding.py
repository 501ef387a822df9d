"""Images of every mode become the pixels that a viewer shows."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convstab.data.decoding import TURNED, Form, read
from convstab.errors import InputError


def saved(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


def of_one(path: Path, channels: int = 3) -> list[int]:
    """The colour of an image of one."""
    pixels = read(path, Form(4, channels))
    assert pixels.shape == (channels, 4, 4)
    assert pixels.dtype == np.uint8
    assert np.ptp(pixels, axis=(1, 2)).max() == 0
    return [int(value) for value in pixels[:, 0, 0]]


def test_grey_becomes_colour_and_colour_grey(tmp_path: Path) -> None:
    grey = saved(Image.new("L", (8, 6), 77), tmp_path / "grey.png")
    assert of_one(grey) == [77, 77, 77]
    assert of_one(grey, channels=1) == [77]
    colour = saved(Image.new("RGB", (8, 6), (200, 100, 50)), tmp_path / "colour.png")
    assert of_one(colour, channels=1) == [round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)]


def test_black_and_white_of_one_bit(tmp_path: Path) -> None:
    assert of_one(saved(Image.new("1", (8, 6), 1), tmp_path / "white.png")) == [255, 255, 255]


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    half = saved(Image.new("RGBA", (8, 6), (200, 0, 100, 51)), tmp_path / "half.png")  # 51/255: a fifth
    assert np.allclose(of_one(half), [244, 204, 224], atol=1)
    assert of_one(saved(Image.new("LA", (8, 6), (9, 0)), tmp_path / "grey.png")) == [255, 255, 255]
    palette = Image.new("P", (8, 6), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    assert of_one(saved(palette, tmp_path / "palette.png")) == [10, 20, 30]
    assert of_one(saved(palette, tmp_path / "clear.png", transparency=1)) == [255, 255, 255]
    assert of_one(saved(palette, tmp_path / "clear.gif", transparency=1)) == [255, 255, 255]


@pytest.mark.parametrize("ending", ["png", "tiff", "pgm"])
@pytest.mark.parametrize(("value", "expected"), [(0, 0), (128, 0), (129, 1), (257, 1), (32_896, 128), (65_535, 255)])
def test_16_bits_are_scaled_and_not_cut_off(tmp_path: Path, ending: str, value: int, expected: int) -> None:
    path = tmp_path / f"deep.{ending}"
    if ending == "pgm":
        path.write_bytes(b"P5\n8 6\n65535\n" + 48 * value.to_bytes(2, "big"))
    else:
        Image.fromarray(np.full((6, 8), value, np.uint16)).save(path)
    assert of_one(path) == [expected] * 3


@pytest.mark.parametrize("values", [np.full((6, 8), 0.5, np.float32), np.full((6, 8), 70_000, np.int32)])
def test_pixels_whose_white_is_not_known_are_refused(tmp_path: Path, values: np.ndarray) -> None:
    path = saved(Image.fromarray(values), tmp_path / "deep.tiff")
    with pytest.raises(InputError, match=rf"^{path} has .*, whose white is not known: store 8 or 16 bits$"):
        read(path, Form(4))


def test_other_spaces_of_colour(tmp_path: Path) -> None:
    assert of_one(saved(Image.new("CMYK", (8, 6), (0, 0, 0, 0)), tmp_path / "ink.jpg", quality=95)) == [255] * 3


@pytest.mark.parametrize("orientation", [1, *TURNED])
def test_a_photograph_is_upright(tmp_path: Path, orientation: int) -> None:
    """The four corners of each orientation, as the EXIF standard describes where row 0 and column 0 are."""
    upright = np.zeros((16, 16), np.uint8)
    upright[:8, :8], upright[:8, 8:], upright[8:, :8], upright[8:, 8:] = 10, 80, 160, 240
    visual = {  # row 0 of the file is this side of the scene, column 0 that one
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),  # row 0: the scene's right side, column 0: its top
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(visual[orientation]))
    path = saved(stored, tmp_path / "photo.png", exif=exif)
    assert np.array_equal(read(path, Form(16, 1))[0], upright)


def test_a_crop_is_the_square_in_the_middle(tmp_path: Path) -> None:
    wide = np.zeros((10, 30), np.uint8)
    wide[:, 10:20] = 200
    path = saved(Image.fromarray(wide), tmp_path / "wide.png")
    assert read(path, Form(10, 1, "crop")).min() == 200
    assert read(path, Form(10, 1, "squash"))[0, :, 0].max() == 0
    tall = saved(Image.fromarray(np.ascontiguousarray(wide.T)), tmp_path / "tall.png")
    assert read(tall, Form(10, 1, "crop")).min() == 200


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"size": 0}, r"dataset.size=0 must be at least 1 pixel and at most 1,024"),
        ({"size": 2000}, r"dataset.size=2000 must be"),
        ({"size": 8, "channels": 2}, r"channels is 2; it must be 3 \(RGB\) or 1 \(grey\)"),
        ({"size": 8, "resize": "fit"}, r"resize is fit; it must be squash or crop"),
    ],
)
def test_a_form_that_there_is_not(form: dict[str, int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Form(**form)  # type: ignore[arg-type]
