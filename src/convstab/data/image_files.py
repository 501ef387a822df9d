"""Image files decoded once: the arrays are kept beside the data and memory-mapped at the next start."""

import hashlib
import logging
import math
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import MofNCompleteColumn

from convstab.data.archives import OWN_FOLDER, locked
from convstab.data.download import progress
from convstab.errors import InputError
from convstab.files.seals import SEAL, DamagedError, map_sealed, seal_in_place

FILTER = Image.Resampling.BICUBIC  # Pillow widens it when shrinking: antialiased
FORMATS = ("PPM", "PNG", "JPEG", "BMP")  # Pillow has others, of which one starts Ghostscript
LARGEST = 4096 * 4096  # pixels of an image; eight threads decode, and each of them needs some 8 bytes a pixel
THREADS = min(8, os.cpu_count() or 1)
CACHE_VERSION = 2  # to be raised when the same files would decode to other pixels

log = logging.getLogger(__name__)


def decoded(base: Path, name: str, paths: Sequence[Path], size: int) -> np.ndarray:
    """The images at ``paths``, resized to uint8 (N, 3, size, size), RGB.

    Kept in a folder below ``base`` and memory-mapped at the next start, as long as no file has changed and the kept
    arrays are as they were written; where that folder cannot be written, each start decodes them.
    name: of the data set and its part, for the cache and for messages.
    Raises InputError when a file is missing or is not a readable image.
    """
    family = f"{name}-{size}"
    path = base / OWN_FOLDER / f"{family}-{_fingerprint(base, name, paths, size)}.npy"
    shape = (len(paths), 3, size, size)
    kept = _open_cache(path, shape)
    if kept is not None:
        return kept
    pixels = None
    try:
        with locked(base):
            pixels = _open_cache(path, shape, say=True)  # another run may have made it while this one waited
            if pixels is None:
                pixels = _decode(name, paths, size)
                _keep(pixels, path, family)
    except OSError as error:
        log.warning("%s: %s cannot be written, so each start decodes the images (%s)", name, path.parent, error)
    return _decode(name, paths, size) if pixels is None else pixels


def _keep(pixels: np.ndarray, path: Path, family: str) -> None:
    """Write the cache, complete or not at all, in place of those made from files that have changed since."""
    for outdated in path.parent.glob(f"{family}-*"):
        outdated.unlink()
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as file:
            np.save(file, pixels)
            file.write(SEAL.encode())
        seal_in_place(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)  # of a disk that is full


def _open_cache(path: Path, shape: tuple[int, ...], say: bool = False) -> np.ndarray | None:
    """The kept arrays; None when there are none, or when they are not as they were written, which can be said."""
    try:
        content = map_sealed(path)  # private pages: writable for PyTorch, the file stays as it is
        start = len(content) - len(SEAL) - math.prod(shape)
        return np.frombuffer(content, np.uint8, math.prod(shape), start).reshape(shape)
    except (DamagedError, ValueError) as error:
        if say:
            log.warning("%s; the images are decoded again", error)
    except OSError:
        pass
    return None


def _fingerprint(base: Path, name: str, paths: Sequence[Path], size: int) -> str:
    """What the decoded arrays were made from. Raises InputError when a file is missing.

    Of each file its name, its size and the times of its last change. The second time (ctime) is set by the system
    alone, so that a change is noticed where the size and the first one were kept. To read and hash all contents would
    cost a second for GTSRB where they are in memory, and minutes on a slow disk or network. Inodes are left out: some
    network file systems number them anew at each mount.
    """
    found: dict[Path, os.stat_result] = {}
    for folder in dict.fromkeys(path.parent for path in paths):
        if folder.is_dir():
            found |= {folder / entry.name: entry.stat() for entry in os.scandir(folder) if entry.is_file()}
    missing = [path for path in paths if path not in found]
    if missing:
        raise InputError(f"{len(missing)} of {len(paths)} images of {name} are missing, the first is {missing[0]}")
    digest = hashlib.sha256(f"{CACHE_VERSION} {size} {FILTER.name}".encode())
    for path in paths:
        state = found[path]
        digest.update(f"\n{path.relative_to(base)} {state.st_size} {state.st_mtime_ns} {state.st_ctime_ns}".encode())
    return digest.hexdigest()[:16]


def _decode(name: str, paths: Sequence[Path], size: int) -> np.ndarray:
    """Read and resize every image, uint8 (N, 3, size, size)."""
    pixels = np.empty((len(paths), 3, size, size), np.uint8)

    def place(index: int) -> None:
        pixels[index] = _decode_one(paths[index], size)

    with warnings.catch_warnings(), ThreadPoolExecutor(THREADS) as pool, progress(MofNCompleteColumn()) as bar:
        warnings.simplefilter("error", Image.DecompressionBombWarning)  # it would come before our own refusal
        done = pool.map(place, range(len(pixels)))
        for _ in bar.track(done, len(pixels), description=name):
            pass
    return pixels


def _decode_one(path: Path, size: int) -> np.ndarray:
    try:
        with Image.open(path, formats=FORMATS) as image:
            if math.prod(image.size) > LARGEST:
                raise Image.DecompressionBombError  # before anything is decoded
            return np.asarray(image.convert("RGB").resize((size, size), FILTER)).transpose(2, 0, 1)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{path} has more than {LARGEST:,} pixels: it is not an image of a data set") from error
    except Exception as error:  # a damaged image can raise anything
        reason = getattr(error, "strerror", None) or "it is truncated or altered"  # Pillow's own have no strerror
        raise InputError(f"{path} is not a readable image: {reason}") from error
