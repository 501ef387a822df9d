"""How a genetic search went: the history of an attack in, a Figure out; no model, no files."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convstab.attacks.result import AttackResult, quantile
from convstab.figures.attack import BLUE, NORM, ORANGE, limits, logarithmic
from convstab.figures.legends import legend
from convstab.figures.style import finish_axis, in_percent


def convergence(result: AttackResult) -> Figure:
    """Norm, misclassified share and fitness against queries: median of the images, and the range of the middle half.

    Images that stopped early keep their last value. A norm counts as infinite until an individual was misclassified.
    """
    queries, history = by_generation(result)
    norms = np.where(np.logical_or.accumulate(history["fooled"] > 0, axis=1), history["l2"], np.inf)
    figure = Figure(figsize=(11.5, 3.7), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    draw_band(left, queries, norms, "best individual", BLUE)
    draw_band(middle, queries, history["fooled"], "misclassified", BLUE)
    draw_band(right, queries, history["median"], "median individual", ORANGE)
    draw_band(right, queries, history["best"], "best individual", BLUE)
    drawn = np.concatenate([quantile(norms, percent) for percent in (25, 50, 75)])
    left.set(title="norm of the best individual", ylabel=NORM, ylim=limits(drawn))
    middle.set(title="misclassified individuals", ylabel="share of the population", ylim=(-0.02, 1.02))
    right.set(title="fitness (lower is better)", ylabel="fitness")
    for axis in (left, middle, right):
        finish_axis(axis)
        axis.title.set_fontsize(10)
        axis.set(xlabel="queries of an image", xlim=limits(queries))
        logarithmic(axis, "x")
    in_percent(middle)
    logarithmic(left, "y")
    if min(history["best"].min(), history["median"].min()) > 0:
        logarithmic(right, "y")
    legend(figure, right, where="outside lower right")
    count = len(np.unique(result.history["index"]))
    figure.suptitle(f"{result.attack}: median of {count} images, band: middle half", fontsize=10)
    return figure


def by_generation(result: AttackResult) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]:
    """Queries after each generation, (generations,), and the other columns of the history as (images, generations)."""
    images, row = np.unique(result.history["index"], return_inverse=True)
    generation = result.history["generation"] - 1
    lengths = np.bincount(row)
    last = np.minimum(np.arange(lengths.max()), lengths[:, None] - 1)  # the last value stays after an early stop
    tables = {}
    for name in ("queries", "best", "median", "fooled", "l2"):
        tables[name] = np.zeros((len(images), lengths.max()))
        tables[name][row, generation] = result.history[name]
    queries = tables.pop("queries")[lengths.argmax()].astype(np.int64)
    return queries, {name: np.take_along_axis(table, last, 1) for name, table in tables.items()}


def draw_band(axis: Axes, queries: NDArray[np.int64], values: NDArray[np.float64], label: str, colour: str) -> None:
    """The median over images as a line, and the middle half as a band; what is infinite is not drawn."""
    low, median, high = (quantile(values, percent) for percent in (25, 50, 75))
    axis.plot(queries, np.where(np.isfinite(median), median, np.nan), color=colour, linewidth=1.5, label=label)
    shown = np.isfinite(low)
    high = np.where(np.isfinite(high), high, values[np.isfinite(values)].max(initial=0))
    axis.fill_between(queries[shown], low[shown], high[shown], color=colour, alpha=0.2, linewidth=0)
