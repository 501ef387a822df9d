"""Send finished results to Weights & Biases, later: convstab-publish <run, evaluation, attack or sweep> [...]."""

import argparse
import csv
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.loggers import Logger

from convstab.attacks.result import AttackResult
from convstab.errors import InputError
from convstab.evaluation.result import StabilityResult
from convstab.exits import bad_input_ends
from convstab.files import CONFIG, METRICS, read_json
from convstab.loggers import results
from convstab.loggers.wandb import tracking
from convstab.runs import configuration
from convstab.runs.directory import job_type_of
from convstab.sweeps import jobs

CHOICES = ("project", "entity", "group", "tags", "log_model")  # that a result's configuration may have made


def main(arguments: Sequence[str] | None = None) -> None:
    """Send what train, evaluate and attack have left to Weights & Biases, each under the id that its folder keeps."""
    parser = argparse.ArgumentParser(prog="convstab-publish", description=main.__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="folder", help="of a result, or of a sweep")
    parser.add_argument("--project", help="default: that of the configuration")
    parser.add_argument("--entity", help="user or team; default: that of the configuration")
    parser.add_argument(
        "--mode", choices=("auto", "online", "offline"), default="auto", help="auto: online with a key, else offline"
    )
    options = parser.parse_args(arguments)
    chosen = {name: value for name, value in vars(options).items() if name != "folders" and value is not None}
    with bad_input_ends():
        found = {result: group for folder in options.folders for result, group in results_in(folder).items()}
        for result, group in found.items():
            print(publish(result, group, chosen))


def results_in(folder: Path) -> dict[Path, str | None]:
    """The finished results that a folder is or, if it is that of a sweep, has; each with its group.

    Raises InputError when the folder holds no result, or one that is not finished.
    """
    if job_type_of(folder):
        in_sweep = jobs.is_sweep(folder.resolve().parent)
        return {folder: folder.resolve().parent.name if in_sweep else None}
    if (folder / CONFIG).exists():
        raise InputError(f"{folder} is not finished: end it with the command that began it")
    found = jobs.read_jobs(folder) if jobs.is_sweep(folder) else []
    outputs = [Path(job.output) for job in found if job.status == "done"] or sorted(folder.glob("*/"))
    finished = [output for output in dict.fromkeys(outputs) if job_type_of(output)]
    if not finished:
        raise InputError(f"{folder} holds no finished result of train, evaluate or attack, nor do its folders")
    return dict.fromkeys(finished, folder.resolve().name)


def publish(folder: Path, group: str | None, chosen: Mapping[str, str]) -> str:
    """Replace the W&B run of a finished result by what its folder holds; a line that says where it is.

    chosen: options of the logger in place of those of the configuration.
    """
    config, job_type = configuration.load_config(folder), job_type_of(folder)
    assert job_type is not None
    logger = logger_of(config, chosen, group)
    where = send(config, folder, job_type, logger, lambda loggers: LOG[job_type](loggers, folder), option="--mode")
    return f"{folder}: {where}"


def send(
    config: DictConfig,
    folder: Path,
    job_type: str,
    logger: DictConfig,
    log: Callable[[Sequence[Logger]], None],
    option: str,
) -> str:
    """Open the W&B run of a folder alone, log into it, and close it; how to find it, or to send it on.

    option: of the command, that says where to send it. Raises InputError when W&B is switched off.
    """
    with tracking(config, folder, job_type, logger=logger) as loggers:
        run = loggers[0].experiment  # type: ignore[attr-defined]  # the only one
        if run.disabled:
            raise InputError(f"WANDB_MODE=disabled sends nothing: unset it, or say {option} online or {option} offline")
        log(loggers)
        return f"wandb sync {Path(run.dir).parent}" if run.offline else str(run.url)


def logger_of(config: DictConfig, chosen: Mapping[str, str], group: str | None) -> DictConfig:
    """The W&B logger alone: its defaults, what the configuration of the result says, and what is chosen now."""
    defaults = OmegaConf.create((resources.files("convstab.conf") / "logger/wandb.yaml").read_text(encoding="utf-8"))
    assert isinstance(defaults, DictConfig)
    before = (config.get("logger") or {}).get("wandb") or {}
    kept = {name: before[name] for name in CHOICES if before.get(name) is not None}
    defaults.wandb = OmegaConf.merge(defaults.wandb, {"group": group}, kept, dict(chosen))
    return defaults


def log_training(loggers: Sequence[Logger], folder: Path) -> None:
    """The curves in metrics.csv, where a logger kept them, and all that a training gives its loggers at the end."""
    if (folder / "metrics.csv").exists():
        with (folder / "metrics.csv").open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                step = int(row.pop("step"))
                for logger in loggers:
                    logger.log_metrics({name: float(value) for name, value in row.items() if value}, step=step)
    results.log_training(loggers, folder, read_json(folder / METRICS))


def log_evaluation(loggers: Sequence[Logger], folder: Path) -> None:
    """All that an evaluation gives its loggers."""
    results.log_evaluation(loggers, folder, StabilityResult.read(folder))


def log_attack(loggers: Sequence[Logger], folder: Path) -> None:
    """All that an attack gives its loggers."""
    results.log_attack(loggers, folder, AttackResult.read(folder))


LOG: dict[str, Callable[[Sequence[Logger], Path], None]] = {
    "train": log_training,
    "evaluate": log_evaluation,
    "attack": log_attack,
}
