"""The configuration that a run was made with, and what may differ from it in the same folder."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NotRequired

import yaml
from omegaconf import OmegaConf
from typing_extensions import TypedDict

from convstab.errors import InputError
from convstab.files import CONFIG, write_bytes
from convstab.files.seals import SEAL, read_sealed, sealed
from convstab.files.shapes import shaped

Config = Mapping[str, Any]  # plain values, resolved
OF_ANY_LENGTH = ("convstab.models.schedules.inverse",)  # a step's rate is the same however many epochs follow

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
OWN = {  # what a configuration that was found in a folder may name: it is data, and runs no code of others
    "dataset._target_": r"convstab\.data\.module\.ImageData",
    "dataset.load._target_": r"convstab\.data\.(own\.)?\w+\.load",
    "dataset.load._partial_": "True",
    "model._target_": r"convstab\.models\.(\w+\.)?\w+",
}


class Named(TypedDict):
    """What is made from its name and its values."""

    _target_: str


class DataSet(Named):
    """A data set."""

    load: Named


class Length(TypedDict):
    """How long is trained."""

    max_epochs: NotRequired[int]


class Training(TypedDict):
    """What others read of the configuration of a training."""

    dataset: DataSet
    model: Named
    augment: Named
    seed: int
    trainer: NotRequired[Length]


PUBLISHED = ("mnist", "cifar10", "gtsrb", "digits")  # data sets that others know by these names
PARTS_OF_A_RUN = ("dataset", "model")  # what is made again from its configuration
LONGEST = 2**20  # bytes
NEEDED = ("dataset._target_", "dataset.load._target_", "model._target_", "augment._target_", "seed")
MAY_CHANGE = (  # between a start and the next one in the same folder
    "ckpt",
    "output",
    "logger",
    "model.download",
    "dataset.load.download",
    "trust",
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
    "confusion_level",
    "compare",
    "report",
)


def refuse_other_training(folder: Path, now: Config) -> None:
    """Raise InputError when a run is resumed with anything that changes its weights.

    More epochs may follow where the schedule of the rates is the same however many there are.
    """
    before = load_config(folder)
    old, new = (value(config, LENGTH) for config in (before, now))
    grows = value(now, "schedule._target_") in OF_ANY_LENGTH and old is not None and old <= (new or 0)
    refuse_other_config(before, now, folder, (*MAY_CHANGE, LENGTH) if grows else MAY_CHANGE)


def refuse_other_config(
    before: Config, now: Config, folder: Path, may_change: Sequence[str] = MAY_CHANGE, instead: str = "output="
) -> None:
    """Raise InputError when something is resumed with another data set, model, seed or the like.

    may_change: keys, and those below them, that do not matter. instead: the word that chooses another folder.
    """
    old, new = dict(leaves(before)), dict(leaves(now))
    for key in sorted(old.keys() | new.keys(), key=lambda key: (key.count("."), key)):  # seed, then callbacks.seed.seed
        free = (*may_change, "dataset.root")  # data may have moved
        if not is_below(key, free) and old.get(key) != new.get(key):
            values = f"{old.get(key)} there, {new.get(key)} now"
            raise InputError(f"{folder} was made with another {key}: {values}; choose another {instead}")


def is_below(key: str, names: Sequence[str]) -> bool:
    """Whether a key is one of these, or below one: joined with a dot, or with a slash as a group of Hydra's is."""
    return any(key == name or key.startswith((f"{name}.", f"{name}/")) for name in names)


def leaves(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The values of nested mappings by their keys, joined with dots."""
    return ((key, value) for key, value in nested(values) if not isinstance(value, Mapping))


def nested(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """All values by their keys, joined with dots: the mappings, and what is in them."""
    for name, value in values.items():
        yield f"{prefix}{name}", value
        if isinstance(value, Mapping):
            yield from nested(value, f"{prefix}{name}.")


def value(config: Config, key: str, default: Any = None) -> Any:
    """What stands under a key, such as "trainer.max_epochs"; the default where nothing or null does."""
    found: Any = config
    for name in key.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return default if found is None else found


def data_name(config: Config) -> str:
    """What the data set of a training is called: the module that loads it, and the function that makes it, if any.

    One that is the user's folder or file is called as that is.
    """
    load = config["dataset"]["load"]
    name, own = str(load["_target_"]).split(".")[-2], images_name(config["dataset"])
    if load.get("target"):
        return f"{name} {load['target']}"
    return own if own not in PUBLISHED else name if name == own else f"{name} {own}"  # no folder is taken for MNIST


def images_name(dataset: Config) -> str:
    """What a data set is called: the module that loads it, or its folder or file where that is the user's."""
    load, kind = dataset["load"], str(dataset["load"]["_target_"]).split(".")[-2]
    place = load.get("path") or load.get("name") or (dataset.get("root") if kind == "folder" else None)
    return Path(place).stem if place else str(load.get("target") or kind).replace(":", "-")


def model_name(config: Config) -> str:
    """What the model of a training is called: its class, or the kind of an own one and where it is from."""
    model = config["model"]
    if "kind" in model:
        return f"{model['kind']} {model.get('target') or model.get('name')}"
    return str(model["_target_"]).rpartition(".")[2]


def check_run(config: Config, folder: Path) -> None:
    """Raise InputError when a configuration is not that of a training, or names anything but convstab's own code.

    It is data, which may come from anywhere: instantiating it must call nothing else.
    """
    for key in NEEDED:
        if value(config, key) is None:
            raise InputError(f"{folder / CONFIG} does not say {key}; it is not the configuration of a training")
    shaped(Training, config, folder / CONFIG)
    check_own(config, PARTS_OF_A_RUN, folder / CONFIG)


def fetching_nothing(dataset: Mapping[str, Any]) -> Mapping[str, Any]:
    """The data set of a configuration that was found in a file; whatever it says, nothing of others is fetched."""
    load = dataset.get("load")
    if not isinstance(load, Mapping) or "download" not in load:
        return dataset
    return {**dataset, "load": {**load, "download": False}}


def check_own(config: Config, names: Sequence[str], path: Path) -> None:
    """Raise InputError where a part of a configuration that was found in a file names any code but convstab's own."""
    for key, found in below(config, names):
        if isinstance(found, str) and "${" in found:
            raise InputError(f"{path}: {key} is {found}; what is kept with a result has plain values")
        allowed = OWN.get(key)
        if key.split(".")[-1].startswith("_") and not (allowed and re.fullmatch(allowed, str(found))):
            raise InputError(f"{path}: {key} is {found}; a run names nothing but convstab's own")


def check_trusted(dataset: Config, trust: Sequence[str]) -> None:
    """Raise InputError where images that a stored configuration names are made by a function that is not trusted."""
    target = value(dataset, "load.target")
    if target is not None and target not in trust:
        raise InputError(
            f"its images are made by {target}, which is code that loading them would run; "
            f"where that is your own, say trust={target}"
        )


def below(config: Config, names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """The values under these names by their keys, those in lists too."""
    left: list[tuple[str, Any]] = [(name, config[name]) for name in names]
    while left:
        key, found = left.pop()
        if isinstance(found, Mapping):
            left += [(f"{key}.{name}", below) for name, below in found.items()]
        elif isinstance(found, list):
            left += [(f"{key}[{place}]", below) for place, below in enumerate(found)]
        else:
            yield key, found


def write_config(folder: Path, config: Config, name: str = CONFIG) -> None:
    """Keep a configuration in a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    text = OmegaConf.to_yaml(OmegaConf.create(dict(config)))
    write_bytes(folder / name, sealed(f"{text}# {SEAL}\n".encode()))


def load_config(folder: Path, name: str = CONFIG) -> dict[str, Any]:
    """The configuration that a result was made with; InputError when it is not there or not as it was written.

    It is data: names of anchors are not followed, and no value is looked up in the environment.
    """
    try:
        values = yaml.load(read_sealed(folder / name, LONGEST), PlainLoader)  # noqa: S506  # a SafeLoader
    except InputError as error:
        raise InputError(f"{error}; write it again with the command that made {folder}") from error
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise InputError(f"{folder / name} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise InputError(f"{folder / name} holds no keys and values; it is not a configuration")
    config = {str(key): value for key, value in values.items()}
    for key, found in below(config, tuple(config)):
        if isinstance(found, str) and "${" in found:
            raise InputError(f"{folder / name}: {key} is {found}; the configuration of a result holds plain values")
    return config


class PlainLoader(yaml.SafeLoader):
    """Reads plain values, and refuses aliases: nine levels of them would ask for more than any memory."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """The next node of the text."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it has aliases, which no configuration of a result has")
        return super().compose_node(parent, index)
