"""The paper's attack, to the letter."""

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from convstab.attacks import deap_engine
from convstab.attacks.attack import Task
from convstab.attacks.evolution import Evolution
from convstab.errors import InputError
from convstab.generators.streams import Streams
from convstab.genetic.objectives import Equation2, Objective
from convstab.genetic.operators import initialise_uniform
from convstab.genetic.population import Images, Outcome
from convstab.validation import Engine, NotNegative, Positive


@dataclass(frozen=True)
class Paper(Evolution):
    """Minimises psi + lambda * L2 norm, equations 2 and 3, with the operators of section 3.

    weight: lambda times the norm of noise with an RMS of 10 grey levels, which makes lambda independent of the size of
        the image. beta: penalty of a score that is still the highest.
    spread: the first population is uniform in [-spread, spread] grey levels. It must hold misclassified images: where
        the scores saturate, equation 2 sees no difference between noise that does nothing and noise that nearly fools.
    engine: "vectorised", or "deap": DEAP's own operators on one image at a time, the same search many times slower. It
        mutates single genes by a fixed amplitude only, and ``slots`` has no meaning.
    Everything else: see ``Evolution``.
    """

    default_queries: ClassVar[int | None] = None

    weight: Positive = 1.0
    beta: NotNegative = 10.0
    spread: Positive = 255.0
    engine: Engine = "vectorised"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.engine == "deap" and list(self.tiles) != [1]:
            raise InputError(f"tiles is {list(self.tiles)}; it must be [1] with engine=deap")
        if self.engine == "deap" and self.damping is not None:
            raise InputError(f"damping is {self.damping}; it must be null with engine=deap")
        if self.engine == "deap" and self.descents:
            raise InputError(f"descents is {self.descents}; it must be 0 with engine=deap")
        if self.engine == "deap" and self.targets > 1:
            raise InputError(f"targets is {self.targets}; it must be 1 with engine=deap")

    def objective(self, genes: int) -> Objective:
        """Equation 2."""
        return Equation2(self.weight / (10 * math.sqrt(genes)), self.beta)

    def initialise(self, genes: Tensor, streams: Streams) -> None:
        """Uniform noise."""
        initialise_uniform(genes, streams, self.spread)

    def evolve(self, classifier: nn.Module, images: Images, task: Task) -> Outcome:
        """Evolve the images of the task with the engine that was chosen."""
        if self.engine == "deap":
            return deap_engine.evolve(self, self.spread, classifier, images, task)
        return super().evolve(classifier, images, task)
