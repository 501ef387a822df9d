"""Reproduce the paper: do what is missing of the chosen experiments, in order, and write the report."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from convstab.commands.app import NO_MULTIRUN, plain
from convstab.commands.processes import Start, processes
from convstab.commands.signals import GOES_ON, KEPT_NOTHING, goes_on
from convstab.errors import InputError
from convstab.exits import BAD_INPUT
from convstab.files import alone
from convstab.loggers.tracker import id_file
from convstab.paper.experiments import Step, planned, quoted
from convstab.paper.progress import TimeLeft
from convstab.paper.report import JOB, PAGE, send, write_report
from convstab.paper.steps import DONE, LOG, is_finished, missing, reason, remember, share
from convstab.sweeps.jobs import Outcome

LOOK = 0.5  # seconds between two looks at a running step
FAILED = 1  # exit code; BAD_INPUT when no step failed for another reason


def main(config: DictConfig) -> Outcome:
    """Do what is missing, and end with the report; a step that fails stops only those that need it."""
    hydra = HydraConfig.get()
    if hydra.mode == RunMode.MULTIRUN:
        raise InputError(NO_MULTIRUN)
    values = plain(config)
    output = Path(values["output"]).absolute()
    steps = planned(values)
    with alone(output, "convstab-reproduce"):
        goes_on(lambda: GOES_ON if any((output / step.name / LOG).exists() for step in steps) else KEPT_NOTHING)
        failed = work(missing(steps, output), len(steps), output, words_of(values))
        title = f"The paper, reproduced: size={hydra.runtime.choices['size']}"
        report(output, [step for step in steps if step.name not in failed], list(failed), title, values["wandb"])
    if failed:
        sys.exit(BAD_INPUT if set(failed.values()) == {BAD_INPUT} else FAILED)
    return Outcome(output)


def words_of(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """What each command is told that its result does not depend on: where the data is, threads, loggers."""
    root, threads = values["dataset"]["root"], values["threads"]
    common = [] if root is None else [f"dataset.root={quoted(root)}"]
    common += [] if threads is None else [f"threads={threads}"]
    loggers = ("[csv,wandb]", "wandb") if values["wandb"] else ("csv", "none")
    return {
        "train": [*common, f"logger={loggers[0]}"],
        "evaluate": [*common, f"logger={loggers[1]}"],
        "attack": [*common, f"logger={loggers[1]}"],
    }


def work(todo: Sequence[Step], count: int, output: Path, more: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Do these of so many steps, one after another; the names of those that failed, with their exit codes."""
    failed: dict[str, int] = {}
    if not todo:
        return failed
    print(f"{len(todo)} of {count} steps to do: {output}")
    with TimeLeft(todo) as view, processes(output, more) as start:
        for step in todo:
            lacking = [need for need in step.needs if need in failed]
            if lacking:
                failed[step.name] = failed[lacking[0]]
                view.leave_out(step, f"it needs {', '.join(lacking)}")
                continue
            exit_code = do(step, output, start, view)
            if exit_code:
                failed[step.name] = exit_code
                view.failed(step, f"{reason(step, output, exit_code)}; see {output / step.name / LOG}")
            else:
                remember(step, output)
                view.succeeded(step)
    return failed


def do(step: Step, output: Path, start: Start, view: TimeLeft) -> int:
    """Run one step to its end, and show how far it is; its exit code."""
    view.begin(step, share(step, output))
    process = start(step)
    while process.is_alive():
        process.join(LOOK)
        view.seen(step, share(step, output))
    return process.exitcode or (0 if is_finished(step, output) else FAILED)


def report(output: Path, done: Sequence[Step], failed: Sequence[str], title: str, wandb: bool) -> None:
    """Write the report of all that is in the folder, unless nothing has changed since the last one."""
    page = output / PAGE
    if not done:
        print("nothing is done, so there is nothing to report")
        return
    newest = max((output / step.name / DONE).stat().st_mtime_ns for step in done)
    told = page.exists() and page.stat().st_mtime_ns > newest and (not wandb or id_file(output / JOB, "wandb").exists())
    if told and not failed:
        print(f"nothing to do, all is done: {page}")
        return
    remarks = [f"{name}: its command failed; what is shown of it, if anything, is older" for name in failed]
    made = write_report([output], output, title, remarks, reproduced=True)
    print(f"report: {page}")
    if wandb:
        print(send(made, [output], output, "auto"))
