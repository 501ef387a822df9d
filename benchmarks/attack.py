"""Individuals a second of the genetic attack, beside the bare forward pass and beside other evolutionary libraries.

pip install evotorch
python -m benchmarks.attack
python -m benchmarks.attack --clock cpu --threads 1
python -m benchmarks.attack --device cuda --seconds 10

Paper, Genetic  convstab.attacks as conf/attack/ sets them, 16 images at once
bare            the forward pass alone, again and again on one ready batch in channels last
deap            attack=paper with engine=deap: the same search on DEAP's own operators and algorithm, individuals that
                are lists, one forward pass for each generation; one image at a time
EvoTorch        its GeneticAlgorithm, vectorised, one forward pass for each generation; one image

The same network with random weights for all; populations of 100 (Genetic: its own size), tournaments of 5, mutation of
2 % of the genes, one elite. They take turns for several rounds, because machines are shared: medians over the rounds,
ratios within a round. On a machine that is busy with something else, --clock cpu --threads 1 counts processor time.

Goals for Paper: 0.75 of bare for LeNet, 0.9 for the GTSRB net; 8 times deap for LeNet; ahead of EvoTorch.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module

import torch
from torch import Tensor

from benchmarks import timing
from benchmarks.timing import Rates, Setting
from convstab import attacks
from convstab.attacks import Evolution
from convstab.models import Classifier

NETS = ("LeNet 1x28x28", "Aghdam 3x48x48")
IMAGES, BATCH, FEW = 16, 256, 3  # FEW: generations, to see how many make the seconds
POPULATION, AMPLITUDE, SHARE = 100, 10.0, 0.02  # of Paper, for EvoTorch
LAMBDA = 0.1  # of equation 2 times the square root of the genes, as Paper has it


@dataclass(frozen=True)
class Task:
    """What all contestants attack. classifier: random weights. pixels: uint8 (n, C, H, W); labels: (n,), correct."""

    classifier: Classifier
    pixels: Tensor
    labels: Tensor
    setting: Setting


def prepare(name: str, setting: Setting) -> Task:
    """A model with random weights that classifies random images correctly."""
    classifier = timing.random_model(name).to(setting.device)
    pixels = timing.random_images(name, IMAGES).pixels.to(setting.device)
    with torch.inference_mode():
        labels = classifier(timing.ready_batch(pixels, IMAGES)).argmax(1)
    return Task(classifier, pixels, labels, setting)


def run_attack(task: Task, attack: Evolution, images: int = IMAGES) -> float:
    """Measure an attack of convstab on so many images."""
    pixels, labels, index = task.pixels[:images], task.labels[:images], torch.arange(images)

    def run(generations: int) -> tuple[int, float]:
        start = task.setting.now()
        limited = replace(attack, generations=generations, patience=generations)
        rows = limited(task.classifier, pixels, labels, index, max_queries=10**9).rows
        return int(rows["queries"].sum()), task.setting.now() - start

    run(FEW)  # warm
    _, seconds = run(FEW)
    individuals, seconds = run(max(FEW, int(FEW * task.setting.seconds / seconds)))
    return individuals / seconds


@torch.inference_mode()
def run_bare(task: Task) -> float:
    """Measure the forward pass."""
    return task.setting.rate(timing.forward_passes(task.classifier, timing.ready_batch(task.pixels, BATCH)))


def fitness(task: Task, noise: Tensor) -> Tensor:
    """Equation 2 for individuals (n, genes), in the order C, H, W, in grey levels: the obvious way to write it."""
    pixels, label = task.pixels[0].float(), task.labels[0]
    images = (pixels + noise.view(-1, *pixels.shape)).clamp(0, 255) / 255
    scores = task.classifier(images).softmax(1)
    highest, predicted = scores.max(1)
    psi = torch.where(predicted == label, 10 * scores[:, label], highest - scores[:, label])
    value: Tensor = psi + LAMBDA / noise.shape[1] ** 0.5 * noise.norm(dim=1)
    return value


@torch.inference_mode()
def run_evotorch(task: Task) -> float:
    """Measure EvoTorch; nan where it is not installed."""
    try:
        evotorch, evo_algorithms, evo_operators = (
            import_module(name) for name in ("evotorch", "evotorch.algorithms", "evotorch.operators")
        )
    except ImportError:
        return float("nan")
    logging.getLogger("evotorch.core").setLevel(logging.WARNING)
    problem = evotorch.Problem(
        "min",
        partial(fitness, task),
        solution_length=task.pixels[0].numel(),
        initial_bounds=(-AMPLITUDE, AMPLITUDE),
        vectorized=True,
        dtype=torch.float32,
        device=task.pixels.device,
        seed=0,
    )
    operators = [
        evo_operators.MultiPointCrossOver(problem, tournament_size=5, num_points=2, cross_over_rate=0.9),
        evo_operators.GaussianMutation(problem, stdev=AMPLITUDE / 3**0.5, mutation_probability=SHARE),
    ]
    search = evo_algorithms.GeneticAlgorithm(problem, popsize=POPULATION, operators=operators, elitist=True)

    def generations() -> Iterator[int]:
        while True:
            search.step()
            yield POPULATION

    return task.setting.rate(generations())


CONTESTANTS: dict[str, Callable[[Task], float]] = {
    "Paper": partial(run_attack, attack=attacks.Paper()),
    "Genetic": partial(run_attack, attack=attacks.Genetic()),
    "bare": run_bare,
    "deap": partial(run_attack, attack=attacks.Paper(engine="deap"), images=1),
    "EvoTorch": run_evotorch,
}


def cells(name: str, rates: Rates, net: str) -> list[str]:
    """One line of the table: the median rate and that of the ratios to two contestants."""
    return [net, name, rates.speed(name), *(rates.ratio(own, name) for own in ("Paper", "Genetic"))]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table."""
    options = timing.speed_options(__doc__, NETS, seconds=3, rounds=3).parse_args(arguments)
    setting = timing.setting_of(options)
    print(f"{setting.where}; {setting.turns}\n")
    columns = ["network", "contestant", "individuals a second", "Paper is x times", "Genetic is x times"]
    timing.print_head(columns, words=len(columns))
    for net in options.net or NETS:
        task = prepare(net, setting)
        rates = timing.race({name: partial(run, task) for name, run in CONTESTANTS.items()}, setting.rounds)
        for name in CONTESTANTS:
            timing.print_row(cells(name, rates, net))


if __name__ == "__main__":
    main()
