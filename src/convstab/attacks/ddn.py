"""Decoupled direction and norm (Rony, Hafemann, Oliveira, Ben Ayed, Sabourin, Granger, 2019)."""

from dataclasses import dataclass
from typing import Any, ClassVar

from foolbox.attacks.ddn import DDNAttack

from convstab.attacks.foolbox import WithFoolbox
from convstab.attacks.query_counter import QueryCounter
from convstab.validation import Count, FractionOrNone, Positive

GAMMA = 0.05  # of the paper
NEAREST = 0.01  # norm that the radius must be able to shrink to in the steps there are, or it is all that they find


@dataclass(frozen=True)
class DDN(WithFoolbox):
    """Gradient steps on a sphere around the image that shrinks when the image is misclassified and grows when not.

    steps: gradients for each image. radius: of the first sphere, L2 for pixels in [0, 1]. gamma: share by which the
    radius changes in a step; None: 0.05, and more where the steps are so few that the radius could not shrink to 0.01.
    """

    needs_gradients: ClassVar[bool] = True
    batch: ClassVar[int] = 16

    steps: Count = 300
    radius: Positive = 1.0
    gamma: FractionOrNone = None

    def make(self, model: QueryCounter) -> Any:  # noqa: ARG002
        """Foolbox's attack."""
        needed = 1 - (NEAREST / self.radius) ** (1 / self.steps)
        gamma = max(GAMMA, needed) if self.gamma is None else self.gamma
        return DDNAttack(init_epsilon=self.radius, steps=self.steps, gamma=gamma)
