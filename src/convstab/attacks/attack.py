"""The one interface of every attack: images -> the least noise that was found for each, verified."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from convstab.attacks.query_counter import OutOfQueries, QueryCounter
from convstab.attacks.verification import Columns, Found, Result, as_input, classify, verify
from convstab.errors import InputError
from convstab.generators.streams import image_key
from convstab.images import GREY_LEVELS, quantise_
from convstab.precision import true_float32
from convstab.validation import check_limits

NOTHING = "there is nothing to attack: no image is classified correctly without noise"
IN_A_BATCH = ("noise", "queries", "gradients", "generations", "seconds")  # fields of Found that are tensors
Progress = Callable[[int], object]


@dataclass(frozen=True)
class Task:
    """The images that an attack works on, all correct when clean.

    pixels: uint8 (n, C, H, W). labels: int64 (n,), in [0, K). index: of the images in the test set, n integers.
    clean: logits (n, K) of the clean images. seed: 64 bits; with an image's index it names all its random numbers.
    max_queries: images that may be classified for each; None: any number.
    progress: is given the number of images just finished.
    """

    pixels: Tensor
    labels: Tensor
    index: list[int]
    clean: Tensor
    seed: int
    max_queries: int | None
    progress: Progress

    def __len__(self) -> int:
        return len(self.index)

    def part(self, rows: slice) -> "Task":
        """Some of the images."""
        return replace(
            self, pixels=self.pixels[rows], labels=self.labels[rows], index=self.index[rows], clean=self.clean[rows]
        )


class Attack(ABC):
    """Searches the least noise that makes a classifier fail.

    A subclass is a frozen dataclass of what can be set, with its limits (an InputError when a value lies outside), and
    says only how it searches.
    """

    needs_gradients: ClassVar[bool] = False
    default_queries: ClassVar[int | None] = 50_000  # for each image; None: to its own end
    columns: ClassVar[tuple[str, ...]] = ()  # that its table has besides: numbers, NaN where there is none

    def __post_init__(self) -> None:
        check_limits(self)

    @property
    def called(self) -> str:
        """What results call it."""
        return type(self).__name__

    def check_shape(self, shape: tuple[int, int, int]) -> None:  # noqa: B027
        """Raise InputError for images, (C, H, W), that the attack cannot change."""

    @true_float32()
    def __call__(
        self,
        classifier: nn.Module,
        pixels: Tensor,
        labels: Tensor,
        index: Tensor,
        seed: int = 0,
        max_queries: int | None = 50_000,
        progress: Progress = lambda _: None,
        allow_nothing: bool = False,
    ) -> Result:
        """Attack images; the result of each does not depend on which others are attacked with it.

        classifier: images in [0, 1], float (N, C, H, W), channels last -> logits (N, K), on the device of ``pixels``;
            it is put into evaluation mode and its weights into channels last.
        pixels: uint8 (n, C, H, W). labels: int64 (n,), in [0, K). index: int64 (n,), of the images in the test set.
        max_queries: images that may be classified for each, without those of the verification; None: as many as the
            attack takes to its own end.
        progress: is given the number of images just finished.
        allow_nothing: list the images even when none is classified correctly.
        Raises InputError when no image is classified correctly (unless allowed), when logits are not finite, when the
        attack needs gradients that the classifier does not have, or when max_queries is below 1.
        """
        if max_queries is not None and max_queries < 1:
            raise InputError(f"max_queries is {max_queries}; it must be at least 1, or null for no limit")
        if self.needs_gradients and not getattr(classifier, "differentiable", True):
            name = type(self).__name__
            raise InputError(f"{name} needs gradients, and votes have none; choose another rule or another attack")
        classifier.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        clean = classify(classifier, as_input(pixels.float()))
        correct = (clean.argmax(1) == labels).nonzero()[:, 0]
        progress(len(pixels) - len(correct))
        if len(correct) == 0:
            if not allow_nothing:
                raise InputError(NOTHING)
            return tabulate(classifier, pixels, labels, index, clean, correct, nothing(pixels[correct], self.columns))
        chosen = index.to(correct.device)[correct].tolist()
        task = Task(pixels[correct], labels[correct], chosen, clean[correct], seed, max_queries, progress)
        return tabulate(classifier, pixels, labels, index, clean, correct, self.search(classifier, task))

    @abstractmethod
    def search(self, classifier: nn.Module, task: Task) -> Found:
        """The least noise for every image of the task, or the best try."""


def nothing(pixels: Tensor, columns: Sequence[str]) -> Found:
    """What is found for no images, (0, C, H, W)."""
    none = torch.zeros(0, dtype=torch.int64)
    return Found(pixels.float(), none, none, none, none.double(), [], columns=dict.fromkeys(columns, none.double()))


def joined(parts: Sequence[Found]) -> Found:
    """What was found for several lots of images, without the history of generations."""
    noise, queries, gradients, generations, seconds = (
        torch.cat([getattr(part, name) for part in parts]) for name in IN_A_BATCH
    )
    ended = [word for part in parts for word in part.ended]
    columns = {name: torch.cat([part.columns[name] for part in parts]) for name in parts[0].columns}
    return Found(noise, queries, gradients, generations, seconds, ended, columns=columns)


def tabulate(
    classifier: nn.Module,
    pixels: Tensor,
    labels: Tensor,
    index: Tensor,
    clean: Tensor,
    correct: Tensor,
    found: Found,
) -> Result:
    """Verify what was found for the images ``correct`` and list all images, in the order they were given."""
    grey_levels = torch.zeros(pixels.shape, device=pixels.device)
    grey_levels[correct] = noisy_to_noise(pixels[correct], found.noise)
    attacked = np.zeros(len(pixels), bool)
    attacked[correct.cpu().numpy()] = True
    rows: Columns = {
        "index": index.cpu().numpy(),
        "label": labels.cpu().numpy(),
        "clean_predicted": clean.argmax(1).cpu().numpy(),
        "clean_score": clean.softmax(1).amax(1).cpu().numpy(),
        "attacked": attacked,
        **verify(classifier, pixels, labels, grey_levels),
    }
    for name in ("success", "success_rounded"):
        rows[name] = rows[name] & attacked
    for name in ("queries", "gradients", "generations", "seconds"):
        values = getattr(found, name).cpu().numpy()
        rows[name] = np.zeros(len(pixels), values.dtype)
        rows[name][attacked] = values
    for name, column in found.columns.items():
        rows[name] = np.full(len(pixels), np.nan)
        rows[name][attacked] = column.cpu().numpy()
    rows["ended"] = np.full(len(pixels), "", object)
    rows["ended"][attacked] = found.ended
    history = dict(found.history)
    if history:
        history = {"index": rows["index"][attacked][history.pop("row")], **history}
    return Result(rows, grey_levels.cpu().numpy(), history)


def noisy_to_noise(pixels: Tensor, grey_levels: Tensor) -> Tensor:
    """The noise that is left when the noisy image is clipped to the box, float32, in grey levels."""
    return quantise_(pixels + grey_levels, rounding=False) - pixels


class BatchedAttack(Attack):
    """An attack whose images are taken a few at a time, each batch of the same size and with its own random state.

    ``batch`` images share a batch, which is filled up with copies of its own, so that no bit of a result depends on
    the neighbours.
    """

    batch: ClassVar[int] = 1

    def search(self, classifier: nn.Module, task: Task) -> Found:
        """Attack batch after batch; what the model saw last is the result, however the attack ended."""
        parts = []
        for start in range(0, len(task), self.batch):
            part = task.part(slice(start, start + self.batch))
            parts.append(self.search_batch(classifier, part))
            task.progress(len(part))
        return joined(parts)

    def search_batch(self, classifier: nn.Module, task: Task) -> Found:
        """What is found for at most ``batch`` images."""
        started, count = time.perf_counter(), len(task)
        filled = torch.arange(self.batch) % count if count < self.batch else torch.arange(count)
        filled = filled.to(task.pixels.device)
        clean, labels = as_input(task.pixels[filled].float()), task.labels[filled]
        model = QueryCounter(classifier, clean, labels, task.max_queries)
        devices = [clean.device] if clean.device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(image_key(task.seed, task.index[0] if self.batch == 1 else -1) % 2**63)
            ended = self.run_to_its_end(model, clean, labels)
        found = model.best[:count] * GREY_LEVELS - task.pixels
        queries, gradients, generations = (torch.full((count,), value) for value in (model.queries, model.gradients, 0))
        seconds = torch.full((count,), (time.perf_counter() - started) / count, dtype=torch.float64)
        return Found(found, queries, gradients, generations, seconds, [ended] * count)

    def run_to_its_end(self, model: QueryCounter, images: Tensor, labels: Tensor) -> str:
        """Attack until the attack is done or the model answers no more; which of the two it was."""
        try:
            self.run(model, images, labels)
        except OutOfQueries:
            return "queries"
        return "steps"

    @abstractmethod
    def run(self, model: QueryCounter, images: Tensor, labels: Tensor) -> object:
        """Attack the images, float32 (batch, C, H, W) in [0, 1], by asking the model; it keeps the best answer."""
