"""The paper's genetic algorithm with an objective and operators that find less noise."""

from dataclasses import dataclass

from torch import Tensor

from convstab.attacks.evolution import Evolution
from convstab.objectives import Distance, Objective
from convstab.operators import initialise_scales
from convstab.streams import Streams


@dataclass(frozen=True)
class Genetic(Evolution):
    """Evolves the direction of the noise; its length follows from where the margin predicts the boundary.

    scales: lowest and highest sigma of the normal noise that is the first population, in grey levels.
    predict: judge noise by its predicted norm at the boundary; if not, what is misclassified comes first, by its norm,
        then the rest, by its margin. Elitism and the result always go by the latter.
    project: scale parents to the predicted boundary.
    Everything else: see ``Evolution``.
    """

    population: int = 40
    generations: int = 100_000
    patience: int = 500
    tournament: int = 10
    tiles: tuple[int, ...] = (2,)
    damping: float | None = 2.0
    scales: tuple[float, float] = (2.0, 60.0)
    predict: bool = True
    project: bool = True

    def objective(self, genes: int) -> Objective:  # noqa: ARG002
        """The predicted norm at the boundary."""
        return Distance(self.project, self.predict)

    def initialise(self, genes: Tensor, streams: Streams) -> None:
        """Normal noise of all scales."""
        initialise_scales(genes, streams, *self.scales)
