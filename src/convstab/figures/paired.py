"""The difference of two models on the same draws, against the level."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from convstab.evaluation.result import StabilityResult
from convstab.figures.levels import LevelAxis
from convstab.figures.multiples import Chart, Curve, drawn
from convstab.figures.style import finish_axis, labelled, look_of
from convstab.statistics.intervals import Estimate


def differences(results: Mapping[str, StabilityResult], found: Mapping[str, Estimate]) -> Figure:
    """How much more accurate the first model is than each other one, with 95 % bands; found: by their names."""
    name, first = next(iter(results.items()))
    levels = LevelAxis([first])
    first_colour = 1  # 0 is that of the first model
    lines = [
        Curve(f"- {other}", levels.positions(first), 100 * gap.value, look_of(number), (100 * gap.low, 100 * gap.high))
        for number, (other, gap) in enumerate(found.items(), first_colour)
    ]

    def finish(axis: Axes) -> None:
        axis.axhline(0, color="0.5", linewidth=1, linestyle="--", zorder=1)
        axis.set_ylabel("difference (points), same draws")
        finish_axis(axis)
        levels.finish(axis)

    return drawn([Chart(labelled(f"accuracy of {name}"), lines, finish)])
