"""What the speed benchmarks share: a clock, contestants that take turns, and tables of rates and ratios.

Machines are shared, and their speed changes from minute to minute. So the contestants take turns for several rounds,
what is compared are ratios within a round, and a table shows medians over the rounds. A rate is units (images, draws,
individuals) a second. Models have random weights, and images random pixels: speed does not depend on what they show.
"""

import argparse
import copy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import median

import torch
from torch import Tensor, nn

from convstab.images import Images, to_unit
from convstab.models import Aghdam, CifarQuick, Classifier, LeNet

WARMUP = 10  # steps that are not measured: more than two workers of a DataLoader have ready
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
MODELS: dict[str, tuple[type[Classifier], tuple[int, int, int], int]] = {  # name: architecture, (C, H, W), classes
    "LeNet 1x28x28": (LeNet, (1, 28, 28), 10),
    "CifarQuick 3x32x32": (CifarQuick, (3, 32, 32), 10),
    "Aghdam 3x48x48": (Aghdam, (3, 48, 48), 43),
}


@dataclass(frozen=True)
class Setting:
    """How every contestant is measured.

    Args:
        device: "cpu" or "cuda".
        seconds: to measure each contestant in each round, about.
        rounds: at least 1.
        clock: "wall", or "cpu": the time of this process on all processors, which others cannot take away.
    """

    device: str
    seconds: float = 0
    rounds: int = 1
    clock: str = "wall"

    def now(self) -> float:
        """Seconds, when all work given to the device so far is done."""
        if self.device == "cuda":
            torch.cuda.synchronize()
        return CLOCKS[self.clock]()

    def is_over(self, start: float) -> bool:
        """Whether the seconds since ``start`` are enough; does not wait for the device."""
        return CLOCKS[self.clock]() - start > self.seconds

    def rate(self, steps: Iterator[int]) -> float:
        """Units a second of steps without end, each of which says how many units it was; the first ones warm up."""
        sum(islice(steps, WARMUP))
        start, done = self.now(), 0
        for units in steps:
            done += units
            if self.is_over(start):
                break
        return done / (self.now() - start)

    @property
    def loader_workers(self) -> Sequence[int]:
        """Numbers of workers of a user's DataLoader: the processor's clock leaves out the time of other processes."""
        return (0, 2) if self.clock == "wall" else (0,)

    @property
    def where(self) -> str:
        """The version of PyTorch and the device."""
        processor = f"CPU, {torch.get_num_threads()} threads"
        return f"torch {torch.__version__}, {torch.cuda.get_device_name() if self.device == 'cuda' else processor}"

    @property
    def turns(self) -> str:
        """The clock and the rounds."""
        return f"{self.clock} time, {self.rounds} rounds"


@dataclass(frozen=True)
class Rates:
    """Units a second: for each round, {contestant: rate}."""

    rounds: Sequence[Mapping[str, float]]

    def median(self, name: str) -> float:
        """Of the rounds of a contestant."""
        return median(rates[name] for rates in self.rounds)

    def ratios(self, name: str, other: str) -> list[float]:
        """How many times as fast as another a contestant is, in each round."""
        return [rates[name] / rates[other] for rates in self.rounds]

    def speed(self, name: str) -> str:
        """The median as a cell of a table."""
        return f"{self.median(name):,.0f}"

    def ratio(self, name: str, other: str) -> str:
        """The median of the ratios as a cell of a table."""
        return f"{median(self.ratios(name, other)):.2f}"

    def fastest(self, prefix: str) -> str:
        """The contestant with the greatest median among those whose names begin like this."""
        return max((name for name in self.rounds[0] if name.startswith(prefix)), key=self.median)


def race(contestants: Mapping[str, Callable[[], float]], rounds: int) -> Rates:
    """Let contestants take turns; each returns its rate."""
    return Rates([{name: run() for name, run in contestants.items()} for _ in range(rounds)])


def speed_options(
    description: str | None, models: Sequence[str], seconds: float = 4, rounds: int = 5
) -> argparse.ArgumentParser:
    """The options of every speed benchmark, for ``setting_of``. models: names from ``MODELS``; the others: defaults."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--seconds", type=float, default=seconds, help="for each contestant in each round")
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--threads", type=int, help="of the CPU; default: PyTorch's choice")
    parser.add_argument("--net", choices=models, action="append", help="default: all")
    return parser


def setting_of(options: argparse.Namespace) -> Setting:
    """The setting that the options ask for; from here on PyTorch has as many threads as they say."""
    if options.threads:
        torch.set_num_threads(options.threads)
    return Setting(options.device, options.seconds, options.rounds, options.clock)


def random_model(name: str) -> Classifier:
    """A model of ``MODELS`` with random weights, the same each time, in evaluation mode on the CPU."""
    architecture, shape, classes = MODELS[name]
    torch.manual_seed(0)
    return architecture(shape, [str(label) for label in range(classes)]).eval()


def random_images(name: str, count: int) -> Images:
    """``count`` random images of the shape and with the classes of a model of ``MODELS``, the same each time."""
    _, shape, classes = MODELS[name]
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (count, *shape), dtype=torch.uint8, generator=generator)
    labels = torch.randint(classes, (count,), generator=generator)
    return Images(pixels, labels, [str(label) for label in range(classes)])


def ready_batch(pixels: Tensor, count: int) -> Tensor:
    """``count`` images from uint8 (N, C, H, W), over and over where N is less: float32 in [0, 1], channels last."""
    chosen = pixels[torch.arange(count) % len(pixels)]
    return to_unit(chosen).contiguous(memory_format=torch.channels_last)


def forward_passes(model: nn.Module, batch: Tensor) -> Iterator[int]:
    """The bare forward pass of one ready batch, again and again: what nothing that classifies can be faster than."""
    while True:
        model(batch)
        yield len(batch)


def user_copy(model: nn.Module) -> nn.Module:
    """A copy whose weights have PyTorch's own layout, as a user's would."""
    copied: nn.Module = copy.deepcopy(model).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return copied


def print_head(columns: Sequence[str], words: int = 1) -> None:
    """The head of a Markdown table, in which the first columns hold words and the others numbers."""
    print_row(columns)
    print("|---" * words + "|---:" * (len(columns) - words) + "|", flush=True)


def print_row(cells: Sequence[str]) -> None:
    """A line of a Markdown table."""
    print(f"| {' | '.join(cells)} |", flush=True)
