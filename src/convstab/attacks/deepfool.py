"""DeepFool (Moosavi-Dezfooli, Fawzi, Frossard, 2016)."""

from dataclasses import dataclass
from typing import Any, ClassVar

from foolbox.attacks.deepfool import L2DeepFoolAttack

from convstab.attacks.foolbox import WithFoolbox
from convstab.attacks.query_counter import QueryCounter
from convstab.validation import Count, NotNegative, Several


@dataclass(frozen=True)
class DeepFool(WithFoolbox):
    """Steps to the nearest boundary of the classifier made linear, until the image is misclassified.

    One image at a time: foolbox steps on until all images of a batch are misclassified.

    steps: at most. candidates: classes whose boundary is looked at, those with the highest logits.
    overshoot: share by which the noise is made longer than to the boundary.
    """

    needs_gradients: ClassVar[bool] = True

    steps: Count = 50
    candidates: Several = 10
    overshoot: NotNegative = 0.02

    def make(self, model: QueryCounter) -> Any:  # noqa: ARG002
        """Foolbox's attack."""
        return L2DeepFoolAttack(steps=self.steps, candidates=self.candidates, overshoot=self.overshoot)
