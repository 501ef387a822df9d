"""The L2 attack of Carlini and Wagner, 2017."""

from dataclasses import dataclass
from typing import Any, ClassVar

from foolbox.attacks.carlini_wagner import L2CarliniWagnerAttack

from convstab.attacks.foolbox import WithFoolbox
from convstab.attacks.query_counter import QueryCounter
from convstab.validation import Count, Positive


@dataclass(frozen=True)
class CarliniWagner(WithFoolbox):
    """Adam on squared norm + constant x margin, with a binary search on the constant.

    searches: values of the constant. steps: of Adam for each. rate: of Adam. constant: the first one.
    Adam is never stopped early: foolbox decides that for a batch as a whole.
    """

    needs_gradients: ClassVar[bool] = True
    batch: ClassVar[int] = 16

    searches: Count = 9
    steps: Count = 500
    rate: Positive = 0.01
    constant: Positive = 0.01

    def make(self, model: QueryCounter) -> Any:  # noqa: ARG002
        """Foolbox's attack."""
        return L2CarliniWagnerAttack(
            binary_search_steps=self.searches,
            steps=self.steps,
            stepsize=self.rate,
            initial_const=self.constant,
            abort_early=False,
        )
