import csv
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from convstab.commands import app
from convstab.files import LAST, METRICS, read_json
from tests.support.in_process import call_in

EPOCHS = 3
STEPS = 5  # of one epoch: 90 of 100 images train, 20 a batch


class Killed(BaseException):
    """Stands for a SIGKILL: nothing that Lightning does for an Exception may be needed."""


class KillAt(pl.Callback):
    """Ends the process's training at one moment: after a step of an epoch, or as an epoch's checkpoint was written."""

    def __init__(self, epoch: int, step: int | None) -> None:
        self.epoch, self.step = epoch, step

    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any) -> None:
        if (trainer.current_epoch, args[-1]) == (self.epoch, self.step):
            raise Killed

    def on_save_checkpoint(self, trainer: pl.Trainer, *args: Any) -> None:
        if self.step is None and trainer.current_epoch > self.epoch:
            raise Killed  # as the next epoch's is to be written: all of that epoch is logged, and repeated


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with CIFAR-10's files, 100 training and 20 test images of noise around a mean of their class."""
    root = tmp_path_factory.mktemp("data")
    (root / "cifar-10-batches-py").mkdir()
    generator = np.random.default_rng(0)
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        labels = np.arange(20) % 10
        pixels = generator.integers(20 * labels[:, None], 20 * labels[:, None] + 60, (20, 3072)).astype(np.uint8)
        content = {b"data": pixels, b"labels": labels.tolist()}
        (root / "cifar-10-batches-py" / name).write_bytes(pickle.dumps(content, protocol=2))
    return root


@pytest.fixture
def command(photographs: Path, tmp_path: Path) -> Any:
    """Run train.py's function with more overrides, in this process."""

    def run(output: str, *overrides: str) -> Path:
        shared = [
            *("dataset=cifar10", f"dataset.root={photographs}", "dataset.batch_size=20", "model=aghdam"),
            *("augment=jitter", "logger=csv", f"trainer.max_epochs={EPOCHS}", f"output={tmp_path / output}"),
        ]
        call_in(tmp_path, app.train, *shared, *overrides)
        return tmp_path / output

    return run


def result(run: Path) -> tuple[dict[str, Any], list[dict[str, str]], dict[str, torch.Tensor]]:
    """The metrics, the logged rows and the last weights of a run."""
    metrics = read_json(run / METRICS)
    metrics.pop("seconds")
    with (run / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return metrics, rows, torch.load(run / LAST, weights_only=True)["state_dict"]


def same(a: Any, b: Any) -> bool:
    return a[:2] == b[:2] and all(torch.equal(a[2][name], b[2][name]) for name in a[2] | b[2])


@pytest.mark.slow
def test_a_resumed_training_is_an_uninterrupted_one(command: Any) -> None:
    whole = result(command("whole"))
    assert len(whole[1]) == 3 * EPOCHS + 1  # rate, validation, training; test
    for epoch, step in ((1, 0), (1, "null"), (2, STEPS - 1)):
        kill = f"+callbacks.progress={{_target_: tests.commands.test_train.KillAt, epoch: {epoch}, step: {step}}}"
        with pytest.raises(Killed):
            command(f"killed-{epoch}-{step}", "~callbacks.progress", kill)  # in place of what may change
        assert same(result(command(f"killed-{epoch}-{step}", "ckpt=last")), whole)
