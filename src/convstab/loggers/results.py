"""What the loggers are given of a result: numbers, tables and the figures in its folder."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from convstab.attacks.result import AttackResult
from convstab.evaluation import tables
from convstab.evaluation.result import StabilityResult
from convstab.files import FIGURES
from convstab.images import GREY_LEVELS
from convstab.loggers.lineage import model_of, result_of
from convstab.loggers.tracker import (
    Tracker,
    log_artifact,
    log_figures,
    log_numbers,
    log_table,
    summarise,
)
from convstab.runs.directory import classes_of
from convstab.statistics.intervals import Floats

if TYPE_CHECKING:
    from pytorch_lightning.loggers import Logger

HEADLINES = ("val/accuracy", "test/accuracy", "test/balanced_accuracy", "epochs", "images/train", "seconds")
SHOWN_LEVELS = 5  # of the accuracies in the summary; the curve has them all
SAMPLES = 30  # rows of the table of images of an attack
SAMPLE_COLUMNS = ("index", "label", "predicted", "L2", "PSNR", "clean", "noisy")


def log_training(loggers: Sequence["Logger"], folder: Path, metrics: Mapping[str, Any]) -> None:
    """The figures of a training, the table of its classes, its numbers and its best checkpoint."""
    log_figures(loggers, folder / FIGURES)
    classes, images = classes_of(metrics), np.array(metrics["test/confusion"]).sum(1).tolist()
    scores = ([metrics[f"test/{kind}/{name}"] for name in classes] for kind in ("precision", "recall"))
    log_table(
        loggers,
        "test/classes",
        ["class", "precision", "recall", "images"],
        list(zip(classes, *scores, images, strict=True)),
    )
    summarise(loggers, {name: value for name, value in metrics.items() if name in HEADLINES})
    log_artifact(loggers, model_of(folder, metrics))


def log_evaluation(loggers: Sequence["Logger"], folder: Path, result: StabilityResult) -> None:
    """The figures of an evaluation, its rates under each level, its classes, and its rates over all levels."""
    log_figures(loggers, folder / FIGURES)
    curves, levels = curves_of(result), result.levels.tolist()
    points = [(place, level) for place, level in enumerate(levels) if math.isfinite(level)]  # an axis ends somewhere
    for logger in loggers:
        for step, (place, level) in zip(steps_of(logger, [level for _, level in points]), points, strict=True):
            metrics = {f"degraded/{name}": float(curve[place]) for name, curve in curves.items()}
            logger.log_metrics({"level": level} | metrics, step=step)
    columns = ["level", "class", "precision", "recall", "draws"]
    log_table(loggers, "degraded/classes", columns, list(tables.class_rows(result)))
    accuracy = {f"accuracy/{called(levels[place])}": result.accuracy.value[place].item() for place in some(levels)}
    summarise(loggers, tables.summary(result) | accuracy)
    log_artifact(loggers, result_of(folder, "evaluate"))


def steps_of(logger: "Logger", levels: Sequence[float]) -> list[int]:
    """The steps of the levels: their places, or the levels themselves where a tool has no other axis, and they fit."""
    if isinstance(logger, Tracker) and logger.by_level and all(level >= 0 and level % 1 == 0 for level in levels):
        return [int(level) for level in levels]
    return list(range(len(levels)))


def called(level: float) -> str:
    """A level in the name of a number; that of clean images is infinite for some families, as JPEG's quality."""
    return f"level_{level:g}" if math.isfinite(level) else "clean"


def some(levels: Sequence[float]) -> list[int]:
    """The places of at most five levels, evenly spaced, with the first and the last."""
    return sorted({round(place) for place in np.linspace(0, len(levels) - 1, SHOWN_LEVELS).tolist()})


def curves_of(result: StabilityResult) -> dict[str, Floats]:
    """What is drawn against the level; top-5 accuracy where it is counted."""
    top5 = result.top5
    return {
        "accuracy": result.accuracy.value,
        "balanced_accuracy": result.balanced_accuracy.value,
        "flip_rate": result.flip_rate.value,
        "flip_probability": result.flip_probability.value,
        **({} if top5 is None else {"top5": top5.value}),
        "ece": result.ece,
        "brier": result.brier.value,
        "nll": result.nll,
        "aurc": result.aurc,
    }


def log_attack(loggers: Sequence["Logger"], folder: Path, result: AttackResult) -> None:
    """The numbers of an attack, its figures, and a table of successes with their images."""
    log_numbers(loggers, "attack", {name: result.summary[name] for name in result.summary if name != "clean_errors"})
    log_figures(loggers, folder / FIGURES)
    log_table(loggers, "attack/samples", SAMPLE_COLUMNS, [sample(result, row) for row in result.spread(SAMPLES)])
    log_artifact(loggers, result_of(folder, "attack"))


def sample(result: AttackResult, row: int) -> list[Any]:
    """What ``SAMPLE_COLUMNS`` names, of one image; images are (H, W, C) in [0, 1]."""
    index, label, predicted, l2, psnr = (
        result.rows[name][row].item() for name in ("index", "label", "predicted", "l2", "psnr")
    )
    clean = result.pixels[row].transpose(1, 2, 0).astype(np.float32)
    noisy = clean + result.noise[row].transpose(1, 2, 0)
    classes = result.classes
    return [str(index), classes[label], classes[predicted], l2, psnr, clean / GREY_LEVELS, noisy / GREY_LEVELS]
