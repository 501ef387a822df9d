"""What is loaded when: figures are drawn without a model, and a training needs no attack."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from convstab.commands import app
from convstab.commands.results.convstab import OTHERS
from convstab.evaluation.result import StabilityResult
from convstab.files import write_json
from convstab.runs import directory
from convstab.runs.configuration import write_config
from convstab.runs.directory import finished

HEAVY = {"pytorch_lightning", "torchmetrics", "foolbox", "deap", "wandb", "sklearn", "kornia"}
LOADED = HEAVY | {"torch", "pyarrow", "numpy", "matplotlib"}  # by all that does work
WORDS = {"predictions": ["path=a.csv", "draws=d"]}  # which a command needs


def loaded(code: str) -> set[str]:
    """Which of the heavy packages a fresh process has loaded when it has run some code."""
    report = f"import sys; print('loaded', *sorted(set(sys.modules) & {HEAVY!r}))"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_figures_are_drawn_without_a_network_or_an_attack(result: StabilityResult, tmp_path: Path) -> None:
    result.write(tmp_path)
    write_json(tmp_path / "summary.json", {"run": "one"})
    write_config(tmp_path, {"confusion_level": 20, "compare": []})
    directory.finish(tmp_path, "evaluate")
    assert loaded(f"from convstab.commands.results.figures import main; main([{str(tmp_path)!r}])") == set()
    assert (tmp_path / "figures/curves.png").exists()


@pytest.mark.slow
def test_a_training_loads_no_attack_and_without_its_logger_no_wandb(tmp_path: Path) -> None:
    words = ["train", "dataset.images=200", "trainer.max_epochs=1", "logger=csv", f"output={tmp_path / 'run'}"]
    found = loaded(f"import sys; sys.argv = {words!r}; from convstab.commands.app import train; train()")
    assert finished(tmp_path / "run") == "train"
    assert "pytorch_lightning" in found
    assert not found & {"foolbox", "deap", "wandb"}


@pytest.mark.parametrize(
    "code",
    [
        "import convstab as cs; cs.Images, cs.evaluate, cs.StabilityResult, cs.attack",
        "import convstab as cs; cs.load_run, cs.folder, cs.table, cs.arrays",
        "import convstab as cs, torch; cs.load_model(torch.nn.Flatten(), mean=0.5, std=0.25, classes=['a'])",
        "import convstab.commands.evaluate, convstab.commands.attack",
    ],
)
def test_whoever_does_not_train_waits_for_no_lightning(code: str) -> None:
    assert loaded(code) == set()


COMPOSED = ("train", "evaluate", "attack", "reproduce", "draws", "predictions")


@pytest.mark.parametrize("name", [*COMPOSED, *OTHERS])
def test_help_loads_nothing_heavy(name: str) -> None:
    module, call = ("app", name) if name in COMPOSED else (f"results.{name}", "main")
    code = f"""
import sys
from convstab.commands.{module} import {call} as command
sys.argv = ["convstab-{name}", "--help"]
try:
    command()
except SystemExit:
    pass
print("loaded", *sorted(set(sys.modules) & {LOADED!r}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded"
    assert len(done.stdout.splitlines()) > 8


@pytest.mark.parametrize("name", COMPOSED)
def test_a_refused_value_waits_for_nothing_heavy(name: str, tmp_path: Path) -> None:
    code = f"""
import sys
from convstab.commands.app import {name} as command
sys.argv = ["convstab-{name}", "threads=none", *{WORDS.get(name, [])!r}]
try:
    command()
except SystemExit as end:
    print("code", end.code)
print("loaded", *sorted(set(sys.modules) & {LOADED!r}))
"""
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-2:] == ["code 2", "loaded"]
    assert done.stderr == "convstab: threads is none; it must be a whole number, at least 1, or null\n"


@pytest.mark.parametrize("name", COMPOSED)
def test_help_names_options_that_there_are_and_three_examples(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    getattr(app, name)()
    options, examples = (
        capsys.readouterr().out.split("Options, as KEY=VALUE, with their defaults:")[1].split("Examples:")
    )
    with initialize_config_module("convstab.conf", version_base="1.3"):
        config = compose(name)
        groups = {path.name for path in (Path(__file__).parents[1] / "conf").iterdir() if path.is_dir()}
        keys = re.findall(r"^  ([\w.]+)(?:=|, )", options, re.M)
        assert len(keys) >= 7
        for key in keys:
            first, *rest = key.split(".")
            assert first in [*config, *groups], key  # also one that must be given
            assert rest in ([], ["KEY"]) or OmegaConf.select(config, key, default="-") != "-", key
        commands = re.findall(r"^  convstab-\w+(?: (.*))?$", examples, re.M)
        assert len(commands) == 3
        for words in commands:  # but for lists, sweeps and options of the command line
            compose(name, [word for word in words.split() if "=" in word and not re.search(r",|^sweep=|^of=", word)])
