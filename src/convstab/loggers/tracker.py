"""What a tool that shows runs is given beside the numbers that every logger of Lightning takes."""

import math
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from convstab.errors import InputError
from convstab.files import write_text
from convstab.runs.directory import numbers_of

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger

MOST_ROWS = 10_000  # of a table, W&B's limit
TOOLS = {"wandb": "W&B", "mlflow": "MLflow", "trackio": "Trackio"}  # as they write themselves


@dataclass(frozen=True)
class Artifact:
    """Files that one job leaves and others use: what the graph of a project is made of.

    kind: "model", "evaluation" or "attack". folder: of the job. files: in the artifact -> where they are.
    about: numbers that are shown beside it. aliases: names of this version.
    """

    kind: str
    folder: Path
    files: Mapping[str, Path]
    about: Mapping[str, float] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()

    def name(self, tool: str) -> str:
        """What it is called in a tool: its kind, and the id of the run that made it."""
        return f"{self.kind}-{stable_id(self.folder, tool)}"


class Tracker(ABC):
    """A tool that shows runs, for one run that is open; beside this it is a logger of Lightning.

    tool: its name, which the file with the id of the run has, too. log_model: whether it takes and uses artifacts.
    by_level: whether its only x axis is the step, which then has to be the level.
    """

    tool: str
    log_model: bool
    by_level = False

    @abstractmethod
    def summarise(self, values: Mapping[str, float]) -> None:
        """Show single numbers of the whole run, in place of the last ones logged."""

    @abstractmethod
    def add_table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A table; cells are plain values, None, or images: arrays (H, W, C) in [0, 1]."""

    @abstractmethod
    def add_figures(self, paths: Mapping[str, Path]) -> None:
        """Pictures by their names."""

    @abstractmethod
    def add_page(self, name: str, path: Path) -> None:
        """An HTML page, as it is."""

    @abstractmethod
    def add_output(self, artifact: Artifact) -> None:
        """Files that this run has made."""

    @abstractmethod
    def add_input(self, artifact: Artifact) -> None:
        """Files that another run has made, and this one uses."""

    @abstractmethod
    def close(self, failed: bool) -> None:
        """End the run; Lightning's ``finalize`` is called after a fit already, with more to come."""

    def keep(self, artifact: Artifact) -> None:
        """Take what this run has made, where artifacts are wanted."""
        if self.log_model:
            self.add_output(artifact)

    def use(self, artifact: Artifact) -> None:
        """Note what this run uses, where artifacts are wanted."""
        if self.log_model:
            self.add_input(artifact)


def id_file(folder: Path, tool: str) -> Path:
    """The file with the id that the run of a folder has in a tool."""
    return folder / f"{tool}.id"


def stable_id(folder: Path, tool: str) -> str:
    """The id that the run of a folder has in a tool, made at the first start; InputError when its file is damaged."""
    path = id_file(folder, tool)
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        given = os.environ.get("WANDB_RUN_ID") if tool == "wandb" and "WANDB_SWEEP_ID" in os.environ else None
        write_text(path, (given or uuid4().hex[:12]) + "\n")  # an agent of W&B waits for the run that it has named
    text = path.read_text(encoding="utf-8").strip()
    if not re.fullmatch(r"[\w-]{1,64}", text):
        raise InputError(f"{path} does not hold the id of a {TOOLS[tool]} run; delete it to get another one")
    return text


def trackers_of(loggers: Iterable["Logger"]) -> list[Tracker]:
    """Those that show more than numbers."""
    return [logger for logger in loggers if isinstance(logger, Tracker)]


def summarise(loggers: Sequence["Logger"], values: Mapping[str, Any]) -> None:
    """Show the single numbers among these values as those of the whole run."""
    for tracker in trackers_of(loggers):
        tracker.summarise(numbers_of(values))


def log_numbers(loggers: Sequence["Logger"], prefix: str, values: Mapping[str, Any]) -> None:
    """Give all loggers the single numbers among these values, named ``<prefix>/<name>``."""
    for logger in loggers:
        logger.log_metrics({f"{prefix}/{name}": value for name, value in numbers_of(values).items()}, step=0)


def log_table(loggers: Sequence["Logger"], name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Give a table, at most its first 10,000 rows; NaN, which the tables of the tools do not have, as None.

    rows: of plain values, or of arrays (H, W, C) in [0, 1], which are shown as images.
    """
    kept = [[None if is_nan(cell) else cell for cell in row] for row in rows[:MOST_ROWS]]
    for tracker in trackers_of(loggers):
        tracker.add_table(name, list(columns), kept)


def is_nan(cell: Any) -> bool:
    """Whether a cell is a number that is not defined."""
    return isinstance(cell, float) and math.isnan(cell)


def as_bytes(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Pixels in [0, 1] as uint8."""
    return (255 * pixels.clip(0, 1)).round().astype(np.uint8)


def log_figures(loggers: Sequence["Logger"], folder: Path) -> None:
    """Give the PNG files of a folder."""
    paths = {f"figures/{path.stem}": path for path in sorted(folder.glob("*.png"))}
    for tracker in trackers_of(loggers) if paths else []:
        tracker.add_figures(paths)


def log_page(loggers: Sequence["Logger"], name: str, path: Path) -> None:
    """Give an HTML page, as it is."""
    for tracker in trackers_of(loggers):
        tracker.add_page(name, path)


def log_artifact(loggers: Sequence["Logger"], artifact: Artifact) -> None:
    """Give the files that a run has made, where they are wanted."""
    for tracker in trackers_of(loggers):
        tracker.keep(artifact)
