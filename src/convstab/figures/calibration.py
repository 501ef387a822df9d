"""How far the probabilities of a model can be trusted, as a picture."""

from collections.abc import Mapping

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from convstab.evaluation.exact import UNIT
from convstab.evaluation.result import StabilityResult
from convstab.figures.legends import legend
from convstab.figures.levels import LevelAxis, named_level
from convstab.figures.multiples import Curve
from convstab.figures.style import finish_axis, in_percent, labelled, look_of
from convstab.statistics.confidence import reliability

MOST_LINES = 6  # levels in the diagram; more of them would hide each other
FEWEST = 10  # draws of a dot: the share correct of fewer is chance
LARGEST = 140  # points^2, the area of a dot that has all draws


def calibration(results: Mapping[str, StabilityResult]) -> Figure:
    """Accuracy against confidence of the first result, level by level; ECE against the level, one line per result."""
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_reliability(left, next(iter(results.values())))
    levels = LevelAxis(results.values())
    for number, (name, result) in enumerate(results.items()):
        Curve(name, levels.positions(result), result.ece, look_of(number)).draw(right, labelled(name))
    right.set(title="expected calibration error", ylabel="ECE in 15 bins", ylim=(0, None))
    finish_axis(right)
    in_percent(right)
    levels.finish(right)
    legend(figure, left, where="outside lower left", share=0.5)
    legend(figure, right, where="outside lower right", share=0.5)
    return figure


def draw_reliability(axis: Axes, result: StabilityResult) -> None:
    """Accuracy against mean confidence in each bin that has ten draws; the larger a dot, the more of them."""
    share, accuracy, confidence = reliability(result.totals["calibration"], UNIT)
    draws = result.totals["calibration"][..., 0]
    axis.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle="--", zorder=0)
    places = np.unique(np.linspace(0, len(result.levels) - 1, MOST_LINES).round().astype(int))
    colours = colormaps["viridis"](np.linspace(0, 0.9, len(places)))
    for place, colour in zip(places, colours, strict=True):
        there = draws[place] >= FEWEST
        x, y, area = confidence[place, there], accuracy[place, there], LARGEST * share[place, there]
        axis.plot(x, y, color=colour, linewidth=1.2, label=labelled(named_level(result, place)))
        axis.scatter(x, y, s=4 + area, color=colour, alpha=0.7, linewidths=0)
    rare = ((draws > 0) & (draws < FEWEST))[places].any()
    left_out = f"\nnot shown: bins of fewer than {FEWEST} draws" if rare else ""
    axis.set(title="accuracy against confidence", ylabel="share correct")
    axis.set_xlabel(f"probability of the predicted class{left_out}")
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    finish_axis(axis)
    for which in ("x", "y"):
        in_percent(axis, which)
