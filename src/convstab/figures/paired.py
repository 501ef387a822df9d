"""The difference of two models on the same draws, against the level."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from convstab.evaluation.result import StabilityResult
from convstab.figures.evaluation import draw_estimate, finish_axis, labelled, style_of
from convstab.figures.legends import legend
from convstab.figures.levels import LevelAxis
from convstab.statistics.intervals import Estimate


def differences(results: Mapping[str, StabilityResult], found: Mapping[str, Estimate]) -> Figure:
    """How much more accurate the first model is than each other one, with 95 % bands; found: by their names."""
    name, first = next(iter(results.items()))
    levels = LevelAxis([first])
    figure = Figure(figsize=(5.5, 3.8), layout="constrained")
    axis = figure.subplots()
    axis.axhline(0, color="0.5", linewidth=1, linestyle="--")
    for number, (other, difference) in enumerate(found.items(), start=1):  # 0 is the colour of the first model
        points = Estimate(*(100 * ends for ends in (difference.value, difference.low, difference.high)))
        draw_estimate(axis, levels.positions(first), points, **style_of(number, f"- {other}"), among=len(found))
    axis.set(title=labelled(f"accuracy of {name}"), ylabel="difference (points), same draws")
    finish_axis(axis)
    levels.finish(axis)
    legend(figure, axis)
    return figure
