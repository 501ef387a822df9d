"""The paper's genetic algorithm with an objective and operators that find less noise."""

from dataclasses import dataclass

from torch import Tensor

from convstab.attacks.evolution import Evolution
from convstab.generators.streams import Streams
from convstab.genetic.objectives import Distance, Objective
from convstab.genetic.operators import initialise_scales
from convstab.validation import Count, CountOrZero, Flag, Fraction, PositiveOrNone, Range, Several, Sides


@dataclass(frozen=True)
class Genetic(Evolution):
    """Evolves the direction of the noise; its length follows from where the margin predicts the boundary.

    scales: lowest and highest sigma of the normal noise that is the first population, in grey levels.
    predict: judge noise by its predicted norm at the boundary; if not, what is misclassified comes first, by its norm,
        then the rest, by its margin. Elitism and the result always go by the latter.
    project: scale parents to the predicted boundary.
    Everything else: see ``Evolution``.
    """

    population: Several = 40
    generations: Count = 100_000
    patience: Count = 500
    tournament: Count = 10
    descents: CountOrZero = 6
    targets: Count = 9
    trial: Fraction = 0.04
    tiles: Sides = (2,)
    damping: PositiveOrNone = 2.0
    scales: Range = (2.0, 60.0)
    predict: Flag = True
    project: Flag = True

    def objective(self, genes: int) -> Objective:  # noqa: ARG002
        """The predicted norm at the boundary."""
        return Distance(self.project, self.predict)

    def initialise(self, genes: Tensor, streams: Streams) -> None:
        """Normal noise of all scales."""
        initialise_scales(genes, streams, *self.scales)
