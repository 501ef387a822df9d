"""The jobs of a multirun: where each one writes, and how it ended."""

import json
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from convstab.errors import InputError
from convstab.exits import OURS, bad_input, machine_fault
from convstab.files import METRICS, write_json, write_text
from convstab.runs import configuration

JOB, CONFIG = "job.json", "sweep.yaml"
NAMELESS = ("sweep", "skip_done", "runs", "output", "of", "dataset.root", "threads", "logger")
MAY_CHANGE = (*configuration.MAY_CHANGE, "of", "callbacks")  # a job looks at its own callbacks: they hold its folder
LONGEST = 120  # characters in the name of a folder


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


OmegaConf.register_new_resolver("job_name", job_name, replace=True)
OmegaConf.register_new_resolver("tidy_path", lambda folder: str(Path(folder)), replace=True)
OmegaConf.register_new_resolver("runs_of", lambda folder: ",".join(f"'{run}'" for run in runs_of(folder)), replace=True)


def open_sweep(config: DictConfig) -> Path:
    """Make or reopen the folder of a sweep; InputError when it holds another one, or jobs would share a folder."""
    refuse_shared_folders(config)
    folder = Path(config.hydra.sweep.dir).absolute()
    fixed = [str(key) for key in config if key != "hydra" and key not in MAY_CHANGE]
    now = OmegaConf.masked_copy(config, fixed)
    if (folder / CONFIG).exists():
        configuration.refuse_other_config(OmegaConf.load(folder / CONFIG), now, folder, MAY_CHANGE, "hydra.sweep.dir=")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / CONFIG, OmegaConf.to_yaml(now, resolve=True))
    return folder


def refuse_shared_folders(config: DictConfig) -> None:
    """Raise InputError for a sweep over what jobs are not named by, or an output for all jobs of a training."""
    overrides = OverridesParser.create().parse_overrides(list(config.hydra.overrides.task))
    for override in overrides:
        key = override.get_key_element().lstrip("+~")
        if override.is_sweep_override() and configuration.is_below(key, NAMELESS):
            raise InputError(f"{key} cannot be swept: jobs that differ in nothing else would share a folder")
        if key == "output" and config.hydra.job.config_name == "train":
            raise InputError("output= is one folder, but each job of a sweep has its own: choose hydra.sweep.dir=")


def in_sweep(story: Callable[[DictConfig], float | None], config: DictConfig) -> float | None:
    """Tell the story of one job of a sweep, and keep in its folder how it ended."""
    hydra = HydraConfig.get()
    folder = Path(hydra.runtime.output_dir)
    job: dict[str, Any] = {"name": folder.name, "overrides": list(hydra.overrides.task), "output": str(folder)}
    before = read_job(folder / JOB)
    if before is not None and telling(before.overrides) != telling(job["overrides"]):
        raise InputError(f"{folder} is the folder of another job: {' '.join(before.overrides)}")
    write_json(folder / JOB, job | {"status": "running"})
    start = time.monotonic()
    try:
        metric = story(config)
    except Exception as error:
        line = bad_input(error) or machine_fault(error) or f"{type(error).__name__}: {error}"
        refused = isinstance(error, InputError) and before is not None and before.status == "done"
        failed = job | {"status": "failed", "reason": " ".join(line.removeprefix(OURS).split())}
        write_json(folder / JOB, vars(before) if refused else failed)  # what was finished stays so
        raise
    ended = {"status": "done", "metric": metric, "seconds": round(time.monotonic() - start, 1)}
    write_json(folder / JOB, job | ended | {"output": str(Path(config.output).absolute())})
    return metric


def is_sweep(folder: Path) -> bool:
    """Whether a folder is that of a sweep."""
    return (folder / CONFIG).is_file() and any(folder.glob(f"*/{JOB}"))


def members_of(run: str) -> list[str]:
    """The finished runs of a sweep, which are an ensemble, or the one run itself."""
    if not is_sweep(Path(run)):
        return [run]
    found, jobs = runs_of(run), read_jobs(Path(run))
    print(f"{run}: {len(found)} of {len(jobs)} jobs are finished and make the ensemble")
    return found


def read_jobs(folder: Path) -> list[Job]:
    """The jobs of a sweep in natural order, 2 before 10; InputError when there is none."""
    jobs = [job for path in folder.glob(f"*/{JOB}") if (job := read_job(path)) is not None]
    if not jobs:
        raise InputError(f"{folder} is not the folder of a sweep: it holds no */{JOB}")
    return sorted(jobs, key=lambda job: [float(word) if word[:1].isdigit() else word for word in words(job.name)])


def read_job(path: Path) -> Job | None:
    """The job of a file, or None where there is none, or one that is damaged."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        values = json.loads(path.read_text(encoding="utf-8"))
        return Job(**{**values, "output": local(path.parent, values["output"])})
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
    found = [output for output in outputs if (Path(output) / METRICS).exists()]
    if not found:
        raise InputError(f"{folder} holds no finished training")
    return found
