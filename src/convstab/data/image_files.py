"""Image files decoded once: the arrays are kept beside the data and memory-mapped at the next start."""

import hashlib
import logging
import math
import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image
from platformdirs import user_cache_path

from convstab.data.archives import OWN_FOLDER, locked
from convstab.data.decoding import FILTER, Encoded, Form, Source, read
from convstab.errors import InputError
from convstab.files.seals import SEAL, DamagedError, map_sealed, seal_in_place
from convstab.progress.bar import bar_aside

THREADS = min(8, os.cpu_count() or 1)
PIECE = 32 * 2**20  # bytes of pixels that are in memory at a time
DIGITS = 16  # of a fingerprint
CACHE_VERSION = 3  # to be raised when the same files would decode to other pixels

log = logging.getLogger(__name__)

Decoded = tuple[np.ndarray, np.ndarray]  # pixels, uint8 (M, C, H, W), and which of the N files they are of, bool (N,)


def decoded(base: Path, name: str, paths: Sequence[Path], size: int) -> np.ndarray:
    """The images at ``paths``, resized to uint8 (N, 3, size, size), RGB, see ``decode``."""
    return decode(base, name, paths, Form(size))[0]


def decode(base: Path, name: str, paths: Sequence[Source], form: Form, skip: bool = False) -> Decoded:
    """The images at ``paths`` in one form, and which of them could be read.

    Kept in a folder below ``base``, or in the user's cache folder where that cannot be written, and memory-mapped at
    the next start, as long as no file has changed and the kept arrays are as they were written; where neither can be
    written, each start decodes them. They are written in pieces: they may be larger than memory.
    name: of the data set and its part, for the cache and for messages.
    skip: leave out what is not a readable image. Raises InputError for it otherwise, and when a file is missing.
    """
    fingerprint = _fingerprint(base, name, paths, form, skip)
    family = f"{name}-{form.size}" + "-grey" * (form.channels == 1) + "-crop" * (form.resize == "crop")
    caches = [place / OWN_FOLDER / f"{family}-{fingerprint}.npy" for place in (base, _elsewhere(base))]
    for path in caches:
        kept = _open_cache(path, len(paths), form)
        if kept is not None:
            return _checked(kept, paths, form, skip)
    failure: OSError | None = None
    for path in caches:
        try:
            with locked(path.parent.parent):
                kept = _open_cache(path, len(paths), form, say=True)  # another run may have made it meanwhile
                if kept is None:
                    _keep(path, family, _pieces(name, paths, form, skip), len(paths), form)
                    kept = _open_cache(path, len(paths), form)
            if kept is not None:
                return _checked(kept, paths, form, skip)
        except OSError as error:
            failure = error
    log.warning("%s: %s cannot be written, so each start decodes the images (%s)", name, caches[0].parent, failure)
    return _in_memory(name, paths, form, skip)


def _elsewhere(base: Path) -> Path:
    """The folder of this user for arrays made from files in a folder that cannot be written."""
    return user_cache_path("convstab") / "decoded" / hashlib.sha256(os.fsencode(base.resolve())).hexdigest()[:16]


def _checked(kept: Decoded, paths: Sequence[Source], form: Form, skip: bool) -> Decoded:
    """The kept arrays; InputError when files were left out and none may be."""
    if not skip and not kept[1].all():
        read(paths[int(np.argmin(kept[1]))], form)  # says what is wrong
    return kept


def _keep(path: Path, family: str, pieces: Iterator[list[np.ndarray | None]], count: int, form: Form) -> None:
    """Write the cache, complete or not at all, in place of those made from files that have changed since.

    An array as NumPy saves it, of the images that could be read; then a byte for each file, whether it is among them.
    """
    for outdated in path.parent.glob(f"{family}-{'[0-9a-f]' * DIGITS}.*"):  # with what a kill has left
        outdated.unlink()
    part = path.with_suffix(".part")
    readable = np.zeros(count, bool)
    place = 0
    try:
        with part.open("wb") as file:
            _write_header(file, count, form)
            for piece in pieces:
                readable[place : place + len(piece)] = [image is not None for image in piece]
                place += len(piece)
                file.write(b"".join(image.tobytes() for image in piece if image is not None))
            file.write(readable.tobytes() + SEAL.encode())
            file.seek(0)
            _write_header(file, int(readable.sum()), form)
        seal_in_place(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)  # of a disk that is full


def _write_header(file: BinaryIO, count: int, form: Form) -> None:
    """The header of NumPy's format, which has the same length for any number of images."""
    described = {"descr": "|u1", "fortran_order": False, "shape": (count, *form.shape)}
    np.lib.format.write_array_header_1_0(file, described)


def _open_cache(path: Path, count: int, form: Form, say: bool = False) -> Decoded | None:
    """The kept arrays; None when there are none, or when they are not as they were written, which can be said."""
    try:
        content = map_sealed(path)  # private pages: writable for PyTorch, the file stays as it is
        end = len(content) - len(SEAL) - count
        readable = np.frombuffer(content, bool, count, end)
        images = int(readable.sum())
        start = end - images * math.prod(form.shape)
        pixels = np.frombuffer(content, np.uint8, images * math.prod(form.shape), start)
        return pixels.reshape(images, *form.shape), readable
    except (DamagedError, ValueError) as error:
        if say:
            log.warning("%s; the images are decoded again", error)
    except OSError:
        pass
    return None


def _fingerprint(base: Path, name: str, paths: Sequence[Source], form: Form, skip: bool) -> str:
    """What the decoded arrays were made from. Raises InputError when a file is missing that may not be left out.

    Of an image within another file the digest; of each file its name, its size and the times of its last change. The
    second time (ctime) is set by the system alone, so that a change is noticed where the size and the first one were
    kept. To read and hash all contents would cost a second for GTSRB where they are in memory, and minutes on a slow
    disk or network. Inodes are left out: some network file systems number them anew at each mount.
    """
    found: dict[Source, os.stat_result] = {}
    files = [path for path in paths if isinstance(path, Path)]
    for folder in dict.fromkeys(path.parent for path in files):
        if folder.is_dir():
            found |= {folder / entry.name: entry.stat() for entry in os.scandir(folder) if entry.is_file()}
    missing = [path for path in files if path not in found]
    if missing and not skip:
        if os.path.lexists(missing[0]):  # a pipe, or a link to nothing
            read(missing[0], form)
        raise InputError(f"{len(missing)} of {len(paths)} images of {name} are missing, the first is {missing[0]}")
    digest = hashlib.sha256(f"{CACHE_VERSION} {form} {FILTER.name}".encode())
    for path in paths:
        if isinstance(path, Encoded):
            digest.update(f"\n{path.digest}".encode())
            continue
        state = found.get(path)
        known = "-" if state is None else f"{state.st_size} {state.st_mtime_ns} {state.st_ctime_ns}"
        digest.update(b"\n" + os.fsencode(os.path.relpath(path, base)) + f" {known}".encode())
    return digest.hexdigest()[:DIGITS]


def _pieces(name: str, paths: Sequence[Source], form: Form, skip: bool) -> Iterator[list[np.ndarray | None]]:
    """Read and resize every image, some at a time, in order; None for one that is left out."""

    def image(path: Source) -> np.ndarray | None:
        try:
            return read(path, form)
        except InputError:
            if not skip:
                raise
            return None

    together = max(PIECE // math.prod(form.shape), THREADS)
    with warnings.catch_warnings(), ThreadPoolExecutor(THREADS) as pool, bar_aside() as bar:
        warnings.simplefilter("error", Image.DecompressionBombWarning)  # it would come before our own refusal
        task = bar.add_task(name, total=len(paths))
        for start in range(0, len(paths), together):
            piece = []
            for one in pool.map(image, paths[start : start + together]):
                piece.append(one)
                bar.advance(task)
            yield piece


def _in_memory(name: str, paths: Sequence[Source], form: Form, skip: bool) -> Decoded:
    """What ``decode`` gives where nothing can be kept."""
    pixels, readable = np.empty((len(paths), *form.shape), np.uint8), []
    count = 0
    for piece in _pieces(name, paths, form, skip):
        for image in piece:
            readable.append(image is not None)
            if image is not None:
                pixels[count] = image
                count += 1
    return pixels[:count], np.array(readable, bool)
