"""Give Weights & Biases finished results, later, from their folders."""

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
from convstab.loggers import results
from convstab.loggers.csv import read_curves
from convstab.loggers.tracking import tracking
from convstab.runs import configuration
from convstab.runs.configuration import Config, value
from convstab.runs.directory import check_files, finished, metrics

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


LOG: dict[str, Callable[[Path, Sequence[Logger]], None]] = {
    "train": log_training,
    "evaluate": log_evaluation,
    "attack": log_attack,
}
