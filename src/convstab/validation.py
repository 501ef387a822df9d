"""What users give is checked before the work begins: loaded in no time, for a mistake shall not wait for torch.

A field of an attack says in its annotation what it can be, and ``check_limits`` holds it to it.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal, get_type_hints

from convstab.errors import InputError

Match = Literal["names", "order"]  # of the classes of a model and those of images
Rule = Literal["probabilities", "logits", "vote"]  # what an ensemble averages
LIKE = 0.65  # how alike two words must be, of 1
Stage = Literal["input", "source"]  # of a model that resizes its images: after it or before


@dataclass(frozen=True)
class Limit:
    """holds: whether a value of a field is a right one. words: the same for the user, after "it must be"."""

    holds: Callable[[Any], bool]
    words: str


def or_meant(word: Any, known: Iterable[str]) -> str:
    """The question whether another word was meant, to stand at the end of a line; empty where none is like it."""
    found = get_close_matches(str(word).lower(), tuple(known), n=1, cutoff=LIKE)
    return f"; did you mean {found[0]}?" if found else ""


def check_limits(settings: object) -> None:
    """Raise InputError for the first field of a dataclass whose value its annotation does not allow."""
    for name, hint in get_type_hints(type(settings), include_extras=True).items():
        for limit in getattr(hint, "__metadata__", ()):
            check_limit(name, getattr(settings, name), limit)


def check_limit(name: str, value: Any, limit: Limit) -> None:
    """Raise InputError for a value that the limit does not allow."""
    if not limit.holds(value):
        raise InputError(f"{name} is {value}; it must be {limit.words}")


def is_number(value: Any) -> bool:
    """Whether a value is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def at_least(low: int) -> Limit:
    """Whole numbers from ``low`` on."""
    return Limit(lambda value: is_whole(value, low), f"a whole number, at least {low}")


def is_whole(value: Any, low: int) -> bool:
    """Whether a value is a whole number from ``low`` on; 2.0 is none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= low


SEED = Limit(lambda value: is_whole(value, -(2**63)) and value < 2**63, "a whole number of 64 bits")
QUERIES = Limit(lambda value: is_whole(value, 1) and value < 2**63, "a whole number, at least 1")
POINTS = Limit(lambda value: is_number(value) and 0 < value < 50, "a number of points above 0 and below 50")
AUTO = "auto"  # the word for what is measured before it is settled


def listed(holds: Callable[[Any], bool], words: str) -> Limit:
    """Lists with at least one entry, and right ones only."""
    return Limit(lambda value: isinstance(value, list | tuple) and len(value) > 0 and all(map(holds, value)), words)


def or_null(kind: Limit) -> Limit:
    """The same, or nothing."""
    return Limit(lambda value: value is None or kind.holds(value), f"{kind.words}, or null")


def is_rising(value: Any) -> bool:
    """Whether a value is a pair of positive numbers, the lower one first."""
    numbers = isinstance(value, list | tuple) and len(value) == 2 and all(map(is_number, value))
    return numbers and 0 < value[0] <= value[1]


FRACTION = Limit(lambda value: is_number(value) and 0 < value < 1, "above 0 and below 1")
POSITIVE = Limit(lambda value: is_number(value) and value > 0, "a number above 0")

Count = Annotated[int, at_least(1)]
Several = Annotated[int, at_least(2)]
CountOrZero = Annotated[int, at_least(0)]
Positive = Annotated[float, POSITIVE]
PositiveOrNone = Annotated[float | None, or_null(Limit(POSITIVE.holds, "above 0"))]
NotNegative = Annotated[float, Limit(lambda value: is_number(value) and value >= 0, "a number, at least 0")]
Share = Annotated[float, Limit(lambda value: is_number(value) and 0 <= value <= 1, "in [0, 1]")]
Fraction = Annotated[float, FRACTION]
FractionOrNone = Annotated[float | None, or_null(FRACTION)]
Flag = Annotated[bool, Limit(lambda value: isinstance(value, bool), "true or false")]
Sides = Annotated[
    tuple[int, ...], listed(lambda side: is_whole(side, 1), "a list of whole numbers, each at least 1, such as [2]")
]
Crossovers = Annotated[
    tuple[str, ...],
    listed(
        lambda kind: kind in ("arithmetic", "intermediate", "uniform"), "a list of arithmetic, intermediate, uniform"
    ),
]
Engine = Annotated[
    Literal["vectorised", "deap"], Limit(lambda value: value in ("vectorised", "deap"), "vectorised or deap")
]
Range = Annotated[
    tuple[float, float], Limit(is_rising, "two numbers above 0, the lower one first, such as [2.0, 60.0]")
]
