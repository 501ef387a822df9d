"""Turns a story into a command: Hydra composes the configuration, and runs one job or those of a sweep."""

import logging
import os
import warnings
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ClassVar

import hydra
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict

from convstab.errors import InputError
from convstab.exits import bad_input_ends
from convstab.loggers.wandb import is_first_process
from convstab.sweeps import jobs, table
from convstab.sweeps.launchers import need_plugin

Story = Callable[[DictConfig], Any]


def door(config_name: str, afterwards: table.Afterwards | None = None) -> Callable[[Story], Callable[[], None]]:
    """Make the command that composes ``conf/<config_name>.yaml`` and tells the story with it.

    afterwards: what to do when the jobs of a sweep have ended: is given the folders of the finished ones, and the
        folder of the sweep.
    """

    def decorate(story: Story) -> Callable[[], None]:
        failed: list[Exception] = []

        def threaded(config: DictConfig) -> Any:
            use_threads(config.threads)
            return story(config)

        @hydra.main(version_base="1.3", config_path="pkg://convstab.conf", config_name=config_name)
        @wraps(story)
        def job(config: DictConfig) -> Any:
            quiet_lightning()
            if HydraConfig.get().mode == RunMode.MULTIRUN:
                return jobs.in_sweep(threaded, config)  # Hydra runs the other jobs, then raises what one has raised
            try:
                return threaded(config)
            except Exception as error:
                failed.append(error)

        @wraps(story)
        def command() -> None:
            Watch.folder = None
            traceback_wanted = "HYDRA_FULL_ERROR" in os.environ and is_first_process()  # the others inherit it
            os.environ["HYDRA_FULL_ERROR"] = "1"  # else Hydra prints a traceback itself and ends with exit code 1
            try:
                with bad_input_ends(traceback_wanted):
                    try:
                        job()
                    finally:
                        if Watch.folder is not None:
                            table.close(Watch.folder, afterwards)
                    if failed:
                        raise failed.pop()
            finally:
                if not traceback_wanted:
                    os.environ.pop("HYDRA_FULL_ERROR", None)

        return command

    return decorate


def run_folder(config: DictConfig, default: str | None = None) -> Path:
    """Where this job writes, written back into the configuration.

    default: below ``runs``, where the configuration does not say ``output``; None: in Hydra's folder, which a job of a
        sweep has for itself.
    """
    if default is None:
        folder = HydraConfig.get().runtime.output_dir
    else:
        folder = config.output or str(Path(config.runs, default))
    with open_dict(config):
        config.output = folder
    return Path(folder)


class Watch(Callback):
    """Hydra's callback that remembers which sweep this process has started, and refuses the folder of another one."""

    folder: ClassVar[Path | None] = None

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Before the first job; ends the process on bad input: Hydra would turn an exception into a warning."""
        with bad_input_ends():
            need_plugin(config.hydra.launcher._target_)
            need_plugin(config.hydra.sweeper._target_)
            Watch.folder = jobs.open_sweep(config)


def use_threads(count: Any) -> None:
    """Let the model have so many cores in this process, None: as it is; InputError when it is not at least one."""
    if count is None:
        return
    if not isinstance(count, int) or count < 1:
        raise InputError(f"threads is {count}; it must be at least 1, or null for all cores")
    torch.set_num_threads(count)


def quiet_lightning() -> None:
    """Silence what Lightning says at every start and a user can do nothing about."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)  # its tips are advertisements
    for message in (
        ".*LeafSpec.*",
        ".*does not have many workers.*",
        ".*smaller than the logging interval.*",
    ):
        warnings.filterwarnings("ignore", message)
