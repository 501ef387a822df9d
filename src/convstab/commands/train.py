"""Train one classifier, test it, and leave a run directory."""

import errno
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig
from pytorch_lightning.loggers import Logger
from torch import Tensor

from convstab.commands.app import plain, sweep_name
from convstab.commands.console import class_table, console
from convstab.commands.own import say_root
from convstab.commands.signals import GOES_ON, HEARD, KEPT_NOTHING, goes_on, hear_in_exchanges, listener, with_words
from convstab.commands.trial import check_parts, first_cause, is_own, values_of
from convstab.data.module import ImageData
from convstab.errors import InputError
from convstab.evaluation.cells import in_percent
from convstab.figures.files import of_training, save
from convstab.files import BEST, FIGURES, LAST, METRICS, alone, write_json
from convstab.loggers.results import log_training
from convstab.loggers.tracking import tracking
from convstab.models import Classifier, OwnClassifier
from convstab.models.own.load import names_of
from convstab.progress.bar import on_terminal
from convstab.runs import checkpoints, directory
from convstab.runs.display import TrainingLog
from convstab.runs.ending import OneEnd, end_started, lost_process_named
from convstab.runs.processes import is_first_process
from convstab.runs.provenance import augmentations_of, made_with
from convstab.sweeps.jobs import Outcome

FULL = errno.ENOSPC, errno.EDQUOT, errno.EFBIG  # the disk, or what the user may have of it


def main(config: DictConfig) -> Outcome:
    """Train what the configuration composes; the validation accuracy, for a search over configurations."""
    folder = Path(HydraConfig.get().runtime.output_dir)  # a job of a sweep has its own
    values = plain(config, output=str(folder))
    if values["skip_done"]:
        metrics = directory.finished_training(folder, values)
        if metrics is not None:
            print(f"finished before: {folder}")
            return Outcome(folder, score(metrics))
        if values["ckpt"] is None or (folder / LAST).exists():
            values["ckpt"] = "last"
    with alone(folder, "training") if is_first_process() else nullcontext(), full_disk_names(folder):
        goes_on(partial(how_to_go_on, folder, values["skip_done"]))
        return Outcome(folder, score(fit(values, folder)))


def how_to_go_on(folder: Path, skip_done: bool) -> str:
    """What a user is told whose training was stopped."""
    if not (folder / LAST).exists():
        return KEPT_NOTHING
    return GOES_ON if skip_done else with_words("ckpt=last", f"output={folder}")


@contextmanager
def full_disk_names(folder: Path) -> Iterator[None]:
    """Name the run where the disk is full, whatever file it was that did not fit."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise OSError(
                error.errno, f"{os.strerror(error.errno)}; what is finished stays valid", str(folder)
            ) from error
        raise


def check(values: Mapping[str, Any]) -> None:
    """Raise InputError for what no training can have, before there is a folder."""
    ckpt = values["ckpt"]
    if ckpt not in (None, "last") and not Path(ckpt).is_file():
        raise InputError(f"ckpt={ckpt} is not a file; it can be last or the path of a checkpoint")
    check_parts(values)
    if is_own(values["model"]):  # it may not fit the images, or not make logits of them
        make_classifier(values, data_of(values))
    elif "DegradedCopies" in augmentations_of(values["augment"]):  # a family may need colour
        data_of(values)


def fit(values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Train, test and report, in a folder that no other process works in; the metrics."""
    start = time.monotonic()
    checkpoint = directory.open_for_training(folder, values)
    pl.seed_everything(values["seed"], workers=True, verbose=False)  # initial weights; epochs have seeds of their own
    resume = checkpoint if values["ckpt"] == "last" else None  # with optimiser, schedule and epoch; else weights only

    with tracking(values, folder, "train", resume is not None, sweep_name()) as loggers:
        data = load_data(values)
        model = make_classifier(values, data)
        if is_first_process():
            say_how_normalised(model)
        if checkpoint is not None:
            checkpoints.load_weights(model, checkpoint)
        trainer = make_trainer(values, data, loggers)
        with lost_process_named(trainer, partial(how_to_go_on, folder, values["skip_done"])):
            trainer.fit(model, data, ckpt_path=resume, weights_only=True)
            trainer.test(model, data, ckpt_path=folder / BEST, weights_only=True, verbose=False)
        metrics = summary(trainer, model, data)
        metrics |= {"seconds": round(time.monotonic() - start, 1), "made_with": made_with(trainer.strategy.root_device)}
        if trainer.is_global_zero:  # the other processes have the same numbers
            write_json(folder / METRICS, metrics)
            for name, figure in of_training(metrics):
                save(figure, folder / FIGURES / name)
            log_training(loggers, folder, metrics)

    if trainer.is_global_zero:
        directory.finish(folder, "train")
        report(metrics, model.classes, folder)
    return metrics


def score(metrics: dict[str, Any]) -> float:
    """What a search over configurations goes by: the validation accuracy, where images were kept for it."""
    return float(metrics.get("val/accuracy", metrics["test/accuracy"]))


def load_data(values: Mapping[str, Any]) -> ImageData:
    """The data set, split and augmented as configured; what has no effect on it is said."""
    data = data_of(values)
    if is_first_process():
        say_what_has_no_effect(values["dataset"], data)
    return data


def data_of(values: Mapping[str, Any]) -> ImageData:
    """The data set, split and augmented as configured."""
    data: ImageData = instantiate(
        values["dataset"],
        seed=values["seed"],
        augment=instantiate(values["augment"], _convert_="all"),
        _convert_="all",
    )
    data.setup()
    return data


def say_what_has_no_effect(options: Mapping[str, Any], data: ImageData) -> None:
    """Print a line where a folder is given to a data set that reads none, or more images are asked for than it has."""
    images, batch, target = options["images"], options["batch_size"], options["load"]["_target_"]
    say_root(options["root"], target)
    count = len(data.images.train)
    if images is not None and images > count:
        print(f"dataset.images={images}: {target.split('.')[-2]} has {count} training images, and all are taken")
    if batch > len(data.train):
        print(f"dataset.batch_size={batch}: there are {len(data.train)} training images, and an epoch is one step")


def make_classifier(values: Mapping[str, Any], data: ImageData) -> Classifier:
    """The model, fitted to the data's image size, classes and statistics; plain values only in its hparams."""
    with values_of("model"), named(values["model"]):
        check_classes(values["model"].get("classes"), data.images.classes)
        model: Classifier = instantiate(
            values["model"],
            shape=list(data.shape),
            classes=list(data.images.classes),
            optimizer=instantiate(values["optimizer"]),
            schedule=instantiate(values["schedule"]),
            _convert_="all",
        )
    model.set_statistics(*data.statistics())
    return model


@contextmanager
def named(model: Mapping[str, Any]) -> Iterator[None]:
    """What is wrong with an own model is said with its kind."""
    try:
        yield
    except (InputError, InstantiationException) as error:
        if is_own(model) and isinstance(cause := first_cause(error), InputError):
            raise InputError(f"model={model['kind']}: {cause}") from error
        raise


def check_classes(said: Any, classes: Sequence[str]) -> None:
    """Raise InputError for names of an own model's classes that are not those of the images it is to learn."""
    if said is not None and names_of(said) != tuple(classes):
        raise InputError(f"model.classes is {said}; a training learns those of its images: {', '.join(classes)}")


def say_how_normalised(model: Classifier) -> None:
    """Print a line where an own model has no normalisation of its own."""
    if isinstance(model, OwnClassifier) and model.normalisation is None:
        mean, std = ([round(float(value), 4) for value in one.flatten()] for one in (model.mean, model.std))
        print(f"normalised as the training images are: mean={mean} std={std}; model.mean= and model.std= say others")


def make_trainer(values: Mapping[str, Any], data: ImageData, loggers: list[Logger]) -> pl.Trainer:
    """Lightning's Trainer with the configured callbacks."""
    callbacks = dict(values["callbacks"])
    if "checkpoint" in callbacks and not len(data.val):
        callbacks["checkpoint"] = {**callbacks["checkpoint"], "monitor": None}  # the last one is the best
    if not loggers:
        callbacks.pop("learning_rate", None)  # it refuses to work without a logger
    shown = [] if on_terminal() else [TrainingLog()]
    trainer: pl.Trainer = instantiate(
        values["trainer"],
        logger=loggers,
        callbacks=[*(instantiate(callback) for callback in callbacks.values()), *shown, OneEnd(HEARD, listener)],
        _convert_="all",
    )
    if trainer.world_size > 1 and trainer.strategy.launcher is not None and sweep_name():
        raise InputError(  # Lightning would start the whole multirun again
            f"trainer.devices={values['trainer']['devices']} starts processes of its own, which a multirun (-m) "
            "cannot: give one command for each job, or hydra/launcher=submitit_slurm"
        )
    if trainer.world_size > 1:
        hear_in_exchanges(partial(end_started, trainer, signal.SIGKILL))
    return trainer


def summary(trainer: pl.Trainer, model: Classifier, data: ImageData) -> dict[str, Any]:
    """All numbers of a training, by the names that the loggers use."""
    scores = model.test_scores.compute()
    images = data.images
    best = getattr(trainer.checkpoint_callback, "best_model_score", None)  # None: no images were kept for validation
    return {
        **({} if best is None else {"val/accuracy": best.item()}),
        **{f"test/{name}": number(value) for name, value in scores.items() if value.ndim == 0},
        "test/confusion": scores["confusion"].tolist(),
        "epochs": trainer.current_epoch,
        "images/train": len(data.train),
        "images/validation": len(data.val),
        "images/test": len(images.test),
        "images/test_for_each_unit": images.test.units.images_each(len(images.test)),
        "official": images.official,
    }


def number(value: Tensor) -> float | None:
    """A score as a plain number, None where it is not defined: JSON has no NaN."""
    return None if value.isnan() else value.item()


def report(metrics: dict[str, Any], classes: list[str], folder: Path) -> None:
    """Print the test result in the form of the paper's Table 1."""
    scores = {name.removeprefix("test/"): value for name, value in metrics.items()}
    screen = console()
    screen.print(class_table(scores, classes, f"{metrics['images/test']} test images", screen.width))
    accuracies = f"accuracy {in_percent(scores['accuracy'])}, balanced {in_percent(scores['balanced_accuracy'])}"
    epochs = f"{metrics['epochs']} epoch{'s' if metrics['epochs'] != 1 else ''}"
    print(f"{accuracies}, {epochs} in {metrics['seconds']:.0f} s: {folder}")
