"""The commands on real data, small: images in the publishers' layouts go in, plausible numbers come out."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from convstab.data import gtsrb

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
