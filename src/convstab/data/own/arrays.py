"""Your own images as arrays: an .npz file as NumPy, or MedMNIST, writes it."""

import logging
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from convstab.data.ids import id_of
from convstab.data.images import ImageSet, in_data
from convstab.data.own.folder import PARTS, File, Part, check, check_each_class, check_part, split
from convstab.errors import InputError
from convstab.files.arrays import Arrays, array, refuse_bomb
from convstab.files.seals import regular
from convstab.images import Images, as_names, as_pixels

PIXELS, LABELS, GROUPS = ("pixels", "images", "x"), ("labels", "y"), ("groups", "group")  # what keys are called
CLASSES = "classes"
CHANNELS = 1, 3
WHITE_16 = 65_535

log = logging.getLogger(__name__)


def load(root: Path, path: str, test_share: float = 0.2) -> ImageSet:
    """The images of an .npz file: pixels (or images, x) and labels (or y), or train_pixels, test_labels and so on.

    Pixels are (N, H, W), (N, H, W, C) or (N, C, H, W), C of 1 or 3; uint8, uint16 (65,535 is white) or floats in
    [0, 1]. Labels are (N,) or (N, 1), from 0 without a gap. groups, (N,), may be there, and classes, the K names.
    MedMNIST's files are such; their val_images are left out. Without parts, the hash of a place, or of a group,
    decides as ``folder.load`` does. An id is the place in the array; of train_pixels, a hash of it.

    path: in ``root`` or in the current folder. test_share: of the images, where the file has no parts.
    Raises InputError for a file that is not such. Nothing is unpickled.
    """
    check(test_share)
    place = in_data(root, path)
    found = parts_of(place, test_share)
    train, test = (found[part] for part in PARTS)
    if train.pixels.shape[1:] != test.pixels.shape[1:]:
        raise InputError(f"{place} has images of different sizes to train and to test on")
    check_each_class(place, train.classes, train, test)
    log.info("arrays: %d training images, %d test images of %d classes", len(train), len(test), len(train.classes))
    return ImageSet(train, test, train.classes, own_ids=True)


def arrays(path: str | os.PathLike[str], part: Part = "all", test_share: float = 0.2) -> Images:
    """Images of an .npz file, as ``dataset=arrays`` of the commands has them.

    Args:
        path: of the file: pixels and labels, or train_pixels, train_labels, test_pixels and test_labels; MedMNIST's.
        part: "train" or "test": the images that ``dataset=arrays`` trains or tests on; "all": both.
        test_share: of the images that are tested on, where the file has no parts.

    Returns:
        The images. Their ids are places in the array, of train_pixels hashes of places; groups are those of the file.

    Raises:
        InputError: a file that is not such, a value out of range.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as data:
    ...     np.savez(Path(data) / "x.npz", pixels=np.zeros((6, 8, 8, 3), np.uint8), labels=[0, 1, 2, 0, 1, 2])
    ...     arrays(Path(data) / "x.npz")
    Images(6 of 3x8x8, 3 classes)
    """
    check(test_share)
    check_part(part)
    found = parts_of(Path(path).expanduser(), test_share)
    if part != "all":
        return found[part]
    train, test = (found[name] for name in PARTS)
    pixels, labels, ids = (
        torch.cat([getattr(images, name) for images in (train, test)]) for name in ("pixels", "labels", "ids")
    )
    grouped = train.groups is not None and test.groups is not None
    groups = torch.cat([train.groups, test.groups]) if grouped else None  # type: ignore[list-item]  # as was seen
    return Images(pixels, labels, train.classes, ids, groups).part(ids.argsort())


def parts_of(place: Path, test_share: float) -> dict[str, Images]:
    """The images of each part."""
    content = read(place)
    if chosen(content, PIXELS, "test_") is None:
        images = images_of(place, content, "")
        classes = classes_of(place, content, images.labels)
        names = None if images.groups is None else [str(group) for group in images.groups.tolist()]
        files = [File(str(row), label) for row, label in enumerate(images.labels.tolist())]
        rows = {
            part: torch.tensor([int(file.path) for file in files], dtype=torch.int64)
            for part, files in split(files, test_share, names).items()
        }
        return {part: named(images.part(rows[part]), classes) for part in PARTS}
    train, test = (images_of(place, content, f"{part}_") for part in PARTS)
    if train.groups is not None and test.groups is not None:
        shared = set(train.groups.tolist()) & set(test.groups.tolist())
        if shared:
            raise InputError(f"{place} has images of the group {min(shared)} in train and in test")
    left_out = chosen(content, PIXELS, "val_")
    if left_out is not None:
        log.info("arrays: %d images to validate on are left out: dataset.validation= says a share", len(left_out))
    classes = classes_of(place, content, torch.cat([train.labels, test.labels]))
    ids = torch.tensor([id_of(f"train/{row}") for row in range(len(train))])
    train = Images(train.pixels, train.labels, ids=ids, groups=train.groups)
    return {"train": named(train, classes), "test": named(test, classes)}


def named(images: Images, classes: tuple[str, ...]) -> Images:
    """The same, with names of the classes."""
    return Images(images.pixels, images.labels, classes, images.ids, images.groups)


def read(place: Path) -> Arrays:
    """The arrays of a file whose names are known here; InputError for what is no .npz file."""
    known = {f"{part}{name}" for part in ("", "train_", "test_", "val_") for name in (*PIXELS, *LABELS, *GROUPS)}
    try:
        size = regular(place)
        with zipfile.ZipFile(place) as packed:
            refuse_bomb(packed, size)
            members = {member.filename.removesuffix(".npy"): member for member in packed.infolist()}
            return {name: array(packed, members[name]) for name in members if name in known | {CLASSES}}
    except FileNotFoundError as error:
        raise InputError(f"{place} is not there; it must be an .npz file with pixels and labels") from error
    except InputError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        said = " ".join(str(error).split())[:200]
        raise InputError(f"{place} is not an .npz file of plain arrays: {said}") from error


def chosen(content: Arrays, names: tuple[str, ...], part: str) -> np.ndarray | None:
    """The array that has one of some names."""
    return next((content[part + name] for name in names if part + name in content), None)


def images_of(place: Path, content: Arrays, part: str) -> Images:
    """The images of one part, whose ids are their places."""
    pixels, labels = chosen(content, PIXELS, part), chosen(content, LABELS, part)
    if pixels is None or labels is None:
        lacking = part + (PIXELS if pixels is None else LABELS)[0]
        raise InputError(f"{place} has no {lacking}; its known arrays are {', '.join(sorted(content)) or 'none'}")
    try:
        if labels.shape == (len(labels), 1):
            labels = labels[:, 0]  # MedMNIST's
        return Images(as_pixels(upright(pixels)), labels, groups=chosen(content, GROUPS, part))
    except InputError as error:
        raise InputError(f"{place}, {part}: {error}" if part else f"{place}: {error}") from error


def upright(pixels: np.ndarray) -> Any:
    """Pixels as (N, C, H, W), and 16 bits as 8."""
    if pixels.ndim == 3:
        pixels = pixels[:, None]
    elif pixels.ndim == 4:
        first, last = pixels.shape[1] in CHANNELS, pixels.shape[3] in CHANNELS
        if first == last:
            raise InputError(
                f"pixels are of the shape {pixels.shape}; it must be (N, C, H, W), (N, H, W, C), (N, H, W)"
            )
        pixels = pixels if first else pixels.transpose(0, 3, 1, 2)
    if pixels.dtype == np.uint16:
        return ((pixels.astype(np.uint32) * 255 + WHITE_16 // 2) // WHITE_16).astype(np.uint8)
    return pixels


def classes_of(place: Path, content: Arrays, labels: Tensor) -> tuple[str, ...]:
    """The names of the classes, or their numbers; InputError where they are fewer than two, or one is empty."""
    names = content.get(CLASSES)
    count = int(labels.max()) + 1 if len(labels) else 0
    if names is not None:
        if names.ndim != 1 or names.dtype.kind != "U":
            raise InputError(f"{place}: classes are {names.dtype} of the shape {names.shape}; they must be K texts")
        count = max(count, len(names))
    if count < 2:
        raise InputError(f"{place} has one class only; a classifier needs two at least")
    if count > len(labels):
        raise InputError(f"{place} has {len(labels)} images but labels up to {count - 1}: labels are 0 to K - 1")
    empty = np.flatnonzero(np.bincount(labels.numpy(), minlength=count) == 0)
    if len(empty):
        raise InputError(f"{place} has no image of class {empty[0]}: labels are 0 to K - 1")
    if names is None:
        return tuple(map(str, range(count)))
    return as_names([str(name) for name in names])
