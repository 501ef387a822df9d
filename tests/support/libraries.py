"""Stand-ins of timm and torchvision, of the interface that training needs."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from torch import nn

from tests.models.own_nets import Net

MEAN, STD = (0.4, 0.5, 0.6), (0.1, 0.2, 0.3)


def stand_in(patch: pytest.MonkeyPatch, name: str, **content: Any) -> None:
    """Put a module in the place of a package that may not be there."""
    module = ModuleType(name)
    vars(module).update({"__version__": "9.9"} | content)
    patch.setitem(sys.modules, name, module)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the stand-ins of timm and torchvision were asked for; weights that they bring are of seed 7."""
    asked: list[Any] = []

    def create_model(name: str, pretrained: bool, num_classes: int, in_chans: int) -> nn.Module:
        asked.append((name, pretrained, num_classes, in_chans))
        net = Net(in_chans, num_classes, seed=7 * pretrained)
        net.pretrained_cfg = {"mean": MEAN, "std": STD}  # type: ignore[assignment]
        return net

    config = {"mean": MEAN, "std": STD, "input_size": (3, 28, 28)}
    stand_in(monkeypatch, "timm", create_model=create_model)
    stand_in(monkeypatch, "timm.data", resolve_model_data_config=lambda _: config)

    def get_model(name: str, weights: Any, num_classes: int = 1000) -> nn.Module:
        asked.append((name, weights, num_classes))
        return Net(3, num_classes)

    def get_state_dict(**_: Any) -> Any:
        return Net(3, 1000, seed=7).state_dict()

    transforms = SimpleNamespace(mean=list(MEAN), std=list(STD), crop_size=[28])
    weights = SimpleNamespace(transforms=lambda: transforms, meta={}, get_state_dict=get_state_dict)
    stand_in(monkeypatch, "torchvision")
    stand_in(
        monkeypatch,
        "torchvision.models",
        get_model=get_model,
        get_model_weights=lambda _: SimpleNamespace(DEFAULT=weights),
        get_model_builder=lambda _: Net,
        list_models=lambda **_: ["netlet"],
    )
    return asked
