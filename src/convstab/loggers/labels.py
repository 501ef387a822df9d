"""What a job is called in a tool that shows runs: its name, its group and its tags."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from convstab.errors import InputError
from convstab.files import BEST, CONFIG, choices, read_json
from convstab.runs.configuration import Config, images_name, is_below, load_config, model_name, value
from convstab.runs.directory import JOB, finished, sweep_of

LONGEST_TAG, LONGEST_NAME, LONGEST_GROUP = 64, 120, 128  # characters; W&B's limits of tags and groups
TOLD = ("dataset", "model", "augment", "augment.sigma", "seed")  # in the name of each training
SWEEP_JOB = "sweep"  # the job type of a run for a sweep itself, which compares evaluations
NOT_TOLD = ("sweep", "skip_done", "runs", "output", "of", "threads", "logger", "trust", "hydra")


def hyperparameters(config: Config) -> dict[str, Any]:
    """The configuration; of an evaluation or attack of one run, with the run's as ``training``.

    So results can be sorted and drawn by what differs in their trainings.
    """
    run = config.get("run")
    one = Path(run) if isinstance(run, str) else None
    return dict(config) | ({"training": load_config(one)} if one and (one / CONFIG).is_file() else {})


def tags_of(config: Config, configured: Sequence[str]) -> list[str]:
    """The configured tags, and the names of data set, architecture and attack; of an attack or evaluation its run's."""
    values = hyperparameters(config)
    training = values.get("training", values)
    places = (training, "dataset.load._target_"), (values, "attack._target_")
    data, attack = (str(value(of, key, "")).split(".") for of, key in places)
    model = model_name(training) if value(training, "model") else ""
    names = [*configured, *data[-2:-1], model, attack[-1]]  # convstab.data.mnist.load, convstab.attacks.ddn.DDN
    return [name[:LONGEST_TAG] for name in dict.fromkeys(names) if name]


def runs_of(config: Config) -> list[Path]:
    """The run directories that an evaluation or attack is of; none for an own model, or a training."""
    run = config.get("run") or []
    folders = [Path(name) for name in ([run] if isinstance(run, str) else run)]
    if len(folders) == 1 and not (folders[0] / BEST).is_file():  # a sweep, whose runs are one model
        return [folder for folder in sorted(folders[0].glob("*/")) if finished(folder) == "train"]
    return folders


def group_of(config: Config, folder: Path, job_type: str, sweep: str | None, tool: str) -> str | None:
    """What joins a training, or a sweep of them, with all its evaluations and attacks in a tool.

    sweep: the name of the one that the job belongs to. None: of a report.
    """
    if job_type == "train":
        return (sweep or sweep_of(folder) or folder.resolve().name)[:LONGEST_GROUP]
    if job_type == SWEEP_JOB:
        found = (group_of(load_config(one), one, "evaluate", sweep, tool) for one in compared(config))
        return "+".join(dict.fromkeys(filter(None, found)))[:LONGEST_GROUP]
    if not is_result(job_type):
        return None
    groups = dict.fromkeys(group_of_training(run, tool) for run in runs_of(config))
    return "+".join(groups)[:LONGEST_GROUP] if groups else sweep or model_label(config)


def compared(config: Config) -> list[Path]:
    """The results that a job sets beside each other."""
    return [Path(name) for name in config.get("compare") or []]


def group_of_training(folder: Path, tool: str) -> str:
    """The group that a training has, or would have, in a tool."""
    chosen: str | None = value(load_config(folder), f"logger.{tool}.group") if (folder / CONFIG).is_file() else None
    return chosen or sweep_of(folder) or folder.resolve().name


def name_of(config: Config, folder: Path, job_type: str) -> str:
    """What a person reads: "gtsrb noisy s0" of a training, "gtsrb noisy s0: jpeg" of what is tried on it.

    In a sweep the name of a training says as well what it was told besides. That of a sweep itself has its folder and
    size: "sigma_evaluate: jpeg, 3 evaluations".
    """
    if job_type == "train":
        return training_label(config, folder)[:LONGEST_NAME]
    if job_type == SWEEP_JOB:
        trials = dict.fromkeys(trial_label(load_config(one)) for one in compared(config))
        return f"{folder.resolve().name}: {' + '.join(trials)}, {len(compared(config))} evaluations"[:LONGEST_NAME]
    if not is_result(job_type):
        return folder.resolve().name
    return f"{model_label(config)}: {trial_label(config)}"[:LONGEST_NAME]


def is_result(job_type: str) -> bool:
    """Whether a job tries a model."""
    return job_type in ("evaluate", "attack")


def training_label(config: Config, folder: Path) -> str:
    """Data set, augmentation and seed of a training, and what a sweep told it besides."""
    return " ".join([*recipe(config), f"s{config.get('seed', 0)}", *told(folder)])


def recipe(config: Config) -> Iterator[str]:
    """Data set and augmentation; of the latter nothing, where there is none."""
    yield images_name(config["dataset"]) if value(config, "dataset.load") else "images"
    augment = config.get("augment") or {}
    name = augmentation(augment)
    if name != "none":
        yield name
    if "sigma" in augment:
        yield "-".join(f"{level:g}" for level in as_list(augment["sigma"]))


def augmentation(augment: Config) -> str:
    """The name of an augmentation in conf/, or of all in a chain, joined by "+"."""
    parts = [part for part in augment.values() if isinstance(part, Mapping) and "_target_" in part]
    name = choice("augment", augment)
    return name if name not in ("none", "") or not parts else "+".join(map(augmentation, parts))


def as_list(found: Any) -> list[Any]:
    """One or several."""
    return found if isinstance(found, list) else [found]


def told(folder: Path) -> list[str]:
    """What the job of a sweep was told besides that which each name has: keys by their last word."""
    try:
        overrides = read_json(folder / JOB).get("overrides", [])
    except (OSError, InputError):
        return []
    pairs = [word.lstrip("+~").partition("=")[::2] for word in overrides]
    kept = sorted((key, found) for key, found in pairs if key not in TOLD and not is_below(key, NOT_TOLD))
    return [f"{key.split('.')[-1]}={found}" for key, found in kept]


def model_label(config: Config) -> str:
    """What is tried: a training, an ensemble, or a model from elsewhere and its images."""
    runs = [run for run in runs_of(config) if (run / CONFIG).is_file()]
    trainings = [(load_config(run), run) for run in runs]
    images = images_name(config["dataset"]) if value(config, "dataset.load") else None
    if not trainings:
        return " on ".join(filter(None, [name_of_other(config), images]))
    if len(trainings) == 1:
        name = training_label(*trainings[0])
    else:
        recipes = dict.fromkeys(" ".join(recipe(training)) for training, _ in trainings)
        name = f"{' + '.join(recipes)} ensemble of {len(trainings)}"
    return f"{name} on {images}" if images else name


def name_of_other(config: Config) -> str:
    """The name of a model that convstab has not trained."""
    if value(config, "model"):
        return model_name(config)
    return str(config.get("name") or Path(str(config.get("path") or "model")).stem)


def trial_label(config: Config) -> str:
    """The degradation or attack that is tried."""
    if config.get("attack"):
        family = value(config, "attack.degradation")
        return " ".join(filter(None, [choice("attack", config["attack"]), name_in(family)]))
    by = " by PSNR" if config.get("psnr") is not None else ""
    return (name_in(config.get("degradation")) or "predictions") + by


def name_in(degradation: Any) -> str:
    """The name of a degradation that is one, or has one."""
    return str(degradation.get("name", "") if isinstance(degradation, Mapping) else degradation or "")


def choice(group: str, made: Config) -> str:
    """What conf/ calls that which a target makes; where it has several files for one, the one that says no more."""
    target = str(made.get("_target_", ""))
    return choices_by_target(group).get(target, target.rpartition(".")[2])


@cache
def choices_by_target(group: str) -> dict[str, str]:
    """The files of a group of conf/ by their targets; of several the shortest."""
    found = {name: file.read_text(encoding="utf-8") for name, file in choices(group).items()}
    return {
        str(yaml.safe_load(text).get("_target_", "")): name
        for name, text in sorted(found.items(), key=lambda item: -len(item[1]))
    }
