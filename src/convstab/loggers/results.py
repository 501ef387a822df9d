"""What the loggers are given of a result: numbers, tables and the figures in its folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pytorch_lightning.loggers import Logger

from convstab.attacks.result import AttackResult
from convstab.evaluation import tables
from convstab.evaluation.result import StabilityResult
from convstab.files import BEST, FIGURES
from convstab.images import GREY_LEVELS
from convstab.loggers.wandb import (
    log_checkpoint,
    log_figures,
    log_images_table,
    log_numbers,
    log_table,
    summarise,
)
from convstab.runs.directory import classes_of
from convstab.statistics.intervals import Floats

SAMPLES = 30  # rows of the table of images of an attack
SAMPLE_COLUMNS = ("index", "label", "predicted", "L2", "PSNR", "clean", "noisy")


def log_training(loggers: Sequence[Logger], folder: Path, metrics: Mapping[str, Any]) -> None:
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
    summarise(loggers, metrics)
    log_checkpoint(loggers, folder / BEST, {name: metrics[name] for name in metrics if name.count("/") < 2})


def log_evaluation(loggers: Sequence[Logger], folder: Path, result: StabilityResult) -> None:
    """The figures of an evaluation, its rates under each level, its classes, and its rates over all levels."""
    log_figures(loggers, folder / FIGURES)
    curves = curves_of(result)
    for logger in loggers:
        for step, level in enumerate(result.levels.tolist()):
            metrics = {f"degraded/{name}": float(curve[step]) for name, curve in curves.items()}
            logger.log_metrics({"level": level} | metrics, step=step)
    columns = ["level", "class", "precision", "recall", "draws"]
    log_table(loggers, "degraded/classes", columns, list(tables.class_rows(result)))
    levels = zip(result.levels.tolist(), result.accuracy.value.tolist(), strict=True)
    summarise(loggers, tables.summary(result) | {f"accuracy/level_{level:g}": value for level, value in levels})


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


def log_attack(loggers: Sequence[Logger], folder: Path, result: AttackResult) -> None:
    """The numbers of an attack, its figures, and a table of successes with their images."""
    log_numbers(loggers, "attack", result.summary)
    log_figures(loggers, folder / FIGURES)
    log_images_table(loggers, "attack/samples", SAMPLE_COLUMNS, [sample(result, row) for row in result.spread(SAMPLES)])


def sample(result: AttackResult, row: int) -> list[Any]:
    """What ``SAMPLE_COLUMNS`` names, of one image; images are (H, W, C) in [0, 1]."""
    index, label, predicted, l2, psnr = (
        result.rows[name][row].item() for name in ("index", "label", "predicted", "l2", "psnr")
    )
    clean = result.pixels[row].transpose(1, 2, 0).astype(np.float32)
    noisy = clean + result.noise[row].transpose(1, 2, 0)
    classes = result.classes
    return [str(index), classes[label], classes[predicted], l2, psnr, clean / GREY_LEVELS, noisy / GREY_LEVELS]
