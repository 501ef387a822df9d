"""What is asked of a classifier: levels of a degradation, draws and switches, and the order of the draws."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor

from convstab.degradations.by_name import degradation as by_name
from convstab.degradations.copies import DrawRange, degraded_copies, name_of
from convstab.degradations.degradation import Degradation
from convstab.degradations.gaussian import PAPER_SIGMAS, Gaussian
from convstab.errors import InputError
from convstab.generators import NoiseSource

PAPER_DRAWS = 150


def with_clean(levels: Iterable[float], degradation: Degradation) -> tuple[float, ...]:
    """These levels and the neutral one, the clean images."""
    return tuple({degradation.neutral, *degradation.check(levels)})


def as_whole_number(name: str, value: Any) -> int:
    """A whole number of any kind, also NumPy's, as Python's; InputError for anything else."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise InputError(f"{name} is {value}; it must be a whole number")
    return int(value)


@dataclass(frozen=True)
class Protocol:
    """Section 4 of the paper, for any degradation: how the copies are made and what is kept of them.

    levels: of the degradation; they are sorted from the mildest to the worst. The neutral one is the clean image,
        classified once.
    draws: degraded copies per image and level, at least 1; one is made where all draws are the same.
    seed: names the random numbers, 64 bits.
    clip, rounding: clip to [0, 255]; round to whole grey levels. Both on: what an 8-bit image holds.
    score: which softmax probability the figures show, that of the predicted class or that of the label.
    degradation: what is done to the images.
    Raises InputError for anything else.
    """

    levels: tuple[float, ...] = (0.0, *PAPER_SIGMAS)
    draws: int = PAPER_DRAWS
    seed: int = 0
    clip: bool = True
    rounding: bool = True
    score: Literal["predicted", "label"] = "predicted"
    degradation: Degradation = field(default_factory=Gaussian)

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", self.degradation.check(self.levels))
        for name in ("draws", "seed"):
            object.__setattr__(self, name, as_whole_number(name, getattr(self, name)))
        if self.draws < 1:
            raise InputError(f"draws is {self.draws}; it must be at least 1")
        if not -(2**63) <= self.seed < 2**63:
            raise InputError(f"seed is {self.seed}; it must fit 64 bits")
        if {type(self.clip), type(self.rounding)} != {bool}:
            raise InputError(f"clip is {self.clip} and rounding {self.rounding}; each must be true or false")
        if self.score not in ("predicted", "label"):
            raise InputError(f"score is {self.score!r}; it can be predicted or label")

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Protocol":
        """The protocol with these settings; TypeError or InputError for what are none."""
        return cls(**dict(settings) | {"degradation": by_name(settings["degradation"])})

    @property
    def settings(self) -> dict[str, Any]:
        """All in plain values."""
        return vars(self) | {"degradation": self.degradation.settings}

    @property
    def degraded(self) -> tuple[bool, ...]:
        """Whether a level changes the images, for each."""
        return tuple(level != self.degradation.neutral for level in self.levels)

    @property
    def draws_of(self) -> list[int]:
        """Draws of one image under each level."""
        several = self.draws if self.degradation.random else 1
        return [several if degraded else 1 for degraded in self.degraded]

    @property
    def draws_per_image(self) -> int:
        """Draws of one image under all levels."""
        return sum(self.draws_of)

    def runs(self, start: int, stop: int) -> Iterator[DrawRange]:
        """Cut draws start ... stop - 1 of a slice into runs; draws are in the order image, level, draw."""
        counts = self.draws_of
        starts = [sum(counts[:level]) for level in range(len(counts))]
        position = start
        while position < stop:
            image, within = divmod(position, self.draws_per_image)
            level = bisect_right(starts, within) - 1
            first = within - starts[level]
            count = min(counts[level] - first, stop - position)
            yield DrawRange(position - start, image, level, first, count)
            position += count

    def copies(self, pixels: Tensor, level: float, draws: int, image: int) -> Tensor:
        """The first draws of an image under a level, as they are counted on the device of its pixels.

        pixels: uint8 (C, H, W). image: its id. Gives float32 (draws, C, H, W), in [0, 1] if clipped.
        """
        return degraded_copies(pixels, self.degradation, level, draws, image, self.seed, self.clip, self.rounding)

    def sampled_draw(self, image: int, level: int) -> int:
        """The draw of an image, by its id, under a level that is kept for the scatter plots."""
        source = NoiseSource(self.seed, name=name_of(self.degradation, 0))
        return source.key(image, self.levels[level], block=-1) % self.draws_of[level]
