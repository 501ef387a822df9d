"""Open and close the loggers of one job: the only place that knows Weights & Biases."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import wandb
from hydra.utils import instantiate
from omegaconf import DictConfig
from pytorch_lightning.loggers import Logger, WandbLogger

from convstab.errors import InputError
from convstab.runs import plain


@contextmanager
def tracking(config: DictConfig, folder: Path, job_type: str) -> Iterator[list[Logger]]:
    """The loggers that ``config.logger`` names, given the resolved configuration, closed whatever happens.

    A job that fails is marked as failed in W&B. One W&B run lives at a time, so that no job of a sweep logs into
    another's. Only the first process of a distributed training logs.
    """
    loggers: list[Logger] = []
    failed = True
    try:
        for name, options in (config.logger or {}).items() if is_first_process() else ():
            more = {"job_type": job_type, "name": folder.name} if name == "wandb" else {}
            loggers.append(instantiate(options, save_dir=str(folder), **more))
        for logger in loggers:
            logger.log_hyperparams(plain(config))
        yield loggers
        failed = False
    finally:
        for logger in loggers:
            logger.finalize("failed" if failed else "success")
        if wandb.run is not None:
            wandb.run.finish(exit_code=int(failed))


def wandb_logger(mode: str, save_dir: str, **options: Any) -> WandbLogger:
    """A W&B logger that never asks a question.

    mode: "online", "offline", or "auto": online when there is a key (environment or netrc), else offline. The variable
        WANDB_MODE, where it is set, decides for "auto".
    save_dir: the folder that gets the folder ``wandb``.
    options: of wandb.init.
    """
    if mode not in ("auto", "online", "offline"):
        raise InputError(f"logger.wandb.mode is {mode!r}; it can be auto, online or offline")
    if mode == "online" and not has_key():
        raise InputError("logger.wandb.mode=online needs a key: set WANDB_API_KEY, or run wandb login")
    if mode == "auto" and "WANDB_MODE" not in os.environ:
        mode = "online" if has_key() else "offline"
    chosen: Any = None if mode == "auto" else mode  # None: WANDB_MODE decides
    # WandbLogger(offline=True) would set WANDB_MODE for every later job of the process, so the run is made here
    settings = wandb.Settings(console="off", silent=True)  # the terminal is ours
    run = wandb.init(mode=chosen, dir=save_dir, settings=settings, reinit="finish_previous", **options)
    run.define_metric("trainer/global_step")
    run.define_metric("*", step_metric="trainer/global_step", step_sync=True)
    return WandbLogger(experiment=run, save_dir=save_dir)


def is_first_process() -> bool:
    """Whether this process may write: the others of a distributed training were started with a rank above 0."""
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID"))


def has_key() -> bool:
    """Whether W&B knows who is logging, without asking."""
    return wandb.login(prompt=False, verify=False)
