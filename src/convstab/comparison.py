"""What several evaluations say beside each other: how their trainings differ, and what each noise does to them."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from convstab import runs
from convstab.errors import InputError
from convstab.evaluation.result import Result
from convstab.figures import MARKERS, draw_estimate, finish_axis
from convstab.runs import is_below, leaves, plain
from convstab.statistics.intervals import Floats
from convstab.sweeps import is_sweep

TABLE = "train_x_test.csv"
IRRELEVANT = ("output", "runs", "logger", "callbacks", "skip_done", "threads", "ckpt", "dataset.root")


def labels_of(trainings: Sequence[Mapping[str, Any]]) -> tuple[str, list[Any]]:
    """What trainings differ in, and the value of each: of one key, or "key value, ..." where there are more.

    trainings: their resolved configurations. Raises InputError when two do not differ.
    """
    flat = [dict(leaves(training)) for training in trainings]
    keys = [key for key in dict.fromkeys(key for row in flat for key in row) if not is_below(key, IRRELEVANT)]
    differing = [key for key in keys if len({repr(row.get(key)) for row in flat}) > 1]
    if len(differing) == 1:
        name, values = differing[0], [row.get(differing[0]) for row in flat]
    else:
        name = "training"
        values = [", ".join(f"{key} {row[key]}" for key in differing if key in row) for row in flat]
    if len({repr(value) for value in values}) < len(flat):
        raise InputError(
            "two of these evaluations are of trainings with the same configuration; there is no comparison"
        )
    return name, values


class Comparison:
    """Evaluations of single runs under the same noise levels, in the order of what their trainings differ in.

    name: the key that differs. values: one for each evaluation, ascending where they are numbers.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.name, values = labels_of([training_of(folder) for folder in folders])
        results = [Result.read(folder) for folder in folders]
        numeric = all(isinstance(value, int | float) for value in values)
        order = sorted(range(len(values)), key=lambda place: values[place] if numeric else place)
        self.values, self.results = [values[place] for place in order], [results[place] for place in order]
        self.sigmas = self.results[0].sigmas
        for folder, result in zip(folders, results, strict=True):
            if not np.array_equal(result.sigmas, self.sigmas) or not np.array_equal(
                result.rows["index"], results[0].rows["index"]
            ):
                raise InputError(f"{folder} has other noise levels or images than {folders[0]}; there is no comparison")

    @property
    def accuracy(self) -> Floats:
        """(evaluations, sigmas)."""
        return np.stack([result.accuracy.value for result in self.results])


def training_of(folder: Path) -> dict[str, Any]:
    """The configuration of the run that was evaluated; InputError when there were several or it is gone."""
    run = runs.load_config(folder).get("run")
    if not isinstance(run, str) or is_sweep(Path(run)):
        raise InputError(
            f"{folder} is an evaluation of an ensemble; only single runs can be compared by their training"
        )
    return plain(runs.load_config(Path(run)))


def as_csv(comparison: Comparison) -> str:
    """Accuracy of each training under each noise level, with its interval."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([comparison.name, "sigma", "accuracy", "low", "high", "flip_rate"])
    for value, result in zip(comparison.values, comparison.results, strict=True):
        accuracy, flips = result.accuracy, result.flip_rate
        for level, sigma in enumerate(comparison.sigmas):
            numbers = (accuracy.value[level], accuracy.low[level], accuracy.high[level], flips.value[level])
            writer.writerow([value, f"{sigma:g}", *(f"{number:.6f}" for number in numbers)])
    return text.getvalue()


def heat_map(comparison: Comparison) -> Figure:
    """Rows: trainings; columns: noise levels of the test; colours and numbers: accuracy in per cent."""
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
    axis.set_xticks(range(columns), [f"{sigma:g}" for sigma in comparison.sigmas])
    axis.set_yticks(range(rows), [str(value) for value in comparison.values])
    axis.set(xlabel="sigma of the test (grey levels)", ylabel=f"trained with {comparison.name}")
    axis.tick_params(length=0, labelsize=8)
    axis.spines[:].set_visible(False)
    figure.colorbar(image, label="accuracy (%)", pad=0.02)
    return figure


def lines(comparison: Comparison) -> Figure:
    """Accuracy, and flip rate of clean-correct images, against the noise of the test, one line for each training."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    colours = colormaps["viridis"](np.linspace(0, 0.9, len(comparison.values)))
    for number, (value, result) in enumerate(zip(comparison.values, comparison.results, strict=True)):
        style: dict[str, Any] = {
            "color": colours[number],
            "marker": MARKERS[number % len(MARKERS)],
            "label": str(value),
        }
        draw_estimate(left, result.sigmas, result.accuracy, **style, band=False)
        draw_estimate(right, result.sigmas, result.flip_rate, **style, band=False)
    left.set(title="accuracy", ylabel="share of draws", xlabel="sigma of the test (grey levels)")
    right.set(title="flip rate of clean-correct images", xlabel="sigma of the test (grey levels)", ylim=(0, None))
    for axis in (left, right):
        finish_axis(axis)
    figure.legend(*left.get_legend_handles_labels(), loc="outside right upper", title=comparison.name, fontsize=8)
    return figure
