"""The steps of a reproduction, each in a process of its own."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path

from convstab.commands import app
from convstab.paper.experiments import Step
from convstab.paper.steps import LOG, PROMPT
from convstab.runs.directory import COMMANDS

Start = Callable[[Step], BaseProcess]


@contextmanager
def processes(output: Path, more: Mapping[str, Sequence[str]]) -> Iterator[Start]:
    """A function that starts a step; what it starts does not outlive the context, nor this process.

    Where the system can, the commands are loaded once and each step is forked from there.

    more: words for each command that its result does not depend on.
    """
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload([f"convstab.commands.{command}" for command in COMMANDS])
        with deaf():
            forkserver.ensure_running()
    started: list[BaseProcess] = []

    def start(step: Step) -> BaseProcess:
        process: BaseProcess = context.Process(target=run, args=(step, output, more[step.command]))  # type: ignore[attr-defined]
        process.start()
        started.append(process)
        return process

    try:
        yield start
    finally:
        for process in started:
            process.terminate()
            process.join()


@contextmanager
def deaf() -> Iterator[None]:
    """What is started in here does not hear Ctrl-C, which goes to all processes of a terminal: this one ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def run(step: Step, output: Path, more: Sequence[str]) -> None:
    """In its own process: give the command its words; all that it says goes to a file beside its result."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    folder = output / step.name
    folder.mkdir(parents=True, exist_ok=True)
    log = os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(log, stream.fileno())
    os.environ.pop("HYDRA_FULL_ERROR", None)  # our own command has set it, and would ask this one for tracebacks
    sys.argv = [f"convstab-{step.command}", *step.arguments(output), *more, "skip_done=true"]
    print(PROMPT, *sys.argv, flush=True)
    getattr(app, step.command)()


def end_with_parent() -> None:
    """Stop at once when the reproduction is gone: a second one may begin, and must not meet the first one's step."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
