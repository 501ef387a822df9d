"""Attacks that foolbox brings (Rauber, Brendel, Bethge, 2017), and where those that see decisions begin."""

import os
from abc import abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor

from convstab.attacks.attack import BatchedAttack
from convstab.attacks.query_counter import QueryCounter, fooled

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # foolbox imports GitPython, which fails where git is missing
from foolbox.criteria import Misclassification
from foolbox.models.pytorch import PyTorchModel

TRIES = 256  # images without content; a fixed number, so that a count of queries does not depend on the neighbours
BISECTIONS = 10  # of the way to the clean image


class WithFoolbox(BatchedAttack):
    """An attack that foolbox runs; a subclass makes it from what can be set.

    needs_start: whether it begins at a misclassified image.
    """

    needs_start: ClassVar[bool] = False

    @abstractmethod
    def make(self, model: QueryCounter) -> Any:
        """The attack as foolbox knows it."""

    def run(self, model: QueryCounter, images: Tensor, labels: Tensor) -> object:
        """Let foolbox ask the model."""
        bounded = PyTorchModel(model, bounds=(0, 1), device=images.device)
        criterion = Misclassification(labels)
        if not self.needs_start:
            return self.make(model).run(bounded, images, criterion)
        start = misclassified_start(model, images, labels)
        if model.given_up.all():
            return None
        stand_in = int((~model.given_up).nonzero()[0])  # foolbox refuses a batch where one start fools nobody
        used = torch.where(model.given_up, stand_in, torch.arange(len(images), device=images.device))
        return self.make(model).run(bounded, images[used], Misclassification(labels[used]), starting_points=start[used])


def misclassified_start(model: QueryCounter, images: Tensor, labels: Tensor) -> Tensor:
    """Noise images, blended with the clean ones until they are only just misclassified, (n, C, H, W).

    An image that withstands all tries is given up and returned clean. All images of a batch are tried with the same
    noise, of all contrasts and brightnesses (classifiers take most uniform noise for the same class): no result
    depends on the place in the batch.
    """
    content = torch.rand(TRIES, *images.shape[1:], device=images.device)
    contrast, brightness = torch.rand(2, TRIES, 1, 1, 1, device=images.device)
    tries = (content - 0.5).mul_(contrast).add_(brightness).clamp_(0, 1)
    over = fooled(model, tries.repeat_interleave(len(images), 0), labels.repeat(TRIES)).view(TRIES, -1)
    distance = (tries[:, None] - images).flatten(2).norm(dim=2).masked_fill_(~over, torch.inf)
    start = torch.where(over.any(0).view(-1, 1, 1, 1), tries[distance.argmin(0)], images)
    model.given_up = ~over.any(0)
    return blend(model, images, start, labels)


def blend(model: QueryCounter, images: Tensor, start: Tensor, labels: Tensor) -> Tensor:
    """Bisect the line from each clean image to its start; the nearest misclassified point that was seen."""
    low = torch.zeros(len(images), 1, 1, 1, device=images.device)
    high = torch.ones_like(low)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        over = fooled(model, torch.lerp(images, start, middle), labels).view_as(low)
        low, high = torch.where(over, low, middle), torch.where(over, middle, high)
    return torch.lerp(images, start, high)
