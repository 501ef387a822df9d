"""The commands of README.md and of pages of docs/, each run as it stands there, on fewer images and for fewer steps."""

import csv
import re
import sys
from collections.abc import Callable
from importlib import import_module
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch

from convstab.commands import app
from tests.camera.sensors import light_on, ramp, stored, write
from tests.documentation.test_commands import entry
from tests.support.documented import PAGES, ROOT, lines_of, run_blocks, unseen_blocks
from tests.support.in_process import call_in

LEAST = {  # commands that are run here, by page
    "README.md": 8,
    "docs/commands.md": 39,
    "docs/data.md": 5,
    "docs/margins.md": 9,
    "docs/requirements.md": 1,
    "docs/results.md": 1,
    "docs/wandb.md": 6,
}
ELSEWHERE = "docs/own.md", "docs/start.md"  # by models/test_own_docs.py, and by test_start.py
HERE = {"gtsrb": "digits", "cifar10": "digits", "mnist": "digits"}  # data sets that no test can download
LESS = {  # unless the command says something else: few images, a short training
    "train": ("dataset.images=200", "trainer.max_epochs=1", "logger=csv"),
    "evaluate": ("images=20", "draws=2", "precision=float32", "logger=none"),
    "attack": ("images=2", "max_queries=200", "logger=none"),
    "predictions": ("logger=none",),
}
OF_THREE = "run=[runs/a,runs/b,runs/c]"
CORRUPTIONS = "jpeg", "gaussian_blur"
GRANTED = {  # results that a page has without having made them, and how they are made
    **{f"runs/{name}": ("train", f"seed={seed}") for seed, name in enumerate("abcnmr")},
    **{f"runs/s{seed}": ("train", f"seed={seed}") for seed in range(3)},
    **{f"runs/e{seed}": ("evaluate", f"run=runs/s{seed}", "draws=30") for seed in range(3)},
    **{f"runs/{of}_{how}": ("evaluate", f"run=runs/{of}", f"degradation={how}") for of in "mr" for how in CORRUPTIONS},
    **{f"runs/evaluate/{name}": ("evaluate", f"run=runs/{name}") for name in "abcm"},
    **{f"runs/evaluate/{name}": ("evaluate", OF_THREE) for name in ("abc", "ensemble")},
    "runs/evaluate/s": ("evaluate", "run=runs/m", "degradation=sensor"),
    "runs/attack/a": ("attack", "run=runs/m", "attack=ddn"),
    "runs/attack/m-ddn": ("attack", "run=runs/m", "attack=ddn", "images=null", "images_of=runs/evaluate/m"),
    "runs/sweep/ensemble_digits_none": ("train", "sweep=ensemble", "dataset=digits"),
}
NUMBERS = count()  # of trainings whose folder is named by the second, of which two may be in one
AT_NIGHT = "convstab-reproduce"  # hours; its smallest size has a test of its own
NETS = "import torch\n\ndef build():\n    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3072, 2))\n"
DATA = """import convstab as cs

def images():
    return {part: cs.arrays("pathmnist.npz", part=part) for part in ("train", "test")}
"""
REQUIREMENT = "requirements:\n  - {metric: accuracy, level: 1, at_least: 0.001}\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the pages take for granted: images of two classes, also listed, a model, a camera's frames."""
    rng = np.random.default_rng(0)
    for name in ("photos", "signs"):
        for word in ("left", "right"):
            write(tmp_path / name / word, rng.integers(0, 256, (15, 32, 32, 3), np.uint8))
    files = sorted((tmp_path / "photos").rglob("*.png"))
    (tmp_path / "images.csv").write_text("path,label\n" + "".join(f"{one},{one.parent.name}\n" for one in files))
    pixels, labels = rng.integers(0, 256, (40, 28, 28, 3), np.uint8), np.arange(40) % 2
    parts = {"train_images": pixels, "train_labels": labels, "test_images": pixels, "test_labels": labels}
    np.savez(tmp_path / "pathmnist.npz", allow_pickle=False, **parts)
    (tmp_path / "mypkg").mkdir()
    (tmp_path / "mypkg/data.py").write_text(DATA)
    (tmp_path / "nets.py").write_text(NETS)
    torch.save(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3072, 2)).state_dict(), tmp_path / "net.pt")
    write(tmp_path / "frames/100", stored(light_on(ramp(), 0.5, 3.0, 8)))
    (tmp_path / "requirements.yaml").write_text(REQUIREMENT)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    for name in ("nets", "mypkg", "mypkg.data"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def run(command: str, folder: Path, *words: str) -> None:
    """Run a command of Hydra's, with less than it would do."""
    given = {word.partition("=")[0] for word in words}
    less = [word for word in LESS.get(command, ()) if word.partition("=")[0] not in given]
    less += ["attack.steps=10"] if "attack=ddn" in words else []
    call_in(folder, getattr(app, command), *words, *less)


def grant(words: tuple[str, ...], folder: Path) -> None:
    """Make what a line of a page takes for granted, and what that takes for granted."""
    for name in re.findall(r"runs(?:/[\w-]+)+", " ".join(word for word in words if not word.startswith("output="))):
        if name in GRANTED and not (folder / name).exists():
            command, *more = GRANTED[name]
            grant(tuple(more), folder)
            run(command, folder, *more, *(() if "sweep=ensemble" in more else (f"output={name}",)))
    if words[0] == "convstab-import":
        predictions(folder)


def given(words: tuple[str, ...], folder: Path) -> None:
    """Do what a line of a page says; it must succeed."""
    program, *rest = words[1:] if words[0] == "python" else words
    if program == "convstab" and rest and rest[0] != "ls" and not rest[0].startswith("-"):
        program, rest = f"convstab-{rest[0]}", rest[1:]
    module, _, function = str(entry(program)).partition(":")
    if module.endswith(".app") and "--help" not in rest:
        named = any(word.startswith(("output=", "sweep=", "-m")) for word in rest) or function != "train"
        run(function, folder, *rest, *(() if named else (f"output=runs/train/{next(NUMBERS)}",)))
    else:
        main: Callable[[], None] = getattr(import_module(module), function)
        call_in(folder, main, *rest)


def predictions(folder: Path) -> None:
    """What a model elsewhere would say of the copies: the first class, whatever it sees."""
    with (folder / "runs/copies/manifest.csv").open(newline="") as file:
        rows = [{"file": row["file"], "prediction": "0"} for row in csv.DictReader(file)]
    with (folder / "predictions.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["file", "prediction"])
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.slow
@pytest.mark.parametrize(("page", "least"), LEAST.items())
def test_each_command_of_a_page_does_what_it_says(page: str, least: int, place: Path) -> None:
    blocks = sorted(run_blocks(page), key=lambda block: "convstab ls" in block and "train.py" not in block)
    text = "\n".join(blocks)  # what lists results comes last, when there are some
    for name, ours in HERE.items():
        text = re.sub(rf"(?<![a-z]){name}", ours, text)  # no part of the name of a file
    text = re.sub(r" images=\d{3,}", " images=20", text)
    commands = [words for words in lines_of(text) if words[0] != AT_NIGHT]
    assert len(commands) >= least
    for words in commands:
        grant(words, place)
        given(words, place)


def test_every_block_of_commands_is_run_or_says_why_not() -> None:
    names = [page.relative_to(ROOT).as_posix() for page in PAGES]
    assert {name for name in names if run_blocks(name)} == {*LEAST, *ELSEWHERE}
    assert not [block for page in PAGES for block in unseen_blocks(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(
    "block", ["    {}\n", "- {}\n\n      {}\n", "- a list\n  ```\n  {}\n  ```\n", "~~~\n{}\n~~~\n"]
)
def test_a_block_of_commands_that_would_escape_is_seen(block: str) -> None:
    assert unseen_blocks(block.replace("{}", "python train.py")) == ["python train.py\n"]
    assert not unseen_blocks(block.replace("{}", "a = 1"))
