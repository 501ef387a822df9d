"""Accuracy and flip rate of evaluations against the level, one curve for each."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from convstab.evaluation.result import StabilityResult
from convstab.figures.levels import LevelAxis
from convstab.figures.multiples import Chart, Curve, drawn
from convstab.figures.style import finish_axis, in_percent, look_of
from convstab.sweeps.families import MOST

TITLES = "accuracy", "flip rate of clean-correct images"


def curves(results: Mapping[str, StabilityResult]) -> Figure:
    """Accuracy and flip rate against the level, one line per result with its 95 % intervals."""
    return of_rates(list(results.items()), list(map(look_of, range(len(results)))))


def of_rates(
    named: Sequence[tuple[str, StabilityResult]], looks: Sequence[Mapping[str, Any]], what: str = ""
) -> Figure:
    """The same in these looks; what: the names say."""
    levels = LevelAxis(result for _, result in named)
    lines: list[list[Curve]] = [[], []]
    for (name, result), look in zip(named, looks, strict=True):
        places = np.where(result.share_drawn > MOST, levels.positions(result), np.nan)
        for line, rate in zip(lines, (result.accuracy, result.flip_rate), strict=True):
            line.append(Curve(name, places, rate.value, look, (rate.low, rate.high)))

    def finish(axis: Axes) -> None:
        axis.set_ylabel("share of draws")
        finish_axis(axis)
        in_percent(axis)
        levels.finish(axis)

    def from_zero(axis: Axes) -> None:
        finish(axis)
        axis.set_ylim(0, None)

    return drawn([Chart(*parts) for parts in zip(TITLES, lines, (finish, from_zero), strict=True)], what)
