"""What a result depends on: two that may differ in a bit never have the same fingerprint."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_module

from convstab.commands import attack, evaluate
from convstab.commands.app import plain
from convstab.commands.assess import identity
from convstab.images import Images
from convstab.models import Aghdam, CifarQuick, Classifier, LeNet
from convstab.models.ensemble import Ensemble
from convstab.runs.run import Run

CPU, GPU = torch.device("cpu"), torch.device("cuda")
SHAPE, CLASSES = (3, 48, 48), ["a", "b"]
Fingerprint = dict[str, Any]


def of_evaluate(run: Run, device: torch.device) -> Fingerprint:
    with initialize_config_module("convstab.conf", version_base="1.3"):
        config = compose("evaluate", ["draws=1"])
    values = plain(config)
    return identity(run, device, evaluate.options_of(values, evaluate.protocol_of(values, device)))


def of_attack(run: Run, device: torch.device) -> Fingerprint:
    with initialize_config_module("convstab.conf", version_base="1.3"):
        config = compose("attack")
    values = plain(config)
    return identity(run, device, attack.options_of(values, attack.attack_of(values)))


@pytest.fixture(params=[of_evaluate, of_attack])
def fingerprint(request: pytest.FixtureRequest) -> Callable[..., Fingerprint]:
    """The fingerprint of each of the two commands."""

    def made(classifier: Classifier | Ensemble, device: torch.device = CPU) -> Fingerprint:
        images = Images(torch.zeros(2, *SHAPE, dtype=torch.uint8), torch.tensor([0, 1]), classes=CLASSES)
        found: Fingerprint = request.param(Run(classifier, images, "one", {}), device)
        return found

    return made


def changed(one: Fingerprint, other: Fingerprint) -> set[str]:
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


@pytest.mark.parametrize(
    ("model", "values", "others"),
    [
        (CifarQuick, {}, {"pool": "caffe"}),
        (Aghdam, {}, {"slope": 0.1}),
        (Aghdam, {"slope": 0.01}, {"slope": 0.010001}),
    ],
)
def test_the_same_weights_in_another_architecture_are_another_classifier(
    model: Any, values: dict[str, Any], others: dict[str, Any], fingerprint: Callable[..., Fingerprint]
) -> None:
    one, same, other = model(SHAPE, CLASSES, **values), model(SHAPE, CLASSES), model(SHAPE, CLASSES, **others)
    same.load_state_dict(one.state_dict())
    other.load_state_dict(one.state_dict())
    assert fingerprint(one) == fingerprint(same)
    assert changed(fingerprint(one), fingerprint(other)) == {"architecture"}
    together = [Ensemble([one, member]) for member in (same, other)]
    assert changed(*map(fingerprint, together)) == {"architecture"}


def test_the_same_layers_in_another_class_are_another_classifier(fingerprint: Callable[..., Fingerprint]) -> None:
    class Upside(LeNet):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return super().forward(images.flip(2))

    one, other = LeNet(SHAPE, CLASSES), Upside(SHAPE, CLASSES)
    other.load_state_dict(one.state_dict())
    assert changed(fingerprint(one), fingerprint(other)) == {"architecture"}


def test_another_torch_or_processor_or_gpu_is_another_result(
    fingerprint: Callable[..., Fingerprint], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = LeNet(SHAPE, CLASSES)
    here = fingerprint(model)
    with monkeypatch.context() as patch:
        patch.setattr(torch, "__version__", "2.6.0")
        assert changed(here, fingerprint(model)) == {"torch"}
    with monkeypatch.context() as patch:
        patch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "DEFAULT")
        assert changed(here, fingerprint(model)) == {"hardware"}
    cards = []
    for name in ("NVIDIA H100", "NVIDIA A100"):
        monkeypatch.setattr("torch.cuda.get_device_name", lambda _, name=name: name)
        cards.append(fingerprint(model, GPU))
    assert changed(*cards) == {"hardware"}
    assert changed(here, cards[0]) == {"device", "hardware"}
