"""How far a long work is: which of a bar and a line a minute suits the place where it is shown."""

import sys
from functools import partial

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from convstab.progress.lines import LineAMinute

MEGABYTE = 1e6


def on_terminal() -> bool:
    """Whether somebody looks at what is shown, here or in a notebook; else it is a file or a pipe."""
    return seen(Console())


def seen(screen: Console) -> bool:
    """Whether somebody looks at a console."""
    return screen.is_terminal or screen.is_jupyter


def progress_bar() -> Progress | LineAMinute:
    """What is done, how much a second, and the time left: a bar, or a line a minute where there is no terminal."""
    if not on_terminal():
        return LineAMinute()
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())


def bar_aside(in_bytes: bool = False) -> Progress | LineAMinute:
    """The same of what comes before the work, such as a download, on standard error: a bar that vanishes when done.

    in_bytes: what is counted. Without a terminal nothing is said of what takes less than a minute.
    """
    screen = Console(stderr=True)
    if not seen(screen):
        say = partial(print, file=sys.stderr, flush=True)
        size, unit = (MEGABYTE, " MB") if in_bytes else (1.0, "")
        return LineAMinute(say=say, size=size, unit=unit, always=False)
    count = DownloadColumn() if in_bytes else MofNCompleteColumn()
    shown = TextColumn("{task.description}"), BarColumn(), count, TimeRemainingColumn()
    return Progress(*shown, console=screen, transient=True)


class Rate(ProgressColumn):
    """Draws, or images, a second."""

    def render(self, task: Task) -> Text:
        """The speed of late."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.{0 if speed >= 10 else 2}f}/s")
