"""Where a result comes from, as its files tell it."""

import platform
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_module

from convstab.commands.app import plain
from convstab.runs import provenance
from convstab.runs.provenance import made_with, merged, training_of

METRICS = {"epochs": 7, "images/train": 90, "images/validation": 10, "images/test": 50, "official": True}


@pytest.mark.parametrize(
    ("augment", "name", "noisy"),
    [
        ("none", "none", False),
        ("jitter", "Jitter", False),
        ("gaussian", "GaussianNoise", True),
        ("noisy", "NoisyCopies", True),
        ("jitter_noisy", "Jitter + NoisyCopies", True),
    ],
)
def test_a_training_is_told_from_its_configuration(augment: str, name: str, noisy: bool) -> None:
    with initialize_config_module("convstab.conf", version_base="1.3"):
        config = compose("train", ["dataset=gtsrb", f"augment={augment}", "seed=3", "output=out"])
    assert training_of(plain(config), METRICS) == {
        "dataset": "gtsrb",
        "model": "Aghdam",
        "augment": name,
        "noisy": noisy,
        "seed": 3,
        "epochs": 7,
        "images": {"train": 90, "validation": 10, "test": 50},
        "official": True,
    }


def test_an_ensemble_keeps_what_its_members_agree_on() -> None:
    first: dict[str, Any] = {
        "model": "LeNet",
        "augment": "none",
        "noisy": False,
        "official": True,
        "epochs": 7,
        "seed": 0,
    }
    images = {"train": 90, "test": 50}
    second = first | {"augment": "NoisyCopies", "noisy": True, "official": False, "epochs": 8, "seed": 5}
    assert merged([first | {"images": images}, second | {"images": images | {"train": 80}}]) == {
        "model": "LeNet",
        "augment": "various",
        "noisy": True,
        "epochs": "various",
        "official": None,
        "images": {"train": "various", "test": 50},
        "members": 2,
        "seeds": [0, 5],
    }
    alone = merged([first])
    assert alone == {name: first[name] for name in first if name != "seed"} | {"members": 1, "seeds": [0]}


def test_versions_and_machine_are_named() -> None:
    made = made_with(torch.device("cpu"))
    assert (made["python"], made["torch"], made["device"]) == (platform.python_version(), torch.__version__, "cpu")
    assert made["threads"] == torch.get_num_threads()
    assert made["processor"]


def test_where_linux_is_not_python_names_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "Path", lambda _: Path("/nowhere/cpuinfo"))
    assert provenance.processor() == (platform.processor() or platform.machine())


@pytest.mark.parametrize(
    ("words", "called"),
    [
        (["dataset=folder", "dataset.root=my/signs"], "signs"),
        (["dataset=table", "dataset.load.path=my/list.csv"], "list"),
        (["dataset=folder", "dataset.root=my/gtsrb"], "folder gtsrb"),  # it need not be the publisher's
        (["dataset=python", "dataset.load.target=data:images"], "python data:images"),
        (["dataset=digits"], "digits"),
    ],
)
def test_images_of_ones_own_are_called_as_their_folder_or_file(words: list[str], called: str) -> None:
    with initialize_config_module("convstab.conf", version_base="1.3"):
        config = compose("train", [*words, "output=out"])
    assert training_of(plain(config), METRICS)["dataset"] == called
