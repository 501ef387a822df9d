"""The jobs of a multirun: where each one writes, how it ended, and the table of all of them."""

import csv
import io
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from convstab import runs
from convstab.endings import bad_input
from convstab.errors import InputError
from convstab.files import write_json, write_text

JOB, TABLE, CONFIG = "job.json", "sweep.csv", "sweep.yaml"
NAMELESS = ("sweep", "skip_done", "runs", "output", "of", "dataset.root", "threads", "logger", "device")
Afterwards = Callable[[Sequence[Path], Path], object]
LONGEST = 120  # characters in the name of a folder
SHOWN = (
    "val/accuracy",
    "test/accuracy",
    "noise/accuracy",
    "noise/balanced_accuracy",
    "success_rate",
    "l2_median",
)  # on the terminal


@dataclass(frozen=True)
class Job:
    """How a job of a sweep ended.

    status: done, failed, or running (also of a job that was killed). output: the folder that it wrote to.
    reason: why it failed, one line. metric: what the command returned. seconds: it took.
    """

    name: str
    overrides: list[str]
    status: str
    output: str
    reason: str = ""
    metric: float | None = None
    seconds: float = 0.0


def job_name(overrides: Sequence[str]) -> str:
    """The folder of a job, from its overrides: the same for the same job, without characters that need quoting."""
    told = [override.lstrip("+~") for override in overrides]
    words = [re.sub(r"[^\w.]+", "-", word).strip("-") for word in told if not is_nameless(word.partition("=")[0])]
    name = "_".join(words) or "job"
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 9]}-{sha256(name.encode()).hexdigest()[:8]}"


def is_nameless(key: str) -> bool:
    """Whether a key does not tell jobs apart."""
    return any(key == name or key.startswith((f"{name}.", f"{name}/")) for name in NAMELESS)


OmegaConf.register_new_resolver("job_name", job_name, replace=True)
OmegaConf.register_new_resolver("runs_of", lambda folder: ",".join(f"'{run}'" for run in runs_of(folder)), replace=True)


def open_sweep(config: DictConfig) -> Path:
    """Make or reopen the folder of a sweep; InputError when it holds another one."""
    folder = Path(config.hydra.sweep.dir).absolute()
    fixed = [str(key) for key in config if key != "hydra" and key not in runs.MAY_CHANGE]
    now = OmegaConf.masked_copy(config, fixed)
    if (folder / CONFIG).exists():
        runs.refuse_other_config(OmegaConf.load(folder / CONFIG), now, folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / CONFIG, OmegaConf.to_yaml(now, resolve=True))
    return folder


def in_sweep(story: Callable[[DictConfig], float | None], config: DictConfig) -> float | None:
    """Tell the story of one job of a sweep, and keep in its folder how it ended."""
    hydra = HydraConfig.get()
    folder = Path(hydra.runtime.output_dir)
    job: dict[str, Any] = {"name": folder.name, "overrides": list(hydra.overrides.task), "output": str(folder)}
    write_json(folder / JOB, job | {"status": "running"})
    start = time.monotonic()
    try:
        metric = story(config)
    except Exception as error:
        reason = (bad_input(error) or f"{type(error).__name__}: {error}").removeprefix("convstab: ")
        write_json(folder / JOB, job | {"status": "failed", "reason": " ".join(reason.split())})
        raise
    ended = {"status": "done", "metric": metric, "seconds": round(time.monotonic() - start, 1)}
    write_json(folder / JOB, job | ended | {"output": str(Path(config.output).absolute())})
    return metric


def is_sweep(folder: Path) -> bool:
    """Whether a folder is that of a sweep."""
    return (folder / CONFIG).is_file() and any(folder.glob(f"*/{JOB}"))


def read_jobs(folder: Path) -> list[Job]:
    """The jobs of a sweep in natural order, 2 before 10; InputError when there is none."""
    jobs = []
    for path in folder.glob(f"*/{JOB}"):
        with suppress(ValueError, TypeError):  # a job that is being written by another system's hand
            values = json.loads(path.read_text(encoding="utf-8"))
            jobs.append(Job(**{**values, "output": local(path.parent, values["output"])}))
    if not jobs:
        raise InputError(f"{folder} is not the folder of a sweep: it holds no */{JOB}")
    return sorted(jobs, key=lambda job: [float(word) if word[:1].isdigit() else word for word in words(job.name)])


def words(name: str) -> list[str]:
    """Numbers and what is between them, in turn."""
    return re.split(r"(\d+(?:\.\d+)?)", name)


def local(job: Path, output: str) -> str:
    """The folder of a result: that of the job, wherever the sweep was moved, or another one."""
    return str(job) if Path(output).name == job.name else output


def runs_of(folder: str | Path) -> list[str]:
    """The finished trainings of a sweep; InputError when it has none."""
    done = [job.output for job in read_jobs(Path(folder)) if job.status == "done"]
    found = [output for output in done if (Path(output) / runs.METRICS).exists()]
    if not found:
        raise InputError(f"{folder} holds no finished training")
    return found


def scores(output: Path) -> dict[str, float]:
    """The numbers that metrics.json or summary.json hold in the first place, without those of single classes."""
    for name in (runs.METRICS, "summary.json"):
        with suppress(OSError, ValueError):
            values: Mapping[str, Any] = json.loads((output / name).read_text(encoding="utf-8"))
            numbers = {key: value for key, value in values.items() if key.count("/") < 2}
            return {key: value for key, value in numbers.items() if type(value) in (int, float)}
    return {}


def close(folder: Path, afterwards: Afterwards | None) -> None:
    """Report the sweep in a folder, if a job of it was begun, and do what follows with the finished results."""
    if not is_sweep(folder):
        return
    finished = dict.fromkeys(Path(job.output) for job in report(folder) if job.status == "done")
    if afterwards is not None:
        afterwards(list(finished), folder)


def report(folder: Path) -> list[Job]:
    """Write sweep.csv, show it on the terminal, and return the jobs."""
    jobs = read_jobs(folder)
    numbers = [scores(Path(job.output)) if job.status == "done" else {} for job in jobs]
    write_text(folder / TABLE, as_csv(jobs, numbers))
    Console().print(as_table(jobs, numbers))
    done = sum(job.status == "done" for job in jobs)
    print(f"{done} of {len(jobs)} jobs are done: {folder / TABLE}")
    return jobs


def told(jobs: Sequence[Job]) -> dict[str, list[str]]:
    """The values of each job by the keys whose values differ, or the names of the jobs when none does."""
    pairs = [[override.lstrip("+").split("=", 1) for override in job.overrides if "=" in override] for job in jobs]
    values = [{key: value.strip("'") for key, value in row} for row in pairs]
    columns = {key: [row.get(key, "") for row in values] for key in dict.fromkeys(key for row in values for key in row)}
    return {key: column for key, column in columns.items() if len(set(column)) > 1} or {"job": [j.name for j in jobs]}


def shortened(column: Sequence[str]) -> list[str]:
    """Paths without their folders, where that still tells them apart."""
    names = [Path(value).name or value for value in column]
    return names if len(set(names)) == len(set(column)) else list(column)


def as_csv(jobs: Sequence[Job], numbers: Sequence[Mapping[str, float]]) -> str:
    """One row for each job: what it was told, how it ended, and the numbers of its result."""
    names = list(dict.fromkeys(name for row in numbers for name in row if name != "seconds"))
    differing = {key: column for key, column in told(jobs).items() if key != "job"}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["job", "status", "reason", *differing, "seconds", "output", *names, "overrides"])
    for number, (job, row) in enumerate(zip(jobs, numbers, strict=True)):
        values = [job.name, job.status, job.reason, *(column[number] for column in differing.values())]
        scores = [row.get(name, "") for name in names]
        writer.writerow([*values, row.get("seconds", job.seconds), job.output, *scores, " ".join(job.overrides)])
    return text.getvalue()


def as_table(jobs: Sequence[Job], numbers: Sequence[Mapping[str, float]]) -> Table:
    """The same for a terminal; a job that failed shows why."""
    differing, names = told(jobs), [name for name in SHOWN if any(name in row for row in numbers)]
    table = Table(*differing, "status", *names, title="jobs of the sweep")
    for number, (job, row) in enumerate(zip(jobs, numbers, strict=True)):
        status = job.status if job.status != "running" else "not finished"
        texts = [
            *(shortened(column)[number] for column in differing.values()),
            f"{status}: {job.reason}".removesuffix(": "),
        ]
        table.add_row(*map(escape, texts), *(f"{row[name]:.4f}" if name in row else "" for name in names))
    return table
