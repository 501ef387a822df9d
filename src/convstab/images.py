"""Images in memory, and their pixels: uint8 in memory and in transit, float in [0, 1] for a model."""

from dataclasses import dataclass

import torch
from torch import Tensor

from convstab.units import FramesAlike, Units, check_groups

GREY_LEVELS = 255.0  # 8-bit white; sigma and every noise amplitude are given on this scale
LANE = 16  # torch draws normals on a CPU in groups of 16; only whole groups make a short fill a prefix of a long one
ROWS = 16  # in channels last, batches of any multiple of 16 rows give the same bits; batches of other sizes may not


@dataclass(frozen=True)
class Images:
    """Labelled images held in memory.

    pixels: uint8, (N, C, H, W), in [0, 255]; may be memory-mapped.
    labels: int64, (N,), in [0, K).
    groups: int64, (N,), or None. Images of one group (the frames of one GTSRB track) are near copies and must not
        be split between training and validation; of test images, they are the independent units of every interval.
    alike: where there are such groups and it is not known which images make one; of no account beside groups.
    Raises InputError when groups is of another length.
    """

    pixels: Tensor
    labels: Tensor
    groups: Tensor | None = None
    alike: FramesAlike | None = None

    def __post_init__(self) -> None:
        if self.groups is not None:
            check_groups(len(self.groups), len(self.labels))

    def __len__(self) -> int:
        return len(self.labels)

    def spread(self, count: int) -> "Images":
        """At most ``count`` images, evenly spaced: GTSRB is sorted by class, its first images are of one class."""
        index = torch.linspace(0, len(self) - 1, min(count, len(self))).round().long()
        return self.part(index)

    def part(self, rows: Tensor | slice) -> "Images":
        """Some of the images, which are chosen by their place and not by their group."""
        labels, groups = self.labels[rows], None if self.groups is None else self.groups[rows]
        alike = None if self.alike is None else self.alike.among(len(labels) / len(self))
        return Images(self.pixels[rows], labels, groups, alike)

    @property
    def units(self) -> Units:
        """What is independent among the images."""
        effect = 1.0 if self.alike is None else self.alike.design_effect
        return Units(design_effect=effect) if self.groups is None else Units(self.groups.numpy())


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
