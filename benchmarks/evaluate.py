"""Draws a second of evaluate.py, beside the bare forward pass and beside what a user would write.

python -m benchmarks.evaluate
python -m benchmarks.evaluate --precision bfloat16 --clock cpu --threads 1
python -m benchmarks.evaluate --device cuda --precision float32 bfloat16 --seconds 10
python -m benchmarks.evaluate --memory

evaluate.py  Workers.work as the command calls it: noise, PSNR, forward pass, softmax, counts, parts written to a disk
own          the same, of the same layers as a module of a user's: cs.load_model(net, mean=..., std=...)
bare         the forward pass alone, again and again on one ready batch without noise: in as many threads as the workers
             has, each with its share of the cores; and in one thread whose forward pass has all cores
user         a Dataset that adds NumPy noise to one image at a time, DataLoader, PyTorch's layout, torchmetrics

Same weights, batch and precision for all. They take turns for several rounds, because machines are shared: medians over
the rounds, ratios within a round, the least and greatest in brackets. On a machine that is busy with something else,
--clock cpu --threads 1 counts processor time, which others cannot take away.

Goals: an own module at 0.97 of a run; 0.85 of bare for LeNet, 0.95 for the others; 2 times the user for LeNet, 3 times
for the others. With --memory: the peak of a fresh process with 150 draws within 10 % of that with 15.
"""

import argparse
import contextlib
import io
import math
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from threading import Barrier

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassPrecision, MulticlassRecall

from benchmarks import timing
from benchmarks.timing import Rates, Setting
from convstab.commands.evaluate import write_part
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.stability import Precision, forward_precision
from convstab.evaluation.workers import Workers, calibrate
from convstab.models import Classifier
from convstab.models.own.load import load_model
from convstab.runs.parts import Parts
from convstab.validation import own_model

IMAGES, SLICE = 4096, 64  # in memory; per part, as in conf/evaluate.yaml
MEMORY_IMAGES, FEW, MANY = 16, 15, 150


def prepare(name: str, count: int, protocol: Protocol, device: str, precision: Precision) -> Workers:
    """The workers of an evaluation, with random weights and so many random images."""
    return Workers(
        timing.random_model(name),
        timing.random_images(name, count),
        protocol,
        torch.device(device),
        precision=precision,
    )


def of_own_module(workers: Workers) -> Workers:
    """Workers for the layers of a classifier as a user's module, which convstab normalises for."""
    classifier = workers.model
    assert isinstance(classifier, Classifier)
    given = load_model(classifier.net, mean=classifier.mean.flatten().tolist(), std=classifier.std.flatten().tolist())
    own, images = own_model(given.eval(), workers.images, workers.device)
    return Workers(own, images, workers.protocol, workers.device, workers.batch_size, workers.precision)


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


def run_bare(workers: Workers, setting: Setting, draws: int) -> float:
    """Measure the forward pass in the threads of the workers."""
    batches = math.ceil(draws / workers.count / workers.batch_size)
    ready = Barrier(workers.count + 1)

    def work() -> int:
        with bare(workers) as passes:
            sum(islice(passes, timing.WARMUP))
            ready.wait()
            ready.wait()
            return sum(islice(passes, batches))

    with workers.threads() as pool:
        jobs = [pool.submit(work) for _ in range(workers.count)]
        ready.wait()
        start = setting.now()
        ready.wait()
        done = sum(job.result() for job in jobs)
        return done / (setting.now() - start)


def run_bare_alone(workers: Workers, setting: Setting) -> float:
    """Measure the forward pass in one thread that has all cores."""
    with bare(workers) as passes:
        return setting.rate(passes)


@contextlib.contextmanager
def bare(workers: Workers) -> Iterator[Iterator[int]]:
    """The forward passes of one ready batch, in the precision of the workers."""
    batch = timing.ready_batch(workers.images.pixels, workers.batch_size).to(workers.device)
    with torch.inference_mode(), forward_precision(workers.precision, workers.device):
        yield timing.forward_passes(workers.model, batch)


class NoisyImages(Dataset[tuple[Tensor, int]]):
    """Noisy copies, one at a time, as a user would make them."""

    def __init__(self, pixels: NDArray[np.uint8], labels: NDArray[np.int64], protocol: Protocol) -> None:
        self.pixels, self.labels, self.draws = pixels, labels, protocol.draws_per_image
        self.levels = np.repeat(protocol.levels, protocol.draws_of)
        self.generator = np.random.default_rng(protocol.seed)

    def __len__(self) -> int:
        return len(self.labels) * self.draws

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image, draw = divmod(index, self.draws)
        noise = self.generator.normal(0, self.levels[draw], self.pixels.shape[1:])
        noisy = np.clip(np.round(self.pixels[image] + noise), 0, 255).astype(np.float32) / 255
        return torch.from_numpy(noisy), int(self.labels[image])


def run_user(workers: Workers, setting: Setting, processes: int) -> float:
    """Measure what a user would write."""
    test, classes = workers.images, len(workers.images.classes)
    model = timing.user_copy(workers.model)
    metrics = MetricCollection(
        {
            "accuracy": MulticlassAccuracy(classes, average="micro"),
            "precision": MulticlassPrecision(classes, average=None),
            "recall": MulticlassRecall(classes, average=None),
        }
    ).to(setting.device)
    dataset = NoisyImages(test.pixels.numpy(), test.labels.numpy(), workers.protocol)
    loader = DataLoader(dataset, batch_size=workers.batch_size, num_workers=processes, drop_last=True)

    def steps() -> Iterator[int]:
        while True:
            for images, labels in loader:
                metrics.update(model(images.to(setting.device)), labels.to(setting.device))
                yield len(labels)

    with torch.inference_mode(), forward_precision(workers.precision, setting.device):
        return setting.rate(steps())


def measure(name: str, precision: Precision, setting: Setting) -> Rates:
    """Draws a second."""
    workers = prepare(name, IMAGES, Protocol(), setting.device, precision)
    draws = round(calibrate(workers) * setting.seconds)
    runs: dict[str, Callable[[], float]] = {
        "evaluate.py": partial(run_evaluate, workers, setting, draws),
        "own": partial(run_evaluate, of_own_module(workers), setting, draws),
        "bare": partial(run_bare, workers, setting, draws),
        "bare, alone": partial(run_bare_alone, workers, setting),
    }
    for processes in setting.loader_workers:
        runs[f"user, {processes} workers"] = partial(run_user, workers, setting, processes)
    return timing.race(runs, setting.rounds)


def cells(rates: Rates) -> Iterator[str]:
    """The speeds of a line of the table, and their ratios; the better of the users."""
    yield rates.speed("evaluate.py")
    yield f"{rates.ratio('own', 'evaluate.py')} ({spread(rates.ratios('own', 'evaluate.py'))})"
    user = rates.fastest("user")
    for who in ("bare", "bare, alone", user):
        ratios = rates.ratios("evaluate.py", who)
        yield rates.speed(who) + (f" ({user.removeprefix('user, ')})" if who == user else "")
        yield f"{rates.ratio('evaluate.py', who)} ({spread(ratios)})"


def spread(ratios: Sequence[float]) -> str:
    """The least and the greatest."""
    return f"{min(ratios):.2f}-{max(ratios):.2f}"


def print_speeds(options: argparse.Namespace, setting: Setting) -> None:
    """Print the table of speeds."""
    workers = prepare("LeNet 1x28x28", 1, Protocol(), setting.device, "float32")
    print(f"{setting.where}, batch {workers.batch_size}; {setting.turns}\n")
    bares = (f"bare, {workers.count} x 1 thread", "bare, 1 x all threads")
    contestants = [words for bare in bares for words in (bare, "evaluate.py / bare")]
    timing.print_head(
        ["net", "precision", "evaluate.py (draws/s)", "own / evaluate.py", *contestants, "user", "evaluate.py / user"],
        words=2,
    )
    for precision in options.precision:
        for name in options.net or timing.MODELS:
            timing.print_row([name, precision, *cells(measure(name, precision, setting))])


def print_memory(options: argparse.Namespace, setting: Setting) -> None:
    """Print the table of peak memory, each number from a process of its own."""
    print(f"{setting.where}; {MEMORY_IMAGES} images, peak resident memory in MiB\n")
    columns = ["net", "precision", "after loading", f"{FEW} draws", f"{MANY} draws", f"{MANY} / {FEW}"]
    timing.print_head(columns, words=2)
    for precision in options.precision:
        for name in options.net or timing.MODELS:
            (before, few), (_, many) = (peak_of_process(name, precision, draws, setting) for draws in (FEW, MANY))
            timing.print_row([name, precision, *(f"{size:.0f}" for size in (before, few, many)), f"{many / few:.3f}"])


def peak_of_process(name: str, precision: str, draws: int, setting: Setting) -> tuple[float, float]:
    """Peak memory of a fresh process in MiB: before its evaluation, and at its end."""
    words = ["--peak", str(draws), "--net", name, "--precision", precision, "--device", setting.device]
    words += ["--threads", str(torch.get_num_threads())]
    line = [sys.executable, "-m", "benchmarks.evaluate", *words]
    before, after = map(float, subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True).stdout.split())
    return before, after


def print_peak(name: str, precision: Precision, draws: int, setting: Setting) -> None:
    """Evaluate with so many draws, and print the peak memory of this process before and after."""
    workers = prepare(name, MEMORY_IMAGES, Protocol(draws=draws), setting.device, precision)
    before = peak()
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
    parser = timing.speed_options(__doc__, list(timing.MODELS))
    parser.add_argument("--precision", choices=("float32", "bfloat16"), nargs="+", default=["float32"])
    parser.add_argument("--memory", action="store_true", help="peak memory instead of speed")
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)  # what --memory starts: draws
    options = parser.parse_args(arguments)
    setting = timing.setting_of(options)
    if options.peak:
        print_peak(options.net[0], options.precision[0], options.peak, setting)
    elif options.memory:
        print_memory(options, setting)
    else:
        print_speeds(options, setting)


if __name__ == "__main__":
    main()
