"""The configuration: every group composes, and every value reaches code that takes it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from convstab.commands.app import plain
from convstab.data.module import ImageData
from convstab.models import Classifier
from convstab.models.own.kinds import KINDS
from convstab.runs.configuration import check_run

CONF = Path(__file__).parent.parent / "conf"
PAPER = {"digits": "LeNet", "mnist": "LeNet", "cifar10": "CifarQuick", "gtsrb": "Aghdam"}


def options(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def composed(*overrides: str) -> DictConfig:
    with initialize_config_module("convstab.conf", version_base="1.3"):
        return compose("train", [*overrides])


@pytest.mark.parametrize(("dataset", "architecture"), PAPER.items())
def test_a_data_set_alone_picks_the_papers_architecture(dataset: str, architecture: str) -> None:
    config = composed(f"dataset={dataset}")
    assert config.model._target_ == f"convstab.models.{architecture}"
    assert composed(f"dataset={dataset}", "model=lenet").model._target_ == "convstab.models.LeNet"
    assert isinstance(instantiate(config.dataset, seed=0), ImageData)
    assert config.trainer.max_epochs > 0


@pytest.mark.parametrize("name", sorted(set(options("model")) - set(KINDS)))  # own models are not made by Hydra
def test_every_model_takes_its_values(name: str) -> None:
    model = instantiate(composed(f"model={name}").model, shape=[3, 48, 48], classes=["a", "b"], _convert_="all")
    assert isinstance(model, Classifier)


@pytest.mark.parametrize("name", options("augment"))
def test_every_augmentation_takes_its_values(name: str) -> None:
    augment = instantiate(composed(f"augment={name}").augment, _convert_="all")
    for part in augment.modules():
        if hasattr(part, "use"):
            part.use(2, {})
    images, labels = augment(torch.rand(2, 3, 16, 16), torch.tensor([0, 1]))
    assert images.shape == (2, 3, 16, 16)
    assert labels.tolist() == [0, 1]


@pytest.mark.parametrize("optimizer", options("optimizer"))
@pytest.mark.parametrize("schedule", options("schedule"))
def test_every_optimizer_goes_with_every_schedule(optimizer: str, schedule: str) -> None:
    config = composed(f"optimizer={optimizer}", f"schedule={schedule}")
    made = instantiate(config.optimizer)([torch.nn.Parameter(torch.zeros(1))])
    rates = instantiate(config.schedule)(made, 10)
    made.step()
    rates.step()
    if schedule == "constant":
        assert rates.get_last_lr() == [config.optimizer.lr]


@pytest.mark.parametrize("name", options("dataset"))
def test_a_data_set_brings_its_recipe(name: str) -> None:
    config = composed(f"dataset={name}")
    said: Any = OmegaConf.load(CONF / "dataset" / f"{name}.yaml")
    for group in ("dataset", "trainer", "optimizer"):
        for key, value in said.get(group, {}).items():
            assert config[group][key] == value


def test_only_the_word_sweep_asks_for_one(get_mode: Callable[..., Any]) -> None:
    """As these tests take it for granted, so that Hydra does not compose each configuration twice."""
    with initialize_config_module("convstab.conf", version_base="1.3"):
        main = GlobalHydra.instance().hydra
        assert main is not None
        for name in ("train", "evaluate", "attack", "reproduce", "draws", "predictions"):
            assert get_mode(main, name, []) is None
        assert get_mode(main, "train", ["sweep=seeds"]) == RunMode.MULTIRUN == main.get_mode("train", ["sweep=seeds"])
    asking = {path.parent.name for path in CONF.rglob("*.yaml") if "MULTIRUN" in path.read_text()}
    assert asking == {"sweep"}


def test_the_command_line_has_the_last_word() -> None:
    config = composed("dataset=gtsrb", "model=cifar_quick", "optimizer.lr=0.5", "trainer.max_epochs=2")
    assert config.model._target_ == "convstab.models.CifarQuick"
    assert (config.optimizer.lr, config.trainer.max_epochs) == (0.5, 2)


def test_a_run_may_name_every_data_set_and_model_that_there_is() -> None:
    for name in options("dataset"):
        check_run(plain(composed(f"dataset={name}", "output=x")), Path())
    for name in set(options("model")) - set(KINDS):
        check_run(plain(composed(f"model={name}", "output=x")), Path())


@pytest.mark.parametrize("name", options("logger"))
def test_every_logger_can_be_chosen_and_listed(name: str) -> None:
    alone, listed = composed(f"logger={name}"), composed(f"logger=[csv,{name}]")
    expected = set() if name == "none" else {name}
    assert set(alone.get("logger") or {}) == expected
    assert set(listed.logger) == expected | {"csv"}


def test_the_trainer_and_its_callbacks_take_their_values(tmp_path: Path) -> None:
    config = composed(f"output={tmp_path}", "trainer.max_epochs=1")
    callbacks = [instantiate(value) for value in config.callbacks.values()]
    assert isinstance(instantiate(config.trainer, logger=False, callbacks=callbacks), pl.Trainer)
