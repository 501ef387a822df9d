"""Every command that README.md and docs/ show is one that there is, with options that it has."""

import argparse
import re
import tomllib
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import pytest
from hydra import compose, initialize_config_module
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import open_dict

from convstab.commands.composing import plain, without_hydra
from convstab.commands.results.convstab import LS
from convstab.commands.values import check, refuse_lists
from convstab.errors import InputError
from tests.support.documented import ROOT, Command, commands

COMMANDS = commands()
pytestmark = pytest.mark.filterwarnings(r"ignore:\s*'hydra/launcher/\w+' is validated")  # as composing.py has it
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FLAGS = "-m", "--multirun", "--help", "-h"
OTHERS = "pip", "pytest", "uv", "wandb", "ray", "mutmut", "mkdocs", "python3"  # programs of others


class Parsed(Exception):  # noqa: N818 - no error: the command line was understood
    """Raised in place of the work."""


def entry(program: str) -> str | None:
    """The module and the function behind a program of ours, as pyproject.toml has them; None for another."""
    name = re.sub(r"^(\w+)\.py$", r"convstab-\1", program)
    found: str | None = PROJECT["scripts"].get(name)
    return found


def choices(words: Sequence[str]) -> list[list[str]]:
    """The command lines of the jobs of a sweep; each value of each key is in one of them."""
    each = [
        list(map(str, override.sweep_string_iterator())) if override.is_sweep_override() else []
        for override in OverridesParser.create().parse_overrides(list(words))
    ]
    jobs = max(1, *map(len, each)) if each else 1
    return [
        [
            word if not values else f"{word.partition('=')[0]}={values[job % len(values)]}"
            for word, values in zip(words, each, strict=True)
        ]
        for job in range(jobs)
    ]


def composes(name: str, words: Sequence[str]) -> None:
    """Compose what a command of Hydra's is told, and check each value; raises where it could not begin."""
    several = bool({"-m", "--multirun"} & set(words)) or any(word.startswith("sweep=") for word in words)
    told = [word for word in words if word not in FLAGS]
    for job in choices(told) if several else [told]:
        refuse_lists(job)
        with initialize_config_module("convstab.conf", version_base="1.3"):
            config = compose(name, job, return_hydra_config=True)
        with open_dict(config):
            config.hydra.runtime.output_dir = config.hydra.job.num = config.hydra.job.id = "0"
        HydraConfig.instance().set_config(config)
        check(name, plain(without_hydra(config), {}))


def parses(module: str, words: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a command of argparse's read what it is told; raises SystemExit where it cannot."""
    itself = argparse.ArgumentParser.parse_args

    def parse_args(parser: argparse.ArgumentParser, *given: Any) -> None:
        itself(parser, *given)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_args)
    with pytest.raises(Parsed):
        import_module(module).main(list(words))


def understood(words: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail unless a command is there and understands what it is told."""
    program, *rest = words[1:] if words[0] == "python" else words
    if program == "-m" and rest[0] == "convstab":
        program, *rest = rest
    if program == "convstab":
        understood_by_name(rest, monkeypatch)
    elif program == "-m":
        assert (ROOT / f"{rest[0].replace('.', '/')}.py").is_file(), rest[0]
    elif found := entry(program):
        module, _, function = found.partition(":")
        if module.endswith(".app"):
            composes(function, rest)
        elif not set(rest) & set(FLAGS):
            parses(module, rest, monkeypatch)
    elif program == "pip":
        named = re.findall(r"\[([\w,]+)\]", " ".join(rest))
        assert {extra for names in named for extra in names.split(",")} <= set(PROJECT["optional-dependencies"])
    else:
        assert program in OTHERS or words[0] == "python", program


def understood_by_name(words: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``understood``, of convstab <command> ...; its own words are few."""
    if not words or words[0] in (LS, "--version", "--help", "demo"):
        assert len(words) <= 2
    else:
        understood([f"convstab-{words[0]}", *words[1:]], monkeypatch)


@pytest.mark.parametrize("command", sorted(set(COMMANDS), key=str), ids=str)
def test_it_is_there_and_has_these_options(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    understood(command.words, monkeypatch)


@pytest.mark.parametrize(
    "wrong",
    [
        "python train.py optimiser.lr=0.1",
        "python train.py dataset=mnst",
        "python evaluate.py run=runs/m levles=[10]",
        "python evaluate.py -m run=runs/m degradation=jpeg,motion_blurr",
        "python evaluate.py run=runs/m draws=many",
        "python attack.py run=runs/m attack=ddn hydra/launcher=rey",
        "convstab-figures runs/a --refrence runs/b",
        "convstab-publsh runs/a",
        "pip install -e '.[jolib]'",
        "python -m benchmarks.drawz a",
        "convstab trian",
        "python -m convstab evaluate run=runs/m levles=[10]",
    ],
)
def test_a_wrong_one_is_seen(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises((InputError, HydraException, SystemExit, AssertionError)):
        understood(wrong.replace("'", "").split(), monkeypatch)


def test_commands_of_all_kinds_are_found() -> None:
    """Else the pages may have changed in a way that hides them."""
    programs = {command.words[1] if command.words[0] == "python" else command.words[0] for command in COMMANDS}
    programs |= {"-".join(command.words[:2]) for command in COMMANDS if command.words[0] == "convstab"}
    assert programs >= {"train.py", "evaluate.py", "attack.py", *PROJECT["scripts"]} - {"convstab-train"}
    assert len(COMMANDS) > 100
    assert sum(command.page == "README.md" for command in COMMANDS) > 10
