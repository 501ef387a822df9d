"""The commands in this process, and short trainings of the digits for them."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from matplotlib.figure import Figure
from PIL import Image

from convstab.commands import app

Main = Callable[..., tuple[int | str | None, str]]


def call(patch: pytest.MonkeyPatch, main: Callable[[], None], *words: str, drawn: bool = False) -> int | str | None:
    """Run a command with these words; its exit code.

    drawn: whether it draws its figures, which takes longer than all else; if not, they are one pixel.
    """
    patch.setattr(sys, "argv", ["command", *words])
    with pytest.MonkeyPatch.context() as figures:
        if not drawn:
            figures.setattr(Figure, "savefig", one_dot)
        try:
            main()
        except SystemExit as end:
            return end.code
    return 0


def one_dot(figure: Figure, file: BinaryIO, *, format: str, **_: Any) -> None:  # noqa: A002 - matplotlib's name
    """Write a picture of one pixel in place of the figure."""
    if format == "svg":
        file.write(b'<svg xmlns="http://www.w3.org/2000/svg"/>')
    else:
        Image.new("L", (1, 1)).save(file, format)


def call_in(folder: Path, main: Callable[[], None], *words: str, drawn: bool = False) -> None:
    """Run a command in a folder; it must succeed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert call(patch, main, *words, drawn=drawn) == 0


def train_short(folder: Path, runs: Mapping[str, Sequence[str]]) -> Path:
    """Make trainings of one epoch in a folder, by their names and what else they are told; the folder."""
    for name, more in runs.items():
        short = ["dataset.images=200", "trainer.max_epochs=1", "logger=none", f"output={name}"]
        call_in(folder, app.train, *short, *more)
    return folder


def caller(
    patch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], folder: Path, main: Callable[[], None], *first: str
) -> Main:
    """A function that runs a command in a folder, with words that always come first; its exit code and errors."""

    def run(*words: str) -> tuple[int | str | None, str]:
        code = call(patch, main, *first, *words)
        return code, capfd.readouterr().err

    patch.chdir(folder)
    return run
