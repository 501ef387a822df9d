"""The paper's search as a user of DEAP would write it, image by image: slow and plain. Paper: section 3.

DEAP's creator, tournaments, crossovers, variation, hall of fame and statistics, on individuals that are lists and
cloned by deepcopy. It shares the objective with ``convstab.genetic.search``, and neither operators nor loop:
each checks the other.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial, wraps
from operator import attrgetter
from typing import Any

import numpy as np
import torch
from deap import algorithms, base, creator, tools
from torch import Tensor, nn

from convstab.attacks.attack import Task
from convstab.attacks.evolution import Evolution
from convstab.errors import InputError
from convstab.generators.streams import image_key
from convstab.genetic.objectives import margins
from convstab.genetic.operators import REACH
from convstab.genetic.population import Images, Outcome
from convstab.genetic.settings import Settings
from convstab.images import GREY_LEVELS, as_images, grey_to_unit_, quantise_, whole_groups

if not hasattr(creator, "ConvstabNoise"):  # the registry is global: once, and under names that nobody else takes
    creator.create("ConvstabLeast", base.Fitness, weights=(-1.0,))
    creator.create("ConvstabNoise", list, fitness=creator.ConvstabLeast, fooled=bool)

Individual = Any  # a creator.ConvstabNoise: genes in grey levels, in the order H, W, C
Pair = tuple[Individual, Individual]


def evolve(attack: Evolution, spread: float, classifier: nn.Module, images: Images, task: Task) -> Outcome:
    """Evolve one image after the other; the global random state is left as it was.

    spread: of the first population, uniform in [-spread, spread] grey levels.
    Raises InputError when max_queries does not suffice for one generation, or logits are not finite.
    """
    outcome, settings = Outcome(images), attack.settings()
    affordable = settings.affordable(task.max_queries)
    for image, index in enumerate(images.index):
        started = time.perf_counter()
        toolbox = make_toolbox(attack, spread, images.rows[image].tolist())
        toolbox.register("evaluate", evaluate, attack, classifier, images, image)
        with own_random(image_key(task.seed, index)):
            best, logbook, outcome.ended[image] = ea_elitist(toolbox, settings, attack.crossover, affordable)
        outcome.noise[image], outcome.logbooks[image] = torch.tensor(best), logbook
        outcome.generations[image], outcome.queries[image] = len(logbook), logbook[-1]["queries"]
        outcome.seconds[image] = time.perf_counter() - started
        task.progress(1)
    return outcome


@contextmanager
def own_random(key: int) -> Iterator[None]:
    """Give DEAP, whose operators draw from the global ``random``, the numbers of one image; then put back its state."""
    state = random.getstate()
    random.seed(key)
    try:
        yield
    finally:
        random.setstate(state)


def make_toolbox(attack: Evolution, spread: float, clean: Sequence[float]) -> base.Toolbox:
    """Everything but "evaluate". clean: the pixels of the image, in grey levels."""
    in_box = within([-pixel for pixel in clean], [GREY_LEVELS - pixel for pixel in clean])
    mutated = max(1, round(attack.mutation * len(clean))) if attack.mutation else 0
    toolbox = base.Toolbox()
    toolbox.register("gene", random.uniform, -spread, spread)
    toolbox.register("individual", tools.initRepeat, creator.ConvstabNoise, toolbox.gene, len(clean))
    toolbox.register("population", tools.initRepeat, list, toolbox.individual)
    toolbox.register("map", at_once)
    toolbox.register("select", tools.selTournament, tournsize=attack.tournament)
    toolbox.register("elite", tools.selBest, k=attack.elite)
    toolbox.register("mate", mate, kinds=crossovers(attack.crossovers))
    toolbox.register("mutate", mutate_uniform, genes=mutated, amplitude=attack.amplitude)
    toolbox.decorate("population", in_box)
    toolbox.decorate("mutate", in_box)
    return toolbox


def at_once(evaluate: Callable[[list[Individual]], list[tuple[float]]], generation: list[Individual]) -> Any:
    """The map of the toolbox: a whole generation is one forward pass."""
    return evaluate(generation)


def within(low: Sequence[float], high: Sequence[float]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator for operators: each individual that they return is clipped to the box, gene by gene."""

    def decorate(operator: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(operator)
        def clipped(*args: Any, **options: Any) -> Any:
            individuals = operator(*args, **options)
            for individual in individuals:
                individual[:] = map(max, map(min, individual, high), low)
            return individuals

        return clipped

    return decorate


def crossovers(kinds: Sequence[str]) -> list[Callable[[Individual, Individual], Pair]]:
    """The operators that an attack names."""
    known: dict[str, Callable[[Individual, Individual], Pair]] = {
        "arithmetic": cross_arithmetic,
        "intermediate": partial(tools.cxBlend, alpha=REACH),
        "uniform": partial(tools.cxUniform, indpb=0.5),
    }
    return [known[kind] for kind in kinds]


def mate(one: Individual, other: Individual, kinds: Sequence[Callable[[Individual, Individual], Pair]]) -> Pair:
    """Mate two individuals in place by one of the crossovers."""
    return random.choice(kinds)(one, other)  # noqa: S311


def cross_arithmetic(one: Individual, other: Individual) -> Pair:
    """What ``tools.cxBlend`` does with alpha = 0, but with one share in [0, 1] for all genes."""
    share = random.random()  # noqa: S311
    for gene, (x, y) in enumerate(zip(one, other, strict=True)):
        one[gene] = (1 - share) * x + share * y
        other[gene] = share * x + (1 - share) * y
    return one, other


def mutate_uniform(individual: Individual, genes: int, amplitude: float) -> tuple[Individual]:
    """Add uniform noise in [-amplitude, amplitude] grey levels to so many different genes, in place."""
    for gene in random.sample(range(len(individual)), genes):
        individual[gene] += random.uniform(-amplitude, amplitude)  # noqa: S311
    return (individual,)


@torch.inference_mode()
def evaluate(
    attack: Evolution, classifier: nn.Module, images: Images, image: int, generation: list[Individual]
) -> list[tuple[float]]:
    """The fitness of each individual, which also learns whether it fooled the classifier."""
    clean, label = images.rows[image], images.labels[image : image + 1]
    genes = torch.tensor(generation, device=clean.device)
    rows = clean.repeat(whole_groups(len(genes)), 1)
    quantise_(rows[: len(genes)].add_(genes), rounding=False)
    norm = torch.linalg.vector_norm(rows - clean, dim=1)[None, : len(genes)]
    logits = classify(classifier, as_images(grey_to_unit_(rows), images.shape), attack.batch_size)
    logits = logits[None, : len(genes)]
    lead = margins(images.clean[None, image : image + 1], label)[0]
    fitness = attack.objective(len(clean))(logits, label, norm, lead).fitness
    if not fitness.isfinite().all():
        raise InputError("the classifier returned logits that are infinite or not a number")
    for individual, margin in zip(generation, margins(logits, label)[0].tolist(), strict=True):
        individual.fooled = margin < 0
    return [(value,) for value in fitness[0].tolist()]


def classify(classifier: nn.Module, images: Tensor, batch_size: int) -> Tensor:
    """Logits (N, K), float32; a batch is whole groups of 16 images."""
    with torch.autocast(images.device.type, enabled=False):
        return torch.cat([classifier(batch).float() for batch in images.split(whole_groups(batch_size))])


def ea_elitist(
    toolbox: base.Toolbox, settings: Settings, crossover: float, affordable: int
) -> tuple[Individual, tools.Logbook, str]:
    """``algorithms.eaSimple`` with an elite that lives on, and an end; the best individual, the logbook, why it ended.

    affordable: generations at most. The end is "stall" (``patience`` generations without improvement), "generations"
    or "queries" (what of the two made them affordable no more). All individuals are evaluated, the elite again.
    """
    population, statistics = toolbox.population(settings.population), make_statistics()
    best, logbook, stagnation, ended = tools.HallOfFame(1), tools.Logbook(), 0, ""
    while True:
        for individual, fitness in zip(population, toolbox.map(toolbox.evaluate, population), strict=True):
            individual.fitness.values = fitness
        before = [individual.fitness for individual in best]
        best.update(population)
        stagnation = stagnation + 1 if before and not best[0].fitness > before[0] else 0
        record(logbook, statistics.compile(population), settings.population, best[0])
        if stagnation >= settings.patience:
            ended = "stall"
        elif len(logbook) >= affordable:
            ended = "generations" if affordable == settings.generations else "queries"
        if ended:
            return best[0], logbook, ended
        children = algorithms.varAnd(toolbox.select(population, len(population)), toolbox, crossover, mutpb=1.0)
        population[:] = toolbox.elite(population) + children[settings.elite :]


def make_statistics() -> tools.MultiStatistics:
    """Of the individuals of a generation."""
    fitness = tools.Statistics(lambda individual: individual.fitness.values[0])
    fitness.register("best", min)
    fitness.register("median", np.median)
    fooled = tools.Statistics(attrgetter("fooled"))
    fooled.register("share", np.mean)
    return tools.MultiStatistics(fitness=fitness, fooled=fooled)


def record(logbook: tools.Logbook, values: dict[str, dict[str, float]], population: int, best: Individual) -> None:
    """One line for a generation, in the columns of ``genetic``; l2 of the best so far, for pixels in [0, 1]."""
    generation = len(logbook) + 1
    logbook.record(
        generation=generation,
        queries=generation * population,
        best=values["fitness"]["best"],
        median=float(values["fitness"]["median"]),
        fooled=float(values["fooled"]["share"]),
        l2=float(np.linalg.norm(best)) / GREY_LEVELS,
    )
