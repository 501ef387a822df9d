"""Images a second of train.py's loop, beside a bare PyTorch loop and beside what a user would write.

python benchmarks/training.py
python benchmarks/training.py --clock cpu --threads 1
python benchmarks/training.py --device cuda --precision bf16-mixed --seconds 10

train.py   ImageData, Classifier and Trainer as conf/ composes them, with its callbacks and the CSV logger
bare       uint8 tensors in memory, gathered by index; /255, normalise, forward, loss, backward, SGD; channels last
user       a Dataset with a per-sample NumPy transform, DataLoader, a plain LightningModule, Trainer; PyTorch's layout

Same weights, batches, precision and optimiser for all; steps only: no start-up, validation or checkpoint. They take
turns for several rounds, because machines are shared: medians over the rounds, ratios within a round. On a machine that
is busy with something else, --clock cpu --threads 1 counts processor time, which others cannot take away.
"""

import argparse
import contextlib
import copy
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from hydra import compose, initialize_config_module
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from convstab.commands import train
from convstab.commands.app import plain, quiet_lightning
from convstab.data.images import ImageData, ImageSet
from convstab.images import Images
from convstab.loggers.csv import MetricsCsv
from convstab.models import Classifier

WARMUP = 10  # steps of each epoch that are not measured
BATCH = 64
NETS = {  # name: (data set whose configuration is used, images)
    "LeNet 1x28x28": ("mnist", 30_000),
    "Aghdam 3x48x48": ("gtsrb", 10_000),
}
SHAPES = {"mnist": ((1, 28, 28), 10), "gtsrb": ((3, 48, 48), 43)}


@dataclass(frozen=True)
class Setting:
    """What all contestants share in one table."""

    device: str
    precision: str
    seconds: float
    timer: Callable[[], float] = time.perf_counter

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """The precision of the bare loop."""
        if self.precision == "32-true":
            return contextlib.nullcontext()
        return torch.autocast(self.device, torch.bfloat16)

    def now(self) -> float:
        """Seconds, when all work given to the device so far is done."""
        if self.device == "cuda":
            torch.cuda.synchronize()
        return self.timer()


class Clock(pl.Callback):
    """Measures the steps of each epoch after its first ones, and ends the training when it has enough."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.images, self.elapsed, self.mark = 0, 0.0, 0.0

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,  # noqa: ARG002
        outputs: Any,  # noqa: ARG002
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Count one batch."""
        if batch_idx < WARMUP:
            return
        if batch_idx == WARMUP:
            self.mark = self.setting.now()
            return
        self.images += len(batch[1])
        enough = self.elapsed + self.setting.timer() - self.mark > self.setting.seconds
        if enough or trainer.is_last_batch:
            self.elapsed += self.setting.now() - self.mark
            trainer.should_stop = enough

    @property
    def rate(self) -> float:
        """Images a second."""
        return self.images / self.elapsed


def synthetic(root: Path, dataset: str, count: int) -> ImageSet:  # noqa: ARG001 - the signature of a data set
    """Random images of a data set's shape; speed does not depend on what they show."""
    shape, classes = SHAPES[dataset]
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (count, *shape), dtype=torch.uint8, generator=generator)
    labels = torch.randint(classes, (count,), generator=generator)
    return ImageSet(Images(pixels, labels), Images(pixels[:1000], labels[:1000]), tuple(map(str, range(classes))))


def configuration(dataset: str, count: int, setting: Setting, folder: Path) -> dict[str, Any]:
    """The configuration of ``train.py dataset=...`` with the synthetic images in place of the data set's."""
    accelerator = {"cuda": "gpu"}.get(setting.device, setting.device)
    overrides = [
        f"dataset={dataset}",
        f"dataset.batch_size={BATCH}",
        "dataset.validation=0.02",
        f"trainer.accelerator={accelerator}",
        f"trainer.precision={setting.precision}",
        "trainer.max_epochs=1000",  # the clock ends it
        "+callbacks.progress.console_kwargs={force_terminal: true}",  # as on a screen, though nobody watches
        f"output={folder}",
    ]
    with initialize_config_module("convstab.conf", version_base="1.3"):
        values = plain(compose("train", overrides))
    load = {"_target_": f"{__name__}.synthetic", "_partial_": True, "dataset": dataset, "count": count}
    return values | {"dataset": values["dataset"] | {"load": load}}


def run_train_py(values: dict[str, Any], data: ImageData, model: Classifier, setting: Setting) -> float:
    """Measure the loop of train.py."""
    clock = Clock(setting)
    trainer = train.make_trainer(values, data, [MetricsCsv(values["output"])])
    trainer.callbacks.append(clock)  # type: ignore[attr-defined]
    trainer.fit(model, data)
    return clock.rate


def run_bare(values: dict[str, Any], data: ImageData, model: Classifier, setting: Setting) -> float:
    """Measure a loop that does nothing but train."""
    images = data.images.train
    model.to(setting.device)
    net, mean, std = model.net, model.mean, model.std
    optimizer = sgd(values, net)
    generator = torch.Generator().manual_seed(0)
    done, start, steps = 0, 0.0, 0
    while True:
        order = data.train[torch.randperm(len(data.train), generator=generator)]
        for index in order.split(BATCH):
            if steps == WARMUP:
                done, start = 0, setting.now()
            pixels, labels = images.pixels[index].to(setting.device), images.labels[index].to(setting.device)
            inputs = pixels.contiguous(memory_format=torch.channels_last).float().div_(255)
            with setting.autocast():
                loss = F.cross_entropy(net((inputs - mean) / std).float(), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            done, steps = done + len(labels), steps + 1
            if steps > WARMUP and setting.timer() - start > setting.seconds:
                return done / (setting.now() - start)


class PerSample(Dataset[tuple[Tensor, int]]):
    """One image at a time, normalised with NumPy."""

    def __init__(self, pixels: np.ndarray, labels: np.ndarray, mean: np.ndarray, std: np.ndarray) -> None:
        self.pixels, self.labels, self.mean, self.std = pixels, labels, mean, std

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = self.pixels[index].astype(np.float32) / 255
        return torch.from_numpy((image - self.mean) / self.std), int(self.labels[index])


class Plain(pl.LightningModule):
    """The LightningModule of a tutorial."""

    def __init__(self, net: nn.Module, make_optimizer: Callable[[nn.Module], torch.optim.Optimizer]) -> None:
        super().__init__()
        self.net, self.make_optimizer = net, make_optimizer

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:  # noqa: ARG002
        """Cross-entropy."""
        images, labels = batch
        logits = self.net(images)
        loss = F.cross_entropy(logits, labels)
        self.log("train_loss", loss, prog_bar=True)
        self.log("train_accuracy", (logits.argmax(1) == labels).float().mean(), prog_bar=True)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The same as the others'."""
        return self.make_optimizer(self.net)


def run_user(values: dict[str, Any], data: ImageData, model: Classifier, setting: Setting, workers: int) -> float:
    """Measure what a user would write."""
    images, chosen = data.images.train, data.train
    arrays = [tensor.numpy() for tensor in (images.pixels[chosen], images.labels[chosen], model.mean, model.std)]
    loader = DataLoader(PerSample(*arrays), batch_size=BATCH, shuffle=True, num_workers=workers)
    clock = Clock(setting)
    trainer = pl.Trainer(
        accelerator=values["trainer"]["accelerator"],
        devices=1,
        precision=values["trainer"]["precision"],
        max_epochs=1000,
        callbacks=[clock],
        default_root_dir=values["output"],
        enable_checkpointing=False,
    )
    net = copy.deepcopy(model.net)
    for weight in net.parameters():
        weight.data = weight.data.clone(memory_format=torch.contiguous_format)
    trainer.fit(Plain(net, lambda module: sgd(values, module)), loader)
    return clock.rate


def sgd(values: dict[str, Any], net: nn.Module) -> torch.optim.Optimizer:
    """The configured optimiser."""
    options = {name: value for name, value in values["optimizer"].items() if not str(name).startswith("_")}
    return torch.optim.SGD(net.parameters(), **options)


def measure(name: str, setting: Setting, rounds: int) -> list[dict[str, float]]:
    """Images a second of each contestant, for each round."""
    with tempfile.TemporaryDirectory() as folder:
        values = configuration(*NETS[name], setting, Path(folder))
        pl.seed_everything(values["seed"], verbose=False)
        data = train.load_data(values)
        model = train.make_classifier(values, data)
        model.train()
        runs: dict[str, Callable[..., float]] = {"train.py": run_train_py, "bare": run_bare}
        for workers in (0, 2) if setting.timer is time.perf_counter else (0,):  # workers are other processes
            runs[f"user, {workers} workers"] = partial(run_user, workers=workers)
        return [
            {who: quietly(run, values, data, copy.deepcopy(model), setting) for who, run in runs.items()}
            for _ in range(rounds)
        ]


def quietly(run: Callable[..., float], *arguments: Any) -> float:
    """Run with bars and tables drawn, but not on the terminal."""
    redirects = (contextlib.redirect_stdout, contextlib.redirect_stderr)
    with Path(os.devnull).open("w") as nowhere, contextlib.ExitStack() as stack:
        for redirect in redirects:
            stack.enter_context(redirect(nowhere))
        return run(*arguments)


def row(name: str, rounds: list[dict[str, float]]) -> str:
    """One line of the table."""
    users = [who for who in rounds[0] if who.startswith("user")]
    user = max(users, key=lambda who: median(rates[who] for rates in rounds))
    values = [f"{median(rates[who] for rates in rounds):,.0f}" for who in ("train.py", "bare", user)]
    ratios = [f"{median(rates['train.py'] / rates[who] for rates in rounds):.2f}" for who in ("bare", user)]
    return "| " + " | ".join([name, *values[:2], ratios[0], f"{values[2]} ({user[6:]})", ratios[1]]) + " |"


def main(arguments: Iterable[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("32-true", "bf16-mixed"), default="32-true")
    parser.add_argument("--seconds", type=float, default=4, help="for each contestant in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--threads", type=int, help="of the CPU; default: PyTorch's choice")
    parser.add_argument("--net", choices=NETS, action="append", help="default: all")
    options = parser.parse_args(None if arguments is None else list(arguments))
    quiet_lightning()
    if options.threads:
        torch.set_num_threads(options.threads)
    timer = {"wall": time.perf_counter, "cpu": time.process_time}[options.clock]
    setting = Setting(options.device, options.precision, options.seconds, timer)
    where = torch.cuda.get_device_name() if setting.device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    times = f"images/s, {options.clock} time, {options.rounds} rounds"
    print(f"torch {torch.__version__}, {where}, {setting.precision}, batch {BATCH}; {times}\n")
    print("| net | train.py | bare | train.py / bare | user | train.py / user |")
    print("|---|---:|---:|---:|---:|---:|")
    for name in options.net or NETS:
        print(row(name, measure(name, setting, options.rounds)), flush=True)


if __name__ == "__main__":
    main()
