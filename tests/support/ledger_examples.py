"""An evaluation of a linear model and attacks on it, as a report takes them."""

from dataclasses import replace
from functools import cache
from typing import Any

from omegaconf import OmegaConf

import convstab as cs
from convstab.attacks.result import AttackResult
from convstab.report.content import Report
from convstab.report.ledgers import ledgers
from convstab.report.results import Attacked, Evaluation, Evidence
from tests.support.half_spaces import half_space, images_around
from tests.support.page_examples import EVIL, source

LEVELS = [0, 5, 20, 60]
COUNT = 40
NAMES = ("evaluation",)


@cache
def images() -> cs.Images:
    """Images that a half-space of 192 pixels tells apart, but for every tenth label; a class has a bad name."""
    pixels, labels = images_around(half_space(192, seed=0), COUNT, reach=38, seed=2)
    labels[::10] = 1 - labels[::10]
    return cs.Images(pixels, labels, classes=("one", EVIL))


@cache
def result() -> cs.StabilityResult:
    """40 draws of each image and level."""
    return cs.evaluate(half_space(192, seed=0), images(), levels=LEVELS, draws=40)


@cache
def found(attack: str, first: int = 0, count: int = COUNT, **settings: Any) -> AttackResult:
    """The least perturbations of some of the images."""
    some = slice(first, first + count)
    part = replace(images(), pixels=images().pixels[some], labels=images().labels[some], ids=images().ids[some])
    return cs.attack(half_space(192, seed=0), part, attack, **settings)


def evaluation(run: str = "m", **more: Any) -> Evaluation:
    """A finished evaluation of the model."""
    return Evaluation(source("evaluation", **more), {"run": run, "training": {}}, result(), None)


def attacked(attack: str = "ddn", run: str = "m", **more: Any) -> Attacked:
    """A finished attack on the model."""
    of = found(attack, **more)
    summary = {"run": run, "training": {}, "attacked": len(of.rows["index"]), "images": len(of.rows["index"])}
    return Attacked(source(f"{attack}-{run}"), OmegaConf.create(), summary, of)


def evidence(*attacks: Attacked) -> Evidence:
    """The evaluation, and attacks."""
    return Evidence([], [evaluation()], list(attacks), [])


def report(*attacks: Attacked) -> Report:
    """A report on the evaluation, with its ledger."""
    every = evidence(*attacks)
    return Report("Stability", every, [], [], [], ledgers=ledgers(every, list(NAMES))[0])
