"""What the attacks by a genetic algorithm have in common. Paper: section 3."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from deap import base, tools
from torch import Tensor, nn

from convstab.attacks.attack import Attack, Task
from convstab.attacks.verification import Columns, Found
from convstab.errors import InputError
from convstab.generators.streams import Streams
from convstab.genetic.objectives import Objective
from convstab.genetic.operators import Crossover, Mutation, tournament
from convstab.genetic.population import Images, Outcome
from convstab.genetic.search import Search
from convstab.genetic.settings import Settings
from convstab.validation import (
    Count,
    CountOrZero,
    Crossovers,
    Fraction,
    Positive,
    PositiveOrNone,
    Several,
    Share,
    Sides,
)


@dataclass(frozen=True)
class Evolution(Attack):
    """A genetic algorithm with real-valued chromosomes as long as the image; the paper's values where it has any.

    population: individuals of each image, at least 2. generations: at most; max_queries, if any, is a limit as well.
    patience: generations without improvement after which an image is finished.
    tournament: individuals that compete to become a parent, at most the population. elite: individuals that are kept.
    descents: children of the best individual, turned to where the margin falls by the regression of the generations,
        see ``descent``; with the elite at most the population. memory: share of that slope that stays from one
        generation to the next, in [0, 1].
    targets: classes that are tried, the nearest first, each with a population of its own for ``trial`` of the
        generations (in (0, 1), times targets at most 1); the best one goes on. 1: noise may lead to any class from the
        start.
    crossover: probability that two parents mate. crossovers: kinds of crossover; one is drawn for each mating.
    mutation: share of the genes that change. amplitude: of the change, in grey levels.
    tiles: sides of the squares of pixels that change together, taken in turn by the individuals; (1,): single genes.
    damping: how slowly the amplitude follows the success of the last generation; None: it stays as it is.
    slots: images that are evolved at the same time. batch_size: individuals in one forward pass, rounded up to a
        multiple of 16. Neither changes a result.
    Raises InputError for a value outside its limits, or a tournament or an elite that does not fit the population.
    """

    population: Several = 100
    generations: Count = 20_000
    patience: Count = 50
    tournament: Count = 5
    elite: CountOrZero = 1
    descents: CountOrZero = 0
    memory: Share = 1.0
    targets: Count = 1
    trial: Fraction = 0.1
    crossover: Share = 0.9
    crossovers: Crossovers = ("arithmetic", "intermediate", "uniform")
    mutation: Share = 0.02
    amplitude: Positive = 10.0
    tiles: Sides = (1,)
    damping: PositiveOrNone = None
    slots: Count = 16
    batch_size: Count = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        self.settings()
        if self.tournament > self.population:
            raise InputError(
                f"tournament is {self.tournament}; it must be at least 1 and at most the population, {self.population}"
            )

    @abstractmethod
    def objective(self, genes: int) -> Objective:
        """What an individual of so many genes is judged by."""

    @abstractmethod
    def initialise(self, genes: Tensor, streams: Streams) -> None:
        """Fill the first populations, (slots, population, genes), in grey levels."""

    def toolbox(self, shape: tuple[int, ...]) -> base.Toolbox:
        """The operators for images of a shape (C, H, W)."""
        toolbox, objective = base.Toolbox(), self.objective(math.prod(shape))
        toolbox.register("initialise", self.initialise)
        toolbox.register("evaluate", objective)
        toolbox.register("rank", objective.rank)
        toolbox.register("select", tournament, size=self.tournament)
        toolbox.register("mate", Crossover(self.crossover, self.crossovers))
        toolbox.register("mutate", Mutation(shape, self.mutation, self.tiles))
        return toolbox

    def settings(self) -> Settings:
        """How long and how widely the search looks."""
        return Settings(**{field.name: getattr(self, field.name) for field in fields(Settings)})

    def evolve(self, classifier: nn.Module, images: Images, task: Task) -> Outcome:
        """Evolve the images of the task, several at the same time."""
        toolbox, settings = self.toolbox(images.shape), self.settings()
        return Search(toolbox, settings, classifier, images, task.seed, task.max_queries, task.progress).run()

    def search(self, classifier: nn.Module, task: Task) -> Found:
        """Evolve the images of the task and count what it took."""
        images = Images.of(task.pixels, task.labels, task.clean, task.index)
        outcome = self.evolve(classifier, images, task)
        channels, height, width = images.shape
        noise = outcome.noise.unflatten(1, (height, width, channels)).permute(0, 3, 1, 2)
        no_gradients = torch.zeros_like(outcome.queries)
        numbers = outcome.queries, no_gradients, outcome.generations, outcome.seconds
        return Found(noise, *numbers, outcome.ended, history=columns(outcome.logbooks))


def columns(logbooks: Sequence[tools.Logbook]) -> Columns:
    """The logbooks of all images as one table; "row" is the position of the image."""
    names = logbooks[0].header or list(logbooks[0][0])
    table = {name: np.concatenate([np.asarray(book.select(name)) for book in logbooks]) for name in names}
    return {"row": np.repeat(np.arange(len(logbooks)), [len(book) for book in logbooks]), **table}
