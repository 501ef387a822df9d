"""A small report on results that were never made, with a class whose name is a script."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import OmegaConf
from torch import nn

from convstab.evaluation.examples import Examples, choose
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.result import StabilityResult
from convstab.evaluation.stability import stability
from convstab.report.content import ClassRow, Finding, Number, Report, ScoreTable
from convstab.report.results import Attacked, Evaluation, Evidence, Source, Training
from tests.support.attack_examples import example

EVIL = "<script>alert(1)</script>"
CLASSES = [EVIL, "stop & go", "yield", "no entry"]
SIGMAS = (0, 1, 20, 60)
SIDE = 16  # pixels, the size of the blocks of WebP: images do not mix
IMAGES: Mapping[str, int | str | None] = {"train": 200, "validation": 20, "test": 40}


def source(name: str, **more: Any) -> Source:
    """Where a result comes from."""
    values: dict[str, Any] = {"dataset": "gtsrb", "model": "Aghdam", "augment": "none", "noisy": False, "epochs": 3}
    values |= {"members": 1, "seeds": [0], "images": dict(IMAGES), "official": True}
    return Source(Path("/results") / name, **values | {"made_with": {"torch": "2.9", "device": "cpu"}} | more)


def result(images: int = 40) -> StabilityResult:
    """An evaluation of a model that looks at one pixel, whose brightness tells the classes apart."""
    torch.manual_seed(0)
    labels = torch.arange(images) % 4
    pixels = (labels.view(-1, 1, 1, 1) * 60 + torch.randint(0, 40, (images, 3, SIDE, SIDE))).to(torch.uint8)
    line = nn.Linear(3 * SIDE**2, 4)
    centres = (torch.arange(4) * 60 + 20) / 255
    with torch.no_grad():
        line.weight.zero_()[:, 0] = 80 * centres  # 40 times minus the squared distance, but for what all have
        line.bias.copy_(-40 * centres**2)
    model = nn.Sequential(nn.Flatten(), line)
    protocol = Protocol(SIGMAS, draws=10)
    counts = stability(model, pixels, labels, torch.arange(images), 4, protocol)
    return StabilityResult(CLASSES, protocol, counts.rows, counts.totals)


def examples(of: StabilityResult) -> Examples:
    """Images whose green tells their row in the mosaic; the copies under each sigma are red besides."""
    index = np.sort(choose(of.rates, of.labels))
    clean = np.zeros((len(index), 3, SIDE, SIDE), np.uint8)
    clean[:, 1] = 6 * np.arange(len(index), dtype=np.uint8)[:, None, None]
    noisy = np.repeat(clean[:, None], len(SIGMAS) - 1, axis=1)
    noisy[:, :, 0] = 255
    return Examples(index, of.levels[1:], clean, noisy)


def evaluation(name: str = "evaluation", **more: Any) -> Evaluation:
    """A finished evaluation."""
    of = result()
    summary = {"protocol": {"seed": 0, "clip": True, "rounding": True}, "seconds": 12.5}
    return Evaluation(source(name, **more), summary, of, examples(of))


def attacked(name: str = "attack", l2: tuple[float | None, ...] = (2, 3, 9, 4, None)) -> Attacked:
    """A finished attack."""
    of = example(l2, channels=3, classes=CLASSES)
    return Attacked(source(name), OmegaConf.create(), dict(of.summary), of)


def training() -> Training:
    """A finished training."""
    return Training(source("training"), OmegaConf.create(), {"seconds": 70.0}, CLASSES, np.eye(4, dtype=np.int64) * 10)


def evidence() -> Evidence:
    """One result of each kind."""
    return Evidence([training()], [evaluation()], [attacked()], ["half is half-finished and not used: 1 of 2 parts"])


def scores(key: str = "table-2", paper: str | None = "Table 2") -> ScoreTable:
    """A table of four classes whose recalls are not in the order of the classes."""
    recalls = [(0.75, 0.5), (0.2, 0.4), (0.9, 0.9), (0.1, 0.3)]
    rows = [
        ClassRow(
            name,
            10,
            Number(0.5, paper=0.6 if paper else None),
            Number(ours, ours - 0.1, ours + 0.1, printed if paper else None),
        )
        for name, (ours, printed) in zip(CLASSES, recalls, strict=True)
    ]
    overall = {"accuracy": Number(0.9323, 0.92, 0.94, 0.9515 if paper else None), "balanced accuracy": Number(0.9)}
    of = source("evaluation")
    title = f"{paper or 'Not there'}: models under noise"
    return ScoreTable(key, title, paper, of, "40 images", rows, overall, [f"remark {EVIL}"], decimals=2)


def report(**more: Any) -> Report:
    """All of it."""
    plain = scores("other", None)
    plain.rows[1] = replace(plain.rows[1], recall=Number(float("nan")))
    claim = Finding(
        f"Models fail {EVIL}", "Section 4", "mixed", "It fails at 7.25 %.", "The first sentence.\nThe second one."
    )
    remarks, contradictions = ["half is half-finished and not used"], [f"The paper says {EVIL} and not"]
    whole = Report(f"Stability {EVIL}", evidence(), [scores(), plain], [claim], remarks, contradictions)
    return replace(whole, **more)
