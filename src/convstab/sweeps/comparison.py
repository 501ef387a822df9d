"""What several evaluations say beside each other: how their trainings differ, and what each noise does to them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from convstab.errors import InputError
from convstab.evaluation.result import StabilityResult
from convstab.files.csv_text import csv_text
from convstab.runs import configuration
from convstab.runs.configuration import is_below, leaves
from convstab.statistics.intervals import Floats
from convstab.sweeps.jobs import is_sweep

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
    """Evaluations of single runs under the same levels, in the order of what their trainings differ in.

    name: the key that differs. values: one for each evaluation, ascending where they are numbers.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.name, values = labels_of([training_of(folder) for folder in folders])
        results = [StabilityResult.read(folder) for folder in folders]
        numeric = all(isinstance(value, int | float) for value in values)
        order = sorted(range(len(values)), key=lambda place: values[place] if numeric else place)
        self.values, self.results = [values[place] for place in order], [results[place] for place in order]
        self.levels = self.results[0].levels
        for folder, result in zip(folders, results, strict=True):
            alike = result.degradation == results[0].degradation and np.array_equal(result.levels, self.levels)
            if not alike or not np.array_equal(result.rows["index"], results[0].rows["index"]):
                raise InputError(f"{folder} has other levels or images than {folders[0]}; there is no comparison")

    @property
    def accuracy(self) -> Floats:
        """(evaluations, levels)."""
        return np.stack([result.accuracy.value for result in self.results])


def training_of(folder: Path) -> dict[str, Any]:
    """The configuration of the run that was evaluated; InputError when there were several or it is gone."""
    run = configuration.load_config(folder).get("run")
    if not isinstance(run, str) or is_sweep(Path(run)):
        raise InputError(
            f"{folder} is an evaluation of an ensemble or of no run; only single runs can be compared by their training"
        )
    return configuration.load_config(Path(run))


def as_csv(comparison: Comparison) -> str:
    """Accuracy of each training under each level, with its interval."""
    rows = []
    for value, result in zip(comparison.values, comparison.results, strict=True):
        accuracy, flips = result.accuracy, result.flip_rate
        for place, level in enumerate(comparison.levels):
            numbers = (accuracy.value[place], accuracy.low[place], accuracy.high[place], flips.value[place])
            rows.append([value, f"{level:g}", *(f"{number:.6f}" for number in numbers)])
    return csv_text([comparison.name, "level", "accuracy", "low", "high", "flip_rate"], rows)
