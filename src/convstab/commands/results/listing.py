"""What is in a folder of results: each with its kind, whether it is finished, its number, and how it is opened."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from convstab.errors import InputError
from convstab.files import CONFIG, COPIES, MANIFEST, METRICS, PAGE, STEP, SUMMARY, TEXT, read_json
from convstab.runs import directory
from convstab.runs.configuration import load_config, value
from convstab.runs.trust import in_hydra, trust_of, trust_of_draws, word
from convstab.sweeps.jobs import JOB, is_sweep, read_jobs
from convstab.sweeps.table import TABLE

KINDS = {"train": "training", "evaluate": "evaluation", "attack": "attack"}
SAME = "the same command goes on"
AGES = {"d": 86_400, "h": 3_600, "min": 60}  # seconds


@dataclass(frozen=True)
class Found:
    """A result. kind: such as evaluation. state: finished, or how far. number: the one that tells most. time: of it."""

    folder: Path
    kind: str
    state: str
    number: str
    time: float
    opened: str

    def cells(self) -> tuple[str, ...]:
        """The row of a table."""
        return str(self.folder), self.kind, self.state, self.number, age(time.time() - self.time), self.opened


def results_below(folder: Path) -> Iterator[Found]:
    """The results that a folder is or has below it; those of a sweep, or of a reproduction below it, are one."""
    for path, folders, files in os.walk(folder):
        here = Path(path)
        found = whole(here, files, outermost=here == folder)
        if found is not None:
            yield found
        elif PAGE in files and TEXT in files:
            yield Found(here, "page", "finished", "", (here / PAGE).stat().st_mtime, str(here / PAGE))
        if found is not None and not (found.kind == "sweep" and here == folder):
            folders.clear()
        folders[:] = sorted(name for name in folders if not name.startswith("."))


def whole(folder: Path, files: list[str], outermost: bool) -> Found | None:
    """What a folder is, None where it is no result but may have some below it."""
    if is_sweep(folder):
        return sweep(folder)
    kind = directory.kind(folder) if CONFIG in files else None
    if kind is not None:
        return result(folder, kind)
    if COPIES in files:
        state = "finished" if MANIFEST in files else "not finished"
        settings: dict[str, Any] = {}
        with suppress(InputError, OSError):
            settings = read_json(folder / COPIES)
        opened = f"convstab import path=FILE draws={quote(str(folder))}{trust_of_draws(settings)}"
        return Found(folder, "degraded copies", state, "", newest(folder), opened)
    steps = list(folder.glob(f"*/{STEP}"))
    if steps and not outermost:
        page = folder / PAGE
        opened = str(page) if page.exists() else SAME
        state = "finished" if page.exists() else "not finished"
        return Found(folder, "reproduction", state, f"{len(steps)} steps done", newest(folder), opened)
    return None


def result(folder: Path, kind: str) -> Found:
    """A training, an evaluation or an attack."""
    finished = directory.finished(folder) == kind
    if not finished:
        return Found(folder, KINDS[kind], "not finished", "", newest(folder), goes_on(folder, kind))
    number, page = "its numbers are damaged", folder / PAGE
    with suppress(InputError, OSError, KeyError, TypeError, IndexError, ValueError):
        number = headline(kind, read_json(folder / (METRICS if kind == "train" else SUMMARY)))
    named = quote(str(folder))
    follows = f"convstab evaluate run={named}{trust_of([folder])}" if kind == "train" else f"convstab report {named}"
    opened = str(page) if page.exists() else follows
    return Found(folder, KINDS[kind], "finished", number, (folder / directory.FINISHED).stat().st_mtime, opened)


def goes_on(folder: Path, kind: str) -> str:
    """The command that goes on with what is not finished, as far as its configuration tells it."""
    here = f"output={quote(str(folder))}, and its other words"
    if kind == "train":
        return f"convstab train ckpt=last {here}"
    config: dict[str, Any] = {}
    with suppress(InputError):
        config = load_config(folder)
    run = value(config, "run")
    named = [run] if isinstance(run, str) else run or []
    said = f" {quote('run=' + in_hydra(named))}" if named else ""
    return f"{SAME}: convstab {kind}{said}{word(value(config, 'trust'))} {here}"


def headline(kind: str, numbers: Mapping[str, Any]) -> str:
    """The number that tells most of a result."""
    if kind == "train":
        return f"clean accuracy {100 * numbers['test/accuracy']:.1f} %"
    if kind == "evaluate":
        accuracy, levels = numbers["accuracy"]["value"], numbers["levels"]
        return f"accuracy {100 * accuracy[0]:.1f} % clean, {100 * accuracy[-1]:.1f} % at {float(levels[-1]):g}"
    median = numbers["l2_median"]
    return f"median L2 {'infinite' if median is None else f'{median:.3g}'}, {100 * numbers['success_rate']:.0f} % found"


def sweep(folder: Path) -> Found:
    """A sweep, by its jobs."""
    try:
        jobs = read_jobs(folder)
    except (InputError, OSError) as error:
        return Found(folder, "sweep", "damaged", str(error), newest(folder), "")
    done, ended = sum(job.status == "done" for job in jobs), (folder / TABLE).exists()
    ended &= all(job.status != "running" for job in jobs)  # else others may follow, which nothing tells of yet
    again = f"{SAME}, with skip_done=true hydra.sweep.dir={quote(str(folder))}"
    number = f"{done} of {len(jobs)} jobs done" if ended else f"{done} jobs done so far"
    state = "finished" if ended and done == len(jobs) else "not finished"
    return Found(folder, "sweep", state, number, newest(folder, f"*/{JOB}"), str(folder / TABLE) if ended else again)


def newest(folder: Path, pattern: str = "*") -> float:
    """When something in a folder was last changed, or else the folder; what has gone meanwhile does not count."""
    times = []
    for path in (folder, *folder.glob(pattern)):
        with suppress(OSError):
            times.append(path.lstat().st_mtime)
    return max(times[1:], default=max(times, default=0.0))


def age(seconds: float) -> str:
    """How long ago something was."""
    for unit, length in AGES.items():
        if seconds >= length:
            return f"{seconds // length:.0f} {unit} ago"
    return "now"
