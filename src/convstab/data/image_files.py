"""Image files decoded once: the arrays are kept beside the data and memory-mapped at the next start."""

import hashlib
import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import MofNCompleteColumn

from convstab.data.archives import OWN_FOLDER, locked
from convstab.data.download import progress
from convstab.errors import InputError

FILTER = Image.Resampling.BICUBIC  # Pillow widens it when shrinking: antialiased
CACHE_VERSION = 1  # to be raised when the same files would decode to other pixels

log = logging.getLogger(__name__)


def decoded(base: Path, name: str, paths: Sequence[Path], size: int) -> np.ndarray:
    """The images at ``paths``, resized to uint8 (N, 3, size, size), RGB.

    Kept in a folder below ``base`` and memory-mapped at the next start, as long as no file has changed; where that
    folder cannot be written, each start decodes them.
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
            pixels = _open_cache(path, shape)  # another run may have made it while this one waited
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
    with part.open("wb") as file:
        np.save(file, pixels)
    part.replace(path)


def _open_cache(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    try:
        pixels = np.load(path, mmap_mode="c")  # private pages: writable for PyTorch, the file stays as it is
    except (OSError, EOFError, ValueError):
        return None
    return np.asarray(pixels) if pixels.shape == shape and pixels.dtype == np.uint8 else None


def _fingerprint(base: Path, name: str, paths: Sequence[Path], size: int) -> str:
    """What the decoded arrays were made from. Raises InputError when a file is missing."""
    found: dict[Path, os.stat_result] = {}
    for folder in dict.fromkeys(path.parent for path in paths):
        if folder.is_dir():
            found |= {folder / entry.name: entry.stat() for entry in os.scandir(folder) if entry.is_file()}
    missing = [path for path in paths if path not in found]
    if missing:
        raise InputError(f"{len(missing)} of {len(paths)} images of {name} are missing, the first is {missing[0]}")
    digest = hashlib.sha256(f"{CACHE_VERSION} {size} {FILTER.name}".encode())
    for path in paths:
        digest.update(f"\n{path.relative_to(base)} {found[path].st_size} {found[path].st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


def _decode(name: str, paths: Sequence[Path], size: int) -> np.ndarray:
    """Read and resize every image, uint8 (N, 3, size, size)."""
    pixels = np.empty((len(paths), 3, size, size), np.uint8)

    def place(index: int) -> None:
        pixels[index] = _decode_one(paths[index], size)

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool, progress(MofNCompleteColumn()) as bar:
        done = pool.map(place, range(len(pixels)))
        for _ in bar.track(done, len(pixels), description=name):
            pass
    return pixels


def _decode_one(path: Path, size: int) -> np.ndarray:
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB").resize((size, size), FILTER)).transpose(2, 0, 1)
    except Exception as error:  # a damaged image can raise anything
        reason = getattr(error, "strerror", None) or "it is truncated or altered"  # Pillow's own have no strerror
        raise InputError(f"{path} is not a readable image: {reason}") from error
