"""What is asked of a classifier: levels of a degradation, draws and switches, and the order of the draws."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from convstab.degradations.by_name import recorded
from convstab.degradations.degradation import Degradation, as_number
from convstab.degradations.draws.copies import Copies, name_of
from convstab.degradations.draws.make import copies_of, degraded_copies
from convstab.degradations.gaussian import PAPER_SIGMAS, Gaussian
from convstab.degradations.quality import Floats, level_for_psnr
from convstab.errors import InputError
from convstab.generators.draws import DrawRange
from convstab.generators.floats import NoiseSource
from convstab.validation import is_number

PAPER_DRAWS = 150
CLEAN = math.inf  # dB
MOST_ALIKE = 2**24  # times that a draw counts at most where levels are pooled: sums of 64 bits then hold any test set
BEST = 60.0  # dB, the end of all tables; one grey level in one pixel of 50 is worse


def tried_levels(
    degradation: Degradation, levels: Iterable[float] | None, psnr: Iterable[float] | None
) -> tuple[float, ...]:
    """What is asked for, levels, PSNR or neither, and the clean images; InputError for both."""
    if psnr is None:
        return tuple({degradation.neutral, *degradation.check(degradation.grid if levels is None else levels)})
    if levels is not None:
        raise InputError("levels and psnr are both given; it can be levels of the degradation, or PSNR in dB")
    return tuple({CLEAN, *check_decibels(psnr)})


def check_decibels(targets: Any) -> tuple[float, ...]:
    """PSNR targets from the mildest, infinity (the clean image), to the worst; InputError for what is none."""
    if isinstance(targets, str) or not hasattr(targets, "__iter__"):
        raise InputError(f"psnr is {targets}; it must be a list of numbers of dB, such as [40, 30, 20]")
    found = [as_number(target) for target in targets]
    for target in found:
        if target != CLEAN and not (is_number(target) and 0 < target <= BEST):
            raise InputError(f"psnr has {target}; it must be a number of dB above 0 and at most {BEST:g}")
    if not found or len(set(found)) < len(found):
        raise InputError(f"psnr is {found}; it must name each target once, and at least one")
    return tuple(sorted(map(float, found), reverse=True))


def as_whole_number(name: str, value: Any) -> int:
    """A whole number of any kind, also NumPy's, as Python's; InputError for anything else."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise InputError(f"{name} is {value}; it must be a whole number")
    return int(value)


def check_draws(draws: Any, levels: int) -> int | tuple[int, ...]:
    """A number of draws for all levels, or one for each; InputError for anything else."""
    if not isinstance(draws, list | tuple):
        count = as_whole_number("draws", draws)
        if count < 1:
            raise InputError(f"draws is {count}; it must be at least 1")
        return count
    if len(draws) != levels:
        raise InputError(f"draws has {len(draws)} numbers; it must be one number, or one for each of {levels} levels")
    counts: tuple[int, ...] = tuple(check_draws(as_whole_number("draws", count), levels) for count in draws)  # type: ignore[misc]
    if math.lcm(*counts) > MOST_ALIKE:
        raise InputError(f"draws is {list(counts)}; choose multiples of each other, such as 2, 4 and 8")
    return counts


@dataclass(frozen=True)
class Protocol:
    """Section 4 of the paper, for any degradation: how the copies are made and what is kept of them.

    levels: of the degradation; they are sorted from the mildest to the worst. The neutral one is the clean image,
        classified once.
    draws: degraded copies per image and level, at least 1, or one number for each of the sorted levels; one is made of
        the clean image, and where all draws are the same.
    seed: names the random numbers, 64 bits.
    clip, rounding: clip to [0, 255]; round to whole grey levels. Both on: what an 8-bit image holds.
    score: which softmax probability the figures show, that of the predicted class or that of the label; "none": there
        are decisions only, made elsewhere.
    degradation: what is done to the images.
    by_psnr: the levels are PSNR in dB, infinity is the clean image: each image is degraded at the level of its own that
        leaves it this PSNR, see ``degradations.quality``; one that no level leaves it to is not drawn.
    Raises InputError for anything else.
    """

    levels: tuple[float, ...] = (0.0, *PAPER_SIGMAS)
    draws: int | tuple[int, ...] = PAPER_DRAWS
    seed: int = 0
    clip: bool = True
    rounding: bool = True
    score: Literal["predicted", "label", "none"] = "predicted"
    degradation: Degradation = field(default_factory=Gaussian)
    by_psnr: bool = False

    def __post_init__(self) -> None:
        check = check_decibels if self.by_psnr else self.degradation.check
        object.__setattr__(self, "levels", check(self.levels))
        object.__setattr__(self, "draws", check_draws(self.draws, len(self.levels)))
        object.__setattr__(self, "seed", as_whole_number("seed", self.seed))
        if not -(2**63) <= self.seed < 2**63:
            raise InputError(f"seed is {self.seed}; it must fit 64 bits")
        if {type(self.clip), type(self.rounding)} != {bool}:
            raise InputError(f"clip is {self.clip} and rounding {self.rounding}; each must be true or false")
        if self.score not in ("predicted", "label", "none"):
            raise InputError(f"score is {self.score!r}; it can be predicted, label or none")

    @classmethod
    def of(cls, settings: Mapping[str, Any], trust: Sequence[str] = ()) -> "Protocol":
        """The protocol that a file says; TypeError or InputError for what is none. trust: see ``by_name.recorded``."""
        return cls(**dict(settings) | {"degradation": recorded(settings["degradation"], trust)})

    @property
    def settings(self) -> dict[str, Any]:
        """All in plain values."""
        return vars(self) | {"degradation": self.degradation.settings}

    @property
    def neutral(self) -> float:
        """The level of the clean images."""
        return CLEAN if self.by_psnr else self.degradation.neutral

    @property
    def degraded(self) -> tuple[bool, ...]:
        """Whether a level changes the images, for each."""
        return tuple(level != self.neutral for level in self.levels)

    @property
    def quantity(self) -> str:
        """What the levels are called."""
        return "PSNR" if self.by_psnr else self.degradation.quantity

    @property
    def unit(self) -> str:
        """The unit of the levels."""
        return "dB" if self.by_psnr else self.degradation.unit

    def applied(self, pixels: Tensor, index: Sequence[int]) -> Tensor:
        """The level of the degradation for each image under each level, float64 (n, levels); NaN: not to be reached.

        pixels: uint8 (n, C, H, W). index: ids.
        """
        if not self.by_psnr:
            return torch.tensor(self.levels, dtype=torch.float64, device=pixels.device).repeat(len(pixels), 1)
        columns = [self.reaching(pixels, index, target) for target in self.levels]
        return torch.from_numpy(np.stack(columns, axis=1)).to(pixels.device)

    def reaching(self, pixels: Tensor, index: Sequence[int], target: float) -> Floats:
        """The level at which each image has this PSNR, (n,)."""
        if target == CLEAN:
            return np.full(len(pixels), self.degradation.neutral)
        return level_for_psnr(self.degradation, pixels, index, target, self.seed)[0]

    @property
    def draws_of(self) -> list[int]:
        """Draws of one image under each level."""
        each = self.draws if isinstance(self.draws, tuple) else (self.draws,) * len(self.levels)
        random = self.degradation.random
        return [draws if degraded and random else 1 for draws, degraded in zip(each, self.degraded, strict=True)]

    @property
    def degraded_draws(self) -> list[int]:
        """Draws of one image under each level that changes it."""
        return [draws for draws, degraded in zip(self.draws_of, self.degraded, strict=True) if degraded]

    @property
    def in_paper(self) -> "Protocol":
        """The same with the paper's draws."""
        return replace(self, draws=PAPER_DRAWS)

    @property
    def weights(self) -> list[int]:
        """How often a draw of each level counts where levels are pooled, so that all weigh alike; 0: the clean images.

        Each is 1 where all levels have as many draws.
        """
        alike = math.lcm(*self.degraded_draws)
        return [alike // draws if degraded else 0 for draws, degraded in zip(self.draws_of, self.degraded, strict=True)]

    @property
    def draws_in_words(self) -> str:
        """The draws of each image under the levels that change it, such as 10, or 2 to 16."""
        least, most = (of(self.degraded_draws, default=1) for of in (min, max))
        return f"{most:,}" if least == most else f"{least:,} to {most:,}"

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

    def copies_of(self, pixels: Tensor, index: Sequence[int], applied: Tensor) -> Copies:
        """What makes all draws of some images. pixels: uint8 (n, C, H, W). index: ids. applied: see ``applied``."""
        switches = self.seed, self.clip, self.rounding
        return copies_of(self.degradation, applied, pixels, index, *switches, self.levels if self.by_psnr else None)

    def copies(self, pixels: Tensor, level: float, draws: int, image: int, applied: float, first: int = 0) -> Tensor:
        """Draws of an image under a level from draw ``first`` on, as they are counted on the device of its pixels.

        pixels: uint8 (C, H, W). image: its id. applied: the level of the degradation that this is for the image; NaN:
        none, the copies are clean. Gives float32 (draws, C, H, W), in [0, 1] if clipped.
        """
        wanted = self.degradation.neutral if math.isnan(applied) else applied
        switches = self.seed, self.clip, self.rounding, level if self.by_psnr else None, first
        return degraded_copies(pixels, self.degradation, wanted, draws, image, *switches)

    def sampled_draw(self, image: int, level: int) -> int:
        """The draw of an image, by its id, under a level that is kept for the scatter plots."""
        source = NoiseSource(self.seed, name=name_of(self.degradation, 0))
        return source.key(image, self.levels[level], block=-1) % self.draws_of[level]


def with_counts(protocol: Protocol, draws: Any, given: Sequence[float] | None) -> Protocol:
    """The protocol with these draws: a number, or a list of one for each level.

    given: the levels or PSNR as they were asked for. A list of as many goes with them, in their order, and the clean
    images are drawn once; a longer one goes with the sorted levels, the clean images first.
    Raises InputError for anything else.
    """
    if hasattr(draws, "tolist"):
        draws = draws.tolist()
    if isinstance(draws, list | tuple) and given is not None and len(draws) == len(given):
        of_level = dict(zip(map(float, given), draws, strict=True))
        draws = tuple(of_level.get(level, 1) for level in protocol.levels)
    return replace(protocol, draws=draws)
