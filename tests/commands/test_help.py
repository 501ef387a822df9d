"""The help of the commands: of those that Hydra composes it says what conf/ has; examples are understood."""

import re
import shlex
import sys
from importlib import import_module
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from convstab.commands import app
from convstab.commands.help import COLUMN, TITLES, WIDTH, help_text, named, options, read
from convstab.commands.results.convstab import OTHERS
from convstab.commands.values import groups
from convstab.models.own.kinds import KINDS
from convstab.runs.configuration import nested
from tests.documentation.test_commands import understood

COMMANDS = {"train": True, "evaluate": True, "attack": True, "draws": True, "predictions": True, "reproduce": False}
LINE = re.compile(r"  ([\w.]+)=(.*?)(?: {2,}.*)?")


def told(command: str, *words: str) -> list[tuple[str, str]]:
    """The keys that a help names, with their defaults."""
    shown = help_text(command, words, COMMANDS[command]).partition("defaults:\n")[2].partition("Examples:")[0]
    return [(match[1], match[2]) for line in shown.splitlines() if (match := LINE.fullmatch(line))]


def composed(command: str, *words: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What Hydra composes, as it stands in the files: values by their keys, and the choices of groups."""
    with initialize_config_module("convstab.conf", version_base="1.3"):
        config = compose(command, list(words), return_hydra_config=True)
    choices = OmegaConf.to_container(config.hydra.runtime.choices)
    values = OmegaConf.to_container(OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"]))
    assert isinstance(choices, dict)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}, {str(key): value for key, value in choices.items()}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_key_is_told_once_with_the_default_that_hydra_composes(command: str) -> None:
    (values, chosen), found = composed(command), dict(told(command))
    assert len(found) == len(told(command))
    assert set(values) <= {key.partition(".")[0] for key in found} <= {*values, *chosen}
    flat = dict(nested(values))
    for key, default in found.items():
        if key in chosen:
            assert yaml.safe_load(default) == chosen[key], key
        elif key in groups():  # of several choices
            assert default == "..." or yaml.safe_load(default) == list(values[key])
        elif default.endswith("..."):
            assert flat[key].replace("${runs}", "runs").startswith(default.removesuffix("...") + "${")
        else:
            assert yaml.safe_load(default) == flat[key], key


@pytest.mark.parametrize(
    ("command", "group", "name"),
    [
        *(("attack", "attack", name) for name in ("ddn", "genetic", "least_level")),
        *(("evaluate", "degradation", name) for name in ("gaussian", "sensor", "chain")),
        *(("train", "augment", name) for name in ("none", "jitter_noisy", "degraded")),
        *(("train", "schedule", "inverse"), ("train", "model", "python")),
    ],
)
def test_the_settings_of_a_choice_are_those_that_hydra_composes(command: str, group: str, name: str) -> None:
    flat = dict(nested(composed(command, f"{group}={name}")[0][group]))
    shown = dict(told(command, f"{group}={name}")[len(told(command)) :])
    own = {key for key, value in flat.items() if not isinstance(value, dict) and value not in (name, True)}
    assert {key for key in own if not re.search(r"(_$|kind$)", key)} <= {key.partition(".")[2] for key in shown}
    for key, default in shown.items():
        assert default in ("...", "???") or OmegaConf.create(f"it: {default}").it == flat[key.partition(".")[2]], key


def test_the_choices_of_a_group_are_its_files() -> None:
    shown = " ".join(help_text("evaluate", [], sweeps=True).split())
    assert f"what is done to the images: {', '.join(named('degradation'))} levels=" in shown
    assert f"in place of a run: {', '.join(KINDS)};" in shown
    assert named("degradation=") == named("nothing") == []


@pytest.mark.parametrize("command", COMMANDS)
def test_it_says_what_the_command_does_in_lines_that_fit(command: str) -> None:
    shown = help_text(command, ["attack=least_level", "augment=jitter_noisy", "dataset=folder"], COMMANDS[command])
    assert shown.startswith(read(command).splitlines()[0].removeprefix("# "))
    assert max(map(len, shown.splitlines())) <= WIDTH
    assert "\n\n\n" not in shown
    assert ("  dataset.load.size=32 " in shown, "  dataset.load=" in shown) == (True, False)  # whose keys are told
    assert ("-m runs a sweep" in shown) == COMMANDS[command]
    assert {option.title for option in options(read(command))} <= {*TITLES}


def test_a_comment_goes_on_in_the_lines_below_and_stands_in_its_column() -> None:
    text = "# What it does\ndefaults:\n  # Model\n  - model: a   # whose\n            # it is\n\n# Images\n"
    text += "root:\n  place: ${runs}/b${c}  # where\nmany: 3\n\nhydra:\n  job: 1  # none\n"
    found = [(option.title, option.key, option.default, option.about) for option in options(text)]
    assert found == [
        ("Model", "model", "a", "whose it is"),
        ("Images", "root.place", "runs/b...", "where"),
        ("Images", "many", "3", ""),
    ]
    lines = help_text("evaluate", [], sweeps=True).splitlines()
    assert all(line[COLUMN - 2 : COLUMN] == "  " for line in lines if line.startswith(" " * 20))


def test_the_command_line_says_which_choices(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["convstab-attack", "attack=ddn", "--help"])
    app.attack()
    assert " attack=ddn:\n  attack.steps=300          gradients for each image\n" in capsys.readouterr().out


@pytest.mark.parametrize("name", [*OTHERS, "ls"])
def test_the_commands_about_results_have_examples_that_they_understand(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = "convstab" if name == "ls" else name
    with pytest.raises(SystemExit) as end:
        import_module(f"convstab.commands.results.{module}").main(["ls", "--help"] if name == "ls" else ["--help"])
    assert end.value.code == 0
    examples = capsys.readouterr().out.partition("\nExamples:\n")[2].splitlines()
    assert 2 <= len(examples) <= 3
    for example in examples:
        assert len(example) <= WIDTH
        words = shlex.split(example.partition(" > ")[0])
        assert re.split("[ -]", example.strip())[:2] == ["convstab", name]
        understood(words, monkeypatch)
