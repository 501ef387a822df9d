"""Images a second of train.py's loop, beside a bare PyTorch loop and beside what a user would write.

python -m benchmarks.train
python -m benchmarks.train --clock cpu --threads 1
python -m benchmarks.train --device cuda --precision bf16-mixed --seconds 10

train.py   ImageData, Classifier and Trainer as conf/ composes them, with its callbacks and the CSV logger
bare       uint8 tensors in memory, gathered by index; /255, normalise, forward, loss, backward, SGD; channels last
user       a Dataset with a per-sample NumPy transform, DataLoader, a plain LightningModule, Trainer; PyTorch's layout

Same weights, batches, precision and optimiser for all; steps only: no start-up, validation or checkpoint. They take
turns for several rounds, because machines are shared: medians over the rounds, ratios within a round. On a machine that
is busy with something else, --clock cpu --threads 1 counts processor time, which others cannot take away.
"""

import contextlib
import copy
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from hydra import compose, initialize_config_module
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks import timing
from benchmarks.timing import Rates, Setting
from convstab.commands import train
from convstab.commands.app import plain, quiet_libraries
from convstab.data.images import ImageSet
from convstab.data.module import ImageData
from convstab.loggers.csv import MetricsCsv
from convstab.models import Classifier
from convstab.models.classifier import Parameters

BATCH = 64
NETS = {  # name: (data set whose configuration is used, images)
    "LeNet 1x28x28": ("mnist", 30_000),
    "Aghdam 3x48x48": ("gtsrb", 10_000),
}


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
        if batch_idx < timing.WARMUP:
            return
        if batch_idx == timing.WARMUP:
            self.mark = self.setting.now()
            return
        self.images += len(batch[1])
        enough = self.setting.is_over(self.mark - self.elapsed)
        if enough or trainer.is_last_batch:
            self.elapsed += self.setting.now() - self.mark
            trainer.should_stop = enough

    @property
    def rate(self) -> float:
        """Images a second."""
        return self.images / self.elapsed


def synthetic(root: Path, net: str, count: int) -> ImageSet:  # noqa: ARG001 - the signature of a data set
    """Random images of the shape that a model takes."""
    images = timing.random_images(net, count)
    return ImageSet(images, images.part(slice(1000)), images.classes)


def configuration(net: str, precision: str, setting: Setting, folder: Path) -> dict[str, Any]:
    """The configuration of ``train.py dataset=...`` with random images in place of the data set's."""
    dataset, count = NETS[net]
    overrides = [
        f"dataset={dataset}",
        f"dataset.batch_size={BATCH}",
        "dataset.validation=0.02",
        f"trainer.accelerator={setting.device}",
        f"trainer.precision={precision}",
        "trainer.max_epochs=1000",  # the clock ends it
        "+callbacks.progress.console_kwargs={force_terminal: true}",  # as on a screen, though nobody watches
        f"output={folder}",
    ]
    with initialize_config_module("convstab.conf", version_base="1.3"):
        values = plain(compose("train", overrides))
    load = {"_target_": f"{__name__}.synthetic", "_partial_": True, "net": net, "count": count}
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
    assert model.optimizer is not None
    optimizer = model.optimizer(net.parameters())
    half = values["trainer"]["precision"] == "bf16-mixed"
    generator = torch.Generator().manual_seed(0)

    def steps() -> Iterator[int]:
        while True:
            order = data.train[torch.randperm(len(data.train), generator=generator)]
            for index in order.split(BATCH):
                pixels, labels = images.pixels[index].to(setting.device), images.labels[index].to(setting.device)
                inputs = pixels.contiguous(memory_format=torch.channels_last).float().div_(255)
                with torch.autocast(setting.device, torch.bfloat16, enabled=half):
                    loss = F.cross_entropy(net((inputs - mean) / std).float(), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                yield len(labels)

    return setting.rate(steps())


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

    def __init__(self, net: nn.Module, optimizer: Callable[[Parameters], torch.optim.Optimizer]) -> None:
        super().__init__()
        self.net, self.optimizer = net, optimizer

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
        return self.optimizer(self.net.parameters())


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
    assert model.optimizer is not None
    trainer.fit(Plain(timing.user_copy(model.net), model.optimizer), loader)
    return clock.rate


def measure(net: str, precision: str, setting: Setting) -> Rates:
    """Images a second."""
    with tempfile.TemporaryDirectory() as folder:
        values = configuration(net, precision, setting, Path(folder))
        pl.seed_everything(values["seed"], verbose=False)
        data = train.load_data(values)
        model = train.make_classifier(values, data)
        model.train()
        runs: dict[str, Callable[..., float]] = {"train.py": run_train_py, "bare": run_bare}
        for workers in setting.loader_workers:
            runs[f"user, {workers} workers"] = partial(run_user, workers=workers)
        return timing.race(
            {who: partial(quietly, run, values, data, model, setting) for who, run in runs.items()}, setting.rounds
        )


def quietly(
    run: Callable[..., float], values: dict[str, Any], data: ImageData, model: Classifier, setting: Setting
) -> float:
    """Measure with a copy of the model, and with bars and tables drawn, but not on the terminal."""
    with Path(os.devnull).open("w") as nowhere, contextlib.ExitStack() as stack:
        for redirect in (contextlib.redirect_stdout, contextlib.redirect_stderr):
            stack.enter_context(redirect(nowhere))
        return run(values, data, copy.deepcopy(model), setting)


def cells(net: str, rates: Rates) -> list[str]:
    """One line of the table; the better of the users."""
    user = rates.fastest("user")
    shown = f"{rates.speed(user)} ({user.removeprefix('user, ')})"
    ratio_to_bare, ratio_to_user = (rates.ratio("train.py", who) for who in ("bare", user))
    return [net, rates.speed("train.py"), rates.speed("bare"), ratio_to_bare, shown, ratio_to_user]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = timing.speed_options(__doc__, list(NETS))
    parser.add_argument("--precision", choices=("32-true", "bf16-mixed"), default="32-true")
    options = parser.parse_args(arguments)
    quiet_libraries()
    setting = timing.setting_of(options)
    print(f"{setting.where}, {options.precision}, batch {BATCH}; images/s, {setting.turns}\n")
    timing.print_head(["net", "train.py", "bare", "train.py / bare", "user", "train.py / user"])
    for net in options.net or NETS:
        timing.print_row(cells(net, measure(net, options.precision, setting)))


if __name__ == "__main__":
    main()
