"""Lint, types and layers are part of the tests."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CHECKS = [
    [sys.executable, "-m", "ruff", "check", "."],
    [sys.executable, "-m", "ruff", "format", "--check", "."],
    [sys.executable, "-m", "mypy"],
    [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],  # a cache may be of files that are gone
]


@pytest.mark.parametrize("command", CHECKS, ids=["lint", "format", "types", "layers"])
def test_the_code_keeps_the_rules(command: list[str]) -> None:
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_configuration_is_read_in_commands_only() -> None:
    below = [path for path in (ROOT / "src").rglob("*.py") if "commands" not in path.parts]
    assert [
        path.name for path in below if re.search(r"\b(DictConfig|ListConfig|HydraConfig)\b", path.read_text())
    ] == []


def test_a_folder_holds_at_most_twenty_modules_and_the_root_eight() -> None:
    package = ROOT / "src/convstab"
    for folder in (package, *(path for path in package.iterdir() if path.is_dir())):
        modules = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
        assert len(modules) <= (8 if folder == package else 20), folder
