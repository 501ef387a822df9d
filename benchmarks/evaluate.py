"""Draws a second of evaluate.py, beside the best forward passes to be had and beside what a user would write.

python -m benchmarks.evaluate
python -m benchmarks.evaluate --clock cpu --threads 1
python -m benchmarks.evaluate --device cuda --seconds 10
python -m benchmarks.evaluate --memory

evaluate     Workers.work as the command calls it: noise, PSNR, forward pass, softmax, counts, parts written to a disk;
             by the forward pass in bfloat16, compiled
float32      the same by PyTorch's forward pass in float32
own          the same in float32, of the same layers as a module of a user's: cs.load_model(net, mean=..., std=...)
noise        the noisy copies and their PSNR alone; its share of evaluate's time
eager        PyTorch's forward pass alone, in float32, again and again on one ready batch without noise
compiled     the compiled one in bfloat16
onnxruntime  that of ONNX Runtime in float32, where it is installed, on a CPU
user         a Dataset that adds NumPy noise to one image at a time, DataLoader, PyTorch's layout, torchmetrics; in
             float32, and in bfloat16 by autocast

All but the user have as many threads as the workers, each with its share of the cores. Same weights and batch for all.
They take turns for several rounds, because machines are shared: medians over the rounds, ratios within a round, the
least and greatest in brackets. On a machine that is busy with something else, --clock cpu --threads 1 counts processor
time, which others cannot take away.

Goals: an own module at 0.97 of a run; evaluate at 0.85 of the best forward pass for LeNet, 0.92 for the others, and at
2.2, 1.6 and 2.2 times float32; noise at most 5 % of LeNet's time, 1 % of the others'. On one H100 (--device cuda) the
protocol of 150 draws takes 10 s for MNIST, 20 s for CIFAR-10 and 60 s for GTSRB. With --memory: the peak of a fresh
process with 150 draws within 10 % of that with 15.
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
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from statistics import median
from threading import Barrier
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassPrecision, MulticlassRecall

from benchmarks import timing
from benchmarks.timing import Rates, Setting
from convstab.commands.evaluate import write_part
from convstab.evaluation.pilot.forward import pass_of
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.stability import DegradedBatches
from convstab.evaluation.workers import Workers, calibrate
from convstab.forward.compiled import COMPILED, CompiledPass
from convstab.forward.eager import ForwardPass, Precision, forward_precision
from convstab.forward.own_model import own_model
from convstab.models import Classifier
from convstab.models.own.load import load_model
from convstab.precision import true_float32
from convstab.runs.parts import Parts

Forward = Callable[[Tensor], Any]
PASSES = "float32", COMPILED
IMAGES, SLICE = 4096, 64  # in memory; per part, as in conf/evaluate.yaml
MEMORY_IMAGES, FEW, MANY = 16, 15, 150


def prepare(name: str, count: int, protocol: Protocol, device: str) -> Workers:
    """The workers of an evaluation, with random weights and so many random images."""
    return Workers(
        timing.random_model(name),
        timing.random_images(name, count),
        protocol,
        torch.device(device),
    )


def of_own_module(workers: Workers) -> Workers:
    """Workers for the layers of a classifier as a user's module, which convstab normalises for."""
    classifier = workers.model
    assert isinstance(classifier, Classifier)
    given = load_model(classifier.net, mean=classifier.mean.flatten().tolist(), std=classifier.std.flatten().tolist())
    own, images = own_model(given.eval(), workers.images, workers.device)
    return Workers(own, images, workers.protocol, workers.device, workers.batch_size)


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


def run_passes(workers: Workers, forward: Forward, batch: Tensor, setting: Setting, draws: int) -> float:
    """Measure forward passes of one ready batch in the threads of the workers."""
    batches = math.ceil(draws / workers.count / workers.batch_size)
    ready = Barrier(workers.count + 1)

    @true_float32()
    @torch.inference_mode()
    def work() -> int:
        for _ in range(timing.WARMUP):
            forward(batch)
        ready.wait()
        ready.wait()
        for _ in range(batches):
            forward(batch)
        return batches * len(batch)

    with workers.threads() as pool:
        jobs = [pool.submit(work) for _ in range(workers.count)]
        ready.wait()
        start = setting.now()
        ready.wait()
        done = sum(job.result() for job in jobs)
        return done / (setting.now() - start)


def bare_passes(workers: Workers, compiled: CompiledPass) -> dict[str, tuple[Forward, Tensor]]:
    """The forward passes to be had, and a batch for each."""
    grey = workers.images.pixels[: workers.batch_size].to(workers.device)
    grey = grey.contiguous(memory_format=torch.channels_last)
    ready = timing.ready_batch(workers.images.pixels, workers.batch_size).to(workers.device)
    passes: dict[str, tuple[Forward, Tensor]] = {"eager": (workers.model, ready), "compiled": (compiled, grey)}
    if find_spec("onnxruntime") and find_spec("onnx") and workers.device.type == "cpu":
        passes["onnxruntime"] = runtime(workers.model, ready.contiguous()), ready.contiguous()
    return passes


def runtime(model: nn.Module, batch: Tensor) -> Forward:
    """ONNX Runtime's forward pass, on one core."""
    import onnxruntime  # noqa: PLC0415 - where it is installed

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = Path(folder, "model.onnx")
        torch.onnx.export(timing.user_copy(model), (batch,), file, dynamo=False, input_names=["images"])
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"images": images.numpy()})


def run_noise(workers: Workers, setting: Setting, draws: int) -> float:
    """Measure the noisy copies alone, in the threads of the workers."""
    images = max(1, round(draws / workers.count / workers.protocol.draws_per_image))
    pixels, index = workers.images.pixels[:images].to(workers.device), list(range(images))

    def work() -> int:
        return sum(len(psnr) for _, psnr in DegradedBatches(pixels, index, workers.protocol, workers.batch_size))

    start = setting.now()
    with workers.threads() as pool:
        done = sum(job.result() for job in [pool.submit(work) for _ in range(workers.count)])
    return done / (setting.now() - start)


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


def run_user(workers: Workers, setting: Setting, processes: int, precision: Precision) -> float:
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

    with torch.inference_mode(), forward_precision(precision, setting.device):
        return setting.rate(steps())


def with_pass(workers: Workers, forward: ForwardPass) -> Workers:
    """The same workers with another forward pass."""
    other = copy.copy(workers)
    other.forward = forward
    return other


def measure(name: str, setting: Setting) -> Rates:
    """Draws a second."""
    workers = prepare(name, IMAGES, Protocol(), setting.device)
    compiled = pass_of(COMPILED, workers)
    assert isinstance(compiled, CompiledPass)
    fast = with_pass(workers, compiled)
    draws, more = (round(calibrate(one) * setting.seconds) for one in (workers, fast))
    runs: dict[str, Callable[[], float]] = {
        "evaluate": partial(run_evaluate, fast, setting, more),
        "float32": partial(run_evaluate, workers, setting, draws),
        "own": partial(run_evaluate, of_own_module(workers), setting, draws),
        "noise": partial(run_noise, workers, setting, 2 * more),
    }
    for bare, (forward, batch) in bare_passes(workers, compiled).items():
        runs[bare] = partial(run_passes, workers, forward, batch, setting, more if bare == "compiled" else draws)
    precisions: tuple[Precision, ...] = "float32", "bfloat16"
    for processes, precision in product(setting.loader_workers, precisions):
        words = f"user, {precision}, {processes} workers"
        runs[words] = partial(run_user, workers, setting, processes, precision)
    return timing.race(runs, setting.rounds)


COLUMNS = (
    *("evaluate (draws/s)", "best pass", "evaluate / best", "eager", "compiled", "onnxruntime"),
    *("user, float32", "user, bfloat16", "evaluate / best user", "evaluate / float32", "own / float32", "noise"),
)


def cells(rates: Rates) -> Iterator[str]:
    """The speeds of a line of the table, and their ratios."""
    bare = [name for name in ("eager", "compiled", "onnxruntime") if name in rates.rounds[0]]
    best = max(bare, key=rates.median)
    users = [rates.fastest(f"user, {precision}") for precision in ("float32", "bfloat16")]
    yield rates.speed("evaluate")
    yield best
    yield ratio(rates, "evaluate", best)
    yield from (rates.speed(name) if name in bare else "" for name in ("eager", "compiled", "onnxruntime"))
    yield from map(rates.speed, users)
    yield ratio(rates, "evaluate", max(users, key=rates.median))
    yield ratio(rates, "evaluate", "float32")
    yield ratio(rates, "own", "float32")
    yield f"{median(rates.ratios('evaluate', 'noise')):.1%}"


def ratio(rates: Rates, name: str, other: str) -> str:
    """The median of a ratio within the rounds, the least and the greatest."""
    ratios = rates.ratios(name, other)
    return f"{rates.ratio(name, other)} ({min(ratios):.2f}-{max(ratios):.2f})"


def print_speeds(options: argparse.Namespace, setting: Setting) -> None:
    """Print the table of speeds."""
    workers = prepare("LeNet 1x28x28", 1, Protocol(), setting.device)
    print(f"{setting.where}, {workers.count} workers, batch {workers.batch_size}; {setting.turns}\n")
    timing.print_head(["net", *COLUMNS], words=1)
    for name in options.net or timing.MODELS:
        timing.print_row([name, *cells(measure(name, setting))])


def print_memory(options: argparse.Namespace, setting: Setting) -> None:
    """Print the table of peak memory, each number from a process of its own."""
    print(f"{setting.where}; {MEMORY_IMAGES} images, peak resident memory in MiB\n")
    columns = ["net", "forward pass", "after loading", f"{FEW} draws", f"{MANY} draws", f"{MANY} / {FEW}"]
    timing.print_head(columns, words=2)
    for forward in PASSES:
        for name in options.net or timing.MODELS:
            (before, few), (_, many) = (peak_of_process(name, forward, draws, setting) for draws in (FEW, MANY))
            timing.print_row([name, forward, *(f"{size:.0f}" for size in (before, few, many)), f"{many / few:.3f}"])


def peak_of_process(name: str, forward: str, draws: int, setting: Setting) -> tuple[float, float]:
    """Peak memory of a fresh process in MiB: before its evaluation, and at its end."""
    words = ["--peak", str(draws), "--net", name, "--forward", forward, "--device", setting.device]
    words += ["--threads", str(torch.get_num_threads())]
    line = [sys.executable, "-m", "benchmarks.evaluate", *words]
    before, after = map(float, subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True).stdout.split())
    return before, after


def print_peak(name: str, forward: str, draws: int, setting: Setting) -> None:
    """Evaluate with so many draws, and print the peak memory of this process before and after."""
    workers = prepare(name, MEMORY_IMAGES, Protocol(draws=draws), setting.device)
    workers.forward = pass_of(forward, workers)
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
    parser.add_argument("--memory", action="store_true", help="peak memory instead of speed")
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)  # what --memory starts: draws
    parser.add_argument("--forward", choices=PASSES, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    setting = timing.setting_of(options)
    if options.peak:
        print_peak(options.net[0], options.forward, options.peak, setting)
    elif options.memory:
        print_memory(options, setting)
    else:
        print_speeds(options, setting)


if __name__ == "__main__":
    main()
