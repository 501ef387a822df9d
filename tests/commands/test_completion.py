"""The tab key, as docs/commands.md sets it up in bash."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from convstab.commands.results.convstab import COMPOSED, LS, OTHERS
from tests.documentation.test_commands import PROJECT
from tests.support.documented import BLOCK, ROOT

PRESS = """
press() {  # a command line: the words that it can go on with, a line each
    COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9 COMPREPLY=()
    read -ra COMP_WORDS <<< "$1"
    [[ $1 == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    rule=$(complete -p "${COMP_WORDS[0]}")
    called=${rule##*-F }
    "${called%% *}" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    printf '%s\\n' "${COMPREPLY[@]}"
}
"""


def lines() -> str:
    """What the page says to run."""
    text = (ROOT / "docs/commands.md").read_text(encoding="utf-8").partition("## Completion by the tab key\n")[2]
    found = BLOCK.search(text)
    assert found is not None
    return found[3]


def bash(script: str, folder: Path) -> list[str]:
    """Run a script after the lines of the page; the words that it prints."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    told = ["bash", "--norc", "-c", f"{lines()}\n{PRESS}\n{script}"]
    done = subprocess.run(told, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "there", "not_there"),
    [
        ("convstab-train dataset=", {"dataset=mnist", "dataset=folder"}, "dataset=lenet"),
        ("convstab-train seed=1 optimizer.", {"optimizer.lr=", "optimizer.momentum="}, "seed="),
        ("convstab-attack run=m attack=d", {"attack=ddn", "attack=deepfool"}, "attack=nes"),
        ("convstab-evaluate run=./", {"run=./here.txt"}, "run=./"),
        ("convstab-report --", {"--output", "--title", "--wandb"}, "--thickness"),
        ("convstab-report runs --wandb o", {"online", "offline"}, "auto"),
        ("convstab-wandb ", {"workspace", "report", "sweep"}, "train"),
    ],
)
def test_a_word_becomes_what_it_can_be(line: str, there: set[str], not_there: str, tmp_path: Path) -> None:
    (tmp_path / "here.txt").touch()
    found = bash(f"press '{line}'", tmp_path)
    assert there <= set(found)
    assert not_there not in found


def test_every_command_has_a_rule(tmp_path: Path) -> None:
    rules = bash("complete -p", tmp_path)
    assert set(PROJECT["scripts"]) <= set(rules)
    (names,) = re.findall(r'-W "(.*)" convstab\n', lines())
    assert names.split() == [*COMPOSED, *OTHERS, LS]


def test_the_tab_key_waits_for_nothing_heavy(tmp_path: Path) -> None:
    code = """
import sys
from convstab.commands.app import train
sys.argv = ["convstab-train", "-sc", "query=bash"]
train()
print("loaded", *sorted(set(sys.modules) & {"torch", "numpy", "matplotlib", "pytorch_lightning"}))
"""
    asked = os.environ | {"COMP_LINE": "convstab-train optimizer.", "COMP_POINT": "25"}
    told = [sys.executable, "-c", code]
    done = subprocess.run(told, cwd=tmp_path, env=asked, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded"
    assert "optimizer.lr=" in done.stdout
