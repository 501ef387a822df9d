"""Files of frames: scenes, ISOs, and kinds of pixels; and what cannot be used, in one line."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from convstab.camera.frames import iso_of_name, read, scenes
from convstab.errors import InputError
from tests.camera.sensors import write

FRAMES = np.arange(2 * 6 * 5, dtype=np.uint8).reshape(2, 6, 5)


def with_iso(path: Path, iso: int | None) -> None:
    """A frame whose EXIF says an ISO."""
    image = Image.fromarray(FRAMES[0])
    table = {} if iso is None else {0x8827: iso}
    if path.suffix == ".tif":
        tags = ImageFileDirectory_v2()
        tags[0x8769] = table
        image.save(path, tiffinfo=tags)
    else:
        exif = image.getexif()
        exif[0x010F] = "maker"  # without a tag beside it Pillow writes no table of the exposure
        exif.get_ifd(0x8769).update(table)
        image.save(path, exif=exif)


@pytest.mark.parametrize(
    ("name", "iso"),
    [("800", "800"), ("iso800", "800"), ("ISO_0800", "800"), ("iso-100", "100"), ("night", "night"), ("iso", "iso")],
)
def test_folders_name_an_iso(name: str, iso: str) -> None:
    assert iso_of_name(name) == iso


def test_a_folder_of_frames_is_a_scene_and_the_first_folder_its_iso(tmp_path: Path) -> None:
    for name in ("iso1600/dark", "iso1600/bright", "200", "dusk"):
        write(tmp_path / name, FRAMES)
    (tmp_path / "200" / "notes.txt").write_text("no frame")
    (tmp_path / "200" / ".hidden.png").write_text("no frame")
    found = scenes(tmp_path)
    assert [(scene.iso, str(scene.folder.relative_to(tmp_path))) for scene in found] == [
        ("200", "200"),
        ("1600", "iso1600/bright"),
        ("1600", "iso1600/dark"),
        ("dusk", "dusk"),
    ]
    assert [len(scene.paths) for scene in found] == [2] * 4


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_exif_tells_the_iso_of_frames_side_by_side(suffix: str, tmp_path: Path) -> None:
    for number, iso in enumerate([400, 100, 400, 100, None, None]):
        with_iso(tmp_path / f"{number}{suffix}", iso)
    found = scenes(tmp_path)
    assert [scene.iso for scene in found] == ["100", "400", "-"]
    assert [[path.stem for path in scene.paths] for scene in found] == [["1", "3"], ["0", "2"], ["4", "5"]]
    assert [scene.compressed for scene in found] == [suffix == ".jpg"] * 3


KINDS = [
    (np.arange(30, dtype=np.uint8).reshape(6, 5), ".png"),
    (np.arange(30, dtype=np.uint8).reshape(6, 5), ".tiff"),
    (np.arange(90, dtype=np.uint8).reshape(6, 5, 3), ".png"),
    (np.arange(30, dtype=np.uint16).reshape(6, 5) * 2000, ".png"),
    (np.arange(30, dtype=np.uint16).reshape(6, 5) * 2000, ".tif"),
]


@pytest.mark.parametrize(("pixels", "suffix"), KINDS)
def test_pixels_are_read_as_they_were_stored(pixels: np.ndarray, suffix: str, tmp_path: Path) -> None:
    (scene,) = scenes(write(tmp_path, np.stack([pixels, pixels + 1]), suffix))
    found = scene.read()
    assert found.dtype == pixels.dtype
    assert found.shape == (2, 6, 5, 3 if pixels.ndim == 3 else 1)
    np.testing.assert_array_equal(found[0].squeeze(), pixels)


def test_what_is_transparent_does_not_matter(tmp_path: Path) -> None:
    image = Image.fromarray(FRAMES[0])
    for mode, like in (("LA", "L"), ("RGBA", "RGB")):
        image.convert(mode).save(tmp_path / "a.png")
        image.convert(like).save(tmp_path / "b.png")
        np.testing.assert_array_equal(read(tmp_path / "a.png"), read(tmp_path / "b.png"))


def refused(folder: Path) -> str:
    """The one line that is said of a folder."""
    with pytest.raises(InputError) as error:
        [scene.read() for scene in scenes(folder)]
    return str(error.value).replace(str(folder), "frames")


def test_no_frames_or_one_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "nowhere") == "frames is not a folder with frames, or with a folder of them for each ISO"
    assert refused(tmp_path).startswith("frames holds no frames; they are files .png, .tif, .tiff, .jpg, .jpeg")
    write(tmp_path / "100", FRAMES[:1])
    said = "noise is measured between two or more frames of one static scene"
    assert refused(tmp_path) == f"frames/100 holds one frame; {said}"
    write(tmp_path / "100", FRAMES)
    for number, iso in enumerate((100, 200, 200)):
        with_iso(tmp_path / f"{number}.png", iso)
    assert refused(tmp_path) == f"frames holds one frame of ISO 100; {said}"


UNLIKE = [
    (FRAMES[0, :5], "5 x 5 pixels, grey of 8 bits"),
    (FRAMES[0].astype(np.uint16), "5 x 6 pixels, grey of 16 bits"),
    (np.stack([FRAMES[0]] * 3, 2), "5 x 6 pixels, RGB of 8 bits"),
]


@pytest.mark.parametrize(("other", "words"), UNLIKE)
def test_frames_that_differ_are_refused(other: np.ndarray, words: str, tmp_path: Path) -> None:
    write(tmp_path, FRAMES)
    Image.fromarray(other).save(tmp_path / "x.png")
    first = "frames/000.png is 5 x 6 pixels, grey of 8 bits"
    assert refused(tmp_path) == f"{first}, frames/x.png {words}; the frames of a scene must be alike"


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    write(tmp_path, np.random.default_rng(0).integers(0, 256, (2, 6, 5), np.uint8))
    path = tmp_path / "001.png"
    path.write_bytes(path.read_bytes()[:60])
    assert refused(tmp_path) == "frames/001.png is not a readable image: it is truncated or altered"
    Image.fromarray(FRAMES[0]).convert("P").save(path)
    kinds = "frames are grey of 8 or 16 bits, or RGB of 8"
    assert refused(tmp_path) == f"frames/001.png has pixels of the kind P; {kinds}"
    (tmp_path / "000.png").unlink()
    path.unlink()
    write(tmp_path, FRAMES[:, :2])
    assert refused(tmp_path) == "frames/000.png is 5 x 2 pixels, grey of 8 bits; it must have at least 3 pixels a side"


def test_more_values_than_fit_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convstab.camera.frames.MOST", 59)
    assert refused(write(tmp_path, FRAMES)) == "frames: 2 frames are more than 59 values; give fewer"


def deep_png(path: Path) -> None:
    """RGB of 16 bits, which Pillow does not write: its chunks by hand."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + np.arange(15, dtype=">u2").tobytes() for _ in range(4))
    header = struct.pack(">IIBBBBB", 5, 4, 16, 2, 0, 0, 0)  # width, height, bits, colour
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_colour_of_16_bits_is_refused_since_it_would_be_read_as_8(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"frame.{ending}"
    if ending == "png":
        deep_png(path)
    else:
        tifffile = pytest.importorskip("tifffile")
        tifffile.imwrite(path, np.arange(60, dtype=np.uint16).reshape(4, 5, 3), photometric="rgb")
    with Image.open(path) as image:
        assert image.mode == "RGB"  # else the test tells nothing
    with pytest.raises(InputError, match="is RGB of 16 bits, which is read as 8"):
        read(path)
    shallow = tmp_path / f"shallow.{ending}"
    Image.fromarray(np.zeros((4, 5, 3), np.uint8)).save(shallow)
    assert read(shallow).shape == (4, 5, 3)
