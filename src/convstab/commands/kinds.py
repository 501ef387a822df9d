"""What each value of a configuration can be: one table for each command."""

from collections.abc import Callable, Mapping
from typing import Any, get_args

from convstab.errors import InputError
from convstab.files import choices
from convstab.models.own.kinds import KINDS as OWN_KINDS
from convstab.runs.configuration import nested
from convstab.runs.shard import Shard
from convstab.validation import (
    AUTO,
    POINTS,
    QUERIES,
    SEED,
    Limit,
    Match,
    Rule,
    Stage,
    at_least,
    is_number,
    is_whole,
    listed,
    or_null,
)

LARGEST_SEED = 2**32 - 1  # that NumPy takes, and Lightning and scikit-learn with it
PRECISIONS = "32-true", "32", 32, "bf16-mixed", "bf16", "16-mixed", "16", 16, None  # Lightning's names


def either(first: Limit, second: Limit) -> Limit:
    """What one of two kinds allows."""
    return Limit(lambda value: first.holds(value) or second.holds(value), f"{first.words}, or {second.words}")


def one_of(*names: str) -> Limit:
    """One of these words."""
    return Limit(lambda value: isinstance(value, str) and value in names, " or ".join(names))


def group(name: str) -> Limit:
    """A choice of a group of conf/."""
    return Limit(
        lambda value: isinstance(value, Mapping) and len(value) > 0, f"one of {', '.join(sorted(choices(name)))}"
    )


def numbers(holds: Callable[[float], bool], words: str) -> Limit:
    """Finite numbers in a range."""
    return Limit(lambda value: is_number(value) and holds(value), words)


def is_text(value: Any) -> bool:
    """Whether a value is a text that is not empty."""
    return isinstance(value, str) and value.strip() != ""


def is_shard(value: Any) -> bool:
    """Whether a value is i/n, a share of the work."""
    try:
        return isinstance(value, str) and Shard.parse(value).number > 0
    except InputError:
        return False


def is_pair(value: Any) -> bool:
    """Whether a value is a range of noise levels."""
    return isinstance(value, list) and len(value) == 2 and all(map(LEVEL.holds, value)) and value[0] <= value[1]


def each_once(places: list[Any]) -> bool:
    """Whether all of a list are places in a test set, and none stands in it twice."""
    return all(is_whole(place, 0) for place in places) and len(set(places)) == len(places)


def is_options(value: Any) -> bool:
    """Whether a value is names with values, of which Hydra makes nothing before a function is given them."""
    return isinstance(value, Mapping) and not any(key.split(".")[-1].startswith("_") for key, _ in nested(value))


TEXT = Limit(is_text, "a text")
FOLDER = Limit(is_text, "a folder")
SWITCH = Limit(lambda value: isinstance(value, bool), "true or false")
COUNT, COUNT_OR_ZERO, NUMBER = at_least(1), at_least(0), Limit(is_number, "a number")
COUNTS = listed(lambda value: is_whole(value, 1), "a list of one for each level")
LEVEL = numbers(lambda value: value >= 0, "a number of grey levels, at least 0")
LEVELS = listed(LEVEL.holds, "a list of numbers of grey levels, each at least 0, such as [8, 20]")
GRID = listed(is_number, "a list of levels, each once, such as [8, 20]")
DECIBELS = listed(lambda value: is_number(value) and value > 0, "a list of numbers of dB above 0, such as [40, 30, 20]")
NOT_NEGATIVE = numbers(lambda value: value >= 0, "a number, at least 0")
SHARE = numbers(lambda value: 0 <= value <= 1, "a number in [0, 1]")
FRACTION = numbers(lambda value: 0 < value < 1, "a number above 0 and below 1")
RUN = Limit(
    lambda value: is_text(value) or (isinstance(value, list) and len(value) > 0 and all(map(is_text, value))),
    "a run directory, latest, or a list of them",
)
FOLDERS = Limit(
    lambda value: isinstance(value, list) and all(map(is_text, value)), "a list of folders, such as [runs/a]"
)
PLACES = Limit(
    lambda value: isinstance(value, list) and len(value) > 0 and each_once(value),
    "a list of places, each once, such as [0, 5]",
)
TRAINING_SEED = Limit(
    lambda seed: is_whole(seed, 0) and seed <= LARGEST_SEED, f"a whole number from 0 to {LARGEST_SEED}"
)
PRECISION = Limit(
    lambda value: not isinstance(value, bool | list | Mapping) and value in PRECISIONS,
    "32-true, bf16-mixed or 16-mixed: weights are kept in float32, as evaluate and attack use them",
)
DEVICES = Limit(
    lambda value: value in ("auto", "-1") or is_whole(value, 1) or value == -1 or PLACES.holds(value),
    "a number of devices, at least 1, or auto, or a list of their numbers",
)
CALLBACK = Limit(lambda value: isinstance(value, Mapping) and "_target_" in value, "a callback; ~ leaves one out")
CALLED = Limit(lambda value: isinstance(value, Mapping) and "_target_" in value, "what _target_ is in")
TRAINED = " or ".join(
    sorted(name for name, file in choices("model").items() if "_target_" in file.read_text(encoding="utf-8"))
)
STATISTICS = either(either(NUMBER, listed(is_number, "a number for each channel")), one_of("none"))
SIDES = Limit(
    lambda value: isinstance(value, list) and len(value) == 2 and all(is_whole(side, 1) for side in value),
    "[height, width]",
)
ATTACKS = sorted(choices("attack"))
NAMED_ATTACKS = either(one_of(*ATTACKS), listed(lambda name: name in ATTACKS, "a list of them"))

TEXTS = Limit(lambda value: isinstance(value, list) and all(map(is_text, value)), "a list of texts")

SHARED = {"skip_done": SWITCH, "threads": or_null(COUNT), "runs": FOLDER}
LOGGER = {
    "logger": Limit(lambda value: value is None or isinstance(value, Mapping), group("logger").words),
    **{f"logger.{tool}.{name}": or_null(TEXT) for tool in ("wandb", "mlflow", "trackio") for name in ("name", "group")},
    **{f"logger.{tool}.log_model": SWITCH for tool in ("wandb", "mlflow", "trackio")},
    **{f"logger.{tool}.tags": TEXTS for tool in ("wandb", "mlflow", "trackio")},
    "logger.wandb.mode": one_of("auto", "online", "offline"),
    "logger.wandb.project": or_null(TEXT),
    "logger.wandb.entity": or_null(TEXT),
    "logger.mlflow.uri": or_null(TEXT),
    "logger.mlflow.folder": FOLDER,
    "logger.mlflow.experiment": TEXT,
    "logger.trackio.project": TEXT,
}
OWN = {
    "model": Limit(lambda value: value is None or isinstance(value, Mapping), "a model of your own, such as python"),
    "model.kind": one_of(*OWN_KINDS),
    "model.target": Limit(is_text, "package.module:function, such as mypkg.nets:build"),
    "model.name": Limit(is_text, "a name, such as resnet18"),
    "model.pretrained": SWITCH,
    "model.download": SWITCH,
    "model.path": Limit(is_text, "a file"),
    "model.options": or_null(Limit(is_options, "values such as {depth: 20}, without names that begin with _")),
    "model.weights": or_null(Limit(is_text, "a file of weights")),
    "model.mean": or_null(STATISTICS),
    "model.std": or_null(STATISTICS),
    "model.size": or_null(either(either(COUNT, SIDES), one_of("any"))),
    "model.classes": or_null(either(Limit(is_text, "a text file"), listed(is_text, "a list of names"))),
}
ASSESSMENT = (
    SHARED
    | OWN
    | {
        "expect_clean": or_null(SHARE),
        "match": or_null(one_of(*get_args(Match))),
        "stage": one_of(*get_args(Stage)),
        "run": RUN,
        "trust": or_null(either(TEXT, listed(is_text, "a list of functions, such as [mypkg.nets:build]"))),
        "rule": one_of(*get_args(Rule)),
        "device": or_null(Limit(is_text, "cpu, or cuda or cuda:1 where there are such GPUs")),
        "shard": Limit(is_shard, "i/n with 1 <= i <= n, such as 2/7"),
        "compare": FOLDERS,
        "report": SWITCH,
        "dataset": Limit(lambda value: isinstance(value, Mapping), f"one of {', '.join(sorted(choices('dataset')))}"),
        "dataset.root": or_null(FOLDER),
        "output": or_null(FOLDER),
        "images": or_null(either(COUNT, PLACES)),
        "seed": SEED,
        "slice": COUNT,
        "of": FOLDER,
    }
)
EVALUATE = ASSESSMENT | {
    "degradation": group("degradation"),
    "degradation.name": one_of(*sorted(choices("degradation"))),
    "levels": or_null(GRID),
    "psnr": or_null(DECIBELS),
    "draws": or_null(either(either(COUNT, COUNTS), one_of(AUTO))),
    "within": or_null(POINTS),
    "clip": SWITCH,
    "rounding": SWITCH,
    "score": one_of("predicted", "label"),
    "precision": one_of("auto", "float32", "bfloat16"),
    "compile": either(SWITCH, one_of("auto")),
    "batch_size": or_null(COUNT),
    "workers": or_null(COUNT),
    "confusion_level": or_null(NUMBER),
}
ATTACK = ASSESSMENT | {
    "images_of": or_null(FOLDER),
    "max_queries": or_null(QUERIES),
    "attack": group("attack"),
    "attack._target_": TEXT,
}
AUGMENT = {
    "sigma": either(LEVEL, Limit(is_pair, "a range of them such as [0, 40]")),
    "sigmas": LEVELS,
    "copies": COUNT_OR_ZERO,
    "degradations": listed(
        lambda value: is_text(value) or isinstance(value, Mapping), "a list of families, such as [gaussian, jpeg]"
    ),
    "rotation": numbers(lambda value: 0 <= value <= 180, "a number in [0, 180]"),
    "hue": numbers(lambda value: 0 <= value <= 0.5, "a number in [0, 0.5]"),
    **dict.fromkeys(("translation", "scale", "value", "saturation"), SHARE),
    **dict.fromkeys(("gaussian_blur", "motion_blur", "sharpening", "mirror"), SHARE),
}
GROUPS = "dataset", "model", "augment", "optimizer", "schedule", "trainer"  # a choice of each makes a training
TARGETS = (*(f"{name}._target_" for name in GROUPS), "dataset.load", "dataset.load._target_")
TRAIN = SHARED | {
    "seed": TRAINING_SEED,
    "ckpt": or_null(Limit(is_text, "last, or the path of a checkpoint")),
    "output": FOLDER,
    **{name: group(name) for name in GROUPS},
    **OWN,
    "model": Limit(lambda value: isinstance(value, Mapping) and "_target_" in value, f"{TRAINED}, which train trains"),
    "callbacks": group("callbacks"),
    **{key: CALLED if key == "dataset.load" else TEXT for key in TARGETS},
    "dataset.root": or_null(FOLDER),
    "dataset.batch_size": COUNT,
    "dataset.validation": numbers(lambda value: 0 <= value < 1, "a share of the training images, in [0, 1)"),
    "dataset.images": or_null(at_least(2)),
    "dataset.load.size": COUNT,
    "dataset.load.channels": Limit(lambda value: is_whole(value, 1) and value in (1, 3), "3 (RGB) or 1 (grey)"),
    "dataset.load.resize": one_of("squash", "crop"),
    "dataset.load.test_share": numbers(lambda value: 0 < value <= 1, "a number above 0 and at most 1"),
    "dataset.load.group": or_null(
        Limit(lambda value: is_text(value) and value != "", 'a text in file names, such as "_", or a column')
    ),
    "dataset.load.on_bad": one_of("refuse", "skip"),
    "dataset.load.path": Limit(is_text, "the path of a file"),
    "dataset.load.target": Limit(is_text, "package.module:function, such as mypkg.data:images"),
    "dataset.load.name": Limit(is_text, "a folder, or an id of the hub"),
    "dataset.load.download": SWITCH,
    **{f"dataset.load.{name}": or_null(TEXT) for name in ("subset", "image", "label", "train_split", "test_split")},
    "dataset.load.train": one_of("auto", "final", "small"),
    "model.slope": NUMBER,
    "model.dropout": SHARE,
    "model.pool": one_of("max", "caffe"),
    "optimizer.lr": NOT_NEGATIVE,
    "optimizer.momentum": NOT_NEGATIVE,
    "optimizer.weight_decay": NOT_NEGATIVE,
    "optimizer.nesterov": SWITCH,
    "optimizer.amsgrad": SWITCH,
    "schedule.warmup": FRACTION,
    "schedule.gamma": NOT_NEGATIVE,
    "schedule.power": NUMBER,
    "trainer.accelerator": TEXT,
    "trainer.devices": DEVICES,
    "trainer.num_nodes": COUNT,
    "trainer.precision": PRECISION,
    "trainer.max_epochs": COUNT,
    "trainer.gradient_clip_val": or_null(NOT_NEGATIVE),
    "trainer.deterministic": either(SWITCH, one_of("warn")),
    "trainer.log_every_n_steps": COUNT_OR_ZERO,
    "trainer.num_sanity_val_steps": at_least(-1),
    "trainer.use_distributed_sampler": SWITCH,
    **{
        f"{place}.{name}": kind
        for place in ("augment", "augment.jitter", "augment.noisy")
        for name, kind in AUGMENT.items()
    },
    **{
        f"callbacks.{name}": CALLBACK for name in ("seed", "checkpoint", "last", "progress", "summary", "learning_rate")
    },
    "callbacks.checkpoint.filename": one_of("best"),
    "callbacks.checkpoint.mode": one_of("max", "min"),
    "callbacks.checkpoint.monitor": or_null(one_of("val/accuracy", "val/loss")),
    "callbacks.last.filename": one_of("last"),
    "callbacks.progress.refresh_rate": COUNT_OR_ZERO,
    "callbacks.learning_rate.logging_interval": or_null(one_of("epoch", "step")),
}
REPRODUCE = {
    "experiment": group("experiment"),
    "size": group("size"),
    "attacks": NAMED_ATTACKS,
    "wandb": SWITCH,
    "threads": or_null(COUNT),
    "dataset": ASSESSMENT["dataset"],
    "dataset.root": or_null(FOLDER),
    "runs": FOLDER,
    "output": FOLDER,
}
DRAWS = SHARED | {name: ASSESSMENT[name] for name in ("dataset", "dataset.root", "output", "images", "seed")}
DRAWS |= {name: EVALUATE[name] for name in ("degradation", "degradation.name", "levels", "psnr")} | {"draws": COUNT}
PREDICTIONS = (
    SHARED
    | {name: ASSESSMENT[name] for name in ("compare", "report", "output", "slice", "trust")}
    | {
        "path": Limit(is_text, "a CSV file"),
        "draws": FOLDER,
        "name": or_null(TEXT),
        "confusion_level": EVALUATE["confusion_level"],
    }
)
KINDS = {
    "train": TRAIN | LOGGER,
    "evaluate": EVALUATE | LOGGER,
    "attack": ATTACK | LOGGER,
    "reproduce": REPRODUCE,
    "draws": DRAWS,
    "predictions": PREDICTIONS | LOGGER,
}

# what may be added on purpose: it is given to constructors, which say what they do not take
OPEN = {
    "train": (*GROUPS, "callbacks", "logger"),
    "evaluate": ("degradation", "dataset", "model", "optimizer", "trainer", "logger"),
    "attack": ("attack", "dataset", "model", "optimizer", "trainer", "logger"),
    "reproduce": ("experiment", "size"),
    "draws": ("degradation", "dataset", "model", "optimizer", "trainer"),
    "predictions": ("logger",),
}
OF_TRAIN = (  # those in groups that a training cannot be without
    *TARGETS,
    *(f"dataset.{name}" for name in ("root", "batch_size", "validation")),
    *(f"trainer.{name}" for name in ("precision", "max_epochs", "devices")),
    *(f"callbacks.{name}" for name in ("seed", "checkpoint", "last")),
)
NEEDED = {
    "train": {*OF_TRAIN, *(key for key in TRAIN if "." not in key)},
    "evaluate": set(EVALUATE) - {"of", *OWN},
    "attack": set(ATTACK) - {"of", *OWN},
    "reproduce": set(REPRODUCE),
    "draws": set(DRAWS),
    "predictions": set(PREDICTIONS),
}
