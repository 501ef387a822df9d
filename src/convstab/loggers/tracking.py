"""Open and close the loggers of one job: one owner, so that no job of a multirun logs into another's run."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.utils import instantiate

from convstab.loggers import lineage
from convstab.loggers.labels import group_of, hyperparameters, name_of, tags_of
from convstab.loggers.tracker import stable_id, trackers_of
from convstab.loggers.wandb_mode import check_mode
from convstab.packages import need
from convstab.runs.configuration import Config, value
from convstab.runs.processes import is_first_process

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger

NEEDS = {  # the tools that show runs -> packages that they need, of the extra that is called like the tool
    "wandb": (),
    "mlflow": ("mlflow", "sqlalchemy", "alembic"),
    "trackio": ("trackio",),
}


@contextmanager
def tracking(
    config: Config,
    folder: Path,
    job_type: str,
    resume: bool = False,
    group: str | None = None,
    logger: Mapping[str, Config] | None = None,
) -> Iterator[list["Logger"]]:
    """The loggers of one job, given its configuration and the artifacts that it uses, closed whatever happens.

    A job that fails is marked as failed. One run lives at a time, so that no job of a sweep logs into another's. Only
    the first process of a distributed training logs.

    job_type: "train", "evaluate", "attack", "sweep" or "report". resume: go on with the history of the folder's run;
        else replace it.
    group: the sweep that the job belongs to. logger: which loggers, with their options; None: those of the
        configuration.
    """
    options_of, loggers = (config.get("logger") if logger is None else logger) or {}, []
    failed = True
    try:
        for name, options in options_of.items() if job_type != "train" or is_first_process() else ():
            more = of_the_run(config, options, name, folder, job_type, resume, group) if name in NEEDS else {}
            loggers.append(instantiate(options, save_dir=str(folder), **more, _convert_="all"))
        for opened in loggers:
            opened.log_hyperparams(hyperparameters(config))
        for tracker in trackers_of(loggers):
            for used in lineage.inputs(config, tracker.tool):
                tracker.use(used)
        yield loggers
        failed = False
    finally:
        close(loggers, failed)


def close(loggers: Sequence["Logger"], failed: bool) -> None:
    """Close all loggers, the others where one cannot be."""
    with ExitStack() as stack:
        stack.callback(finish_run, failed)  # last
        for tracker in trackers_of(loggers):
            stack.callback(tracker.close, failed)
        for logger in loggers:
            stack.callback(logger.finalize, "failed" if failed else "success")


def finish_run(failed: bool) -> None:
    """End the run of W&B that is open, if one is."""
    loaded = sys.modules.get("wandb")
    if loaded is not None and loaded.run is not None:
        loaded.run.finish(exit_code=int(failed))


def check_logger(config: Config) -> None:
    """Raise InputError, before the work begins, where a logger could not be opened at its end."""
    for name in config.get("logger") or {}:
        check_packages(name)
    if value(config, "logger.wandb._target_"):
        check_mode(value(config, "logger.wandb.mode", "auto"))


def check_packages(name: str) -> None:
    """Raise InputError, which says what to install, where the package of a logger is not there."""
    for package in NEEDS.get(name, ()):
        need(package, name)


def of_the_run(
    config: Config, options: Config, tool: str, folder: Path, job_type: str, resume: bool, sweep: str | None
) -> dict[str, Any]:
    """What a tool is told about this job, beside the configured options."""
    check_packages(tool)
    return {
        "id": stable_id(folder, tool),
        "resume": resume,
        "group": options.get("group") or group_of(config, folder, job_type, sweep, tool),
        "job_type": job_type,
        "name": options.get("name") or name_of(config, folder, job_type),
        "tags": tags_of(config, options.get("tags") or []),
    }
