"""What the commands show on the terminal: a bar, the classes, and how long something takes."""

import math
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from convstab.evaluation.cells import four_digits

WIDE = 160  # letters


def console() -> Console:
    """The terminal; or a file or pipe, in which no column of a table is cut."""
    found = Console()
    return found if found.is_terminal else Console(width=max(found.width, WIDE))


def progress_bar() -> Progress:
    """A bar with what is done, how much a second, and the time left."""
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())


class Rate(ProgressColumn):
    """Draws, or images, a second."""

    def render(self, task: Task) -> Text:
        """The speed of late."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.{0 if speed >= 10 else 2}f}/s")


def class_table(scores: Mapping[str, float | None], classes: Sequence[str], title: str, width: int) -> Table:
    """Lay precision and recall of each class out side by side, as the paper's tables, in at most ``width`` letters."""
    longest = max(len("class"), *map(len, classes))
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
            cells += ["", "", ""] if name is None else [escape(name), *map(four_digits, values)]
        table.add_row(*cells)
    return table
