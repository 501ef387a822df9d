"""Draws a second of evaluate.py, beside the bare forward pass and beside what a user would write.

python benchmarks/evaluate.py
python benchmarks/evaluate.py --precision bfloat16 --clock cpu --threads 1
python benchmarks/evaluate.py --device cuda --precision float32 bfloat16 --seconds 10
python benchmarks/evaluate.py --memory

evaluate.py  Workers.work as the command calls it: noise, PSNR, forward pass, softmax, counts, parts written to a disk
bare         the forward pass alone, again and again on one ready batch without noise: in as many threads as the workers
             has, each with its share of the cores; and in one thread whose forward pass has all cores
user         a Dataset that adds NumPy noise to one image at a time, DataLoader, PyTorch's layout, torchmetrics

Same weights, batch and precision for all. They take turns for several rounds, because machines are shared: medians over
the rounds, ratios within a round, the least and greatest in brackets. On a machine that is busy with something else,
--clock cpu --threads 1 counts processor time, which others cannot take away.

Goals: 0.85 of bare for LeNet, 0.95 for the others; 2 times the user for LeNet, 3 times for the others. With --memory:
the peak of a fresh process with 150 draws within 10 % of that with 15.
"""

import argparse
import contextlib
import copy
import io
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from threading import Barrier

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassPrecision, MulticlassRecall

from convstab.commands.evaluate import write_part
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.stability import Precision, forward_precision
from convstab.evaluation.workers import Workers, calibrate
from convstab.images import Images, to_unit
from convstab.models import Aghdam, CifarQuick, Classifier, LeNet
from convstab.runs.parts import Parts

WARMUP = 8  # batches that are not measured: as many as two workers of a DataLoader have ready, and more
SLICE = 64  # images per part, as in conf/evaluate.yaml
MEMORY_IMAGES, FEW, MANY = 16, 15, 150
NETS: dict[str, tuple[type[Classifier], tuple[int, int, int], int]] = {
    "LeNet 1x28x28": (LeNet, (1, 28, 28), 10),
    "CifarQuick 3x32x32": (CifarQuick, (3, 32, 32), 10),
    "Aghdam 3x48x48": (Aghdam, (3, 48, 48), 43),
}


@dataclass(frozen=True)
class Setting:
    """What all contestants share in one table."""

    device: torch.device
    precision: Precision
    seconds: float
    timer: Callable[[], float] = time.perf_counter

    def now(self) -> float:
        """Seconds, when all work given to the device so far is done."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return self.timer()


def synthetic(name: str, count: int) -> tuple[nn.Module, Images]:
    """A network with random weights, and random images; speed does not depend on what they show."""
    architecture, shape, classes = NETS[name]
    torch.manual_seed(0)
    names = [str(label) for label in range(classes)]
    pixels = torch.randint(256, (count, *shape), dtype=torch.uint8)
    test = Images(pixels, torch.randint(classes, (count,)), names)
    return architecture(shape, names).eval(), test


def run_evaluate(workers: Workers, setting: Setting, draws: int) -> float:
    """Measure the evaluation of enough slices for ``draws`` draws, equally many for each thread."""
    images = min(draws / workers.protocol.draws_per_image, len(workers.images))
    rounds = math.ceil(images / workers.count / SLICE)  # slices of each thread
    size = max(1, int(images / workers.count / rounds))
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        parts = Parts(Path(folder), workers.count * rounds * size, {}, size)
        start = setting.now()
        workers.work(dict(enumerate(parts.slices)), partial(write_part, parts), lambda _: None)
        return len(parts.slices) * size * workers.protocol.draws_per_image / (setting.now() - start)


@torch.inference_mode()
def run_bare(workers: Workers, setting: Setting, draws: int) -> float:
    """Measure the forward pass in the threads of the workers."""
    batches = math.ceil(draws / workers.count / workers.batch_size)
    ready = Barrier(workers.count + 1)

    def work(inputs: Tensor) -> None:
        forward(workers, inputs, WARMUP)
        ready.wait()
        ready.wait()
        forward(workers, inputs, batches)

    with workers.threads() as pool:
        jobs = [pool.submit(work, batch(workers)) for _ in range(workers.count)]
        ready.wait()
        start = setting.now()
        ready.wait()
        for job in jobs:
            job.result()
        return workers.count * batches * workers.batch_size / (setting.now() - start)


def run_bare_alone(workers: Workers, setting: Setting, draws: int) -> float:
    """Measure the forward pass in one thread that has all cores."""
    batches, inputs = math.ceil(draws / workers.batch_size), batch(workers)
    forward(workers, inputs, WARMUP)
    start = setting.now()
    forward(workers, inputs, batches)
    return batches * workers.batch_size / (setting.now() - start)


@torch.inference_mode()
def forward(workers: Workers, inputs: Tensor, times: int) -> None:
    """The forward pass, again and again."""
    with forward_precision(workers.precision, workers.device):
        for _ in range(times):
            workers.model(inputs)


def batch(workers: Workers) -> Tensor:
    """One ready batch, float32 in [0, 1], channels last."""
    pixels = workers.images.pixels
    chosen = pixels[torch.arange(workers.batch_size) % len(pixels)].to(workers.device)
    return to_unit(chosen).contiguous(memory_format=torch.channels_last)


class NoisyImages(Dataset[tuple[Tensor, int]]):
    """Noisy copies, one at a time, as a user would make them."""

    def __init__(self, pixels: NDArray[np.uint8], labels: NDArray[np.int64], protocol: Protocol) -> None:
        self.pixels, self.labels, self.draws = pixels, labels, protocol.draws_per_image
        self.sigmas = np.repeat(protocol.sigmas, protocol.draws_of)
        self.generator = np.random.default_rng(protocol.seed)

    def __len__(self) -> int:
        return len(self.labels) * self.draws

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image, draw = divmod(index, self.draws)
        noise = self.generator.normal(0, self.sigmas[draw], self.pixels.shape[1:])
        noisy = np.clip(np.round(self.pixels[image] + noise), 0, 255).astype(np.float32) / 255
        return torch.from_numpy(noisy), int(self.labels[image])


def run_user(workers: Workers, setting: Setting, processes: int) -> float:
    """Measure what a user would write, for some seconds."""
    test, classes = workers.images, len(workers.images.classes)
    net = plain_layout(workers.model)
    metrics = MetricCollection(
        {
            "accuracy": MulticlassAccuracy(classes, average="micro"),
            "precision": MulticlassPrecision(classes, average=None),
            "recall": MulticlassRecall(classes, average=None),
        }
    ).to(setting.device)
    dataset = NoisyImages(test.pixels.numpy(), test.labels.numpy(), workers.protocol)
    loader = DataLoader(dataset, batch_size=workers.batch_size, num_workers=processes, drop_last=True)
    start, done = 0.0, 0
    with torch.inference_mode(), forward_precision(setting.precision, setting.device):
        for step, (images, labels) in enumerate(endless(loader)):
            if step == WARMUP:
                start = setting.now()
            metrics.update(net(images.to(setting.device)), labels.to(setting.device))
            if step >= WARMUP:
                done += len(labels)
                if setting.timer() - start > setting.seconds:
                    break
    metrics.compute()
    return done / (setting.now() - start)


def endless(loader: DataLoader[tuple[Tensor, int]]) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches of a loader, over and over."""
    while True:
        yield from loader


def plain_layout(classifier: nn.Module) -> nn.Module:
    """A copy whose weights have PyTorch's own layout."""
    net = copy.deepcopy(classifier)
    for weight in net.parameters():
        weight.data = weight.data.clone(memory_format=torch.contiguous_format)
    return net


def measure(name: str, setting: Setting, rounds: int) -> list[dict[str, float]]:
    """Draws a second of each contestant, for each round."""
    workers = Workers(*synthetic(name, 4096), Protocol(), setting.device, precision=setting.precision)
    draws = round(calibrate(workers) * setting.seconds)
    runs: dict[str, Callable[[], float]] = {
        "evaluate.py": lambda: run_evaluate(workers, setting, draws),
        "bare": lambda: run_bare(workers, setting, draws),
        "user, 0 workers": lambda: run_user(workers, setting, 0),
    }
    if workers.count > 1:
        runs["bare, all"] = lambda: run_bare_alone(workers, setting, draws)
    if setting.timer is time.perf_counter:  # workers are other processes, whose time the processor's clock leaves out
        runs["user, 2 workers"] = lambda: run_user(workers, setting, 2)
    return [{who: run() for who, run in runs.items()} for _ in range(rounds)]


def row(name: str, setting: Setting, rounds: list[dict[str, float]]) -> str:
    """One line of the table; the better of the users."""
    users = [who for who in rounds[0] if who.startswith("user")]
    user = max(users, key=lambda who: median(rates[who] for rates in rounds))
    cells = [name, setting.precision, speed(rounds, "evaluate.py")]
    for who in ("bare", "bare, all" if "bare, all" in rounds[0] else "bare", user):  # one thread: the same
        ratios = [rates["evaluate.py"] / rates[who] for rates in rounds]
        note = f" ({user[6:]})" if who == user else ""
        cells += [speed(rounds, who) + note, f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"]
    return f"| {' | '.join(cells)} |"


def speed(rounds: list[dict[str, float]], who: str) -> str:
    """The median of the draws a second."""
    return f"{median(rates[who] for rates in rounds):,.0f}"


def races(options: argparse.Namespace) -> None:
    """Print the table of speeds."""
    timer = {"wall": time.perf_counter, "cpu": time.process_time}[options.clock]
    workers = Workers(*synthetic("LeNet 1x28x28", 1), Protocol(), torch.device(options.device))
    print(f"{where(options.device)}, batch {workers.batch_size}; {options.clock} time, {options.rounds} rounds\n")
    print(
        f"| net | precision | evaluate.py (draws/s) | bare, {workers.count} x 1 thread | evaluate.py / bare "
        "| bare, 1 x all threads | evaluate.py / bare | user | evaluate.py / user |"
    )
    print("|---|---|" + "---:|" * 7)
    for precision in options.precision:
        setting = Setting(torch.device(options.device), precision, options.seconds, timer)
        for name in options.net or NETS:
            print(row(name, setting, measure(name, setting, options.rounds)), flush=True)


def where(device: str) -> str:
    """The versions and the device."""
    processor = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    return f"torch {torch.__version__}, {processor}"


def memory(options: argparse.Namespace) -> None:
    """Print the table of peak memory, each number from a process of its own."""
    print(f"{where(options.device)}; {MEMORY_IMAGES} images, peak resident memory in MiB\n")
    print(f"| net | precision | after loading | {FEW} draws | {MANY} draws | {MANY} / {FEW} |")
    print("|---|---|" + "---:|" * 4)
    for precision in options.precision:
        for name in options.net or NETS:
            (before, few), (_, many) = (peak_of_process(name, precision, draws, options) for draws in (FEW, MANY))
            cells = [name, precision, *(f"{size:.0f}" for size in (before, few, many)), f"{many / few:.3f}"]
            print(f"| {' | '.join(cells)} |", flush=True)


def peak_of_process(name: str, precision: str, draws: int, options: argparse.Namespace) -> tuple[float, float]:
    """Peak memory of a fresh process in MiB: before its evaluation, and at its end."""
    words = ["--peak", str(draws), "--net", name, "--precision", precision, "--device", options.device]
    words += ["--threads", str(torch.get_num_threads())]
    done = subprocess.run([sys.executable, __file__, *words], stdout=subprocess.PIPE, text=True, check=True)
    before, after = map(float, done.stdout.split())
    return before, after


def report_peak(name: str, precision: Precision, draws: int, device: torch.device) -> None:
    """Evaluate with so many draws, and print the peak memory of this process before and after."""
    workers = Workers(*synthetic(name, MEMORY_IMAGES), Protocol(draws=draws), device, precision=precision)
    before = peak()
    setting = Setting(device, precision, seconds=0)
    run_evaluate(workers, setting, MEMORY_IMAGES * workers.protocol.draws_per_image)
    print(before, peak())


def peak() -> float:
    """Peak resident memory of this process so far, in MiB.

    Linux counts what the starting process held in: that one must not have done more than import.
    """
    unit = 1 if sys.platform == "darwin" else 2**10  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), nargs="+", default=["float32"])
    parser.add_argument("--seconds", type=float, default=4, help="for each contestant in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--threads", type=int, help="of the CPU; default: PyTorch's choice")
    parser.add_argument("--net", choices=NETS, action="append", help="default: all")
    parser.add_argument("--memory", action="store_true", help="peak memory instead of speed")
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)  # what --memory starts: draws
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.peak:
        report_peak(options.net[0], options.precision[0], options.peak, torch.device(options.device))
    elif options.memory:
        memory(options)
    else:
        races(options)


if __name__ == "__main__":
    main()
