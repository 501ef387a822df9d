"""MNIST: 60,000 training and 10,000 test images of handwritten digits."""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch

from convstab.data.archives import Archive, check_labels, provide
from convstab.data.download import md5_of
from convstab.data.images import ImageSet
from convstab.errors import InputError
from convstab.files.seals import regular
from convstab.images import Images

URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
FOLDERS = ("MNIST/raw", ".")  # torchvision's, and the files as they are
PARTS = {
    "train images": ("train-images-idx3-ubyte", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
    "train labels": ("train-labels-idx1-ubyte", "d53e105ee54ea40749a09fcbcd1e9432"),
    "test images": ("t10k-images-idx3-ubyte", "9fb629c4189551a2d022fa330f9573f3"),
    "test labels": ("t10k-labels-idx1-ubyte", "ec29112dd5afa0611ce80d1b7f02629c"),
}
ARCHIVES = {part: Archive(f"{URL}{name}.gz", md5, f"{FOLDERS[0]}/{name}.gz") for part, (name, md5) in PARTS.items()}
CLASSES = tuple("0123456789")
MIRROR = {0: 0, 8: 8}  # not 1: those with a flag or a slant are not written the other way round
MOST = 60_000  # images of a file
UNSIGNED_BYTE = 0x08  # the third byte of an IDX file: the type of its values


def load(root: Path) -> ImageSet:
    """MNIST as (N, 1, 28, 28) uint8, white on black, read from ``root`` or downloaded to it.

    Takes the publisher's IDX files, packed (.gz) or not, in ``root`` or in torchvision's ``MNIST/raw``.
    Raises InputError when the data is not there and cannot be downloaded, or when a file is damaged.
    Source: LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, 1998.
    """
    provide("mnist", root, list(ARCHIVES.values()), lambda archive: _find(root, archive) is not None)
    paths = {part: _find(root, archive) or root / archive.holds for part, archive in ARCHIVES.items()}
    train, test = (_images(paths[f"{split} images"], paths[f"{split} labels"]) for split in ("train", "test"))
    official = all(md5_of(paths[part]) == archive.md5 for part, archive in ARCHIVES.items())
    return ImageSet(train, test, CLASSES, MIRROR, official)


def _find(root: Path, archive: Archive) -> Path | None:
    names = (archive.name, archive.name.removesuffix(".gz"))  # the packed one first: its MD5 sum is known
    paths = (root / folder / name for name in names for folder in FOLDERS)
    return next((path for path in paths if path.is_file()), None)


def _images(image_path: Path, label_path: Path) -> Images:
    pixels, labels = _read_idx(image_path, (28, 28)), _read_idx(label_path, ()).astype(np.int64)
    check_labels(labels, len(pixels), CLASSES, label_path)
    return Images(torch.from_numpy(pixels)[:, None], torch.from_numpy(labels))


def _read_idx(path: Path, item: tuple[int, ...]) -> np.ndarray:
    """Values (n, *item) of an IDX file: two zeros, their type, dimensions, big-endian int32 sizes, then the bytes."""
    regular(path)
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            shape = _shape(path, file, item)
            size = math.prod(shape)
            data = bytearray(file.read(size + 1))  # the end is seen, and what may follow it is not unpacked
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"{path} cannot be read ({error}): it is truncated or altered; remove it to start afresh"
        ) from error
    if len(data) != size:
        found = "more" if len(data) > size else f"{len(data):,}"
        raise InputError(f"{path} has {found} bytes of values, not {size:,}: it is truncated or altered")
    return np.frombuffer(data, np.uint8).reshape(shape)


def _shape(path: Path, file: BinaryIO | gzip.GzipFile, item: tuple[int, ...]) -> tuple[int, ...]:
    """What a header says; InputError unless it is (n, *item) and n is a number of images that MNIST can have."""
    dimensions = 1 + len(item)
    header = file.read(4 + 4 * dimensions)
    if len(header) < 4 + 4 * dimensions or header[:4] != bytes([0, 0, UNSIGNED_BYTE, dimensions]):
        raise InputError(f"{path} is not an IDX file of bytes in {dimensions} dimensions")
    count, *sides = struct.unpack_from(f">{dimensions}i", header, 4)
    if tuple(sides) != item:
        raise InputError(f"{path} has images of {' x '.join(map(str, sides))} pixels, not 28 x 28")
    if not 1 <= count <= MOST:
        raise InputError(f"{path} says that it has {count:,} images; a file of MNIST has 1 to {MOST:,}")
    return count, *item
