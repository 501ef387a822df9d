"""The boundary attack (Brendel, Rauber, Bethge, 2018)."""

from dataclasses import dataclass
from typing import Any, ClassVar

from foolbox.attacks.boundary_attack import BoundaryAttack

from convstab.attacks.foolbox import WithFoolbox
from convstab.attacks.query_counter import QueryCounter
from convstab.validation import Count, Positive


@dataclass(frozen=True)
class Boundary(WithFoolbox):
    """A random walk along the boundary that looks only at decisions and takes the steps that lead nearer.

    steps: at most; 10 steps cost 11 queries. across, towards: first lengths of the steps along the boundary and
    towards the clean image, as shares of the distance.
    foolbox draws one direction for all images of a batch, so that all batches can share one random state.
    """

    batch: ClassVar[int] = 16
    needs_start: ClassVar[bool] = True

    steps: Count = 45_000
    across: Positive = 0.01
    towards: Positive = 0.01

    def make(self, model: QueryCounter) -> Any:  # noqa: ARG002
        """Foolbox's attack."""
        return BoundaryAttack(steps=self.steps, spherical_step=self.across, source_step=self.towards)
