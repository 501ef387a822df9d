"""One view of steps that are done one after another: which one, how far, and how long all of it will take."""

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from convstab.paper.experiments import Step
from convstab.progress.lines import duration

MINUTE = 60.0  # seconds


class TimeLeft(AbstractContextManager["TimeLeft"]):
    """A bar over all steps in a terminal, and a line for each step that has ended, there and in files.

    The time left is that of the steps by their guessed minutes, at the pace of what was done here so far; what failed,
    and what an earlier start did, say nothing of the pace.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self.total = sum(step.minutes for step in steps)  # guessed minutes of what is to be done here
        self.count, self.ended = len(steps), 0
        self.done, self.spent = 0.0, 0.0  # guessed minutes of the steps that were done here, and seconds they took
        self.before, self.share, self.start = 0.0, 0.0, 0.0  # of the step that runs: when it began, now; seconds
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

    def begin(self, step: Step, share: float) -> None:
        """Follow a step of which so much, in [0, 1], was done by an earlier start."""
        self.before, self.start = share, time.monotonic()
        self.total -= share * step.minutes
        self.seen(step, share)

    def seen(self, step: Step, share: float) -> None:
        """Show how much of the step is done."""
        self.share = max(share, self.before)
        done = self.done + self.work(step)
        name = f"{self.ended + 1}/{self.count} {step.name} {100 * share:.0f} %"
        self.bar.update(self.task, description=name, completed=done, total=self.total, left=self.left(step))

    def succeeded(self, step: Step) -> None:
        """The step is done."""
        self.share = 1.0
        took = time.monotonic() - self.start
        self.done, self.spent = self.done + self.work(step), self.spent + took
        self.say(f"{step.name} done ({duration(took)})")

    def failed(self, step: Step, why: str) -> None:
        """The step did not end well."""
        self.total -= (1 - self.before) * step.minutes
        self.say(f"{step.name} failed: {why}")

    def leave_out(self, step: Step, why: str) -> None:
        """The step is not done at all."""
        self.total -= step.minutes
        self.say(f"{step.name} left out: {why}")

    def work(self, step: Step) -> float:
        """Guessed minutes of what was done here of the step that runs."""
        return (self.share - self.before) * step.minutes

    def left(self, step: Step | None = None) -> str:
        """How long the rest will take, in words; step: that runs."""
        done, spent = self.done, self.spent
        if step is not None:
            done, spent = done + self.work(step), spent + time.monotonic() - self.start
        pace = spent / done if done > 0 else MINUTE  # seconds for each guessed minute
        return f"about {duration(max(0.0, self.total - done) * pace)} left"

    def say(self, line: str) -> None:
        """Print what became of a step."""
        self.ended += 1
        self.bar.console.print(
            f"{self.ended}/{self.count} {line}, {self.left()}", highlight=False, markup=False, soft_wrap=True
        )
