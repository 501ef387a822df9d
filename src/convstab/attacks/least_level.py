"""The least level of a degradation at which the classifier fails: nature where the other attacks are adversaries."""

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from torch import nn

from convstab.attacks.attack import Attack, Task, joined
from convstab.attacks.query_counter import CERTAIN
from convstab.attacks.verification import TOGETHER, Found, as_input, classify
from convstab.degradations.by_name import NAMES, degradation
from convstab.degradations.degradation import Degradation
from convstab.degradations.draws.same_draws import SameDraws, within
from convstab.forward.margins import margin
from convstab.images import quantise_
from convstab.validation import Count, CountOrZero, Limit

Tries = Generator[float, bool, None]  # a level; whether the classifier fails there


def is_family(value: Any) -> bool:
    """Whether a value names a family of degradations, with settings or without."""
    name = value.get("name") if isinstance(value, Mapping) else value
    return isinstance(name, str) and name in NAMES


Family = Annotated[
    str | Mapping[str, Any],
    Limit(is_family, f"one of {', '.join(sorted(NAMES))}, or {{name: motion_blur, angle: 0}}"),
]


@dataclass(frozen=True)
class LeastLevel(Attack):
    """Raises the level of a degradation until one of several draws makes the classifier fail, then bisects it.

    The levels of the family's grid are tried from the mildest on, and beyond the worst one twice as far, four times ...
    At the level that is found, the column ``level``, a draw fails; at no milder level that was tried does any. Copies
    are clipped and rounded to 8 bit. The random numbers of a draw are the same at all levels.

    degradation: the name of a family, or a mapping with its settings.
    draws: of each image at each level; one where all would be the same.
    doublings: of the worst level of the grid, at most. bisections: between a level that fails and the one before.
    """

    columns: ClassVar[tuple[str, ...]] = ("level",)

    degradation: Family = "gaussian"
    draws: Count = 10
    doublings: CountOrZero = 4
    bisections: CountOrZero = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        degradation(self.degradation)

    @property
    def called(self) -> str:
        """What results call it: with its family, of which each is another experiment."""
        return f"{super().called}_{degradation(self.degradation).name}"

    def check_shape(self, shape: tuple[int, int, int]) -> None:
        """Raise InputError for images that the family cannot degrade."""
        degradation(self.degradation).check_shape(shape)

    def search(self, classifier: nn.Module, task: Task) -> Found:
        """Search the level of each image, as many at a time as fill a forward pass."""
        family = degradation(self.degradation)
        draws = self.draws if family.random else 1
        each = max(1, TOGETHER // draws)
        parts = [task.part(slice(first, first + each)) for first in range(0, len(task), each)]
        return joined([Searching(self, family, draws, part).run(classifier) for part in parts])

    def tries(self, family: Degradation) -> Tries:
        """The levels to try for one image, each after the answer to the one before."""
        worst = family.check(family.grid)[-1]
        mild, low = family.neutral, 0.0  # levels, and how far they are on the way to the worst of the grid
        for high, bad in self.scan(family, worst):
            if bad != mild and (yield bad):
                break
            mild, low = bad, high
        else:
            return
        for _ in range(self.bisections):
            strength = (low + high) / 2
            level = within(family, family.between(worst, strength))
            if level == bad or (level != mild and (yield level)):
                bad, high = level, strength
            else:
                mild, low = level, strength

    def scan(self, family: Degradation, worst: float) -> list[tuple[float, float]]:
        """The levels of the grid, and beyond it, each behind how far it is on the way to the worst of the grid."""
        grid = [(family.severity(level) / family.severity(worst), level) for level in family.check(family.grid)]
        beyond = [2.0**power for power in range(1, self.doublings + 1)]
        return grid + [(strength, within(family, family.between(worst, strength))) for strength in beyond]


class Searching:
    """The searches for a few images, whose copies share the forward passes; the result of one depends on no other."""

    def __init__(self, attack: LeastLevel, family: Degradation, draws: int, task: Task) -> None:
        self.task, count = task, len(task)
        self.draws = SameDraws(family, task.pixels, task.index, task.seed, draws, "!")
        self.tries = [attack.tries(family) for _ in range(count)]
        self.levels, self.ended = np.full(count, np.nan), ["steps"] * count
        self.queries = np.zeros(count, np.int64)
        self.best, self.margins = task.pixels.float(), np.full(count, np.inf)

    def run(self, classifier: nn.Module) -> Found:
        """Search until each image has come to its end."""
        started = time.perf_counter()
        waiting = {image: level for image in range(len(self.task)) if (level := self.next(image)) is not None}
        while waiting:
            failed = self.try_levels(classifier, waiting)
            found = {image: self.next(image, failed[place]) for place, image in enumerate(waiting)}
            waiting = {image: level for image, level in found.items() if level is not None}
        self.task.progress(len(self.task))
        queries, levels = torch.from_numpy(self.queries), torch.from_numpy(self.levels)
        seconds = torch.full_like(levels, (time.perf_counter() - started) / len(self.task))
        none, noise = torch.zeros_like(queries), self.best - self.task.pixels
        return Found(noise, queries, none, none, seconds, self.ended, columns={"level": levels})

    def next(self, image: int, failed: bool | None = None) -> float | None:
        """The next level to try for an image, after the answer to the last one; None: its search has ended."""
        try:
            level = self.tries[image].send(failed)  # type: ignore[arg-type]  # None starts it
        except StopIteration:
            return None
        limit = self.task.max_queries
        if limit is not None and self.queries[image] + self.draws.draws > limit:
            self.ended[image] = "queries"
            return None
        return level

    def try_levels(self, classifier: nn.Module, waiting: Mapping[int, float]) -> list[bool]:
        """Whether a draw of each image fails at its level; what fails is kept, or else the best try."""
        images = list(waiting)
        copies = quantise_(self.draws.at(list(waiting.values()), images))
        labels = self.task.labels[images].repeat_interleave(self.draws.draws)
        margins = margin(classify(classifier, as_input(copies.clone())), labels).view(len(images), -1)
        self.queries[images] += self.draws.draws
        lowest, draw = margins.min(1)
        nearest = copies.unflatten(0, margins.shape)[torch.arange(len(images)), draw]
        failed = (lowest < -CERTAIN).tolist()
        for place, image in enumerate(images):
            if failed[place]:
                self.levels[image] = waiting[image]
            if failed[place] or (lowest[place] < self.margins[image] and np.isnan(self.levels[image])):
                self.best[image], self.margins[image] = nearest[place], lowest[place].item()
        return failed
