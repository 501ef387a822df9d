"""Give Weights & Biases finished results, later, from their folders, and what a sweep says of its own."""

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from pytorch_lightning.loggers import Logger

from convstab.attacks.result import AttackResult
from convstab.errors import InputError
from convstab.evaluation.result import StabilityResult
from convstab.files import FIGURES
from convstab.files.seals import DamagedError
from convstab.loggers import results
from convstab.loggers.csv import read_curves
from convstab.loggers.labels import SWEEP_JOB, tags_of
from convstab.loggers.tracker import log_figures, log_table
from convstab.loggers.tracking import tracking
from convstab.runs import configuration
from convstab.runs.configuration import Config, value
from convstab.runs.directory import SWEEP, check_files, finished, metrics

Table = tuple[Sequence[str], Sequence[Sequence[float | str | None]]]  # head, rows
CHOICES = ("project", "entity", "group", "tags", "log_model")  # that a result's configuration may have made


def publish(folder: Path, group: str | None, chosen: Mapping[str, str]) -> str:
    """Replace the W&B run of a finished result by what its folder holds; a line that says where it is.

    chosen: options of the logger in place of those of the configuration.
    """
    config, job_type = configuration.load_config(folder), finished(folder)
    assert job_type is not None
    check_files(folder)
    logger = logger_of(config, chosen)
    log = partial(LOG[job_type], folder)
    where = send(config, folder, job_type, logger, log, option="--mode", group=group)
    return f"{folder}: {where}"


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


def send(
    config: Config,
    folder: Path,
    job_type: str,
    logger: Mapping[str, Config],
    log: Callable[[Sequence[Logger]], None],
    option: str,
    group: str | None = None,
) -> str:
    """Open the W&B run of a folder alone, log into it, and close it; how to find it, or to send it on.

    option: of the command, that says where to send it. group: the sweep that it belongs to.
    Raises InputError when W&B is switched off.
    """
    with tracking(config, folder, job_type, group=group, logger=logger) as loggers:
        run = loggers[0].experiment  # type: ignore[attr-defined]  # the only one
        if run.disabled:
            raise InputError(f"WANDB_MODE=disabled sends nothing: unset it, or say {option} online or {option} offline")
        log(loggers)
        return f"wandb sync {Path(run.dir).parent}" if run.offline else str(run.url)


def logger_of(config: Config, chosen: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The W&B logger alone: its defaults, what the configuration of the result says, and what is chosen now."""
    text = (resources.files("convstab.conf") / "logger/wandb.yaml").read_text(encoding="utf-8")
    defaults: Any = OmegaConf.to_container(OmegaConf.create(text))
    before = value(config, "logger.wandb", {})
    kept = {name: before[name] for name in CHOICES if before.get(name) is not None}
    return {"wandb": defaults["wandb"] | kept | dict(chosen)}


def log_training(folder: Path, loggers: Sequence[Logger]) -> None:
    """The curves in metrics.csv, where a logger kept them, and all that a training gives its loggers at the end."""
    if (folder / "metrics.csv").exists():
        for row in read_curves(folder / "metrics.csv"):
            step = int(row.pop("step"))
            for logger in loggers:
                logger.log_metrics({name: float(value) for name, value in row.items() if value}, step=step)
    results.log_training(loggers, folder, metrics(folder))


def log_evaluation(folder: Path, loggers: Sequence[Logger]) -> None:
    """All that an evaluation gives its loggers."""
    results.log_evaluation(loggers, folder, StabilityResult.read(folder))


def log_attack(folder: Path, loggers: Sequence[Logger]) -> None:
    """All that an attack gives its loggers."""
    results.log_attack(loggers, folder, AttackResult.read(folder))


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


LOG: dict[str, Callable[[Path, Sequence[Logger]], None]] = {
    "train": log_training,
    "evaluate": log_evaluation,
    "attack": log_attack,
}
