"""The blocks of docs/own.md run, where the packages that they name are there."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import convstab as cs
from convstab.commands import app
from convstab.paper.report import write_report
from tests.models import own_nets
from tests.support.in_process import call

TEXT = (Path(__file__).parents[2] / "docs/own.md").read_text(encoding="utf-8")
BEFORE, TRAIN, AFTER = re.split(r"^## (?:Train it|Classes)$", TEXT, flags=re.MULTILINE)
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
(FACES,) = [block for block in BLOCK.findall(BEFORE) if "lfw_subset" in block]
BLOCKS = [block for block in BLOCK.findall(BEFORE + AFTER) if block != FACES]
NEEDS = {"timm.": "timm", "transformers.": "transformers", "onnx.export": "onnxruntime"}


def test_there_is_a_block_for_each_kind() -> None:
    assert [sum(word in block for block in BLOCKS) for word in ("nets:build", *NEEDS, "torch.export")] == [1] * 5
    assert max(len(block.splitlines()) for block in BLOCKS) == 3


@pytest.mark.parametrize("block", BLOCKS)
def test_what_the_page_says_runs(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known: dict[str, Any] = {"torch": torch, "np": np, "cs": cs, "nets": own_nets}
    known |= {"make_pipeline": make_pipeline, "PCA": PCA, "LogisticRegression": LogisticRegression}
    for word, package in NEEDS.items():
        if word in block:
            known[package] = pytest.importorskip(package, exc_type=ImportError)
    if "onnx" in block:
        pytest.importorskip("onnx")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(import_module("sys").modules, "nets", own_nets)
    generator = torch.Generator().manual_seed(0)
    known["images"] = cs.Images(torch.rand(20, 1, 28, 28, generator=generator), torch.arange(20) % 10)
    monkeypatch.setattr(own_nets, "build", lambda: own_nets.Net().eval())
    exec(block, known)
    assert known["result"].images == 20


@pytest.mark.filterwarnings("ignore:the model gives probabilities")
def test_from_nothing_to_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "faces.py").write_text(FACES, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (command,) = re.findall(r"^python evaluate.py (.*faces.*)$", BEFORE, re.MULTILINE)
    clean, worst = (int(share) for share in re.findall(r"(\d+) %", BEFORE.split("ends with `report.html`")[1])[:2])
    assert (
        call(monkeypatch, app.evaluate, *command.split(), "levels=[20]", "draws=10", "logger=none", "output=out") == 0
    )
    monkeypatch.delitem(import_module("sys").modules, "faces")
    assert "Stability of faces-build_faces-images" in Path("out/report.html").read_text(encoding="utf-8")
    text = Path("out/report.md").read_text(encoding="utf-8")
    assert "Aghdam" not in text  # whose claims are of other images
    assert write_report([Path("out")], Path("out")).title == "Stability against image degradation"
    assert cs.StabilityResult.read("out").accuracy.value == pytest.approx([clean / 100, worst / 100], abs=0.005)


def test_what_the_page_says_of_training_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(import_module("sys").modules, "nets", own_nets)
    commands = re.findall(r"^python (train|evaluate|attack)\.py (.*)$", TRAIN, re.MULTILINE)
    assert [name for name, _ in commands] == ["train", "evaluate", "attack"]
    short = {
        "train": ["dataset.images=100", "trainer.max_epochs=1"],
        "evaluate": ["levels=[8]", "draws=1"],
        "attack": ["images=1", "attack.steps=1"],
    }
    for name, words in commands:
        assert call(monkeypatch, getattr(app, name), *words.split(), *short[name], "logger=none") == 0
    known: dict[str, Any] = {"cs": cs}
    (block,) = BLOCK.findall(TRAIN)
    exec(block, known)
    assert known["result"].images == 100
