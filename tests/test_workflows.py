"""The workflows of .github: YAML whose commands name marks, files and extras that there are."""

import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MARKS = {mark.partition(":")[0] for mark in PROJECT["tool"]["pytest"]["ini_options"]["markers"]}
EXTRAS = set(PROJECT["project"]["optional-dependencies"])


def loaded(path: Path) -> dict[Any, Any]:
    """A workflow."""
    content: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def lines() -> list[str]:
    """Every line that a step of a workflow runs, once."""
    steps = [step for path in FILES for job in loaded(path)["jobs"].values() for step in job["steps"]]
    assert all(("run" in step) != ("uses" in step) for step in steps)
    return sorted({line for step in steps for line in step.get("run", "").splitlines()})


def missing(line: str) -> Iterator[str]:
    """What a line names that is not there: marks of pytest, files, extras."""
    program, *words = shlex.split(line)
    if program == "pytest":
        marks = " ".join(after for word, after in pairwise(words) if word == "-m")
        yield from set(re.findall(r"\w+", marks)) - MARKS - {"and", "not", "or"}
        yield from (word for word in words if word.startswith("tests") and not (ROOT / word).exists())
    if program.startswith(".ci/") and not os.access(ROOT / program, os.X_OK):
        yield program
    if program == "pip":
        yield from {extra for found in re.findall(r"\[([\w,]+)\]", line) for extra in found.split(",")} - EXTRAS


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_workflow_says_when_it_runs_and_for_how_long_at_most(path: Path) -> None:
    workflow = loaded(path)
    assert workflow[True]  # "on", which YAML 1.1 reads so
    assert all("timeout-minutes" in job for name, job in workflow["jobs"].items() if name != "publish")


@pytest.mark.parametrize("line", lines())
def test_what_a_line_names_is_there(line: str) -> None:
    assert not list(missing(line))


def test_lines_of_all_kinds_are_found() -> None:
    assert {"pytest", "pytest -m endurance", ".ci/run", "pip install -e '.[test]'"} <= set(lines())


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("pytest -m 'slow and not endurence'", "endurence"),
        ("pytest -m slow tests/report/test_nothing.py", "tests/report/test_nothing.py"),
        (".ci/runs", ".ci/runs"),
        ("pip install -e '.[tests]'", "tests"),
    ],
)
def test_what_is_not_there_is_seen(line: str, wrong: str) -> None:
    assert list(missing(line)) == [wrong]
