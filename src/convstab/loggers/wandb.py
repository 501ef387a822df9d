"""Open and close the loggers of one job, and log for all commands: the only place that knows Weights & Biases.

Its package takes a second to load: it is loaded by what uses it, so that whoever logs elsewhere does not wait.
"""

import math
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
from hydra.utils import instantiate
from platformdirs import user_cache_path, user_data_path
from pytorch_lightning.loggers import Logger, WandbLogger

from convstab.errors import InputError
from convstab.files import CONFIG, write_text
from convstab.runs.configuration import Config, load_config, model_name, value
from convstab.runs.directory import numbers_of
from convstab.runs.processes import is_first_process

if TYPE_CHECKING:
    import wandb

ID = "wandb.id"
AXES = {
    "train": {"*": "trainer/global_step"},
    "evaluate": {"degraded/*": "level"},
}  # job type -> curves -> x axis
LONGEST_TAG = 64  # characters, W&B's limit
MOST_ROWS = 10_000  # of a table, W&B's limit
PLACES = {  # that W&B writes to beside the run, and would not train without: a user may have no home
    "WANDB_CACHE_DIR": partial(user_cache_path, "wandb"),
    "WANDB_DATA_DIR": partial(user_data_path, "wandb"),
}


@contextmanager
def tracking(
    config: Config,
    folder: Path,
    job_type: str,
    resume: bool = False,
    group: str | None = None,
    logger: Mapping[str, Config] | None = None,
) -> Iterator[list[Logger]]:
    """The loggers of one job, given its configuration, closed whatever happens.

    A job that fails is marked as failed in W&B. One W&B run lives at a time, so that no job of a sweep logs into
    another's. Only the first process of a distributed training logs.

    job_type: "train", "evaluate" or "attack". resume: go on with the history of the folder's W&B run; else replace it.
    group: in W&B, where the options of its logger say none: the sweep. logger: which loggers, with their options; None:
        those of the configuration.
    """
    options_of, loggers = (config.get("logger") if logger is None else logger) or {}, list[Logger]()
    failed = True
    try:
        for name, options in options_of.items() if job_type != "train" or is_first_process() else ():
            more = of_the_run(config, options, folder, job_type, resume, group) if name == "wandb" else {}
            loggers.append(instantiate(options, save_dir=str(folder), **more, _convert_="all"))
        for opened in loggers:
            opened.log_hyperparams(hyperparameters(config))
        yield loggers
        failed = False
    finally:
        try:
            for opened in loggers:
                opened.finalize("failed" if failed else "success")
        finally:
            finish_run(failed)


def finish_run(failed: bool) -> None:
    """End the run of W&B that is open, if one is."""
    loaded = sys.modules.get("wandb")
    if loaded is not None and loaded.run is not None:
        loaded.run.finish(exit_code=int(failed))


def check_logger(config: Config) -> None:
    """Raise InputError, before the work begins, where the logger of W&B could not be opened at its end."""
    if value(config, "logger.wandb._target_"):
        checked(value(config, "logger.wandb.mode", "auto"))


def hyperparameters(config: Config) -> dict[str, Any]:
    """The configuration; of an evaluation or attack of one run, with the run's as ``training``.

    So results can be sorted and drawn by what differs in their trainings.
    """
    run = config.get("run")
    one = Path(run) if isinstance(run, str) else None
    return dict(config) | ({"training": load_config(one)} if one and (one / CONFIG).is_file() else {})


def of_the_run(
    config: Config, options: Config, folder: Path, job_type: str, resume: bool, group: str | None
) -> dict[str, Any]:
    """What wandb.init is told about this job, beside the configured options."""
    return {
        "id": stable_id(folder),
        "resume": "allow" if resume else None,  # None: the history of an earlier start is replaced
        "group": options.get("group") or group,
        "job_type": job_type,
        "name": folder.resolve().name,
        "tags": tags_of(config, options.get("tags") or []),
    }


def stable_id(folder: Path) -> str:
    """The id of the W&B run of a folder, made at the first start; InputError when its file is damaged."""
    path = folder / ID
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_text(path, uuid4().hex[:12] + "\n")
    text = path.read_text(encoding="utf-8").strip()
    if not re.fullmatch(r"[\w-]{1,64}", text):
        raise InputError(f"{path} does not hold the id of a W&B run; delete it to get another one")
    return text


def tags_of(config: Config, configured: Sequence[str]) -> list[str]:
    """The configured tags, and the names of data set, architecture and attack; of an attack or evaluation its run's."""
    values = hyperparameters(config)
    training = values.get("training", values)
    places = (training, "dataset.load._target_"), (values, "attack._target_")
    data, attack = (str(value(of, key, "")).split(".") for of, key in places)
    model = model_name(training) if value(training, "model") else ""
    names = [*configured, *data[-2:-1], model, attack[-1]]  # convstab.data.mnist.load, convstab.attacks.ddn.DDN
    return [name[:LONGEST_TAG] for name in dict.fromkeys(names) if name]


class WandbRun(WandbLogger):
    """Lightning's W&B logger for a run that is open; log_model: whether it takes checkpoints."""

    def __init__(self, run: "wandb.Run", save_dir: str, log_model: bool) -> None:
        super().__init__(experiment=run, save_dir=save_dir)
        self.log_model = log_model


def wandb_logger(mode: str, save_dir: str, job_type: str, log_model: bool = True, **options: Any) -> WandbRun:
    """A W&B logger that never asks a question.

    mode: "online", "offline", or "auto": online when there is a key (environment or netrc), else offline. The variable
        WANDB_MODE, where it is set, decides for "auto".
    save_dir: the folder that gets the folder ``wandb``.
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
        options |= {"mode": checked(mode), "dir": save_dir, "job_type": job_type}
        run = wandb.init(settings=settings, reinit="finish_previous", **options)
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


def checked(mode: str) -> Any:
    """The mode for wandb.init, which would ask for a key that is not there; InputError then, and for another word."""
    if mode not in ("auto", "online", "offline"):
        raise InputError(f"logger.wandb.mode is {mode!r}; it can be auto, online or offline")
    variable = os.environ.get("WANDB_MODE") if mode == "auto" else None
    if variable is None and mode == "auto":
        return "online" if has_key() else "offline"
    if (variable or mode) == "online" and not has_key():
        said = "logger.wandb.mode" if variable is None else "WANDB_MODE"
        raise InputError(f"{said}=online needs a key: set WANDB_API_KEY, or run wandb login")
    return variable or mode


def has_key() -> bool:
    """Whether W&B knows who is logging, without asking."""
    import wandb

    return wandb.login(prompt=False, verify=False)


def runs_of(loggers: Sequence[Logger]) -> list[WandbRun]:
    """Those of W&B."""
    return [logger for logger in loggers if isinstance(logger, WandbRun)]


def summarise(loggers: Sequence[Logger], values: Mapping[str, Any]) -> None:
    """Show the single numbers among these values in the table of the W&B runs, in place of the last ones logged."""
    for logger in runs_of(loggers):
        logger.experiment.summary.update(numbers_of(values))


def log_numbers(loggers: Sequence[Logger], prefix: str, values: Mapping[str, Any]) -> None:
    """Give all loggers the single numbers among these values, named ``<prefix>/<name>``."""
    for logger in loggers:
        logger.log_metrics({f"{prefix}/{name}": value for name, value in numbers_of(values).items()}, step=0)


def log_table(loggers: Sequence[Logger], name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Give W&B a table, at most its first 10,000 rows; NaN, which its tables do not have, as None."""
    kept = [[None if is_nan(cell) else cell for cell in row] for row in rows[:MOST_ROWS]]
    for logger in runs_of(loggers):
        logger.log_table(name, list(columns), kept)


def is_nan(cell: Any) -> bool:
    """Whether a cell is a number that is not defined."""
    return isinstance(cell, float) and math.isnan(cell)


def log_images_table(
    loggers: Sequence[Logger], name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Give W&B a table whose arrays, (H, W, C) in [0, 1], are shown as images."""
    if runs_of(loggers):
        shown = [[as_image(cell) if isinstance(cell, np.ndarray) else cell for cell in row] for row in rows[:MOST_ROWS]]
        log_table(loggers, name, columns, shown)


def as_image(pixels: np.ndarray[Any, Any]) -> "wandb.Image":
    """Pixels (H, W, C) in [0, 1] as a W&B image; 0 is always black and 1 white."""
    import wandb

    return wandb.Image((255 * pixels.clip(0, 1)).round().astype(np.uint8))


def log_figures(loggers: Sequence[Logger], folder: Path) -> None:
    """Give W&B the PNG files of a folder."""
    paths = sorted(folder.glob("*.png"))
    for logger in runs_of(loggers) if paths else []:
        import wandb

        logger.experiment.log({f"figures/{path.stem}": wandb.Image(str(path)) for path in paths})


def log_page(loggers: Sequence[Logger], name: str, path: Path) -> None:
    """Give W&B an HTML page, as it is."""
    for logger in runs_of(loggers):
        import wandb

        logger.experiment.log({name: wandb.Html(path, inject=False)})


def log_checkpoint(loggers: Sequence[Logger], path: Path, values: Mapping[str, Any]) -> None:
    """Give W&B a checkpoint as the artifact ``model-<id of the run>``, with the single numbers among these values.

    It is not copied: an offline run refers to the file, which has to be there until it is synchronised.
    """
    for logger in runs_of(loggers):
        if logger.log_model:
            import wandb

            run = logger.experiment
            artifact = wandb.Artifact(f"model-{run.id}", "model", metadata=numbers_of(values))
            artifact.add_file(str(path.resolve()), name=path.name, policy="immutable", skip_cache=True)
            run.log_artifact(artifact, aliases=["best"])
