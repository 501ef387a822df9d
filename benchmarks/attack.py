"""Individuals a second of the genetic attack, beside the bare forward pass and beside other evolutionary libraries.

pip install evotorch
python benchmarks/attack.py
python benchmarks/attack.py --clock cpu --threads 1
python benchmarks/attack.py --device cuda --seconds 10

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

import argparse
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from statistics import median

import numpy as np
import torch
from torch import Tensor

from convstab import attacks
from convstab.attacks import Evolution
from convstab.attacks.verification import as_input
from convstab.models import Aghdam, Classifier, LeNet

IMAGES, POPULATION, AMPLITUDE, SHARE = 16, 100, 10.0, 0.02  # of Paper, for EvoTorch
LAMBDA = 0.1  # of equation 2 times the square root of the genes, as Paper has it
NETS: dict[str, tuple[type[Classifier], tuple[int, int, int], int]] = {
    "LeNet 1x28x28": (LeNet, (1, 28, 28), 10),
    "Aghdam 3x48x48": (Aghdam, (3, 48, 48), 43),
}


@dataclass(frozen=True)
class Setting:
    """What all contestants share in one table. classifier: random weights. pixels: uint8 (n, C, H, W); labels: (n,)."""

    classifier: Classifier
    pixels: Tensor
    labels: Tensor
    seconds: float
    timer: Callable[[], float]

    def now(self) -> float:
        """Seconds, when all work given to the device so far is done."""
        if self.pixels.is_cuda:
            torch.cuda.synchronize()
        return self.timer()

    def rate(self, work: Callable[[int], int], first: int) -> float:
        """Individuals a second of ``work``, which takes a number of steps and says how many individuals they were."""
        work(first)  # warm
        start = self.now()
        work(first)
        steps = max(first, int(first * self.seconds / max(self.now() - start, 1e-6)))
        start = self.now()
        return work(steps) / (self.now() - start)


def prepare(net: str, device: str, seconds: float, timer: Callable[[], float]) -> Setting:
    """A network with random weights that is right about random images."""
    architecture, shape, classes = NETS[net]
    torch.manual_seed(0)
    classifier = architecture(shape, [str(label) for label in range(classes)]).eval().to(device)
    pixels = torch.randint(256, (IMAGES, *shape), dtype=torch.uint8, device=device)
    with torch.inference_mode():
        labels = classifier(as_input(pixels.float())).argmax(1)
    return Setting(classifier, pixels, labels, seconds, timer)


def run_attack(setting: Setting, attack: Evolution, images: int = IMAGES) -> float:
    """Measure an attack of convstab on so many images."""
    pixels, labels, index = setting.pixels[:images], setting.labels[:images], torch.arange(images)

    def work(generations: int) -> int:
        limited = replace(attack, generations=generations, patience=generations)
        rows = limited(setting.classifier, pixels, labels, index, max_queries=10**9).rows
        return int(rows["queries"].sum())

    return setting.rate(work, 3)


@torch.inference_mode()
def run_bare(setting: Setting) -> float:
    """Measure the forward pass."""
    batch = as_input(setting.pixels.float().repeat(16, 1, 1, 1))

    def work(batches: int) -> int:
        for _ in range(batches):
            setting.classifier(batch)
        return batches * len(batch)

    return setting.rate(work, 3)


def fitness(setting: Setting, noise: Tensor) -> Tensor:
    """Equation 2 for individuals (n, genes), in the order C, H, W, in grey levels: the obvious way to write it."""
    pixels, label = setting.pixels[0].float(), setting.labels[0]
    images = (pixels + noise.view(-1, *pixels.shape)).clamp(0, 255) / 255
    scores = setting.classifier(images).softmax(1)
    highest, predicted = scores.max(1)
    psi = torch.where(predicted == label, 10 * scores[:, label], highest - scores[:, label])
    value: Tensor = psi + LAMBDA / noise.shape[1] ** 0.5 * noise.norm(dim=1)
    return value


@torch.inference_mode()
def run_evotorch(setting: Setting) -> float:
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
        partial(fitness, setting),
        solution_length=setting.pixels[0].numel(),
        initial_bounds=(-AMPLITUDE, AMPLITUDE),
        vectorized=True,
        dtype=torch.float32,
        device=setting.pixels.device,
        seed=0,
    )
    operators = [
        evo_operators.MultiPointCrossOver(problem, tournament_size=5, num_points=2, cross_over_rate=0.9),
        evo_operators.GaussianMutation(problem, stdev=AMPLITUDE / 3**0.5, mutation_probability=SHARE),
    ]
    search = evo_algorithms.GeneticAlgorithm(problem, popsize=POPULATION, operators=operators, elitist=True)

    def work(generations: int) -> int:
        for _ in range(generations):
            search.step()
        return generations * POPULATION

    return setting.rate(work, 3)


CONTESTANTS: dict[str, Callable[[Setting], float]] = {
    "Paper": partial(run_attack, attack=attacks.Paper()),
    "Genetic": partial(run_attack, attack=attacks.Genetic()),
    "bare": run_bare,
    "deap": partial(run_attack, attack=attacks.Paper(engine="deap"), images=1),
    "EvoTorch": run_evotorch,
}


def race(setting: Setting, rounds: int) -> dict[str, list[float]]:
    """Individuals a second of every contestant in every round."""
    rates: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for _ in range(rounds):
        for name, run in CONTESTANTS.items():
            rates[name].append(run(setting))
    return rates


def row(name: str, rates: dict[str, list[float]], net: str) -> str:
    """One line of the table: the median rate and that of the ratios to two contestants."""
    ratios = [f"{median(np.divide(rates[own], rates[name])):.2f}" for own in ("Paper", "Genetic")]
    return f"| {net} | {name} | {median(rates[name]):,.0f} | {' | '.join(ratios)} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--seconds", type=float, default=3, help="for each contestant in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--threads", type=int, help="of the CPU; default: PyTorch's choice")
    parser.add_argument("--net", choices=NETS, action="append", help="default: all")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    timer = time.process_time if options.clock == "cpu" else time.perf_counter
    print(f"{options.device}, {torch.get_num_threads()} threads, {options.clock} clock, {options.rounds} rounds\n")
    print("| network | contestant | individuals a second | Paper is x times | Genetic is x times |")
    print("|---|---|---|---|---|")
    for net in options.net or NETS:
        rates = race(prepare(net, options.device, options.seconds, timer), options.rounds)
        for name in CONTESTANTS:
            print(row(name, rates, net), flush=True)


if __name__ == "__main__":
    main()
