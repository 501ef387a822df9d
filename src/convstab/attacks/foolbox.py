"""Attacks that foolbox brings (Rauber, Brendel, Bethge, Foolbox, 2017)."""

import os
from abc import abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor

from convstab.attacks.attack import BatchedAttack
from convstab.attacks.query_counter import QueryCounter
from convstab.attacks.starting_points import misclassified_start

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # foolbox imports GitPython, which fails where git is missing
from foolbox.criteria import Misclassification
from foolbox.models.pytorch import PyTorchModel


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
