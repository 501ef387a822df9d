"""Labelled images in memory, and where they come from."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from platformdirs import user_cache_path

from convstab.errors import InputError
from convstab.images import Images


@dataclass(frozen=True)
class ImageSet:
    """A data set as its publisher splits it.

    classes: K names, in the order of the labels.
    mirror: {label: label of the mirrored image}; a class that is not a key must not be mirrored.
    official: whether the files are known by their MD5 sums to be the publisher's own.
    own_ids: whether the images bring ids that hold wherever they stand; if not, an id is a place in the test set.
    """

    train: Images
    test: Images
    classes: tuple[str, ...]
    mirror: dict[int, int] = field(default_factory=dict)
    official: bool = False
    own_ids: bool = False


class DataSource:
    """Where the images of a data set come from: they are loaded at the first use.

    load: folder -> ImageSet; downloads what is missing.
    root: the folder where data is found or downloaded to; None: $CONVSTAB_DATA, or the user's cache folder.
    images: use at most this many training and test images, evenly spaced; None: all.
    """

    def __init__(self, load: Callable[[Path], ImageSet], root: str | None = None, images: int | None = None) -> None:
        if images is not None and images < 2:
            raise InputError(f"dataset.images is {images}; it must be at least 2, or null for all")
        self.load, self.root, self.limit = load, data_root(root), images

    @cached_property
    def images(self) -> ImageSet:
        """The data set."""
        full = self.load(self.root)
        if self.limit is None:
            return full
        return replace(full, train=full.train.spread(self.limit), test=full.test.spread(self.limit))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        channels, height, width = self.images.train.pixels.shape[1:]
        return channels, height, width


def data_root(root: str | os.PathLike[str] | None) -> Path:
    """The folder that holds the data sets: ``root``, or $CONVSTAB_DATA, or the user's cache folder."""
    chosen = root or os.environ.get("CONVSTAB_DATA") or user_cache_path("convstab")
    return Path(chosen).expanduser()


def in_data(root: Path, path: str) -> Path:
    """A path that is relative to the folder of the data or to the current one, or to none."""
    below = Path(root) / Path(path).expanduser()
    return below if below.exists() else Path(path).expanduser()
