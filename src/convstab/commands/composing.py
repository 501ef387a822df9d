"""What Hydra needs of the commands, loaded when one of them composes its configuration."""

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from convstab.commands.signals import goes_on, with_words
from convstab.errors import InputError
from convstab.exits import bad_input_ends

NOT_OF_A_SWEEP = ("hydra", "callbacks")  # keys that a job has for itself: the callbacks hold its folder


class OfSweeps(Protocol):
    """A command that may start one: its name, and the folder of the sweep that this process has started."""

    name: str
    sweep: Path | None

    def check(self, config: DictConfig) -> None:
        """Raise InputError for values that it cannot take."""


class Watch(Callback):
    """Tells a command which sweep it has started, and refuses the folder of another one."""

    def __init__(self, app: OfSweeps) -> None:
        self.app = app

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Before Hydra makes the folder of the only job: a refused one leaves none."""
        HydraConfig.instance().set_config(config)  # which values may refer to
        with bad_input_ends():
            self.app.check(without_hydra(config))

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Before the first job; ends the process on bad input: Hydra would turn an exception into a warning."""
        from convstab.commands.values import check
        from convstab.sweeps import jobs
        from convstab.sweeps.launchers import need_plugin

        with bad_input_ends():
            need_plugin(config.hydra.launcher._target_)
            need_plugin(config.hydra.sweeper._target_)
            jobs.refuse_shared_folders(list(config.hydra.overrides.task), self.app.name)
            HydraConfig.instance().set_config(config)
            check(self.app.name, plain(without_hydra(config), {}))  # what all jobs share
            if OmegaConf.is_missing(config, "of"):
                raise InputError("of is needed; it must be a folder of a sweep of trainings")
            if "of" in config:
                jobs.runs_of(config.of)  # before there is a folder
            folder = Path(config.hydra.sweep.dir).absolute()
            fixed = [str(key) for key in config if key not in (*NOT_OF_A_SWEEP, *jobs.MAY_CHANGE)]
            jobs.open_sweep(folder, plain(OmegaConf.masked_copy(config, fixed), {}))
            self.app.sweep = folder
            goes_on(partial(with_words, "skip_done=true", f"hydra.sweep.dir={folder}"))


def run(name: str, job: Callable[[DictConfig], Any]) -> None:
    """Compose what the command line says of a command, and run its job, or those of its sweep."""
    hydra.main(version_base="1.3", config_path="pkg://convstab.conf", config_name=name)(job)()


def plain(config: DictConfig, instead: Mapping[str, Any]) -> dict[str, Any]:
    """The resolved values of a configuration, some of them replaced."""
    values = OmegaConf.to_container(OmegaConf.merge(config, dict(instead)), resolve=True)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def without_hydra(config: DictConfig) -> DictConfig:
    """A configuration as a job has it."""
    return OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])


def job_name(overrides: list[str]) -> str:
    """The folder of a job of a sweep, from what it is told."""
    from convstab.sweeps import jobs

    return jobs.job_name(overrides)


def runs_of(folder: str) -> str:
    """The finished trainings of a sweep, as the choices of another sweep."""
    from convstab.sweeps import jobs

    return ",".join(f"'{run}'" for run in jobs.runs_of(folder))


# Hydra checks our files against the plugins' own, as we want, and says in every process that Hydra 1.2 would not
warnings.filterwarnings("ignore", message=r"\s*'hydra/launcher/\w+' is validated against ConfigStore schema")
OmegaConf.register_new_resolver("job_name", job_name, replace=True)
OmegaConf.register_new_resolver("runs_of", runs_of, replace=True)
OmegaConf.register_new_resolver("tidy_path", lambda folder: str(Path(folder)), replace=True)
