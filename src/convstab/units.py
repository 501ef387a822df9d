"""What is independent in a test set: images, groups of images that show the same object, or fewer units than images."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convstab.errors import InputError

Integers = NDArray[np.integer[Any]]
GROUP, DESIGN_EFFECT, UNREAD = "group", "design_effect", "unread"  # columns of stability and minimum_noise.parquet
COLUMNS = {GROUP: "i", DESIGN_EFFECT: "f", UNREAD: "i"}  # kinds of their types, as NumPy names them
RANGES = {DESIGN_EFFECT: (1, np.finfo(float).max), UNREAD: (1, np.inf)}  # the lowest and the highest value


@dataclass(frozen=True)
class FramesAlike:
    """Test images that come in groups which are not published: frames of one object, anywhere in the test set.

    size: images of an object, at least 1; may be a mean.
    correlation: the intra-class correlation of failing, in [0, 1]: 0 when the frames of an object fail independently,
        1 when they all fail or none does.
    Raises InputError for other values.
    """

    size: float
    correlation: float

    def __post_init__(self) -> None:
        if not self.size >= 1 or not 0 <= self.correlation <= 1:
            raise InputError(
                f"{self.size} images of an object that correlate by {self.correlation}: "
                "the first must be at least 1, the second in [0, 1]"
            )

    @property
    def design_effect(self) -> float:
        """How many times the variance of a rate is that of independent images (Kish 1965)."""
        return 1 + (self.size - 1) * self.correlation

    def among(self, share: float) -> "FramesAlike":
        """In this share of the test set, not chosen by object: fewer frames of each are left."""
        return FramesAlike(1 + (self.size - 1) * share, self.correlation)


@dataclass(frozen=True, eq=False)  # of arrays
class Units:
    """The independent units of n images.

    groups: (n,), integers, the images of one number are one unit; None: each image is one.
    design_effect: how many images make one unit, at least 1, where it is not known which.
    unread: images of the test set that could not be read and are left out: they are not among the n.
    """

    groups: Integers | None = None
    design_effect: float = 1.0
    unread: int = 0

    @classmethod
    def of_rows(cls, rows: Mapping[str, NDArray[Any]], step: int = 1) -> "Units":
        """The units that columns of a result name; every ``step``-th row is the first of an image."""
        groups, effect = rows.get(GROUP), rows.get(DESIGN_EFFECT, np.ones(1))
        unread = rows.get(UNREAD, np.zeros(1, int))
        effect_of_all, unread_of_all = (
            column[0] if len(column) else least for column, least in ((effect, 1), (unread, 0))
        )
        return cls(None if groups is None else groups[::step], float(effect_of_all), int(unread_of_all))

    def columns(self, images: int, step: int = 1) -> dict[str, NDArray[Any]]:
        """The reverse of ``of_rows``: columns of a result with ``step`` rows an image; none for plain images."""
        found: dict[str, NDArray[Any]] = {}
        if self.groups is not None:
            found[GROUP] = np.repeat(self.members(images), step)
        elif self.design_effect > 1:
            found[DESIGN_EFFECT] = np.full(images * step, self.design_effect)
        return found | ({UNREAD: np.full(images * step, self.unread)} if self.unread else {})

    def part(self, chosen: NDArray[Any]) -> "Units":
        """Those of some images, which are given as rows or as a mask."""
        return self if self.groups is None else Units(self.groups[chosen], unread=self.unread)

    def members(self, images: int) -> Integers:
        """The number of the unit of each image, (n,); InputError when the groups are those of other images."""
        if self.groups is None:
            return np.arange(images)
        check_groups(len(self.groups), images)
        return self.groups

    def count(self, images: int) -> float:
        """Number of units."""
        return images / self.design_effect if self.groups is None else len(np.unique(self.members(images)))

    @property
    def unequal(self) -> bool:
        """Whether units are groups of different sizes."""
        return self.groups is not None and len(set(np.unique(self.groups, return_counts=True)[1])) > 1

    def images_each(self, images: int) -> float:
        """Images for each unit: the design effect where those of one unit fail together."""
        return images / self.count(images)

    def in_words(self, images: int) -> str:
        """What an interval is over, for a reader, and how many images are missing."""
        missing = f" ({self.unread:,} more could not be read)" if self.unread else ""
        if self.groups is not None:
            groups = self.count(images)
            return f"{groups:,.0f} {'group' if groups == 1 else 'groups'} of images{missing}"
        if self.design_effect > 1:
            return f"images, {self.design_effect:.3g} of which count as one{missing}"
        return f"images{missing}"


IMAGES = Units()


def check_groups(groups: int, images: int) -> None:
    """Raise InputError when groups are not given for each image."""
    if groups != images:
        raise InputError(f"groups are given for {groups} images, but there are {images}; each image needs one")
