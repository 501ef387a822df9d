"""Decoupled direction and norm (Rony, Hafemann, Oliveira, Ben Ayed, Sabourin, Granger, 2019)."""

from dataclasses import dataclass
from typing import Any, ClassVar

from foolbox.attacks.ddn import DDNAttack

from convstab.attacks.foolbox import WithFoolbox
from convstab.attacks.query_counter import QueryCounter
from convstab.validation import Count, Fraction, Positive


@dataclass(frozen=True)
class DDN(WithFoolbox):
    """Gradient steps on a sphere around the image that shrinks when the image is misclassified and grows when not.

    steps: gradients for each image. radius: of the first sphere, L2 for pixels in [0, 1]. gamma: share by which the
    radius changes in a step.
    """

    needs_gradients: ClassVar[bool] = True
    batch: ClassVar[int] = 16

    steps: Count = 300
    radius: Positive = 1.0
    gamma: Fraction = 0.05

    def make(self, model: QueryCounter) -> Any:  # noqa: ARG002
        """Foolbox's attack."""
        return DDNAttack(init_epsilon=self.radius, steps=self.steps, gamma=self.gamma)
