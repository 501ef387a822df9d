"""The configuration of attack: every attack can be chosen, with the defaults that it has in Python."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_module
from omegaconf import DictConfig

from convstab import attacks
from convstab.attacks import Attack, Evolution
from convstab.attacks.by_name import make
from convstab.commands import attack
from convstab.commands.app import plain
from convstab.commands.assess import identity
from convstab.forward.device import device_of
from convstab.images import Images
from convstab.models import LeNet
from convstab.runs.run import Run
from convstab.runs.shard import Shard

ROOT = Path(__file__).parent.parent
CPU = torch.device("cpu")
NAMES = sorted(path.stem for path in (ROOT / "conf/attack").glob("*.yaml"))


def composed(*overrides: str) -> DictConfig:
    with initialize_config_module("convstab.conf", version_base="1.3"):
        return compose("attack", [*overrides])


def with_lists(values: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def test_every_attack_has_its_file() -> None:
    files = {composed(f"attack={name}").attack._target_ for name in NAMES}
    classes = {getattr(attacks, name) for name in attacks.__all__} - {attacks.Attack, Evolution, attacks.Result}
    assert files == {f"convstab.attacks.{cls.__name__}" for cls in classes}


@pytest.mark.parametrize("name", NAMES)
def test_the_defaults_are_those_of_the_attack(name: str) -> None:
    config = composed(f"attack={name}")
    made = attack.attack_of(plain(config))
    default: Attack = type(made)()
    assert with_lists(vars(made)) == with_lists(vars(default))
    assert {str(key) for key in config.attack} - {"_target_"} == {field.name for field in fields(made)}  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
def test_the_limit_of_queries_is_the_same_from_python(name: str) -> None:
    assert type(make(name, {})).default_queries == composed(f"attack={name}").max_queries


def test_what_changes_the_rows_changes_the_fingerprint() -> None:
    images = Images(torch.zeros(3, 1, 28, 28, dtype=torch.uint8), torch.tensor([0, 1, 1]), classes=("a", "b"))
    run = Run(LeNet((1, 28, 28), ["a", "b"]).eval(), images, "one", {})

    def fingerprint(*words: str) -> dict[str, Any]:
        values = plain(composed(*words))
        return identity(run, CPU, attack.options_of(values, attack.attack_of(values)))

    default = fingerprint()
    for word in ("attack=paper", "attack.mutation=0.1", "attack.scales=[1,60]", "seed=1", "max_queries=9", "rule=vote"):
        assert fingerprint(word) != default, word
    assert fingerprint("attack=paper", "attack.engine=deap") != fingerprint("attack=paper")
    for word in ("attack.slots=3", "attack.batch_size=16", "shard=2/3", "output=x", "logger=none", "compare=[a]"):
        assert fingerprint(word) == default, word


def test_the_defaults_are_values_that_the_command_takes() -> None:
    config = composed()
    assert isinstance(attack.attack_of(plain(config)), attacks.Genetic)
    assert Shard.parse(str(config.shard)) == Shard(1, 1)
    assert device_of(config.device).type in ("cpu", "cuda")
    assert (config.images, config.max_queries, config.seed, config.slice) == (100, 50_000, 0, 16)
    assert "wandb" in config.logger


def test_the_papers_search_has_no_budget_but_the_one_that_is_given() -> None:
    assert composed("attack=paper").max_queries is None
    assert composed("attack=paper", "max_queries=700").max_queries == 700
    assert composed("attack=ddn", "max_queries=null").max_queries is None


def test_no_value_is_there_in_vain() -> None:
    code = "".join(
        (ROOT / "src/convstab/commands" / name).read_text() for name in ("attack.py", "assess.py", "own.py", "app.py")
    )
    words = set(re.findall(r'"(\w+)"|config\.(threads)', code))  # values["images"], config.threads
    assert {str(key) for key in composed()} - {word for pair in words for word in pair} == {"logger"}  # tracking's
