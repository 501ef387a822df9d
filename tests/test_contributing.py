"""What CONTRIBUTING.md says of adding a data set, a model and an attack, done in a copy of the package."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
IMPORTS = """\
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
import torch
from torch import Tensor, nn
from convstab.attacks.attack import BatchedAttack
from convstab.attacks.query_counter import QueryCounter
from convstab.data.images import ImageSet
from convstab.images import Images
from convstab.models import Classifier
"""
RUN = """
import sys
from pathlib import Path
from matplotlib.figure import Figure
from convstab.commands.app import attack, evaluate, train
from tests.support.in_process import one_dot
Figure.savefig = one_dot
def say(command, *words):
    sys.argv = ["command", *words, "logger=none"]
    command()
say(train, "dataset=stripes", "model=line", "trainer.max_epochs=3", "output=run")
say(evaluate, "run=run", "levels=[40]", "draws=2", "images=20", "output=evaluation")
say(attack, "run=run", "attack=inversion", "images=4", "output=attack")
import convstab as cs
run, written = cs.load_run("run"), cs.AttackResult.read(Path("attack"))
images = run.test.part(slice(0, len(written.norms)))
assert (cs.attack(run.model, images, "inversion").norms == written.norms).all()
"""


def examples() -> dict[str, str]:
    """The files that CONTRIBUTING.md writes out, by their paths, and those it describes beside them."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    digits, files = (ROOT / "conf/dataset/digits.yaml").read_text(encoding="utf-8"), {}
    for block in re.split(r"^    # src/convstab/", text, flags=re.MULTILINE)[1:]:
        head, *lines = block.splitlines()
        path, beside, said = re.split(r", and |: ", head, maxsplit=2)
        files[path] = IMPORTS + "\n".join(line.removeprefix("    ") for line in lines) + "\n"
        files[beside] = digits.replace("digits", "stripes") if "digits" in said else said.strip("`") + "\n"
    return files


@pytest.mark.slow
def test_a_data_set_a_model_and_an_attack_are_two_files_each(tmp_path: Path) -> None:
    package = tmp_path / "convstab"
    shutil.copytree(ROOT / "src/convstab", package)
    shutil.copytree(ROOT / "conf", package / "conf")
    files = examples()
    assert len(files) == 6
    for name, content in files.items():
        assert not (package / name).exists()
        (package / name).write_text(content, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    words = [sys.executable, "-c", RUN]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "accuracy 100.00 %" in done.stdout
    assert (tmp_path / "attack/finished.json").exists()


@pytest.mark.parametrize("line", range(9))
def test_the_house_is_drawn_as_the_contract_has_it(line: int) -> None:
    contract = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    layers = re.findall(r'^  "(convstab\.[^"]*)",$', contract, re.M)[:10]
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    drawn = text[text.index("    commands  ") :].splitlines()[line]
    names = [name.removeprefix("convstab.") for name in re.split(r" [|:] ", layers[line])]
    assert all(re.search(rf"\b{name}\b", drawn) for name in names), (names, drawn)
