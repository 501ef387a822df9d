"""A run directory <-> what is in it: configuration, checkpoints, metrics."""

import json
import pickle
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pytorch_lightning.plugins import TorchCheckpointIO

from convstab.errors import InputError
from convstab.files import CONFIG, METRICS, beside, write_text
from convstab.models import Classifier
from convstab.models.schedules import OF_ANY_LENGTH

PRECISION = "test/precision/"  # and a class: a key of the metrics
BEST, LAST = "checkpoints/best.ckpt", "checkpoints/last.ckpt"
WATCHING = (  # of Lightning's Trainer: what is shown, measured and checked, but changes no weight
    "default_root_dir",
    "detect_anomaly",
    "enable_autolog_hparams",
    "enable_model_summary",
    "enable_progress_bar",
    "inference_mode",
    "log_every_n_steps",
    "num_sanity_val_steps",
    "profiler",
)
LENGTH = "trainer.max_epochs"
MAY_CHANGE = (  # between a start and the next one in the same folder
    "ckpt",
    "output",
    "logger",
    *(f"trainer.{name}" for name in WATCHING),
    "callbacks.progress",
    "callbacks.summary",
    "callbacks.learning_rate",
    "callbacks.checkpoint.dirpath",
    "callbacks.last.dirpath",
    "runs",
    "sweep",
    "skip_done",
    "threads",
    "device",
    "workers",
    "batch_size",
    "shard",
    "confusion_sigma",
    "compare",
)


def open_for_training(folder: Path, config: DictConfig) -> Path | None:
    """Make or reopen a run directory; the checkpoint whose weights come first, or None to start from the beginning.

    Raises InputError when the folder holds another run, or one that ``ckpt=last`` was not said for.
    """
    if any((folder / name).exists() for name in (LAST, METRICS)):  # else nothing was trained yet: start afresh
        if config.ckpt != "last":
            raise InputError(f"{folder} holds a run already: add ckpt=last to resume it, or choose another output=")
        refuse_other_training(folder, config)
    if config.ckpt not in (None, "last") and not Path(config.ckpt).is_file():
        raise InputError(f"ckpt={config.ckpt} is not a file; it can be last or the path of a checkpoint")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / CONFIG, OmegaConf.to_yaml(config, resolve=True))
    if config.ckpt in (None, "last"):
        last = folder / LAST
        return last if config.ckpt and last.exists() else None
    return Path(config.ckpt)


def finished(folder: Path, config: DictConfig) -> dict[str, Any] | None:
    """The metrics of a training that is finished, None when it is not or is to go on; InputError for another one."""
    numbers = metrics(folder)
    if not numbers:
        return None
    refuse_other_training(folder, config)
    return numbers if numbers["epochs"] >= (config.trainer.max_epochs or 0) else None


def metrics(folder: Path) -> dict[str, Any]:
    """The metrics of a training, empty while it is not finished; InputError when they are damaged."""
    try:
        numbers: dict[str, Any] = json.loads((folder / METRICS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise InputError(f"{folder / METRICS} is damaged: {error}; delete it to test the run again") from error
    return numbers


def classes_of(metrics: Mapping[str, Any]) -> list[str]:
    """The names of the classes in the metrics of a training, in the order of the labels."""
    return [name.removeprefix(PRECISION) for name in metrics if name.startswith(PRECISION)]


def refuse_other_training(folder: Path, now: DictConfig) -> None:
    """Raise InputError when a run is resumed with anything that changes its weights.

    More epochs may follow where the schedule of the rates is the same however many there are.
    """
    before = load_config(folder)
    old, new = (OmegaConf.select(config, LENGTH) for config in (before, now))
    grows = OmegaConf.select(now, "schedule._target_") in OF_ANY_LENGTH and old is not None and old <= (new or 0)
    refuse_other_config(before, now, folder, (*MAY_CHANGE, LENGTH) if grows else MAY_CHANGE)


def refuse_other_config(
    before: Any, now: DictConfig, folder: Path, may_change: Sequence[str] = MAY_CHANGE, instead: str = "output="
) -> None:
    """Raise InputError when something is resumed with another data set, model, seed or the like.

    may_change: keys, and those below them, that do not matter. instead: the word that chooses another folder.
    """
    old, new = dict(leaves(plain(before))), dict(leaves(plain(now)))
    for key in sorted(old.keys() | new.keys(), key=lambda key: (key.count("."), key)):  # seed, then callbacks.seed.seed
        free = (*may_change, "dataset.root")  # data may have moved
        if not is_below(key, free) and old.get(key) != new.get(key):
            values = f"{old.get(key)} there, {new.get(key)} now"
            raise InputError(f"{folder} was made with another {key}: {values}; choose another {instead}")


def is_below(key: str, names: Sequence[str]) -> bool:
    """Whether a key is one of these, or below one: joined with a dot, or with a slash as a group of Hydra's is."""
    return any(key == name or key.startswith((f"{name}.", f"{name}/")) for name in names)


def leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values of nested mappings by their keys, joined with dots."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def plain(config: Any) -> dict[str, Any]:
    """A resolved plain dict of a configuration."""
    values = OmegaConf.to_container(config, resolve=True)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def find_run(name: str, runs: str) -> Path:
    """The run directory that ``run=<dir|latest>`` means; ``latest`` is the newest finished training below ``runs``.

    Raises InputError when there is none.
    """
    if name == "latest":
        found = sorted(Path(runs).glob(f"**/{METRICS}"), key=lambda path: path.stat().st_mtime)
        if not found:
            raise InputError(f"run=latest: there is no finished training below {Path(runs).resolve()}; train one first")
        return found[-1].parent
    folder = Path(name)
    if not (folder / CONFIG).is_file() or not (folder / "checkpoints").is_dir():
        what = "is not a run directory of train" if folder.exists() else "does not exist"
        raise InputError(f"run={name} {what}; it would hold {CONFIG} and {BEST}")
    return folder


def load_config(folder: Path) -> DictConfig:
    """The resolved configuration that a run was made with."""
    try:
        config = OmegaConf.load(folder / CONFIG)
    except (OSError, ValueError, OmegaConfBaseException) as error:
        raise InputError(f"{folder / CONFIG} cannot be read: {error}") from error
    assert isinstance(config, DictConfig)
    return config


def load_classifier(folder: Path, checkpoint: str = BEST) -> Classifier:
    """The classifier of a run, on the CPU, in evaluation mode; only plain values and tensors are read from disk.

    Raises InputError when the checkpoint is missing, damaged, holds anything else, or is of another architecture.
    """
    path, target = folder / checkpoint, load_config(folder).model._target_
    architecture = get_class(target)
    if not issubclass(architecture, Classifier):
        raise InputError(f"{folder / CONFIG}: model._target_ {target} is not a Classifier")
    content = load_checkpoint(path)
    try:
        classifier = architecture(**content["hyper_parameters"])
        classifier.load_state_dict(content["state_dict"])
    except (KeyError, TypeError, RuntimeError) as error:
        raise InputError(f"{path} is not a checkpoint of {architecture.__name__}, which {CONFIG} names") from error
    return classifier.eval()


def load_weights(model: Classifier, path: Path) -> None:
    """Give a classifier the weights and statistics of a checkpoint; InputError when it is of another architecture."""
    name, shape = type(model).__name__, "x".join(map(str, model.shape))
    try:
        model.load_state_dict(load_checkpoint(path)["state_dict"])
    except (LookupError, TypeError, RuntimeError) as error:
        raise InputError(
            f"{path} is not a checkpoint of {name} for {shape} images and {len(model.classes)} classes"
        ) from error


def load_checkpoint(path: Path) -> dict[str, Any]:
    """A Lightning checkpoint, on the CPU, under ``weights_only``; InputError when it is missing, damaged or unsafe."""
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; has the training finished an epoch?") from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError) as error:
        raise InputError(f"{path} is damaged, or holds more than weights and plain values") from error
    return content


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the target and renames, so that a kill leaves the earlier checkpoint whole.

    Lightning writes to the system's temporary folder first, which may be on another disk, where a move is a copy.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Save like TorchCheckpointIO, at once or not at all."""
        part = beside(Path(path))
        try:
            super().save_checkpoint(checkpoint, part, storage_options)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
