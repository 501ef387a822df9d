"""Evidence that was never measured, with rates and norms that a test can choose."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import OmegaConf

from convstab.degradations.gaussian import PAPER_SIGMAS
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.result import StabilityResult
from convstab.paper.measured import Measured
from convstab.paper.tables import tables
from convstab.report.content import Finding, ScoreTable
from convstab.report.results import Attacked, Evaluation, Evidence, Source, Training
from tests.support.attack_examples import example
from tests.support.made_up_counts import columns_of, totals_of

SIGMAS = (0.0, *PAPER_SIGMAS)
IMAGES = {
    "mnist": (60_000, 10_000),
    "cifar10": (50_000, 10_000),
    "gtsrb": (39_209, 12_630),
    "digits": (1_437, 360),
    "photos": (90, 10),
}
SURE, MANY = 4000, 10_000  # images: enough for the intervals of the tests of claims
FIVE: dict[str, Any] = {"members": 5, "seeds": [0, 1, 2, 3, 4]}
MODELS = {"mnist": "LeNet", "cifar10": "CifarQuick", "gtsrb": "Aghdam", "digits": "LeNet", "photos": "timm"}


def source(dataset: str = "mnist", **more: Any) -> Source:
    """A source that differs from the paper's in nothing but what is given."""
    train, test = IMAGES[dataset]
    values: dict[str, Any] = {
        "folder": Path(f"runs/{dataset}"),
        "model": MODELS[dataset],
        "augment": "Jitter" if dataset == "gtsrb" else "none",
        "noisy": False,
        "members": 1,
        "seeds": [0],
        "epochs": 10,
        "images": {"train": train, "validation": 0, "test": test},
        "official": True,
        "made_with": {"python": "3.12"},
    }
    return Source(dataset=dataset, **(values | more))


def training(
    confusion: Any, dataset: str = "mnist", names: Sequence[str] | None = None, config: Any = None, **more: Any
) -> Training:
    """A training with this confusion on the clean test set; config: its settings."""
    classes = list(names or map(str, range(len(confusion))))
    return Training(source(dataset, **more), OmegaConf.create(config or {}), {}, classes, np.array(confusion))


def evaluation(
    rates: Any,
    dataset: str = "mnist",
    levels: Sequence[float] = SIGMAS,
    classes: int = 10,
    draws: int = 150,
    labels: Any = None,
    index: Any = None,
    protocol: dict[str, Any] | None = None,
    **more: Any,
) -> Evaluation:
    """An evaluation in which each image has this share of correct draws under each sigma, (n, levels).

    A misclassified draw is taken for the class after the label. index: places in the test set.
    """
    rates, tried = np.asarray(rates, float), np.asarray(levels, float)
    images = len(rates)
    labels = np.arange(images) % classes if labels is None else np.asarray(labels)
    per_level = np.where(tried == 0, 1, draws)
    correct = np.rint(rates * per_level).astype(int)
    confusion = np.zeros((len(tried), classes, classes), np.int64)
    for image, label in enumerate(labels):
        confusion[:, label, label] += correct[image]
        confusion[:, label, (label + 1) % classes] += per_level - correct[image]
    rows: dict[str, Any] = {
        "index": np.repeat(np.arange(images) if index is None else np.asarray(index), len(tried)),
        "label": np.repeat(labels, len(tried)),
        "level": np.tile(tried, images),
        "draws": np.tile(per_level, images),
        "near_ties": np.zeros(images * len(per_level), int),
        "correct": correct.ravel(),
        "identical": np.tile(np.where(tried == 0, 1, 0), images),
        "psnr_mean": np.tile(np.where(tried == 0, np.inf, 48.13 - 20 * np.log10(np.maximum(tried, 1))), images),
    }
    rows |= columns_of(rows["correct"], rows["draws"])
    names = [f"class {label}" for label in range(classes)]
    result = StabilityResult(names, Protocol(tuple(tried), draws), rows, totals_of(confusion))
    summary = {"protocol": {"clip": True, "rounding": True} if protocol is None else protocol}
    return Evaluation(source(dataset, **more), summary, result, None)


def failing(images: int, shares: Sequence[float]) -> Any:
    """Rates of images of which these shares fail under each sigma, in all draws: images fail in the same order."""
    return (np.arange(images)[:, None] >= np.rint(np.array(shares) * images)).astype(float)


def under_noise(clean: float, noisy: float | Sequence[float], images: int = SURE) -> Any:
    """Rates of images of which these shares fail without noise and under each of the paper's levels."""
    return failing(images, [clean, *([noisy] * 12 if isinstance(noisy, float) else noisy)])


def interval(low: float, high: float) -> Measured:
    """A number of which the interval is all that counts."""
    return Measured((low + high) / 2, low, high, MANY)


def l2_of(psnr: float) -> float:
    """The norm of 48 pixels in [0, 1] that has a PSNR in dB."""
    return float((48 * 10 ** (-psnr / 10)) ** 0.5)


def attacked(
    l2: Sequence[float | None],
    dataset: str = "mnist",
    attack: str = "DDN",
    config: Any = None,
    ended: Any = "steps",
    **more: Any,
) -> Attacked:
    """An attack that needed these L2 norms; None: it failed. Images of 48 pixels.

    ended: one word, or one for each image, see ``attacks.result.Found``.
    """
    result = example(l2, attack=attack, ended=ended)
    options = OmegaConf.create({"max_queries": 1000, "attack": {"steps": 500}} if config is None else config)
    return Attacked(source(dataset, **more), options, dict(result.summary), result)


def evidence(*results: Training | Evaluation | Attacked, remarks: Sequence[str] = ()) -> Evidence:
    """These results together."""
    return Evidence(
        [one for one in results if isinstance(one, Training)],
        [one for one in results if isinstance(one, Evaluation)],
        [one for one in results if isinstance(one, Attacked)],
        list(remarks),
    )


def claim(function: Callable[[Evidence], Finding], *results: Any) -> Finding:
    """What a claim's function finds in these results."""
    return function(evidence(*results))


def confusion(classes: int = 10, images: int = 100, misclassified: int = 5) -> Any:
    """So many images of each class, so many of them taken for the next class."""
    one = np.eye(classes, dtype=int)
    return (images - misclassified) * one + misclassified * np.roll(one, 1, axis=1)


def noisy(images: int = 100, levels: int = 13, fail: float = 0.2) -> Any:
    """Rates of images of which a share is misclassified under all noise, and none without."""
    return failing(images, [0.0] + [fail] * (levels - 1))


def only(*results: Any) -> ScoreTable:
    """The one table of these results."""
    (scores,) = tables(evidence(*results))
    return scores
