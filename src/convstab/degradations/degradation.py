"""What every degradation is: a function on images with a level in its own unit, and its randomness passed in."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, NamedTuple

from torch import Tensor

from convstab.errors import InputError
from convstab.validation import check_limits, is_number

Law = Literal["normal", "uniform"]  # standard normal; uniform in [0, 1)
Shape = tuple[int, int, int]  # of one image, (C, H, W)


LARGEST = 1e9  # size of a level that is not the neutral one: what is beyond overflows


class Numbers(NamedTuple):
    """Random numbers that one draw takes."""

    law: Law
    each: int  # draw


@dataclass(frozen=True)
class Degradation(ABC):
    """A family of degradations. A subclass states its name, unit and range, and what it does to images.

    The fields of a subclass are its settings, plain values whose annotations say what they can be, see ``validation``.

    name: the family's word in configurations and results; it keys the random numbers.
    unit: of the level, as a reader takes it.
    quantity: what the level is called: sigma of Gaussian noise.
    neutral: the level that changes nothing: the clean image.
    low, high: the lowest and the highest level, both included; ``neutral`` is a level, too, wherever it lies.
    grid: the levels that are tried where none are asked for.
    coarse: whether near levels can give the same image, so that not every quality can be had.
    """

    name: ClassVar[str]
    unit: ClassVar[str]
    quantity: ClassVar[str] = "level"
    neutral: ClassVar[float] = 0.0
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = math.inf
    grid: ClassVar[tuple[float, ...]]
    coarse: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_limits(self)

    @abstractmethod
    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:
        """Degraded images, before they are clipped and rounded; the same for an image whatever stands beside it.

        images: grey levels in [0, 255], float32 (N, C, H, W); they are not written to. levels: float64 (N,), none
        neutral. random: for each of ``numbers(shape)``, float32 (N, each).
        Gives grey levels, float32 (N, C, H, W).
        """

    def apply(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:
        """The same for levels of which some may be neutral: there the image is copied."""
        changed, degraded = levels != self.neutral, images.clone()
        if changed.any():
            numbers = [drawn[changed] for drawn in random]
            degraded[changed] = self.degrade(images[changed], levels[changed], numbers)
        return degraded

    def numbers(self, shape: Shape) -> tuple[Numbers, ...]:  # noqa: ARG002
        """The random numbers that a draw of an image of this shape takes; none: there is one draw of each level."""
        return ()

    def check_shape(self, shape: Shape) -> None:  # noqa: B027
        """Raise InputError for images that the family cannot degrade, such as grey ones without colours."""

    def severity(self, level: float) -> float:
        """How far a level is from the neutral one: 0 there, and more is worse."""
        return abs(level - self.neutral)

    def between(self, level: float, strength: float) -> float:
        """The level that is so far on the way from the neutral one to ``level``: 0 is neutral, 1 is ``level``."""
        return self.neutral + strength * (level - self.neutral)

    @property
    def random(self) -> bool:
        """Whether the draws of an image under one level differ."""
        return bool(self.numbers((3, 8, 8)))

    @property
    def settings(self) -> dict[str, Any]:
        """Name and settings in plain values, from which ``by_name.degradation`` makes the family again."""
        return {"name": self.name} | {field.name: getattr(self, field.name) for field in fields(self) if field.init}

    @property
    def in_words(self) -> str:
        """The name, and the settings where they are not the usual ones."""
        usual = {field.name: field.default for field in fields(self)}
        settings = {name: getattr(self, name) for name in usual}
        return " ".join([self.name, *(f"{name}={value}" for name, value in settings.items() if value != usual[name])])

    def check(self, levels: Any) -> tuple[float, ...]:
        """Levels from the mildest to the worst; InputError for one out of range, no number, or there twice."""
        if isinstance(levels, str) or not hasattr(levels, "__iter__"):
            example = ", ".join(f"{level:g}" for level in self.grid[:2])
            raise InputError(f"levels is {levels}; it must be a list of numbers, such as [{example}]")
        found = [as_number(level) for level in levels]
        for level in found:
            if level != self.neutral and not (is_number(level) and self.low <= level <= self.high):
                raise InputError(f"a level of {self.name} is {level}; it must be {self.range_in_words}")
            if level != self.neutral and abs(level) > LARGEST:
                raise InputError(f"a level of {self.name} is {level}; it must be at most {LARGEST:g} in size")
        if not found or len(set(found)) < len(found):
            raise InputError(f"levels is {found}; it must name each level once, and at least one")
        return tuple(sorted(map(float, found), key=lambda level: (self.severity(level), level)))

    @property
    def title(self) -> str:
        """The name as it stands in a sentence."""
        return self.name.replace("_", " ")

    @property
    def label(self) -> str:
        """What stands at an axis of levels."""
        if self.quantity == "level":
            return f"{self.title} ({self.unit})"
        return f"{self.quantity} ({self.unit})"

    @property
    def range_in_words(self) -> str:
        """What a level can be, after "it must be"."""
        high = "" if self.high == math.inf else f" and at most {self.high:g}"
        low = "" if self.low == -math.inf else f" at least {self.low:g}"
        ends = f",{low}{high}".replace(", and", ",") if low or high else ""
        return f"a number ({self.unit}){ends}; {self.neutral:g} changes nothing"


def as_number(value: Any) -> Any:
    """A number of any kind, also NumPy's, as Python's; anything else as it is."""
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value
