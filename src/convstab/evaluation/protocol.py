"""What is asked of a classifier: noise levels, draws and switches, and the order in which the draws are made."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from torch import Tensor

from convstab.degradations.gaussian import check_sigmas, noisy_copies
from convstab.errors import InputError
from convstab.generators import NoiseSource

PAPER_SIGMAS = (1.0, 2.0, 4.0, 8.0, 10.0, 14.0, 18.0, 20.0, 25.0, 30.0, 35.0, 40.0)  # section 4, in grey levels
PAPER_DRAWS = 150


class DrawRange(NamedTuple):
    """Consecutive draws of one image under one sigma, within a batch."""

    row: int  # of the batch, of the first draw
    image: int  # position in the slice
    level: int  # position in the sigmas
    first: int  # draw
    length: int  # number of draws


def with_clean(sigmas: Iterable[float]) -> tuple[float, ...]:
    """These noise levels and 0, the clean images."""
    return tuple({0.0, *check_sigmas(sigmas)})


def as_whole_number(name: str, value: Any) -> int:
    """A whole number of any kind, also NumPy's, as Python's; InputError for anything else."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise InputError(f"{name} is {value}; it must be a whole number")
    return int(value)


@dataclass(frozen=True)
class Protocol:
    """Section 4 of the paper: how the noisy copies are made and what is kept of them.

    sigmas: noise levels in grey levels; they are sorted. A sigma of 0 is the clean image, classified once.
    draws: noisy copies per image and sigma above 0, at least 1.
    seed: names the noise, 64 bits.
    clip, rounding: clip to [0, 255]; round to whole grey levels. Both on: what an 8-bit image holds.
    score: which softmax probability the figures show, that of the predicted class or that of the label.
    Raises InputError for anything else.
    """

    sigmas: tuple[float, ...] = (0.0, *PAPER_SIGMAS)
    draws: int = PAPER_DRAWS
    seed: int = 0
    clip: bool = True
    rounding: bool = True
    score: Literal["predicted", "label"] = "predicted"

    def __post_init__(self) -> None:
        object.__setattr__(self, "sigmas", check_sigmas(self.sigmas))
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

    @property
    def draws_of(self) -> list[int]:
        """Draws of one image under each sigma."""
        return [self.draws if sigma else 1 for sigma in self.sigmas]

    @property
    def draws_per_image(self) -> int:
        """Draws of one image under all sigmas."""
        return sum(self.draws_of)

    def runs(self, start: int, stop: int) -> Iterator[DrawRange]:
        """Cut draws start ... stop - 1 of a slice into runs; draws are in the order image, sigma, draw."""
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

    def copies(self, pixels: Tensor, sigma: float, draws: int, image: int) -> Tensor:
        """The first draws of an image under a sigma, as they are counted on the device of its pixels.

        pixels: uint8 (C, H, W). image: index in the test set. Gives float32 (draws, C, H, W), in [0, 1] if clipped.
        """
        return noisy_copies(pixels, sigma, draws, image, self.seed, self.clip, self.rounding)

    def sampled_draw(self, image: int, level: int) -> int:
        """The draw of an image (index in the test set) under a sigma that is kept for the scatter plots."""
        return NoiseSource(self.seed).key(image, self.sigmas[level], block=-1) % self.draws_of[level]
