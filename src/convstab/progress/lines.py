"""How far a long work is, for a log: a line a minute, with the time left."""

import math
import time
from collections.abc import Callable

from rich.progress import TaskID

MINUTE = 60.0  # seconds


def say_now(line: str) -> None:
    """Print a line that a file has at once."""
    print(line, flush=True)


def now() -> float:
    """Seconds since some moment."""
    return time.monotonic()


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


class LineAMinute:
    """A line a minute, and one at the end, as ``rich.progress.Progress`` is used here.

    clock: seconds. say: what takes a line. size, unit: what is shown as one, such as 1e6 and " MB" for bytes. always:
    whether the end is said of what took less than a minute, too.
    """

    def __init__(
        self,
        clock: Callable[[], float] | None = None,
        say: Callable[[str], object] = say_now,
        size: float = 1,
        unit: str = "",
        always: bool = True,
    ) -> None:
        self.clock, self.say = clock or now, say
        self.size, self.unit, self.ends = size, unit, always
        self.name, self.total, self.before, self.done = "", 0.0, 0.0, 0.0
        self.start = self.said = self.clock()

    def __enter__(self) -> "LineAMinute":
        """Begin."""
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """End, with a line unless something went wrong."""
        if kind is None and self.total and self.ends:
            self.line()

    def add_task(self, description: str, completed: float = 0, total: float | None = None) -> TaskID:
        """Name what is done, how much of it was done before, and how much there is, if that is known."""
        self.name, self.total, self.before, self.done = description, total or 0.0, completed, completed
        self.start = self.said = self.clock()
        return TaskID(0)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:  # noqa: ARG002 - rich's names
        """Count what is done, and say it once a minute."""
        self.done += advance
        if self.clock() - self.said >= MINUTE and not 0 < self.total <= self.done:
            self.said, self.ends = self.clock(), True
            self.line()

    def line(self) -> None:
        """How far it is, how fast, and how long it will take."""
        seconds, made = max(self.clock() - self.start, 1e-9), self.done - self.before
        rate = made / seconds / self.size
        fast = f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"
        of = f"/{self.total / self.size:,.0f}" if self.total else ""
        said = f"{self.name} {self.done / self.size:,.0f}{of}{self.unit}, {fast}{self.unit}/s"
        left = seconds * (self.total - self.done) / made if made else math.inf
        self.say(said if self.done >= self.total else f"{said}, about {duration(left)} left")
