"""The paper's attack, to the letter."""

import math
from dataclasses import dataclass

from torch import Tensor

from convstab.attacks.evolution import Evolution
from convstab.attacks.limits import NotNegative, Positive
from convstab.objectives import Equation2, Objective
from convstab.operators import initialise_uniform
from convstab.streams import Streams


@dataclass(frozen=True)
class Paper(Evolution):
    """Minimises psi + lambda * L2 norm, equations 2 and 3, with the operators of section 3.

    weight: lambda times the norm of noise with an RMS of 10 grey levels, which makes lambda independent of the size of
        the image. beta: penalty of a score that is still the highest.
    spread: the first population is uniform in [-spread, spread] grey levels. It must hold misclassified images: where
        the scores saturate, equation 2 sees no difference between noise that does nothing and noise that nearly fools.
    Everything else: see ``Evolution``.
    """

    weight: Positive = 1.0
    beta: NotNegative = 10.0
    spread: Positive = 255.0

    def objective(self, genes: int) -> Objective:
        """Equation 2."""
        return Equation2(self.weight / (10 * math.sqrt(genes)), self.beta)

    def initialise(self, genes: Tensor, streams: Streams) -> None:
        """Uniform noise."""
        initialise_uniform(genes, streams, self.spread)
