"""The jobs of a multirun: where each one writes, and how it ended."""

import logging
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from hydra.core.override_parser.overrides_parser import OverridesParser

from convstab import files
from convstab.errors import InputError
from convstab.exits import OURS, bad_input, machine_fault
from convstab.files import read_json, write_json
from convstab.files.shapes import shaped
from convstab.runs import configuration, directory

log = logging.getLogger(__name__)

JOB, CONFIG = directory.JOB, directory.SWEEP
NAMELESS = ("sweep", "skip_done", "runs", "output", "of", "dataset.root", "threads", "logger", "trust")
MAY_CHANGE = (*configuration.MAY_CHANGE, "of", "callbacks")  # a job looks at its own callbacks: they hold its folder
LONGEST = 120  # characters in the name of a folder


@dataclass(frozen=True)
class Outcome:
    """What a command leaves: its folder, and the number that a search over configurations goes by, None: infinite."""

    folder: Path
    metric: float | None = None


@dataclass(frozen=True)
class Job:
    """How a job of a sweep ended.

    status: done, failed, or running (also of a job that was killed). output: the folder that it wrote to.
    reason: why it failed, one line. metric: what the command returned. seconds: it took.
    """

    name: str
    overrides: list[str]
    status: Literal["done", "failed", "running"]
    output: str
    reason: str = ""
    metric: float | None = None
    seconds: float = 0.0


def job_name(overrides: Sequence[str]) -> str:
    """The folder of a job, from its overrides in any order, without characters that need quoting."""
    name = "_".join(re.sub(r"[^\w.+-]+", "-", word.replace("=", "-")) for word in telling(overrides)) or "job"
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 9]}-{sha256(name.encode()).hexdigest()[:8]}"


def telling(overrides: Sequence[str]) -> list[str]:
    """The overrides that tell jobs apart, sorted, without quotes."""
    return sorted(
        key + equal + value for key, equal, value in parsed(overrides) if not configuration.is_below(key, NAMELESS)
    )


def parsed(overrides: Sequence[str]) -> list[tuple[str, str, str]]:
    """Key, "=" and value of each override, without marks and quotes; the latter two are empty where it only deletes."""
    pairs = [override.lstrip("+~").partition("=") for override in overrides]
    return [(key, equal, value.strip("'\"")) for key, equal, value in pairs]


def open_sweep(folder: Path, config: configuration.Config) -> None:
    """Make or reopen the folder of a sweep; InputError when it holds another one. config: what its jobs share."""
    if (folder / CONFIG).exists():
        before = configuration.load_config(folder, CONFIG)
        configuration.refuse_other_config(before, config, folder, MAY_CHANGE, "hydra.sweep.dir=")
    configuration.write_config(folder, config, CONFIG)


def refuse_shared_folders(overrides: Sequence[str], command: str) -> None:
    """Raise InputError for a sweep over what jobs are not named by, or an output for all jobs of a training."""
    for override in OverridesParser.create().parse_overrides(list(overrides)):
        key = override.get_key_element().lstrip("+~")
        if override.is_sweep_override() and configuration.is_below(key, NAMELESS):
            raise InputError(f"{key} cannot be swept: jobs that differ in nothing else would share a folder")
        if key == "output" and command == "train":
            raise InputError("output= is one folder, but each job of a sweep has its own: choose hydra.sweep.dir=")


def recorded(work: Callable[[], Outcome], folder: Path, overrides: Sequence[str]) -> Outcome:
    """Do the work of one job of a sweep, and keep in its folder how it ended."""
    job: dict[str, Any] = {"name": folder.name, "overrides": list(overrides), "output": str(folder)}
    before = read_job(folder / JOB)
    if before is not None and telling(before.overrides) != telling(job["overrides"]):
        raise InputError(f"{folder} is the folder of another job: {' '.join(before.overrides)}")
    write_json(folder / JOB, job | {"status": "running"})
    start = time.monotonic()
    try:
        outcome = work()
    except Exception as error:
        line = bad_input(error) or machine_fault(error) or f"{type(error).__name__}: {error}"
        refused = isinstance(error, InputError) and before is not None and before.status == "done"
        failed = job | {"status": "failed", "reason": " ".join(line.removeprefix(OURS).split())}
        write_json(folder / JOB, vars(before) if refused else failed)  # what was finished stays so
        raise
    ended = {"status": "done", "metric": outcome.metric, "seconds": round(time.monotonic() - start, 1)}
    write_json(folder / JOB, job | ended | {"output": str(outcome.folder.absolute())})
    return outcome


def is_sweep(folder: Path) -> bool:
    """Whether a folder is that of a sweep."""
    return (folder / CONFIG).is_file() and any(folder.glob(f"*/{JOB}"))


def named_runs(run: str | Sequence[str] | None) -> list[str]:
    """What ``run`` of a configuration names: a run, several, or the finished ones of a sweep; none of an own model."""
    if isinstance(run, str):
        return runs_of(run) if is_sweep(Path(run)) else [run]
    return list(run or ())


def members_of(run: str | Sequence[str]) -> list[str]:
    """The same of what is to be tried; of a sweep it is said how many of its jobs make the ensemble."""
    found = named_runs(run)
    if isinstance(run, str) and is_sweep(Path(run)):
        print(f"{run}: {len(found)} of {len(read_jobs(Path(run)))} jobs are finished and make the ensemble")
    return found


def read_jobs(folder: Path) -> list[Job]:
    """The jobs of a sweep in natural order, 2 before 10; InputError when there is none."""
    jobs = [job for path in folder.glob(f"*/{JOB}") if (job := read_job(path)) is not None]
    if not jobs:
        raise InputError(f"{folder} is not the folder of a sweep: it holds no */{JOB}")
    return sorted(jobs, key=lambda job: [float(word) if word[:1].isdigit() else word for word in words(job.name)])


def read_job(path: Path) -> Job | None:
    """The job of a file; None where there is none, or one that is damaged, which is said."""
    with suppress(FileNotFoundError, NotADirectoryError):
        try:
            job = shaped(Job, read_json(path), path)
        except InputError as error:
            log.warning("%s is not counted: %s", path.parent, error)
            return None
        return replace(job, output=local(path.parent, job.output))
    return None


def words(name: str) -> list[str]:
    """Numbers and what is between them, in turn."""
    return re.split(r"(\d+(?:\.\d+)?)", name)


def local(job: Path, output: str) -> str:
    """The folder of a result: that of the job, wherever the sweep was moved, or another one."""
    return str(job) if Path(output).name == job.name else output


def runs_of(folder: str | Path) -> list[str]:
    """The finished trainings of a sweep; InputError when it has none."""
    outputs = dict.fromkeys(job.output for job in read_jobs(Path(folder)))
    found = [output for output in outputs if directory.finished(Path(output)) == "train"]
    if not found:
        raise InputError(f"{folder} holds no finished training")
    return found


def results_in(folder: Path) -> dict[Path, str | None]:
    """The finished results that a folder is or, if it is that of a sweep, has; each with its group.

    Raises InputError when the folder holds no result, or one that is not finished.
    """
    if directory.finished(folder):
        in_sweep = is_sweep(folder.resolve().parent)
        return {folder: folder.resolve().parent.name if in_sweep else None}
    if (folder / files.CONFIG).exists():
        raise InputError(f"{folder} is not finished: end it with the command that began it")
    found = read_jobs(folder) if is_sweep(folder) else []
    outputs = [Path(job.output) for job in found if job.status == "done"] or sorted(folder.glob("*/"))
    finished = [output for output in dict.fromkeys(outputs) if directory.finished(output)]
    if not finished:
        raise InputError(f"{folder} holds no finished result of train, evaluate or attack, nor do its folders")
    return dict.fromkeys(finished, folder.resolve().name)
