"""MNIST: 60,000 training and 10,000 test images of handwritten digits."""

import gzip
import zlib
from pathlib import Path

import numpy as np
import torch

from convstab.data.archives import Archive, check_labels, provide
from convstab.data.download import md5_of
from convstab.data.images import ImageSet
from convstab.errors import InputError
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
    pixels, labels = _read_idx(image_path, 3), _read_idx(label_path, 1).astype(np.int64)
    if pixels.shape[1:] != (28, 28):
        raise InputError(f"{image_path} has images of {pixels.shape[1]} x {pixels.shape[2]} pixels, not 28 x 28")
    check_labels(labels, len(pixels), CLASSES, label_path)
    return Images(torch.from_numpy(pixels)[:, None], torch.from_numpy(labels))


def _read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Values of an IDX file: two zeros, their type, dimensions, big-endian int32 sizes, then the bytes."""
    try:
        data = bytearray(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"{path} cannot be read ({error}): it is truncated or altered; remove it to start afresh"
        ) from error
    header = 4 + 4 * dimensions
    if len(data) < header or data[:4] != bytes([0, 0, UNSIGNED_BYTE, dimensions]):
        raise InputError(f"{path} is not an IDX file of bytes in {dimensions} dimensions")
    shape = tuple(np.frombuffer(data, ">i4", dimensions, offset=4).tolist())
    if min(shape) < 1 or len(data) - header != np.prod(shape, dtype=np.int64):
        raise InputError(f"{path} has {len(data) - header} bytes of values, not {shape}: it is truncated or altered")
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)
