"""Attacks that foolbox brings (Rauber, Brendel, Bethge, Foolbox, 2017)."""

import os
from abc import abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor

from convstab.attacks.attack import ImageByImage
from convstab.attacks.query_counter import Victim
from convstab.attacks.starting_points import misclassified_start

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # foolbox imports GitPython, which fails where git is missing
from foolbox.criteria import Misclassification
from foolbox.models.pytorch import PyTorchModel


class WithFoolbox(ImageByImage):
    """An attack that foolbox runs; a subclass makes it from what can be set.

    needs_start: whether it begins at a misclassified image.
    """

    needs_start: ClassVar[bool] = False

    @abstractmethod
    def make(self, victim: Victim) -> Any:
        """The attack as foolbox knows it."""

    def run(self, victim: Victim, images: Tensor, labels: Tensor) -> object:
        """Let foolbox ask the victim."""
        model = PyTorchModel(victim, bounds=(0, 1), device=images.device)
        criterion = Misclassification(labels)
        if not self.needs_start:
            return self.make(victim).run(model, images, criterion)
        start = misclassified_start(victim, images, labels)
        if victim.given_up.all():
            return None
        stand_in = int(
            (~victim.given_up).nonzero()[0]
        )  # foolbox refuses a batch with one start that is not misclassified
        used = torch.where(victim.given_up, stand_in, torch.arange(len(images), device=images.device))
        return self.make(victim).run(model, images[used], Misclassification(labels[used]), starting_points=start[used])
