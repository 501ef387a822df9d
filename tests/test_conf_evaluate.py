"""The configuration of evaluate: every value reaches code that takes it, and the defaults are the paper's."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_module
from omegaconf import DictConfig

from convstab.commands import evaluate
from convstab.commands.app import plain
from convstab.commands.assess import identity
from convstab.commands.evaluate import protocol_of
from convstab.degradations.blur import MotionBlur
from convstab.degradations.by_name import FAMILIES, NAMES
from convstab.degradations.compression import Jpeg
from convstab.errors import InputError
from convstab.evaluation.pilot.forward import pass_of
from convstab.evaluation.protocol import PAPER_DRAWS, Protocol
from convstab.evaluation.workers import Workers
from convstab.files import choices
from convstab.forward.device import device_of
from convstab.images import Images
from convstab.models import LeNet
from convstab.models.ensemble import Ensemble
from convstab.runs.run import Run
from convstab.runs.shard import Shard

ROOT = Path(__file__).parent.parent
CPU, GPU = torch.device("cpu"), torch.device("cuda")


def composed(*overrides: str) -> DictConfig:
    with initialize_config_module("convstab.conf", version_base="1.3"):
        return compose("evaluate", [*overrides])


def lenet() -> LeNet:
    return LeNet((1, 28, 28), ["a", "b"])


def run_of(config: DictConfig) -> Run:
    images = Images(torch.zeros(3, 1, 28, 28, dtype=torch.uint8), torch.tensor([0, 1, 1]), classes=("a", "b"))
    return Run(Ensemble([lenet(), lenet()], config.rule).eval(), images, "two", {})


def test_the_default_on_a_gpu_is_the_papers_protocol() -> None:
    assert evaluate.protocol_of(plain(composed()), GPU) == Protocol(draws=PAPER_DRAWS)


def test_the_default_on_a_cpu_differs_in_its_draws_only() -> None:
    assert evaluate.protocol_of(plain(composed()), CPU) == Protocol(draws=evaluate.CPU_DRAWS)


@pytest.mark.parametrize(
    ("override", "field", "value"),
    [
        ("levels=[0.5,40]", "levels", (0, 0.5, 40)),
        ("levels=[0,8]", "levels", (0, 8)),
        ("draws=7", "draws", 7),
        ("seed=-3", "seed", -3),
        ("clip=false", "clip", False),
        ("rounding=false", "rounding", False),
        ("score=label", "score", "label"),
    ],
)
def test_the_protocol_takes_every_value(override: str, field: str, value: object) -> None:
    default, changed = (vars(evaluate.protocol_of(plain(composed(*words)), CPU)) for words in ([], [override]))
    assert changed == default | {field: value}


@pytest.mark.parametrize("rule", ["probabilities", "logits", "vote"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_workers_and_the_ensemble_take_their_values(rule: str, precision: str) -> None:
    config = composed(f"rule={rule}", f"precision={precision}", "batch_size=32", "workers=3")
    protocol = evaluate.protocol_of(plain(config), CPU)
    run = run_of(config)
    workers = Workers(run.model, run.test, protocol, CPU, config.batch_size, config.workers)
    workers.forward = pass_of(config.precision, workers)
    assert (workers.batch_size, workers.forward.name, workers.count) == (32, precision, 3)


def test_what_changes_the_counts_changes_the_fingerprint() -> None:
    torch.manual_seed(0)
    two = run_of(composed())

    def fingerprint(*words: str) -> dict[str, Any]:
        values = plain(composed(*words))
        return identity(two, CPU, evaluate.options_of(values, evaluate.protocol_of(values, CPU)))

    default = fingerprint()
    for override in ("levels=[1]", "draws=3", "seed=1", "clip=false", "rounding=false", "score=label", "rule=vote"):
        assert fingerprint(override) != default, override
    for override in ("precision=float32", "precision=bfloat16", "compile=true", "compile=false"):
        assert fingerprint(override) != default, override
    for override in ("batch_size=16", "workers=1", "confusion_level=8", "shard=2/3", "output=x", "logger=none"):
        assert fingerprint(override) == default, override


def test_the_defaults_are_values_that_the_command_takes() -> None:
    config = composed()
    assert Shard.parse(str(config.shard)) == Shard(1, 1)
    assert device_of(config.device).type in ("cpu", "cuda")
    assert config.confusion_level is None
    assert list(config.compare) == []
    assert "wandb" in config.logger


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "conf/logger").glob("*.yaml")))
def test_every_logger_can_be_chosen(name: str) -> None:
    expected = set() if name == "none" else {name}
    assert set(composed(f"logger={name}").get("logger") or {}) == expected


def test_no_value_is_there_in_vain() -> None:
    code = "".join(
        (ROOT / "src/convstab/commands" / name).read_text() for name in ("evaluate.py", "assess.py", "own.py", "app.py")
    )
    words = set(re.findall(r'"(\w+)"|config\.(threads)', code))  # values["images"], config.threads
    assert {str(key) for key in composed()} - {word for pair in words for word in pair} == {"logger"}  # tracking's


def test_every_family_has_its_file() -> None:
    assert set(choices("degradation")) == set(NAMES)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_defaults_are_those_of_the_family(name: str) -> None:
    values = plain(composed(f"degradation={name}"))
    made = protocol_of(values, CPU).degradation
    assert made == FAMILIES[name]()
    assert set(values["degradation"]) == set(made.settings)


def test_settings_of_a_family_are_taken_and_others_are_refused() -> None:
    moved = protocol_of(plain(composed("degradation=motion_blur", "degradation.angle=30")), CPU)
    assert moved.degradation == MotionBlur(angle=30)
    with pytest.raises(InputError, match="degradation motion_blur takes no angel; it takes angle"):
        protocol_of(plain(composed("degradation=motion_blur", "+degradation.angel=3")), CPU)


def test_without_levels_a_family_has_its_own_grid_and_the_clean_images() -> None:
    protocol = protocol_of(plain(composed("degradation=jpeg")), CPU)
    assert protocol.levels == (float("inf"), *sorted(Jpeg.grid, reverse=True))
    assert protocol.draws_of == [1] * len(protocol.levels)
