"""Weights & Biases, without a question: online with a key, offline without.

Its package takes a second to load: it is loaded by what uses it, so that whoever logs elsewhere does not wait.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from platformdirs import user_cache_path, user_data_path
from pytorch_lightning.loggers import WandbLogger

from convstab.errors import InputError
from convstab.loggers.tracker import Artifact, Tracker, as_bytes
from convstab.loggers.wandb_mode import mode_of

if TYPE_CHECKING:
    import wandb

AXES = {
    "train": {"*": "trainer/global_step"},
    "evaluate": {"degraded/*": "level"},
}  # job type -> curves -> x axis
NOT_IN_SUMMARY = (  # the last value says nothing of the run, or stands in a table; of a picture it would be eight keys
    *("level", "trainer/global_step", "epoch", "lr-*"),
    *("degraded/*", "test/precision/*", "test/recall/*", "figures/*"),
)
PLACES = {  # that W&B writes to beside the run, and would not train without: a user may have no home
    "WANDB_CACHE_DIR": partial(user_cache_path, "wandb"),
    "WANDB_DATA_DIR": partial(user_data_path, "wandb"),
}


class WandbRun(WandbLogger, Tracker):
    """Lightning's W&B logger for a run that is open; log_model: whether it takes and uses artifacts."""

    tool = "wandb"

    def __init__(self, run: "wandb.Run", save_dir: str, log_model: bool) -> None:
        super().__init__(experiment=run, save_dir=save_dir)
        self.log_model = log_model
        self.kept = set[str]()  # names of the summary that were chosen for it

    def summarise(self, values: Mapping[str, float]) -> None:
        """Set these in the table of runs, whatever was logged by their names."""
        self.kept |= values.keys()
        self.experiment.summary.update(dict(values))

    def add_table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A table of W&B; it stays in the summary, where the panels look for it."""
        self.kept.add(name)
        self.log_table(name, list(columns), [[cell_of(cell) for cell in row] for row in rows])

    def add_figures(self, paths: Mapping[str, Path]) -> None:
        """Pictures, in one step."""
        import wandb

        self.experiment.log({name: wandb.Image(str(path)) for name, path in paths.items()})

    def add_page(self, name: str, path: Path) -> None:
        """An HTML page."""
        import wandb

        self.experiment.log({name: wandb.Html(path, inject=False)})

    def add_output(self, artifact: Artifact) -> None:
        """An output of the run."""
        self.experiment.log_artifact(self.made(artifact), aliases=list(artifact.aliases) or None)

    def add_input(self, artifact: Artifact) -> None:
        """An input of the run, known by the digest of its files.

        Offline there is no server to ask for a name. The files are therefore named again, as W&B itself does with
        artifacts that it is to use and has not logged: its server finds the one that the other run has logged.
        """
        used, run = self.made(artifact), self.experiment
        if run.offline:  # the public function refuses, though what it would do can be written down
            run._log_artifact(used, aliases=list(artifact.aliases), is_user_created=True, use_after_commit=True)
        else:
            run.use_artifact(used, aliases=list(artifact.aliases))

    def close(self, failed: bool) -> None:  # noqa: ARG002  # which the end of the process' run says
        """Take out of the summary what is none.

        W&B's define_metric could leave it out as well, but where two patterns match a name it takes either.
        """
        summary = self.experiment.summary
        for name in set(summary.keys()) - self.kept:
            if any(fnmatchcase(name, pattern) for pattern in NOT_IN_SUMMARY):
                del summary[name]

    def made(self, artifact: Artifact) -> "wandb.Artifact":
        """An artifact of W&B. Its files are not copied but for small ones: they have to be there when it is sent."""
        import wandb

        made = wandb.Artifact(artifact.name(self.tool), artifact.kind, metadata=dict(artifact.about))
        policy: Any = "immutable" if artifact.kind == "model" else "mutable"  # a result may be made again before
        for name, path in artifact.files.items():
            made.add_file(str(path.resolve()), name=name, policy=policy, skip_cache=True)
        return made


def wandb_logger(
    mode: str, save_dir: str, job_type: str, log_model: bool = True, resume: bool = False, **options: Any
) -> WandbRun:
    """A W&B logger that never asks a question.

    mode: "online", "offline", or "auto": online when there is a key (environment or netrc), else offline. The variable
        WANDB_MODE, where it is set, decides for "auto".
    save_dir: the folder that gets the folder ``wandb``. resume: whether the history of an earlier start is kept.
    options: of wandb.init.
    """
    import wandb

    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # which asks the network even where all is kept here
    for variable, place in PLACES.items():
        if variable not in os.environ and not can_be_written(place()):
            os.environ[variable] = str(Path(save_dir).absolute() / "wandb" / variable.lower())
    # WandbLogger(offline=True) would set WANDB_MODE for every later job of the process, so the run is made here
    settings = wandb.Settings(console="off", silent=True)  # the terminal is ours
    try:
        options |= {"mode": mode_of(mode), "job_type": job_type, "resume": "allow" if resume else None}
        kept_in = str(Path(save_dir).absolute())  # W&B's own process stays where this one stood when it was started
        run = wandb.init(dir=kept_in, settings=settings, reinit="finish_previous", **options)
    except wandb.Error as error:  # a key that is none, or no way to the server
        said = " ".join(str(error).split())
        raise InputError(f"W&B: {said}; logger.wandb.mode=offline needs neither key nor server") from error
    for curves, axis in AXES.get(job_type, {}).items():
        run.define_metric(axis)
        run.define_metric(curves, step_metric=axis, step_sync=True)
    return WandbRun(run, save_dir, log_model)


def can_be_written(folder: Path) -> bool:
    """Whether a folder is there, or can be made, and takes files."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        return os.access(folder, os.W_OK)
    return False


def cell_of(cell: Any) -> Any:
    """A cell of a table: pixels (H, W, C) in [0, 1] as a W&B image, in which 0 is always black and 1 white."""
    import wandb

    return wandb.Image(as_bytes(cell)) if isinstance(cell, np.ndarray) else cell
