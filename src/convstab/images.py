"""Images in memory, and their pixels: uint8 in memory and in transit, float in [0, 1] for a model."""

import unicodedata
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convstab.errors import InputError
from convstab.units import FramesAlike, Units, check_groups

WHITE = 255  # of 8 bits
GREY_LEVELS = float(WHITE)  # sigma and every noise amplitude are given on this scale
UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")  # control characters, halves of characters, ends of lines and paragraphs
INT64 = np.iinfo(np.int64)
LANE = 16  # torch draws normals on a CPU in groups of 16; only whole groups make a short fill a prefix of a long one
NAME = "name"  # column of results: which image it is, for a reader
ROWS = 16  # in channels last, batches of any multiple of 16 rows give the same bits; batches of other sizes may not


@dataclass(frozen=True, init=False, eq=False, repr=False)  # its own __init__ takes arrays and lists as well
class Images:
    """Labelled images held in memory.

    Args:
        pixels: (N, C, H, W); uint8 grey levels, which may be memory-mapped, or floats in [0, 1], which are rounded to
            the nearest grey level. A tensor or an array.
        labels: (N,), integers in [0, K).
        classes: K different names, in the order of the labels; none: they have no names, K is not known.
        ids: (N,), integers of 64 bits that name the images, each once: the noise of an image depends on its id and
            not on its place; None: 0 to N - 1.
        groups: (N,), integers, or None. Images of one group (the frames of one GTSRB track) are near copies and must
            not be split between training and validation; of test images, they are the independent units of every
            interval.
        alike: where there are such groups and it is not known which images make one; of no account beside groups.
        unread: images that belong to these and could not be read: results name their number.
        names: (N,), such as the paths of their files: results name images by them as well; None: they have none.

    Raises:
        InputError: shapes, lengths, types or ranges that do not fit.

    >>> images = Images(torch.rand(8, 3, 16, 16), torch.arange(8) % 2, classes=("cat", "dog"))
    >>> len(images), images.pixels.dtype, images.ids.tolist()
    (8, torch.uint8, [0, 1, 2, 3, 4, 5, 6, 7])
    >>> images[::4].ids.tolist()
    [0, 4]
    """

    pixels: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    ids: Tensor
    groups: Tensor | None
    alike: FramesAlike | None
    unread: int
    names: NDArray[np.object_] | None

    def __init__(
        self,
        pixels: Tensor | NDArray[Any],
        labels: Tensor | NDArray[Any] | Sequence[int],
        classes: Sequence[str] = (),
        ids: Tensor | NDArray[Any] | Sequence[int] | None = None,
        groups: Tensor | NDArray[Any] | Sequence[int] | None = None,
        alike: FramesAlike | None = None,
        unread: int = 0,
        names: Sequence[str] | NDArray[Any] | None = None,
    ) -> None:
        found = as_pixels(pixels)
        count = len(found)
        values = {
            "pixels": found,
            "labels": as_integers("labels", labels, count),
            "classes": as_names(classes),
            "ids": torch.arange(count) if ids is None else as_integers("ids", ids, count),
            "groups": None if groups is None else as_integers("groups", groups, count),
            "alike": alike,
            "unread": unread,
            "names": None if names is None else as_texts(names, count),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        if len(self.ids.unique()) < count:
            raise InputError("ids names an image twice; each image needs one of its own")
        check_labels(self.labels, len(self.classes))
        if not isinstance(alike, FramesAlike | None):
            raise InputError(f"alike is {alike!r:.80}; it must be convstab.units.FramesAlike, or None")

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.pixels.shape[1:]))
        return f"Images({len(self)} of {shape}, {len(self.classes) or 'unnamed'} classes)"

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        channels, height, width = self.pixels.shape[1:]
        return channels, height, width

    def spread(self, count: int) -> "Images":
        """At most ``count`` images, evenly spaced: GTSRB is sorted by class, its first images are of one class."""
        index = torch.linspace(0, len(self) - 1, min(count, len(self))).round().long()
        return self.part(index)

    def __getitem__(self, rows: slice | Sequence[int] | Tensor | NDArray[Any]) -> "Images":
        """Some of the images, with their ids: ``images[::20]``, ``images[[3, 7]]``; their noise stays what it is."""
        return self.part(rows if isinstance(rows, slice) else torch.as_tensor(rows))

    def part(self, rows: Tensor | slice) -> "Images":
        """Some of the images, which are chosen by their place and not by their group."""
        labels, groups = self.labels[rows], None if self.groups is None else self.groups[rows]
        alike = None if self.alike is None else self.alike.among(len(labels) / max(len(self), 1))
        names = None if self.names is None else self.names[rows if isinstance(rows, slice) else rows.numpy()]
        return Images(self.pixels[rows], labels, self.classes, self.ids[rows], groups, alike, self.unread, names)

    def name_column(self, step: int = 1) -> dict[str, NDArray[Any]]:
        """The column of names of a result with ``step`` rows an image; none where images have none."""
        return {} if self.names is None else {NAME: self.names.repeat(step)}

    @property
    def units(self) -> Units:
        """What is independent among the images."""
        effect = 1.0 if self.alike is None or self.groups is not None else self.alike.design_effect
        return Units(None if self.groups is None else self.groups.numpy(), effect, self.unread)


def as_pixels(pixels: Any) -> Tensor:
    """A tensor or an array of images as uint8 (N, C, H, W); InputError for another shape, type or range."""
    found = as_tensor("pixels", np.ascontiguousarray(pixels) if isinstance(pixels, np.ndarray) else pixels)
    if found.ndim != 4:
        raise InputError(f"pixels are of the shape {tuple(found.shape)}; it must be (N, C, H, W)")
    if found.shape[3] in (1, 3) and found.shape[1] > 4:
        raise InputError(
            f"pixels are of the shape {tuple(found.shape)}, which looks like (N, H, W, C); it must be (N, C, H, W): "
            "transpose(0, 3, 1, 2) of an array, permute(0, 3, 1, 2) of a tensor"
        )
    if not all(found.shape[1:]):
        raise InputError(f"pixels are of the shape {tuple(found.shape)}: such images have no pixel")
    if found.dtype == torch.uint8:
        return found
    if not found.is_floating_point():
        raise InputError(f"pixels are {name_of(found.dtype)}; they must be uint8, or floats in [0, 1]")
    low, high = (float(end) for end in found.aminmax()) if found.numel() else (0.0, 0.0)
    if not 0 <= low <= high <= 1:  # NaN fails every comparison
        raise InputError(f"pixels are floats from {low:g} to {high:g}; they must be in [0, 1], or uint8 in [0, 255]")
    return to_grey(found)


def as_tensor(name: str, values: Any) -> Tensor:
    """Values as a dense tensor without gradients, not copied where that is possible; InputError for what is none."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")  # nothing is written into it
            found: Tensor = torch.as_tensor(values)
        if found.layout == torch.strided and (found.dtype.itemsize > 1 or not found.is_floating_point()):
            return found.detach()
        said = f"a tensor of {name_of(found.dtype)}, {str(found.layout).removeprefix('torch.')}"
    except (TypeError, ValueError, RuntimeError) as error:
        said = f"not numbers of one kind ({' '.join(str(error).split())[:100]})"
    raise InputError(f"{name} are {said}; they must be a plain tensor or array")


def as_names(classes: Any) -> tuple[str, ...]:
    """Names of classes as a tuple; InputError for what is no list of different names that can be printed."""
    try:
        names = () if isinstance(classes, str) else tuple(classes)
    except TypeError:
        names = ()
    if isinstance(classes, str) or (not names and not hasattr(classes, "__len__")):
        raise InputError(f"classes are {classes!r:.80}; they must be a list of names, () where there are none")
    for name in names:
        if not isinstance(name, str) or not name or any(unicodedata.category(sign) in UNPRINTABLE for sign in name):
            raise InputError(f"classes hold {name!r:.80}; a name must be text, in one line and not empty")
    if len(set(names)) < len(names):
        raise InputError(f"classes hold {max(names, key=names.count)!r:.80} twice; each class needs a name of its own")
    return names


def as_texts(names: Sequence[str] | NDArray[Any], count: int) -> NDArray[np.object_]:
    """Names of images as text that files can hold, (count,); InputError for another number, or what is no text.

    A name of a file may have bytes that are no UTF-8: each of them is shown as a question mark.
    """
    if len(names) != count or not all(isinstance(name, str) for name in names):
        raise InputError(f"names must be {count} texts, one for each image")
    found = np.empty(count, object)
    found[:] = [str(name).encode("utf-8", "replace").decode() for name in names]
    return found


def name_of(kind: torch.dtype) -> str:
    """The name of a type as a reader takes it."""
    return str(kind).removeprefix("torch.")


def as_integers(name: str, values: Any, count: int) -> Tensor:
    """A list, tensor or array as int64 (count,); InputError for another length or type."""
    values = native(name, values)
    try:
        found: Tensor = as_tensor(name, values)
    except InputError as error:
        said = f"{name} are not numbers; they must be integers of 64 bits, one for each of {count} images"
        raise InputError(said) from error
    if found.shape != (count,):
        if name == "groups" and found.ndim == 1:
            check_groups(len(found), count)
        raise InputError(f"{name} are of the shape {tuple(found.shape)}; there are {count} images, each needs one")
    if count and (found.is_floating_point() or found.is_complex() or found.dtype == torch.bool):
        raise InputError(f"{name} are {name_of(found.dtype)}; they must be integers")  # an empty list is of floats
    return found.long()


def native(name: str, values: Any) -> Any:
    """Integers of an array as those that PyTorch knows: in this machine's order of bytes, with a sign."""
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "iu":
        return values
    if values.size and values.max() > INT64.max:
        raise InputError(f"{name} hold {values.max()}; the highest integer of 64 bits is {INT64.max}")
    return values.astype(np.int64)


def check_labels(labels: Tensor, classes: int) -> None:
    """Raise InputError for a label that is negative, or beyond the classes where these are known."""
    if not len(labels):
        return
    low, high = (int(end) for end in labels.aminmax())
    if low < 0 or (classes and high >= classes):
        known = f"the {classes} classes are 0 to {classes - 1}" if classes else "the lowest is 0"
        raise InputError(f"labels hold {low if low < 0 else high}; {known}")


def to_unit(pixels: Tensor) -> Tensor:
    """Pixels in [0, 255], uint8 -> float32 pixels in [0, 1], any shape, memory layout kept."""
    return grey_to_unit_(pixels.float())


def grey_to_unit_(pixels: Tensor) -> Tensor:
    """Grey levels in [0, 255] -> [0, 1], in place; bit for bit what ``to_unit`` gives for whole grey levels."""
    return pixels.div_(GREY_LEVELS)


def to_grey(pixels: Tensor) -> Tensor:
    """Pixels in [0, 1], float -> uint8 grey levels in [0, 255], rounded to the nearest, clipped."""
    return pixels.mul(GREY_LEVELS).round_().clamp_(0, GREY_LEVELS).byte()


def round_to_grey(pixels: Tensor) -> Tensor:
    """Pixels, float -> the nearest of the 256 values k/255 that an 8-bit image can hold, still as floats in [0, 1]."""
    return pixels.mul(GREY_LEVELS).round_().clamp_(0, GREY_LEVELS).div_(GREY_LEVELS)


def quantise_(pixels: Tensor, clip: bool = True, rounding: bool = True) -> Tensor:
    """What an 8-bit image does to float grey levels, in place: whole levels, within [0, 255]."""
    if rounding:
        pixels.round_()
    return pixels.clamp_(0, GREY_LEVELS) if clip else pixels


def row_length(size: int) -> int:
    """Floats in the row that holds an image of ``size`` values: whole groups of 16."""
    return -(-size // LANE) * LANE


def as_rows(pixels: Tensor) -> Tensor:
    """Pixels, uint8 (N, C, H, W) -> float32 grey levels (N, row length), each row in the order H, W, C, then zeros."""
    flat = pixels.permute(0, 2, 3, 1).flatten(1)
    rows = torch.zeros(len(flat), row_length(flat.shape[1]), device=pixels.device)
    rows[:, : flat.shape[1]] = flat
    return rows


def as_images(rows: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Rows as ``as_rows`` makes them -> a view of them as images (N, C, H, W), channels last."""
    channels, height, width = shape
    pixels: Tensor = rows[:, : channels * height * width].unflatten(1, (height, width, channels))
    return pixels.permute(0, 3, 1, 2)


def whole_groups(count: int) -> int:
    """``count`` rounded up to whole groups of 16 rows."""
    return -(-count // ROWS) * ROWS
