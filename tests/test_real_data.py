"""The commands on real data, small: images in the publishers' layouts go in, plausible numbers come out."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from convstab.data import cifar10, gtsrb, mnist
from convstab.degradations.draws.make import copies_of
from convstab.degradations.gaussian import Gaussian
from convstab.generators.draws import DrawRange
from convstab.images import row_length

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.real_data


def run(script: str, folder: Path, *overrides: str) -> None:
    """Run a script of the project in a folder of its own."""
    command = [sys.executable, str(ROOT / script), f"dataset.root={os.environ['CONVSTAB_TEST_DATA']}", *overrides]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def trained(folder: Path, *overrides: str) -> dict[str, Any]:
    """Train in ``folder``; the metrics."""
    run("train.py", folder, "output=run", "logger=csv", *overrides)
    metrics: dict[str, Any] = json.loads((folder / "run" / "metrics.json").read_text())
    return metrics


def test_mnist_is_learnt_from_a_tenth_of_it(tmp_path: Path) -> None:
    metrics = trained(tmp_path, "dataset=mnist", "dataset.images=6000", "trainer.max_epochs=3")
    assert metrics["images/test"] == 6000
    assert metrics["official"]
    assert metrics["test/accuracy"] > 0.95


@pytest.mark.parametrize(("dataset", "classes", "chance"), [("cifar10", 10, 0.1), ("gtsrb", 43, 1 / 43)])
def test_colour_images_train_with_every_augmentation(tmp_path: Path, dataset: str, classes: int, chance: float) -> None:
    small = (
        "dataset.images=2000",
        "dataset.batch_size=16",
        "trainer.max_epochs=2",
        "optimizer.lr=0.01",
        "augment=jitter_noisy",
    )
    metrics = trained(tmp_path, f"dataset={dataset}", *small)
    assert len([name for name in metrics if name.startswith("test/recall/")]) == classes
    assert metrics["test/accuracy"] > 1.2 * chance
    assert not metrics["official"]


def test_the_signs_of_gtsrbs_test_set_are_of_one_class_each() -> None:
    test = gtsrb.load(Path(os.environ["CONVSTAB_TEST_DATA"])).test
    assert test.groups is not None
    pairs = {(int(group), int(label)) for group, label in zip(test.groups, test.labels, strict=True)}
    assert len(pairs) == len({group for group, _ in pairs}) == 421


@pytest.mark.parametrize(("name", "module"), [("MNIST", mnist), ("CIFAR-10", cifar10)])
@pytest.mark.parametrize("sigma", [1, 20, 40])
def test_noisy_test_sets_are_those_of_the_document(name: str, module: Any, sigma: int) -> None:
    pixels = module.load(Path(os.environ["CONVSTAB_TEST_DATA"])).test.pixels
    count, size = len(pixels), pixels[0].numel()
    rows = torch.zeros(count, row_length(size), dtype=torch.uint8)
    copies = copies_of(Gaussian(), torch.full((count, 1), float(sigma)), pixels, range(count))
    copies.fill(rows, [DrawRange(place, place, 0, 0, 1) for place in range(count)])
    digest = hashlib.sha256(rows[:, :size].numpy().tobytes()).hexdigest()
    assert f"| {name} | {sigma} | 0 | `{digest}` |" in (ROOT / "docs" / "noise.md").read_text()
