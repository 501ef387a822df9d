"""The table of all jobs of a sweep: sweep.csv, and on the terminal."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from convstab.errors import InputError
from convstab.files import METRICS, SUMMARY, read_json, write_text
from convstab.files.csv_text import csv_text
from convstab.runs.directory import numbers_of
from convstab.sweeps.jobs import Job, is_sweep, parsed, read_jobs

log = logging.getLogger(__name__)

TABLE = "sweep.csv"
SHOWN = (
    "val/accuracy",
    "test/accuracy",
    "noise/accuracy",
    "noise/balanced_accuracy",
    "success_rate",
    "l2_median",
)  # on the terminal


def scores(output: Path) -> dict[str, float]:
    """The numbers that metrics.json or summary.json hold in the first place, without those of single classes."""
    for name in (METRICS, SUMMARY):
        with suppress(FileNotFoundError, NotADirectoryError):
            values = read_json_or_say(output / name)
            return numbers_of({key: value for key, value in values.items() if key.count("/") < 2})
    return {}


def read_json_or_say(path: Path) -> dict[str, Any]:
    """What a file holds; nothing where it is damaged, which is said: the other jobs have their rows."""
    try:
        return read_json(path)
    except InputError as error:
        log.warning("%s", error)
        return {}


def close(folder: Path) -> list[Path]:
    """Report the sweep in a folder, if a job of it was begun; the folders of the finished results."""
    if not is_sweep(folder):
        return []
    return list(dict.fromkeys(Path(job.output) for job in report(folder) if job.status == "done"))


def report(folder: Path) -> list[Job]:
    """Write sweep.csv, show it on the terminal, and return the jobs."""
    jobs = read_jobs(folder)
    numbers = [scores(Path(job.output)) if job.status == "done" else {} for job in jobs]
    write_text(folder / TABLE, as_csv(jobs, numbers))
    Console().print(as_table(jobs, numbers))
    done = sum(job.status == "done" for job in jobs)
    print(f"{done} of {len(jobs)} jobs are done: {folder / TABLE}")
    return jobs


def hyperparameters(jobs: Sequence[Job]) -> dict[str, list[str]]:
    """The values of each job by the keys whose values differ, or the names of the jobs when none does."""
    values = [{key: value for key, equal, value in parsed(job.overrides) if equal} for job in jobs]
    columns = {key: [row.get(key, "") for row in values] for key in dict.fromkeys(key for row in values for key in row)}
    return {key: column for key, column in columns.items() if len(set(column)) > 1} or {"job": [j.name for j in jobs]}


def shortened(column: Sequence[str]) -> list[str]:
    """Paths without their folders, where that still tells them apart."""
    if any("[" in value for value in column):
        return list(column)
    names = [Path(value).name or value for value in column]
    return names if len(set(names)) == len(set(column)) else list(column)


def as_csv(jobs: Sequence[Job], numbers: Sequence[Mapping[str, float]]) -> str:
    """One row for each job: what it was told, how it ended, and the numbers of its result."""
    differing = {key: column for key, column in hyperparameters(jobs).items() if key != "job"}
    here = {"seconds", *differing}
    names = list(dict.fromkeys(name for row in numbers for name in row if name not in here))
    rows = []
    for number, (job, row) in enumerate(zip(jobs, numbers, strict=True)):
        values = [job.name, job.status, job.reason, *(column[number] for column in differing.values())]
        scores = [row.get(name, "") for name in names]
        rows.append([*values, row.get("seconds", job.seconds), job.output, *scores, " ".join(job.overrides)])
    return csv_text(["job", "status", "reason", *differing, "seconds", "output", *names, "overrides"], rows)


def as_table(jobs: Sequence[Job], numbers: Sequence[Mapping[str, float]]) -> Table:
    """The same for a terminal; a job that failed shows why."""
    differing, names = hyperparameters(jobs), [name for name in SHOWN if any(name in row for row in numbers)]
    table = Table(*differing, "status", *names, title="jobs of the sweep")
    for number, (job, row) in enumerate(zip(jobs, numbers, strict=True)):
        status = job.status if job.status != "running" else "not finished"
        texts = [
            *(shortened(column)[number] for column in differing.values()),
            f"{status}: {job.reason}".removesuffix(": "),
        ]
        table.add_row(*map(escape, texts), *(f"{row[name]:.4f}" if name in row else "" for name in names))
    return table
