"""Pictures of several evaluations beside each other, by what their trainings differ in."""

from itertools import cycle

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from convstab.figures.rates import of_rates
from convstab.figures.style import MARKERS, labelled
from convstab.sweeps.comparison import Comparison


def heat_map(comparison: Comparison) -> Figure:
    """Rows: trainings; columns: levels of the test; colours and numbers: accuracy in per cent."""
    accuracy = 100 * comparison.accuracy
    rows, columns = accuracy.shape
    figure = Figure(figsize=(0.62 * columns + 2.2, 0.36 * rows + 1.4), layout="constrained")
    axis = figure.subplots()
    worst = accuracy.min()
    norm = PowerNorm(2, worst, max(accuracy.max(), worst + 1e-9))  # more colours where most of the values are
    image = axis.imshow(accuracy, cmap="viridis", norm=norm, aspect="auto")
    digits = 2 if np.ptp(accuracy) < 10 else 1
    for (row, column), value in np.ndenumerate(accuracy):
        colour = "black" if norm(value) > 0.6 else "white"
        axis.text(column, row, f"{value:.{digits}f}", ha="center", va="center", fontsize=7, color=colour)
    axis.set_xticks(range(columns), [f"{level:g}" for level in comparison.levels])
    axis.set_yticks(range(rows), [labelled(str(value)) for value in comparison.values])
    axis.set(
        xlabel=f"{comparison.results[0].label} of the test",
        ylabel=f"trained with {labelled(comparison.name)}",
    )
    axis.tick_params(length=0, labelsize=8)
    axis.spines[:].set_visible(False)
    figure.colorbar(image, label="accuracy (%), colours not linear", pad=0.02)
    return figure


def lines(comparison: Comparison) -> Figure:
    """Accuracy, and flip rate of clean-correct images, against the level of the test, one line for each training."""
    names = list(map(str, comparison.values))
    colours = colormaps["viridis"](np.linspace(0, 0.9, len(names)))
    looks = [{"color": colour, "marker": marker} for colour, marker in zip(colours, cycle(MARKERS), strict=False)]
    return of_rates(list(zip(names, comparison.results, strict=True)), looks, comparison.name)
