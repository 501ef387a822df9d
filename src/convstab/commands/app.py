"""The commands that Hydra composes: each waits with its heavy imports until its job starts."""

import logging
import os
import sys
import warnings
from functools import partial
from importlib import import_module, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from convstab.exits import bad_input_ends
from convstab.runs.processes import is_first_process

if TYPE_CHECKING:
    from convstab.sweeps.jobs import Outcome

FULL_ERROR = "HYDRA_FULL_ERROR"
NOT_OF_A_SWEEP = ("hydra", "callbacks")  # keys that a job has for itself: the callbacks hold its folder


class App:
    """One command: ``conf/<name>.yaml`` says what it can be told, ``convstab.commands.<name>.main`` does it.

    Called, it reads the command line, runs one job or those of a sweep, and ends the process with exit code 2 on bad
    input. ``main`` takes the configuration and gives an ``Outcome``; ``after_sweep``, where its module has one, takes
    the folders of the finished jobs and that of the sweep.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.sweep: Path | None = None  # the folder of the sweep that this process has started
        self.error: Exception | None = None  # of the job, where there is no sweep

    def __call__(self) -> None:
        """Run what the command line says."""
        if {"-h", "--help"} & set(sys.argv[1:]):
            print(self.help)  # Hydra would look through all groups of all commands first: a second
            return
        self.sweep, self.error = None, None
        wanted = FULL_ERROR in os.environ and is_first_process()  # the others inherit it
        os.environ[FULL_ERROR] = "1"  # Hydra's only switch: else it prints a traceback itself and ends with code 1
        try:
            with bad_input_ends(traceback_wanted=wanted):
                self.run()
        finally:
            if not wanted:
                os.environ.pop(FULL_ERROR, None)

    @property
    def help(self) -> str:
        """What the command does, its main options, and examples."""
        file = resources.files("convstab.conf") / f"{self.name}.yaml"
        return str(OmegaConf.create(file.read_text(encoding="utf-8")).hydra.help.template)

    def run(self) -> None:
        """Let Hydra compose the configuration and run the jobs; raises what went wrong."""
        try:
            hydra.main(version_base="1.3", config_path="pkg://convstab.conf", config_name=self.name)(self.job)()
        except (HydraException, ValueError) as error:  # some mistakes are a ValueError of Hydra's
            from convstab.commands.values import explained

            if (said := explained(error, self.name, sys.argv[1:])) is not None:
                raise said from error
            raise
        finally:
            if self.sweep is not None:
                self.close_sweep(self.sweep)
        if self.error is not None:
            raise self.error

    def job(self, config: DictConfig) -> float | None:
        """One job in its process; its metric. A job of a sweep raises, so that sweepers see that it failed."""
        from convstab.sweeps import jobs

        hydra_config, work = HydraConfig.get(), partial(self.work, config)
        if hydra_config.mode == RunMode.MULTIRUN:
            folder = Path(hydra_config.runtime.output_dir)
            return jobs.recorded(work, folder, list(hydra_config.overrides.task)).metric
        try:
            return work().metric
        except Exception as error:  # kept: Hydra would print more than our one line
            self.error = error
            return None

    def work(self, config: DictConfig) -> "Outcome":
        """What the command is there for."""
        from convstab.validation import use_threads  # torch, and all that follows it

        self.check(config)
        use_threads(config.threads)
        outcome: Outcome = self.module.main(config)
        return outcome

    def check(self, config: DictConfig) -> None:
        """Raise InputError for values that the command cannot take, before it loads or writes anything."""
        from convstab.commands.values import check

        given = plain(config)
        check(self.name, given)
        quiet_libraries()  # matplotlib speaks as it is loaded
        module = self.module
        quiet_libraries()  # Lightning sets its own level as it is loaded
        if hasattr(module, "check"):
            module.check(given)

    @property
    def module(self) -> Any:
        """Where the command's own lines are."""
        return import_module(f"convstab.commands.{self.name}")

    def watch(self) -> "Watch":
        """The callback that conf/<name>.yaml names."""
        return Watch(self)

    def close_sweep(self, folder: Path) -> None:
        """Show how the jobs ended, and do what follows with the finished results."""
        from convstab.sweeps import table

        finished = table.close(folder)
        if finished and hasattr(self.module, "after_sweep"):
            self.module.after_sweep(finished, folder)


class Watch(Callback):
    """Tells a command which sweep it has started, and refuses the folder of another one."""

    def __init__(self, app: App) -> None:
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
            check(self.app.name, plain(without_hydra(config)))  # what all jobs share
            folder = Path(config.hydra.sweep.dir).absolute()
            fixed = [str(key) for key in config if key not in (*NOT_OF_A_SWEEP, *jobs.MAY_CHANGE)]
            jobs.open_sweep(folder, plain(OmegaConf.masked_copy(config, fixed)))
            self.app.sweep = folder


def plain(config: DictConfig, **instead: Any) -> dict[str, Any]:
    """The resolved values of a configuration, some of them replaced: what all that lies below the commands is given."""
    values = OmegaConf.to_container(OmegaConf.merge(config, instead), resolve=True)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def without_hydra(config: DictConfig) -> DictConfig:
    """A configuration as a job has it."""
    return OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])


def sweep_name() -> str | None:
    """The name of the folder of the sweep that this job belongs to, or None."""
    config = HydraConfig.get()
    return Path(config.sweep.dir).name if config.mode == RunMode.MULTIRUN else None


def job_name(overrides: list[str]) -> str:
    """The folder of a job of a sweep, from what it is told."""
    from convstab.sweeps import jobs

    return jobs.job_name(overrides)


def runs_of(folder: str) -> str:
    """The finished trainings of a sweep, as the choices of another sweep."""
    from convstab.sweeps import jobs

    return ",".join(f"'{run}'" for run in jobs.runs_of(folder))


def quiet_libraries() -> None:
    """Silence what libraries say at every start and a user can do nothing about."""
    for name in ("pytorch_lightning", "matplotlib"):  # advertisements as tips; a new cache of fonts
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        ".*LeafSpec.*",
        ".*does not have many workers.*",
        ".*smaller than the logging interval.*",
    ):
        warnings.filterwarnings("ignore", message)


# Hydra checks our files against the plugins' own, as we want, and says in every process that Hydra 1.2 would not
warnings.filterwarnings("ignore", message=r"\s*'hydra/launcher/\w+' is validated against ConfigStore schema")
OmegaConf.register_new_resolver("job_name", job_name, replace=True)
OmegaConf.register_new_resolver("runs_of", runs_of, replace=True)
OmegaConf.register_new_resolver("tidy_path", lambda folder: str(Path(folder)), replace=True)

train, evaluate, attack, reproduce = App("train"), App("evaluate"), App("attack"), App("reproduce")
