"""The commands that Hydra composes: loaded in no time, for what comes first is to listen to signals."""

import logging
import os
import sys
import time
import warnings
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convstab.commands.signals import Stopped, command, goes_on, with_words
from convstab.errors import InputError
from convstab.exits import OURS
from convstab.runs.processes import is_first_process

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from convstab.commands.composing import Watch
    from convstab.sweeps.jobs import Outcome

FULL_ERROR = "HYDRA_FULL_ERROR"
ALONE = "reproduce"  # the command that is no job of a multirun
NO_MULTIRUN = "convstab-reproduce does its steps one after another and has no multirun: leave -m out"
PACKAGE = Path(__file__).parents[1]
as_python_writes = warnings.formatwarning


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
        """Do what the command line says."""
        self.sweep, self.error = None, None
        wanted = FULL_ERROR in os.environ and is_first_process()  # the others inherit it
        os.environ[FULL_ERROR] = "1"  # Hydra's only switch: else it prints a traceback itself and ends with code 1
        try:
            with command(traceback_wanted=wanted):
                if {"-h", "--help"} & set(sys.argv[1:]):
                    print(self.help)  # Hydra would look through all groups of all commands first: a second
                elif "--version" in sys.argv[1:]:
                    print(version())  # Hydra would say its own
                else:
                    self.run()
        finally:
            if not wanted:
                os.environ.pop(FULL_ERROR, None)

    @property
    def help(self) -> str:
        """What the command does, its options, and examples."""
        from convstab.commands.help import help_text

        return help_text(self.name, sys.argv[1:], sweeps=self.name != ALONE)

    def run(self) -> None:
        """Let Hydra compose the configuration and run the jobs; raises what went wrong."""
        from hydra.errors import HydraException
        from omegaconf.errors import OmegaConfBaseException

        from convstab.commands import composing
        from convstab.commands.mistakes import refuse_options

        refuse_options(self.name, sys.argv[1:])
        if self.name == ALONE and {"-m", "--multirun"} & set(sys.argv[1:]):
            raise InputError(NO_MULTIRUN)  # before Hydra says what it launches
        stopped, outputs = False, list[Path]()
        try:
            composing.run(self.name, self.job)
        except (
            HydraException,
            OmegaConfBaseException,
            ValueError,
        ) as error:  # Hydra's own, some of them
            from convstab.commands.mistakes import explained

            if (said := explained(error, self.name, sys.argv[1:])) is not None:
                raise said from error
            raise
        except Stopped:
            stopped = True
            raise
        finally:
            if self.sweep is not None:
                outputs = self.close_sweep(self.sweep, stopped)
        if self.error is not None:
            raise self.error
        if self.sweep is not None:
            from convstab.commands.next_steps import after_sweep, say

            say(after_sweep(self.name, self.sweep, outputs))

    def job(self, config: "DictConfig") -> float | None:
        """One job in its process; its metric. A job of a sweep raises, so that sweepers see that it failed."""
        from hydra.core.hydra_config import HydraConfig
        from hydra.types import RunMode

        from convstab.commands.next_steps import say_next
        from convstab.sweeps import jobs

        hydra_config, work = HydraConfig.get(), partial(self.work, config)
        if hydra_config.mode == RunMode.MULTIRUN:
            folder = Path(hydra_config.runtime.output_dir)
            return jobs.recorded(work, folder, list(hydra_config.overrides.task)).metric
        try:
            outcome = work()
            if is_first_process():
                say_next(self.name, outcome.folder)
            return outcome.metric
        except Exception as error:  # kept: Hydra would print more than our one line
            self.error = error
            return None

    def work(self, config: "DictConfig") -> "Outcome":
        """What the command is there for."""
        if not checked_before():
            self.check(config)
        from convstab.files import clear
        from convstab.forward.device import use_threads  # torch, which a mistake need not wait for

        say_cores(config.threads)
        use_threads(config.threads)
        start = time.time()
        try:
            outcome: Outcome = self.module.main(config)
        except SystemExit as end:  # convstab raises none here, and what is not finished must not end with 0
            if isinstance(end.__context__, KeyboardInterrupt):  # Lightning's, in a process of joblib: it is no failure
                raise end.__context__ from end
            raise InputError(f"code of your own, of the model or the images, calls sys.exit({end.code!r})") from end
        clear(outcome.folder, before=start)
        return outcome

    def check(self, config: "DictConfig") -> None:
        """Raise InputError for values that the command cannot take, before it loads or writes anything."""
        from hydra.core.hydra_config import HydraConfig

        from convstab.commands.values import check, refuse_lists

        given = plain(config)
        refuse_lists(HydraConfig.get().overrides.task)
        check(self.name, given)
        warnings.formatwarning = as_line
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
        from convstab.commands.composing import Watch

        return Watch(self)

    def close_sweep(self, folder: Path, stopped: bool) -> list[Path]:
        """Show how the jobs ended, and do what follows unless a signal has stopped it; the folders of the finished."""
        from convstab.sweeps import table

        finished = table.close(folder)
        if stopped:
            goes_on(partial(with_words, "skip_done=true", f"hydra.sweep.dir={folder}"))
        elif finished and hasattr(self.module, "after_sweep"):
            self.module.after_sweep(finished, folder)
        return finished


def say_cores(threads: int | None) -> None:
    """Print a line where more threads are asked for than there are cores: they slow each other down."""
    cores = os.cpu_count() or 1
    if threads is not None and threads > cores and is_first_process():
        print(f"threads={threads}: this machine has {cores} cores, and more threads are slower")


def version() -> str:
    """Which convstab this is."""
    import convstab

    return f"convstab {convstab.__version__}"


def plain(config: "DictConfig", **instead: Any) -> dict[str, Any]:
    """The resolved values of a configuration, some of them replaced: what all that lies below the commands is given."""
    from convstab.commands import composing  # which knows the resolvers

    return composing.plain(config, instead)


def checked_before() -> bool:
    """Whether ``composing.Watch`` has checked the values of this job: the only one of a command that it watches."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    config = HydraConfig.get()
    return config.mode == RunMode.RUN and "sweep" in config.callbacks


def sweep_name() -> str | None:
    """The name of the folder of the sweep that this job belongs to, or None."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    config = HydraConfig.get()
    return Path(config.sweep.dir).name if config.mode == RunMode.MULTIRUN else None


def quiet_libraries() -> None:
    """Silence what libraries say at every start and a user can do nothing about."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)  # advertisements as tips
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # a new cache of fonts; no home to keep it in
    for message in (
        ".*LeafSpec.*",
        ".*does not have many workers.*",
        ".*smaller than the logging interval.*",
    ):
        warnings.filterwarnings("ignore", message)


def as_line(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """A warning of ours as one line without the place in the code; others as Python writes them."""
    if Path(filename).is_relative_to(PACKAGE):
        return f"{OURS}{message}\n"
    return as_python_writes(message, category, filename, lineno, line)


train, evaluate, attack, reproduce = App("train"), App("evaluate"), App("attack"), App("reproduce")
draws, predictions = App("draws"), App("predictions")
