"""Which folders are results: of which command, whether they are finished, and what their numbers are."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from convstab.attacks.result import MINIMUM_NOISE
from convstab.errors import InputError
from convstab.evaluation.result import STABILITY
from convstab.files import BEST, CONFIG, LAST, METRICS, SUMMARY, write_text
from convstab.runs.configuration import refuse_other_training

PRECISION = "test/precision/"  # and a class: a key of the metrics
FINISHED = {  # job type -> what a finished result of it holds
    "train": (CONFIG, METRICS),
    "evaluate": (CONFIG, STABILITY, SUMMARY),
    "attack": (CONFIG, MINIMUM_NOISE, SUMMARY),
}


def open_for_training(folder: Path, config: DictConfig) -> Path | None:
    """Make or reopen a run directory; the checkpoint whose weights come first, or None to start from the beginning.

    Raises InputError when the folder holds another run, or one that ``ckpt=last`` was not said for.
    """
    if any((folder / name).exists() for name in (LAST, METRICS)):  # else nothing was trained yet: start afresh
        if config.ckpt != "last":
            raise InputError(f"{folder} holds a run already: add ckpt=last to resume it, or choose another output=")
        refuse_other_training(folder, config)
    if config.ckpt not in (None, "last") and not Path(config.ckpt).is_file():
        raise InputError(f"ckpt={config.ckpt} is not a file; it can be last or the path of a checkpoint")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / CONFIG, OmegaConf.to_yaml(config, resolve=True))
    if config.ckpt in (None, "last"):
        last = folder / LAST
        return last if config.ckpt and last.exists() else None
    return Path(config.ckpt)


def finished(folder: Path, config: DictConfig) -> dict[str, Any] | None:
    """The metrics of a training that is finished, None when it is not or is to go on; InputError for another one."""
    numbers = metrics(folder)
    if not numbers:
        return None
    refuse_other_training(folder, config)
    return numbers if numbers["epochs"] >= (config.trainer.max_epochs or 0) else None


def metrics(folder: Path) -> dict[str, Any]:
    """The metrics of a training, empty while it is not finished; InputError when they are damaged."""
    try:
        numbers: dict[str, Any] = json.loads((folder / METRICS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise InputError(f"{folder / METRICS} is damaged: {error}; delete it to test the run again") from error
    return numbers


def classes_of(metrics: Mapping[str, Any]) -> list[str]:
    """The names of the classes in the metrics of a training, in the order of the labels."""
    return [name.removeprefix(PRECISION) for name in metrics if name.startswith(PRECISION)]


def find_run(name: str, runs: str) -> Path:
    """The run directory that ``run=<dir|latest>`` means; ``latest`` is the newest finished training below ``runs``.

    Raises InputError when there is none.
    """
    if name == "latest":
        found = sorted(Path(runs).glob(f"**/{METRICS}"), key=lambda path: path.stat().st_mtime)
        if not found:
            raise InputError(f"run=latest: there is no finished training below {Path(runs).resolve()}; train one first")
        return found[-1].parent
    folder = Path(name)
    if not (folder / CONFIG).is_file() or not (folder / "checkpoints").is_dir():
        what = "is not a run directory of train" if folder.exists() else "does not exist"
        raise InputError(f"run={name} {what}; it would hold {CONFIG} and {BEST}")
    return folder


def job_type_of(folder: Path) -> str | None:
    """The command whose finished result a folder holds, or None."""
    return next((job for job, names in FINISHED.items() if all((folder / name).is_file() for name in names)), None)


def numbers_of(values: Mapping[str, Any]) -> dict[str, float]:
    """Those values that are single numbers."""
    return {name: value for name, value in values.items() if type(value) in (int, float)}
