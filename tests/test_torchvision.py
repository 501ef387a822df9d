"""A torchvision that was built for another torch, as `pip install timm` may leave it: which package to mend is said."""

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import convstab
from convstab.commands import app
from convstab.errors import InputError
from convstab.exits import bad_input, fails_to_load
from tests.support.in_process import call_in

STAND_IN = "raise RuntimeError('operator torchvision::nms does not exist')\n"  # as it ends where Lightning loads it
MISFIT = re.compile(
    r"convstab: the torchvision that is installed does not fit torch \d\S* "
    r"\(operator torchvision::nms does not exist\); install the one .*\n"
)


def installed(folder: Path) -> Path:
    """Where such a torchvision is installed."""
    (folder / "site/torchvision").mkdir(parents=True)
    (folder / "site/torchvision/__init__.py").write_text(STAND_IN)
    return folder / "site"


def in_a_process(tmp_path: Path, command: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A command where a torchvision is installed that was built for another torch."""
    module, call = ("results.report", "main") if command == "report" else ("app", command)
    code = f"import sys; sys.argv[0] = 'command'; from convstab.commands.{module} import {call} as it; it()"
    environment = os.environ | {"PYTHONPATH": str(installed(tmp_path))}
    start = [sys.executable, "-c", code, *words]
    return subprocess.run(start, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("train", ["logger=none"]),
        pytest.param("evaluate", ["run=m"], marks=pytest.mark.slow),  # what loads no Lightning does not feel it
        pytest.param("attack", ["run=m"], marks=pytest.mark.endurance),
        pytest.param("reproduce", ["size=smoke"], marks=pytest.mark.endurance),
        pytest.param("report", ["folder"], marks=pytest.mark.slow),
    ],
)
def test_a_torchvision_of_another_torch_is_named_in_one_line(command: str, words: list[str], tmp_path: Path) -> None:
    if "run=m" in words:
        call_in(tmp_path, app.train, "dataset.images=100", "trainer.max_epochs=1", "logger=none", "output=m")
    done = in_a_process(tmp_path, command, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert MISFIT.fullmatch(done.stderr), done.stderr


@pytest.mark.slow
def test_a_sweep_names_it_too(tmp_path: Path) -> None:
    done = in_a_process(tmp_path, "train", "-m", "seed=0,1", "logger=none")
    assert done.returncode == 2
    assert MISFIT.search(done.stderr), done.stderr


def test_a_torchvision_of_another_torch_is_named_to_python_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(installed(tmp_path)))
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)

    def loaded(_: str) -> Any:
        return import_module("torchvision")

    monkeypatch.setattr(convstab, "_loaded", loaded)
    with pytest.raises(InputError, match=r"torchvision that is installed does not fit torch .*nms"):
        convstab.__getattr__("load_model")  # as Python calls it: another test may have loaded the name


def test_another_error_that_speaks_of_torchvision_is_not_explained_away() -> None:
    assert bad_input(RuntimeError("operator torchvision::nms does not exist")) is None


@pytest.mark.parametrize("kind", [RuntimeError, AttributeError, ModuleNotFoundError])
def test_a_package_that_torchvision_lacks_is_no_misfit(kind: type[Exception]) -> None:
    space = {"__name__": "torchvision", "kind": kind}
    with pytest.raises(kind) as raised:
        exec(compile("raise kind('why')", "torchvision/__init__.py", "exec"), space)
    assert fails_to_load("torchvision", raised.value) == (kind is not ModuleNotFoundError)
