"""Turns a story into a command: Hydra composes the configuration, a bad input ends in one line and exit code 2."""

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict
from omegaconf.errors import OmegaConfBaseException

from convstab.errors import InputError

Story = Callable[[DictConfig], Any]


def door(config_name: str) -> Callable[[Story], Callable[[], None]]:
    """Make the command that composes ``conf/<config_name>.yaml`` and tells the story with it."""

    def decorate(story: Story) -> Callable[[], None]:
        failed: list[Exception] = []

        @hydra.main(version_base="1.3", config_path="pkg://convstab.conf", config_name=config_name)
        @wraps(story)
        def job(config: DictConfig) -> Any:
            quiet_lightning()
            try:
                return story(config)
            except Exception as error:
                if HydraConfig.get().mode == RunMode.MULTIRUN:
                    raise  # Hydra runs the other jobs, then raises it again
                failed.append(error)

        @wraps(story)
        def command() -> None:
            traceback_wanted = "HYDRA_FULL_ERROR" in os.environ
            os.environ["HYDRA_FULL_ERROR"] = "1"  # else Hydra prints a traceback itself and ends with exit code 1
            try:
                with bad_input_ends(traceback_wanted):
                    job()
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


def quiet_lightning() -> None:
    """Silence what Lightning says at every start and a user can do nothing about."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)  # its tips are advertisements
    for message in (
        ".*LeafSpec.*",
        ".*does not have many workers.*",
        ".*smaller than the logging interval.*",
    ):
        warnings.filterwarnings("ignore", message)


@contextmanager
def bad_input_ends(traceback_wanted: bool = False) -> Iterator[None]:
    """End the process with one line and exit code 2 when what the user gave is at fault."""
    try:
        yield
    except Exception as error:
        line = bad_input(error)
        if traceback_wanted or line is None:
            raise
        print(line, file=sys.stderr)
        sys.exit(2)


def bad_input(error: BaseException | None) -> str | None:
    """The line for the user if ``error`` was caused by what the user gave (or by the disk), else None."""
    chain: list[BaseException] = []
    while error is not None:
        chain.append(error)
        error = error.__cause__
    for link in chain:
        match link:
            case InputError():
                return f"convstab: {link}"
            case OSError() if link.filename is not None:  # no permission, disk full: names the file
                return f"convstab: {link.strerror}: {link.filename}"
    ours = not chain or not isinstance(chain[-1], HydraException | OmegaConfBaseException)
    return None if ours else str(chain[0])  # the outermost says what to do: "To append to your config use +..."
