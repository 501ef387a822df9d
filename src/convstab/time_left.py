"""One view of steps that are done one after another: which one, how far, and how long all of it will take."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from convstab.evaluate import duration
from convstab.plan import Step

MINUTE = 60.0  # seconds


class TimeLeft(AbstractContextManager["TimeLeft"]):
    """A bar over all steps in a terminal, and a line for each step that has ended, there and in files.

    The time left is that of the steps by their guessed minutes, at the pace of what was done so far.

    seconds: that the last step took.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self.total = sum(step.minutes for step in steps)
        self.count, self.ended, self.seconds = len(steps), 0, 0.0
        self.done = 0.0  # guessed minutes of the work done here; what an earlier start did counts as nothing
        self.spent = 0.0  # seconds that it took
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
        )
        self.bar = Progress(*columns, transient=True)
        self.task = self.bar.add_task("", total=self.total, left="")

    def __enter__(self) -> "TimeLeft":
        self.bar.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.bar.stop()

    @contextmanager
    def of(self, step: Step, before: float) -> Iterator[Callable[[float], None]]:
        """Follow one step: a function that is told how much of it is done, in [0, 1]; ``before``: at its start."""
        start, spent, done = time.monotonic(), self.spent, self.done
        self.total -= before * step.minutes

        def seen(share: float) -> None:
            self.done = done + max(0.0, share - before) * step.minutes
            self.spent = spent + time.monotonic() - start
            name = f"{self.ended + 1}/{self.count} {step.name} {share:.0%}"
            self.bar.update(self.task, description=name, completed=self.done, total=self.total, left=self.left())

        seen(before)
        try:
            yield seen
        finally:
            seen(1.0)
            self.seconds = time.monotonic() - start

    def leave_out(self, step: Step, why: str) -> None:
        """Say why a step is not done at all."""
        self.total -= step.minutes
        self.say(f"{step.name} left out: {why}", step)

    def left(self) -> str:
        """How long the rest will take, in words."""
        pace = self.spent / self.done if self.done > 0 else MINUTE  # seconds for each guessed minute
        return f"about {duration(max(0.0, self.total - self.done) * pace)} left"

    def say(self, line: str, step: Step) -> None:
        """Print what became of a step."""
        self.ended += 1
        took = f" ({duration(self.seconds)})" if line == f"{step.name} done" else ""
        self.bar.console.print(f"{self.ended}/{self.count} {line}{took}, {self.left()}", highlight=False, markup=False)
