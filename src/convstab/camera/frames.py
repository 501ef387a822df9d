"""Files of frames: which are of one static scene, at which ISO, and their pixels as they were stored."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convstab.camera.points import Pixels
from convstab.data.decoding import WHITE_16, opened, unreadable
from convstab.errors import InputError

KINDS = (".png", ".tif", ".tiff", ".jpg", ".jpeg")
FORMATS = ("PNG", "TIFF", "JPEG")
BITS = 258  # TIFF's tag of the bits of each channel
EXIF, ISO = 0x8769, 0x8827  # tags: the table of the exposure, and the photographic sensitivity in it
SEVERAL = "noise is measured between two or more frames of one static scene"
MOST = 2**30  # values of a scene: it is in memory, and what is counted of it beside it
NOT_SAID = "-"  # the ISO where neither a folder nor EXIF says it


@dataclass(frozen=True)
class Scene:
    """Frames of one static scene under one exposure. iso: as the folder or EXIF says it. folder: where they are."""

    iso: str
    folder: Path
    paths: Sequence[Path]

    @property
    def compressed(self) -> bool:
        """Whether there is a JPEG among them, whose compression changes noise."""
        return any(path.suffix.lower() in (".jpg", ".jpeg") for path in self.paths)

    def read(self) -> Pixels:
        """The pixels, (n, H, W, C), uint8 or uint16; InputError where frames differ in size or kind, or are damaged."""
        frames: list[NDArray[Any]] = []
        for path in self.paths:
            frame = read(path)
            if frames and (frame.shape, frame.dtype) != (frames[0].shape, frames[0].dtype):
                said = f"{self.paths[0]} is {in_words(frames[0])}, {path} {in_words(frame)}"
                raise InputError(f"{said}; the frames of a scene must be alike")
            if frame.size * len(self.paths) > MOST:
                raise InputError(f"{self.folder}: {len(self.paths)} frames are more than {MOST:,} values; give fewer")
            frames.append(frame)
        if min(frames[0].shape[:2]) < 3:
            raise InputError(f"{self.paths[0]} is {in_words(frames[0])}; it must have at least 3 pixels a side")
        return np.stack(frames)


def scenes(folder: Path) -> list[Scene]:
    """The scenes below a folder, in the order of their ISO; InputError where there is none, or one of one frame.

    Each folder that holds frames is a scene. The first folder below ``folder`` is its ISO; of frames in ``folder``
    itself EXIF's ISO tells, and those of each are a scene.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder with frames, or with a folder of them for each ISO")
    found: dict[tuple[str, Path], list[Path]] = {}
    for path in frame_paths(folder):
        place = path.parent.relative_to(folder).parts
        found.setdefault((iso_of_name(place[0]) if place else iso_of_file(path), path.parent), []).append(path)
    if not found:
        raise InputError(f"{folder} holds no frames; they are files {', '.join(KINDS)}, also in a folder for each ISO")
    for (iso, where), paths in found.items():
        if len(paths) < 2:
            at = f" of ISO {iso}" if where == folder and iso != NOT_SAID else ""
            raise InputError(f"{where} holds one frame{at}; {SEVERAL}")
    every = [Scene(iso, where, paths) for (iso, where), paths in found.items()]
    return sorted(every, key=lambda scene: (not scene.iso.isdecimal(), scene.iso.zfill(12), scene.folder))


def frame_paths(folder: Path) -> Iterator[Path]:
    """Files that by their names are frames, also in folders below, but nothing hidden."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in KINDS and not hidden and not path.is_dir():
            yield path


def iso_of_name(name: str) -> str:
    """The number in a name such as 800, iso800 or ISO_800; else the name."""
    found = re.fullmatch(r"(?:iso)?[ _-]?0*(\d+)", name, re.IGNORECASE)
    return found[1] if found else name


def iso_of_file(path: Path) -> str:
    """EXIF's ISO, or a dash."""
    with opened_frame(path) as image:
        said = image.getexif().get_ifd(EXIF).get(ISO, NOT_SAID)
    return str(said[0] if isinstance(said, tuple) else said)


def read(path: Path) -> Pixels:
    """The pixels of one file as they were stored, (H, W, C), uint8 or uint16."""
    with opened_frame(path) as image:
        if image.mode.startswith("RGB") and is_deep(image):
            raise InputError(f"{path} is RGB of 16 bits, which is read as 8; store its channels as grey files")
        if image.mode in ("RGBA", "RGBX"):
            return np.asarray(image.convert("RGB"))
        if image.mode in ("L", "RGB", "LA"):
            pixels: NDArray[np.uint8] = np.asarray(image)
            return pixels if image.mode == "RGB" else pixels.reshape(*pixels.shape[:2], -1)[..., :1]
        if image.mode.startswith("I"):
            values = np.asarray(image)[..., None]
            if 0 <= values.min() <= values.max() <= WHITE_16:
                return values.astype(np.uint16)
        raise InputError(f"{path} has pixels of the kind {image.mode}; frames are grey of 8 or 16 bits, or RGB of 8")


def is_deep(image: Image.Image) -> bool:
    """Whether a file has more than 8 bits for each channel."""
    if image.format == "TIFF":
        return bool(max(image.tag_v2.get(BITS, (8,))) > 8)  # type: ignore[attr-defined]
    return any("16" in str(tile[3]) for tile in getattr(image, "tile", ()))  # how PNG says it


@contextmanager
def opened_frame(path: Path) -> Iterator[Image.Image]:
    """A file as an image; InputError, which names it, when it is not a readable one."""
    try:
        with Image.open(opened(path), formats=FORMATS) as image:
            yield image
    except InputError:
        raise
    except Exception as error:  # a damaged image can raise anything
        raise unreadable(path, error) from error


def in_words(frame: Pixels) -> str:
    """Size and kind of a frame."""
    height, width, channels = frame.shape
    return f"{width} x {height} pixels, {'grey' if channels == 1 else 'RGB'} of {8 * frame.itemsize} bits"
