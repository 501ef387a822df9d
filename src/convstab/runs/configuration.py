"""The configuration that a run was made with, and what may differ from it in the same folder."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from convstab.errors import InputError
from convstab.files import CONFIG
from convstab.models.schedules import OF_ANY_LENGTH

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


def load_config(folder: Path) -> DictConfig:
    """The resolved configuration that a run was made with."""
    try:
        config = OmegaConf.load(folder / CONFIG)
    except (OSError, ValueError, OmegaConfBaseException) as error:
        raise InputError(f"{folder / CONFIG} cannot be read: {error}") from error
    assert isinstance(config, DictConfig)
    return config
