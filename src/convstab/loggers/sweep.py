"""Give Weights & Biases what sets the evaluations of a sweep beside each other, in a run of the sweep's own."""

import csv
import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from pytorch_lightning.loggers import Logger

from convstab.files import FIGURES
from convstab.files.seals import DamagedError
from convstab.loggers.labels import SWEEP_JOB, tags_of
from convstab.loggers.publish import logger_of, send
from convstab.loggers.tracker import log_figures, log_table
from convstab.runs import configuration
from convstab.runs.directory import SWEEP, finished

Table = tuple[Sequence[str], Sequence[Sequence[float | str | None]]]  # head, rows


def publish_sweep(folder: Path, found: Sequence[Path], tables: Sequence[str], chosen: Mapping[str, str]) -> str | None:
    """Replace the W&B run of a sweep itself by what sets its evaluations beside each other; a line that says where.

    None where nothing does: the sweep is of trainings or attacks, or its evaluations could not be compared. In W&B's
    graph the run uses the evaluations; its group is theirs.

    found: the finished results of the sweep. tables: names of CSV files that its folder may hold. chosen: as in
    ``publish``. Raises DamagedError for such a file that is no table.
    """
    evaluations = [result for result in found if finished(result) == "evaluate"]
    if not evaluations or not any((folder / FIGURES).glob("*.png")):
        return None
    shared = configuration.load_config(folder, SWEEP)
    config = dict(shared) | {"run": None, "compare": [str(result) for result in evaluations]}
    logger = logger_of(configuration.load_config(evaluations[0]), chosen)
    before = logger["wandb"].get("tags") or []
    tags = (tag for result in evaluations for tag in tags_of(configuration.load_config(result), before))
    logger["wandb"]["tags"] = list(dict.fromkeys(tags))
    there = {Path(name).stem: read_table(folder / name) for name in tables if (folder / name).exists()}
    log = partial(log_sweep, folder, there)
    where = send(config, folder, SWEEP_JOB, logger, log, option="--mode", group=folder.resolve().name)
    return f"{folder}: {where}"


def log_sweep(folder: Path, tables: Mapping[str, Table], loggers: Sequence[Logger]) -> None:
    """The figures of a sweep, such as its heat map, and its tables by their names."""
    log_figures(loggers, folder / FIGURES)
    for name, (head, rows) in tables.items():
        log_table(loggers, f"sweep/{name}", head, rows)


def read_table(path: Path) -> Table:
    """The head and the rows of a CSV file; DamagedError when the rows do not fit the head."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            head, *rows = csv.reader(file)
        columns = [cells(texts) for _, *texts in zip(head, *rows, strict=True)]
    except ValueError as error:
        raise DamagedError(f"{path} is not the table that convstab writes; evaluate the sweep again") from error
    return head, list(zip(*columns, strict=True))


def cells(texts: Sequence[str]) -> Sequence[float | str | None]:
    """A column of a CSV file, as numbers where all are finite or missing: W&B's tables mix no types in a column.

    The level of clean images is infinite for some families, which JSON has no number for.
    """
    try:
        numbers = [float(text) if text else None for text in texts]
    except ValueError:
        return texts
    return numbers if all(number is None or math.isfinite(number) for number in numbers) else texts
