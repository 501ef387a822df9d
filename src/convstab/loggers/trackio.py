"""Trackio: runs in a folder of the machine, shown by ``trackio show``; artifacts with what made and used them."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only

from convstab.loggers.tracker import Artifact, Tracker, as_bytes
from convstab.packages import need

QUIET = {"auto_log_gpu": False, "auto_log_cpu": False}  # nobody asked how busy the machine is
package = partial(need, "trackio", "trackio")
ID = "convstab_id"  # in the configuration of a run: the folder that it is of


class TrackioRun(Logger, Tracker):
    """A run of Trackio that is open."""

    tool = "trackio"

    def __init__(self, run: Any, log_model: bool) -> None:
        super().__init__()
        self.run, self.log_model = run, log_model

    @property
    def name(self) -> str:
        """Folders are not named by it."""
        return ""

    @property
    def version(self) -> str:
        """The id of the run."""
        return str(self.run.id)

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """The configuration; Trackio writes it with the first numbers."""
        self.run.config.update(dict(params))

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Points of curves; its charts take any of them as x axis."""
        self.run.log(dict(metrics), step=step)

    def summarise(self, values: Mapping[str, float]) -> None:
        """Numbers of one point: a curve that has the same name keeps its own."""
        self.run.log({f"summary/{name}": value for name, value in values.items()})

    def add_table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A table, with images."""
        data: Any = [dict(zip(columns, map(cell_of, row), strict=True)) for row in rows]
        self.run.log({name: package().Table(data=data)})

    def add_figures(self, paths: Mapping[str, Path]) -> None:
        """Pictures, in one step."""
        self.run.log({name: package().Image(str(path)) for name, path in paths.items()})

    def add_page(self, name: str, path: Path) -> None:
        """An HTML page."""
        self.run.log({name: package().Html(path.read_text(encoding="utf-8"))})

    def add_output(self, artifact: Artifact) -> None:
        """An output of the run; its files are copied, once."""
        made = package().Artifact(artifact.name(self.tool), artifact.kind, metadata=dict(artifact.about))
        for name, path in artifact.files.items():
            made.add_file(path, name)
        with quiet():
            self.run.log_artifact(made, aliases=list(artifact.aliases))

    def add_input(self, artifact: Artifact) -> None:
        """An input of the run: the newest version; nothing where the project does not have it."""
        with quiet():
            try:
                self.run.use_artifact(artifact.name(self.tool))
            except ValueError as error:
                logging.getLogger(__name__).warning("Trackio: %s", error)

    def close(self, failed: bool) -> None:
        """End the run; Trackio has no failed ones, so a number says it."""
        self.run.log({"failed": int(failed)})
        with quiet():
            package().finish()  # the run's own would be called again when Python ends


def cell_of(cell: Any) -> Any:
    """A cell of a table: pixels (H, W, C) in [0, 1] as an image of Trackio, which has three channels."""
    if not isinstance(cell, np.ndarray):
        return cell
    shown = as_bytes(cell)
    return package().Image(np.repeat(shown, 3, axis=2) if shown.shape[2] == 1 else shown)


def trackio_logger(
    project: str,
    save_dir: str,  # noqa: ARG001  # which every logger is told
    id: str,  # noqa: A002
    job_type: str,
    name: str,
    group: str | None,
    tags: Sequence[str] = (),
    log_model: bool = True,
    resume: bool = False,
    **options: Any,
) -> TrackioRun:
    """A run of Trackio in TRACKIO_DIR, default: its own folder in the user's cache.

    id: of the run of this job, by which an earlier one is found: it goes on where ``resume`` says so, else it is
        replaced. options: of trackio.init.
    """
    said = {ID: id, "job_type": job_type, "tags": list(tags)}
    with quiet():
        before, taken = earlier(project, id)
        if resume and before:
            name = before[-1].name
        else:
            for old in before:
                old.delete()
            name = unused(name, taken)
        how = "allow" if resume and before else "never"
        run = package().init(project, name, group=group, config=said, resume=how, embed=False, **QUIET | options)
    return TrackioRun(run, log_model)


def earlier(project: str, key: str) -> tuple[list[Any], set[str]]:
    """The runs of this job in a project, and the names that others have."""
    try:
        runs = list(package().Api().runs(project))
    except ValueError:  # the project is a new one
        return [], set()
    mine = [run for run in runs if (run.config or {}).get(ID) == key]
    return mine, {run.name for run in runs} - {run.name for run in mine}


def unused(name: str, taken: set[str]) -> str:
    """The name, or the first of "name (2)", "name (3)", ... that no other run has."""
    names = (name if number == 1 else f"{name} ({number})" for number in range(1, len(taken) + 2))
    return next(one for one in names if one not in taken)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what Trackio prints to itself: the terminal is ours."""
    with redirect_stdout(StringIO()):
        yield
