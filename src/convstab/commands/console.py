"""What the commands show on the terminal: tables, and the classes."""

import math
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from convstab.evaluation.cells import four_digits, shortened

WIDE = 160  # letters
LONGEST = 32  # letters of a name in a table


def console() -> Console:
    """The terminal; or a file or pipe, in which no column of a table is cut."""
    found = Console()
    return found if found.is_terminal else Console(width=max(found.width, WIDE))


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
