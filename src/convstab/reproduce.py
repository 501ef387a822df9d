"""Reproduce the paper: do what is missing of the chosen experiments, in order, and write the report."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from filelock import FileLock, Timeout
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from convstab.door import door
from convstab.errors import InputError
from convstab.plan import Step, experiments_of, quoted, size_of, steps_of
from convstab.report.command import PAGE, send, write_report
from convstab.steps import LOG, is_done, processes, reason, remember, share
from convstab.time_left import TimeLeft

LOOK = 0.5  # seconds between two looks at a running step
BAD_INPUT, FAILED, STOPPED = 2, 1, 130  # exit codes; the first when no step failed for another reason


@door("reproduce")
def main(config: DictConfig) -> None:
    """Do what is missing, and end with the report; a step that fails stops only those that need it."""
    hydra = HydraConfig.get()
    if hydra.mode == RunMode.MULTIRUN:
        raise InputError("convstab-reproduce does its steps one after another and has no multirun: leave -m out")
    output = Path(config.output).absolute()
    planned = steps_of(experiments_of(config), size_of(config), list(config.attacks))
    output.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(output / ".lock", timeout=0):
            todo = [step for step in planned if not is_done(step, output)]
            failed = work(todo, len(planned), output, words_of(config)) if todo else {}
            if len(failed) < len(planned):
                report(output, f"The paper, reproduced: size={hydra.runtime.choices['size']}", config, bool(todo))
    except Timeout as error:
        raise InputError(f"another convstab-reproduce is at work in {output}: wait for it, or stop it") from error
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        sys.exit(STOPPED)
    if failed:
        sys.exit(BAD_INPUT if set(failed.values()) == {BAD_INPUT} else FAILED)


def words_of(config: DictConfig) -> dict[str, list[str]]:
    """What each command is told that its result does not depend on: where the data is, threads, loggers."""
    root, threads = config.dataset.root, config.threads
    common = [] if root is None else [f"dataset.root={quoted(root)}"]
    common += [] if threads is None else [f"threads={threads}"]
    loggers = ("[csv,wandb]", "wandb") if config.wandb else ("csv", "none")
    return {
        "train": [*common, f"logger={loggers[0]}"],
        "evaluate": [*common, f"logger={loggers[1]}"],
        "attack": [*common, f"logger={loggers[1]}"],
    }


def work(todo: Sequence[Step], planned: int, output: Path, more: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Do these steps, one after another; the names of those that failed, with their exit codes."""
    failed: dict[str, int] = {}
    print(f"{len(todo)} of {planned} steps to do: {output}")
    with TimeLeft(todo) as view, processes(output, more) as start:
        for step in todo:
            lacking = [need for need in step.needs if need in failed]
            if lacking:
                failed[step.name] = failed[lacking[0]]
                view.leave_out(step, f"it needs {', '.join(lacking)}")
                continue
            with view.of(step, share(step, output)) as seen:
                process = start(step)
                while process.is_alive():
                    process.join(LOOK)
                    seen(share(step, output))
            if process.exitcode == 0:
                remember(step, output, view.seconds)
                view.say(f"{step.name} done", step)
            else:
                failed[step.name] = process.exitcode or FAILED
                view.say(f"{step.name} failed: {reason(step, output)}; see {output / step.name / LOG}", step)
    return failed


def report(output: Path, title: str, config: DictConfig, worked: bool) -> None:
    """Write the report of all that is in the folder, unless nothing was done since the last one."""
    page = output / PAGE
    if not worked and page.exists():
        print(f"nothing to do, all is done: {page}")
        return
    made = write_report([output], output, title)
    print(f"report: {page}")
    if config.wandb:
        print(send(made, [output], output, "auto"))
