"""Commands that are stopped: each is forked from a process where all are loaded, as a reproduction does it."""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from matplotlib.figure import Figure

from convstab.commands import app
from tests.support.in_process import one_dot

PATIENCE = 300.0  # seconds that a command may take
LEFT_OVER = (".*.tmp", "*.part", ".*.unpacking")


@dataclass(frozen=True)
class Started:
    """A command under way, in a process group of its own; what it says goes to two files."""

    process: BaseProcess
    log: Path

    @property
    def begun(self) -> Path:
        """A file that is there when the command is called."""
        return self.log.with_suffix(".begun")

    def end(self) -> tuple[int | None, str]:
        """Its exit code, once it has ended, and its errors."""
        self.process.join(PATIENCE)
        if self.process.exitcode is None:
            self.process.kill()
        return self.process.exitcode, self.log.with_suffix(".err").read_text()

    def stop(self, number: int, seconds: float) -> tuple[int | None, str]:
        """Send a signal so long after the command begins; how it ended. It may have done so before."""
        while not self.begun.exists() and self.process.exitcode is None:  # the process of a fork server is made ready
            self.process.join(0.005)
        self.process.join(seconds)
        if self.process.pid is not None and self.process.exitcode is None:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, number)
        return self.end()


def start(folder: Path, command: str, *words: str) -> Started:
    """Start a command in a folder."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([f"convstab.commands.{name}" for name in ("train", "evaluate", "attack")])
    log = folder / f"{command}-{time.monotonic_ns()}.out"
    for path in (log, log.with_suffix(".err")):
        path.touch()  # a process may be killed before it does so
    process = context.Process(target=run, args=(folder, log, command, words))
    process.start()
    return Started(process, log)


def run(folder: Path, log: Path, command: str, words: Sequence[str]) -> None:
    """In the process of the command."""
    for path, stream in ((log, sys.stdout), (log.with_suffix(".err"), sys.stderr)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), stream.fileno())
    os.chdir(folder)
    sys.argv = [f"convstab-{command}", *words]
    Figure.savefig = one_dot  # type: ignore[assignment]  # which takes longer than all else
    signal.signal(signal.SIGINT, signal.default_int_handler)
    log.with_suffix(".begun").touch()
    getattr(app, command)()


def until(holds: Callable[[], object], seconds: float = 60) -> None:
    """Wait until something is so, at most so long."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def left_over(folder: Path) -> list[Path]:
    """What a writer leaves that was killed."""
    return [path for pattern in LEFT_OVER for path in folder.rglob(pattern)]
