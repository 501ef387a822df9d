"""What the commands show on the terminal: a bar, or a line a minute in a file, and the classes."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from convstab.evaluation.cells import four_digits, shortened
from convstab.report.formatting import duration

WIDE = 160  # letters
LONGEST = 32  # letters of a name in a table
MINUTE = 60.0  # seconds


def console() -> Console:
    """The terminal; or a file or pipe, in which no column of a table is cut."""
    found = Console()
    return found if found.is_terminal else Console(width=max(found.width, WIDE))


def on_terminal() -> bool:
    """Whether somebody looks at what is shown, here or in a notebook; else it is a file or a pipe."""
    screen = Console()
    return screen.is_terminal or screen.is_jupyter


def progress_bar() -> "Progress | Lines":
    """What is done, how much a second, and the time left: a bar, or a line a minute where there is no terminal."""
    if not on_terminal():
        return Lines()
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())


def say_now(line: str) -> None:
    """Print a line that a file has at once."""
    print(line, flush=True)


class Lines:
    """Progress for a log: a line a minute, and one at the end, as ``rich.progress.Progress`` is used here.

    clock: seconds. say: what takes a line.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, say: Callable[[str], object] = say_now) -> None:
        self.clock, self.say = clock, say
        self.name, self.total, self.done = "", 0.0, 0.0
        self.start = self.said = clock()

    def __enter__(self) -> "Lines":
        """Begin."""
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """End, with a line unless something went wrong."""
        if kind is None and self.total:
            self.line()

    def add_task(self, description: str, total: float | None = None) -> TaskID:
        """Name what is done, and how much there is."""
        self.name, self.total, self.done = description, total or 0.0, 0.0
        self.start = self.said = self.clock()
        return TaskID(0)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:  # noqa: ARG002 - rich's names
        """Count what is done, and say it once a minute."""
        self.done += advance
        if self.clock() - self.said >= MINUTE and self.done < self.total:
            self.said = self.clock()
            self.line()

    def line(self) -> None:
        """How far it is, how fast, and how long it will take."""
        seconds = max(self.clock() - self.start, 1e-9)
        left = seconds * (self.total - self.done) / self.done if self.done else math.inf
        said = f"{self.name} {self.done:,.0f}/{self.total:,.0f}, {self.done / seconds:,.3g}/s"
        self.say(said if self.done >= self.total else f"{said}, about {duration(left)} left")


class Rate(ProgressColumn):
    """Draws, or images, a second."""

    def render(self, task: Task) -> Text:
        """The speed of late."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.{0 if speed >= 10 else 2}f}/s")


def class_table(scores: Mapping[str, float | None], classes: Sequence[str], title: str, width: int) -> Table:
    """Lay precision and recall of each class out side by side, as the paper's tables, in at most ``width`` letters."""
    longest = max(len("class"), *(min(len(name), LONGEST) for name in classes))
    side_by_side = min((width - 1) // (longest + len("precision") + len("recall") + 9), 1 + len(classes) // 10)
    rows = math.ceil(len(classes) / max(1, side_by_side))
    blocks = [classes[i : i + rows] for i in range(0, len(classes), rows)]
    table = Table(title=title, title_justify="left")
    for _ in blocks:
        table.add_column("class")
        table.add_column("precision", justify="right")
        table.add_column("recall", justify="right")
    for across in zip_longest(*blocks):
        cells: list[str] = []
        for name in across:
            values = (scores[f"{kind}/{name}"] for kind in ("precision", "recall") if name is not None)
            cells += ["", "", ""] if name is None else [escape(shortened(name, LONGEST)), *map(four_digits, values)]
        table.add_row(*cells)
    return table
