"""The main picture of results: ``convstab.plot``."""

from collections.abc import Mapping
from typing import TypeVar

from matplotlib.figure import Figure

from convstab.attacks.result import AttackResult
from convstab.errors import InputError
from convstab.evaluation.result import StabilityResult
from convstab.figures.attack import survival
from convstab.figures.rates import curves

Result = StabilityResult | AttackResult
Kind = TypeVar("Kind")


def plot(result: Result | Mapping[str, Result]) -> Figure:
    """Draw accuracy and flip rate against the level, or the share of images that withstand noise of up to a norm.

    Args:
        result: of ``convstab.evaluate`` or ``convstab.attack``; or several of one kind by their names, one line for
            each. Attacks have to be on the same model and images.

    Returns:
        A matplotlib Figure, which a notebook shows after ``%matplotlib inline``;
        ``figure.savefig("stability.png")`` keeps it.

    Raises:
        InputError: results of two kinds, of different models or images, or none.

    >>> import torch, convstab as cs
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 2)).eval()
    >>> images = cs.Images(torch.rand(20, 3, 8, 8), torch.arange(20) % 2)
    >>> few, many = (cs.evaluate(model, images, levels=[1, 40], draws=draws) for draws in (1, 20))
    >>> [axis.get_title() for axis in cs.plot({"1 draw": few, "20 draws": many}).axes]
    ['accuracy', 'flip rate of clean-correct images']
    """
    results = dict(result) if isinstance(result, Mapping) else {name_of(result): result}
    evaluations, attacks = of_kind(results, StabilityResult), of_kind(results, AttackResult)
    if evaluations and len(evaluations) == len(results):
        return curves(evaluations)
    if attacks and len(attacks) == len(results):
        return survival(attacks)
    kinds = ", ".join(sorted({type(one).__name__ for one in results.values()})) or "nothing"
    raise InputError(
        f"plot takes a result of evaluate or attack, or {{name: result, ...}} of one kind; it was given {kinds}"
    )


def name_of(result: object) -> str:
    """What a single result is called in its picture."""
    return result.attack if isinstance(result, AttackResult) else f"{getattr(result, 'images', 'no')} images"


def of_kind(results: Mapping[str, object], kind: type[Kind]) -> dict[str, Kind]:
    """The results of one kind."""
    return {name: result for name, result in results.items() if isinstance(result, kind)}
