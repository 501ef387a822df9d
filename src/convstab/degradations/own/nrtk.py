"""Any image perturber of NRTK, or of its interface, as a family of degradations."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from convstab.degradations.degradation import Degradation, Numbers, Shape
from convstab.degradations.own.perturbers import (
    AS,
    Pixels,
    global_state,
    is_whole,
    made,
    perturbed,
    perturber_of,
    seed_of,
    taken_by,
    try_again,
    version_of,
)
from convstab.degradations.own.pixels_only import is_pixels_only
from convstab.errors import InputError
from convstab.images import GREY_LEVELS
from convstab.validation import Limit, PositiveOrNone, is_number

HALF = 2**16  # a seed is made of two numbers of 16 bits: any generator takes one of 32
NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
INFINITY = "inf"  # which JSON lacks
OPTIONS = "plain values by their names, such as {mean: 0.1}"

Text = Annotated[str, Limit(lambda value: isinstance(value, str) and value.isidentifier(), "the name of an argument")]
Dotted = Annotated[str, Limit(lambda value: isinstance(value, str) and bool(NAME.fullmatch(value)), AS)]
Neutral = Annotated[float, Limit(lambda value: is_number(value) or value == math.inf, "a number, or inf")]
Grid = Annotated[
    tuple[float, ...],
    Limit(
        lambda value: isinstance(value, tuple) and all(map(is_number, value)), "a list of levels, such as [0.01, 0.05]"
    ),
]


def is_plain(value: Any) -> bool:
    """Whether a value is one that a file of JSON holds, without infinities."""
    if isinstance(value, Mapping):
        return all(isinstance(name, str) and is_plain(one) for name, one in value.items())
    if isinstance(value, list):
        return all(map(is_plain, value))
    return value is None or isinstance(value, str | bool) or is_number(value)


Options = Annotated[
    Mapping[str, Any],
    Limit(lambda value: isinstance(value, Mapping) and is_plain(value), OPTIONS),
]


@dataclass(frozen=True)
class Nrtk(Degradation):
    """Has a perturber of NRTK make each image; the level is one of its arguments, in the perturber's own unit.

    A draw's random numbers give the seed of a new perturber, which makes one image: what stands beside it, and what was
    made before, change nothing. Values are clipped and rounded first. The first image of each batch is made twice, and
    must be the same.

    perturber: the dotted name of a class of ``nrtk.interfaces.PerturbImage``, of NRTK or of your own.
    parameter: the argument that is the level, of its constructor or of its ``perturb``.
    options: the others. With a seed among them all draws are the same.
    grid: the levels that are tried where none are asked for, and the way to the worst of which searches go.
    neutral: the level that leaves images as they are: there the perturber is not asked. The farther from it, the worse;
        inf: the lower, the worse.
    step: between the levels that there are, from the neutral one on, such as 2 for odd sizes; None: 1 for an argument
        of whole numbers, and else any.
    unit: of the level, as a reader takes it; empty: the name of the argument.
    seeded: whether draws differ. version: of the package. Both are found where a user names the perturber, and kept
        with results.
    record: None: a user names the perturber, whose code may run. Else a file does: its code runs where it is one of
        these names, or one of NRTK's that does nothing but change pixels.
    Source: NRTK, Kitware.
    """

    name: ClassVar[str] = "nrtk"
    low: ClassVar[float] = -math.inf

    perturber: Dotted = ""
    parameter: Text = ""
    options: Options = field(default_factory=dict, hash=False)
    grid: Grid = ()  # type: ignore[misc]  # of a class elsewhere
    neutral: Neutral = 0.0  # type: ignore[misc]
    step: PositiveOrNone = None
    unit: str = ""  # type: ignore[misc]
    seeded: bool | None = None
    version: str | None = None
    said: bool = field(default=True, init=False, compare=False, repr=False)  # by a user
    may_run: bool = field(default=True, init=False, compare=False, repr=False)
    record: InitVar[Sequence[str] | None] = None

    def __post_init__(self, record: Sequence[str] | None) -> None:
        self.take("neutral", as_float(self.neutral))
        self.take("options", listed(self.options or {}))
        self.take("grid", as_tuple(self.grid))
        self.take("unit", str(self.unit or self.parameter))
        super().__post_init__()
        self.take("said", record is None)
        self.take("may_run", record is None or self.perturber in record or is_pixels_only(self.perturber))
        if self.said:
            self.look_up()

    def take(self, name: str, value: Any) -> None:
        """Set a value of this frozen one, before anyone sees it."""
        object.__setattr__(self, name, value)

    def look_up(self) -> None:
        """Find what the perturber takes; InputError for an argument or a value that it does not."""
        kind = perturber_of(self.perturber)
        known = taken_by(kind)
        for name in (self.parameter, *self.options):
            if name not in known:
                raise InputError(f"{self.title} takes no {name}; it takes {', '.join(known) or 'nothing'}")
        if self.parameter in self.options:
            raise InputError(f"options has {self.parameter}, which is the level")
        seed = seed_of(kind)
        self.take("seeded", seed is not None and seed not in (self.parameter, *self.options))
        self.take("version", version_of(self.perturber))
        if self.step is None and is_whole(known[self.parameter]):
            self.take("step", 1.0)
        if self.grid:
            self.check(self.grid)

    @property
    def kind(self) -> type:
        """The class; InputError where a file names it that is not trusted, or where another version is here."""
        if not self.may_run:
            raise InputError(
                f"its degradation is made by {self.perturber}, which is code that this would run; "
                f"where that is your own, say trust={self.perturber}"
            )
        kind, here = perturber_of(self.perturber), version_of(self.perturber)
        if self.seeded is not None and self.version != here:
            package = self.perturber.partition(".")[0]
            raise InputError(f"its degradation was made by {package} {self.version}; here is {here}")
        return kind

    @property
    def settings(self) -> dict[str, Any]:
        """Name and settings in plain values, without an infinity."""
        return super().settings | {
            "options": dict(self.options),
            "grid": list(self.grid),
            "neutral": INFINITY if self.neutral == math.inf else self.neutral,
        }

    @property
    def coarse(self) -> bool:  # type: ignore[override]
        """Whether near levels can give the same image."""
        return self.step is not None

    @property
    def title(self) -> str:
        """The name of the class."""
        return self.perturber.rpartition(".")[2]

    @property
    def in_words(self) -> str:
        """The class, and its options."""
        return " ".join([self.title, *(f"{name}={value}" for name, value in self.options.items())])

    def numbers(self, shape: Shape) -> tuple[Numbers, ...]:  # noqa: ARG002
        """Two numbers, of which the seed is made; none where a perturber has no seed."""
        return (Numbers("uniform", 2),) if self.seeded else ()

    def check_shape(self, shape: Shape) -> None:
        """Raise InputError for images that are neither grey nor RGB."""
        if shape[0] not in (1, 3):
            raise InputError(f"nrtk takes grey or RGB images; these have {shape[0]} channels")

    def check(self, levels: Any) -> tuple[float, ...]:
        """Levels from the mildest to the worst; InputError where there are none, or the perturber refuses one."""
        if levels is self.grid and not self.grid:
            raise InputError("degradation nrtk has no levels of its own: say them, or degradation.grid=[...]")
        found = super().check(levels)
        for level in found:
            if self.stepped(level) != level:
                whole = f"{self.neutral if math.isfinite(self.neutral) else 0:g} and steps of {self.step:g} from it"
                raise InputError(f"a level of {self.title} is {level:g}; it can be {whole}")
            if level != self.neutral and self.said:
                constructed(self, level)
        return found

    def severity(self, level: float) -> float:
        """How far a level is from the neutral one."""
        if self.neutral == math.inf:
            return 0.0 if level == math.inf else 1 / level
        return super().severity(level)

    def between(self, level: float, strength: float) -> float:
        """The level, of those that there are, nearest to so far on the way."""
        if self.neutral == math.inf:
            return self.stepped(level / strength if strength else math.inf)
        return self.stepped(super().between(level, strength))

    def stepped(self, level: float) -> float:
        """The nearest of the levels that there are."""
        if self.step is None or not math.isfinite(level):
            return level
        first = self.neutral if math.isfinite(self.neutral) else 0.0
        return first + self.step * round((level - first) / self.step)

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:
        """The images as the perturber makes them, one after another."""
        kind = self.kind
        state = global_state()
        rows = images.round().clamp(0, GREY_LEVELS).byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()
        grey = rows.shape[3] == 1
        pixels: list[Pixels] = list(rows[..., 0] if grey else rows)
        values = [
            self.values(kind, level, seed)
            for level, seed in zip(levels.tolist(), seeds(random, len(rows)), strict=True)
        ]
        done = [perturbed(kind, own, image) for own, image in zip(values, pixels, strict=True)]
        try_again(kind, values[0], pixels[0], done[0], state)
        found = torch.from_numpy(np.stack(done)).to(images.device).float()
        return found[:, None] if grey else found.permute(0, 3, 1, 2)

    def values(self, kind: type, level: float, seed: int | None = None) -> dict[str, Any]:
        """What a perturber is given beside the image."""
        whole = is_whole(taken_by(kind)[self.parameter]) and level == int(level)
        told = dict(self.options) | {self.parameter: int(level) if whole else level}
        return told if seed is None else told | {str(seed_of(kind)): seed}

    @classmethod
    def recorded(cls, trust: Sequence[str], **settings: Any) -> Self:
        """The family that a file names: nothing is looked up."""
        return cls(**settings | {"record": tuple(trust)})


def as_float(value: Any) -> Any:
    """A number as a float, and infinity where a file has its name."""
    if value == INFINITY:
        return math.inf
    return float(value) if is_number(value) else value


def as_tuple(value: Any) -> Any:
    """A list, which a file has, as a tuple; none at all as an empty one."""
    return tuple(value or ()) if value is None or isinstance(value, list) else value


def listed(value: Any) -> Any:
    """A value with lists for tuples, as it is when it has been in a file."""
    if isinstance(value, Mapping):
        return {name: listed(one) for name, one in value.items()}
    return [listed(one) for one in value] if isinstance(value, list | tuple) else value


def seeds(random: Sequence[Tensor], count: int) -> list[int | None]:
    """Of each draw the 32 bits that its two numbers in [0, 1) make; None where there are none."""
    if not random:
        return [None] * count
    high, low = (random[0].double() * HALF).long().unbind(1)
    return [int(seed) for seed in (high * HALF + low).tolist()]


@lru_cache(maxsize=1024)
def constructed(family: Nrtk, level: float) -> None:
    """Raise InputError for a level that the constructor refuses."""
    try:
        made(family.kind, family.values(family.kind, level))
    except InputError as error:
        raise InputError(f"a level of {family.title} is {level:g}: {error}") from error
