"""Models by their names in timm, transformers and torchvision: stand-ins of the same interface, and what is there."""

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

import convstab as cs
from tests.models.own_nets import Net
from tests.support.libraries import MEAN, STD, stand_in

IMAGES = torch.rand(5, 3, 28, 28, generator=torch.Generator().manual_seed(0))
EXPECTED = Net(3).eval()((IMAGES - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the stand-ins were asked for."""
    asked: list[Any] = []

    def create_model(name: str, pretrained: bool, **options: Any) -> nn.Module:
        asked.append((name, pretrained, options))
        if name != "netlet":
            raise RuntimeError(f"Unknown model ({name})\nsee list_models")
        net = Net(3, **options)
        net.pretrained_cfg = {} if options.get("seed") else config  # type: ignore[assignment]
        return net

    config = {"mean": MEAN, "std": STD, "input_size": (3, 28, 28), "crop_pct": 0.9}
    stand_in(monkeypatch, "timm", create_model=create_model)
    stand_in(monkeypatch, "timm.data", resolve_model_data_config=lambda _: config)

    def from_pretrained(name: str, **options: Any) -> nn.Module:
        asked.append((name, options))
        if name != "folder":
            raise OSError(f"{name} is not a local folder\nand cannot be found")
        net = Net(3)
        net.config = SimpleNamespace(id2label={1: "dog", 0: "cat", 10: "eel", 2: "cow"})  # type: ignore[assignment]
        return net

    processor = SimpleNamespace(
        image_mean=list(MEAN),
        image_std=list(STD),
        do_normalize=True,
        do_rescale=True,
        rescale_factor=1 / 255,
        size={"height": 28, "width": 28},
    )
    models = SimpleNamespace(from_pretrained=from_pretrained)
    processors = SimpleNamespace(from_pretrained=lambda _, **__: processor)
    stand_in(
        monkeypatch,
        "transformers",
        AutoModelForImageClassification=models,
        AutoImageProcessor=processors,
        processor=processor,
    )

    def get_model(name: str, weights: Any, **options: Any) -> nn.Module:
        asked.append((name, weights, options))
        return Net(3)

    transforms = SimpleNamespace(mean=list(MEAN), std=list(STD), crop_size=[28])
    weights = SimpleNamespace(transforms=lambda: transforms, meta={"categories": list("abcdefghij")})
    enum = SimpleNamespace(DEFAULT=weights)
    stand_in(monkeypatch, "torchvision")
    stand_in(monkeypatch, "torchvision.models", get_model=get_model, get_model_weights=lambda _: enum)
    return asked


@pytest.mark.usefixtures("asked")
def test_a_model_of_timm_is_normalised_by_its_configuration() -> None:
    model = cs.load_model("timm", name="netlet", pretrained=True)
    assert torch.allclose(model(IMAGES), EXPECTED, atol=1e-5)
    assert (model.size, model.classes, model.training) == ((28, 28), (), False)
    assert {name: model.source[name] for name in ("kind", "name", "package")} == {
        "kind": "timm",
        "name": "netlet",
        "package": "timm 9.9",
    }


def test_random_weights_are_refused_and_a_file_of_weights_is_taken(asked: list[Any], tmp_path: Path) -> None:
    for kind in ("timm", "torchvision"):
        with pytest.raises(cs.InputError, match=f"{kind} model netlet has random weights: give weights=FILE, or pretr"):
            cs.load_model(kind, name="netlet")
    torch.save(Net(3, classes=4, seed=5).state_dict(), tmp_path / "net.pt")
    model = cs.load_model("timm", name="netlet", options={"classes": 4}, weights=tmp_path / "net.pt", mean="none")
    assert torch.equal(model(IMAGES), Net(3, classes=4, seed=5).eval()(IMAGES))
    assert asked[-1] == ("netlet", False, {"classes": 4})


@pytest.mark.usefixtures("asked")
def test_the_normalisation_of_other_weights_is_not_taken_for_that_of_a_file(tmp_path: Path) -> None:
    torch.save(Net(3).state_dict(), tmp_path / "net.pt")
    for kind in ("timm", "torchvision"):
        own = {"name": "netlet", "pretrained": True, "weights": tmp_path / "net.pt"}
        with pytest.raises(
            cs.InputError, match=r"how are images normalised.*usual for it: mean=\[0.4, 0.5, 0.6\] std="
        ):
            cs.load_model(kind, **own)  # type: ignore[arg-type]
        model = cs.load_model(kind, **own, mean=0.5, std=0.5)  # type: ignore[arg-type]
        assert (model.size, model.classes) == (None, ())
    with pytest.raises(cs.InputError, match="how are images normalised for the timm model netlet"):
        cs.load_model("timm", name="netlet", pretrained=True, options={"seed": 1})  # timm would say ImageNet's


def test_what_a_library_says_is_one_line(asked: list[Any]) -> None:
    with pytest.raises(cs.InputError, match=r"timm: nte cannot be loaded: RuntimeError: Unknown model .nte. see list_"):
        cs.load_model("timm", name="nte", pretrained=True)
    with pytest.raises(cs.InputError, match=r"hf: away cannot be loaded: OSError: .*model.download=true") as found:
        cs.load_model("hf", name="away")
    assert "\n" not in str(found.value)


def test_a_model_of_transformers_is_local_and_runs_no_code_of_others(asked: list[Any]) -> None:
    model = cs.load_model("hf", name="folder")
    assert torch.allclose(model(IMAGES), EXPECTED, atol=1e-5)
    assert (model.size, model.classes) == ((28, 28), ("cat", "dog", "cow", "eel"))
    assert asked == [("folder", {"local_files_only": True, "trust_remote_code": False})]
    cs.load_model("hf", name="folder", download=True)
    assert asked[-1] == ("folder", {"local_files_only": False, "trust_remote_code": False})


@pytest.mark.usefixtures("asked")
def test_a_processor_of_transformers_may_scale_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    processor = sys.modules["transformers"].processor
    net, images = Net(3).eval(), IMAGES
    cases: list[tuple[dict[str, Any], Callable[[torch.Tensor], torch.Tensor]]] = [
        ({"rescale_factor": 1 / 127.5}, lambda grey: (grey / 127.5 - 0.5) / 0.25),
        ({"do_rescale": False}, lambda grey: (grey - 0.5) / 0.25),
        ({"do_normalize": False}, lambda grey: grey / 255),
        ({"do_normalize": False, "do_rescale": False}, lambda grey: grey),
    ]
    for values, expected in cases:
        with monkeypatch.context() as patch:
            for name, value in ({"image_mean": 0.5, "image_std": 0.25} | values).items():
                patch.setattr(processor, name, value)
            assert torch.allclose(cs.load_model("hf", name="folder")(images), net(expected(255 * images)), rtol=1e-3)


@pytest.mark.parametrize(
    ("sizes", "size"),
    [
        ({"size": SimpleNamespace(height=20, width=30, shortest_edge=None)}, (20, 30)),
        ({"size": {"shortest_edge": 32}, "do_center_crop": True, "crop_size": {"height": 28, "width": 28}}, (28, 28)),
        ({"size": {"shortest_edge": 32}, "do_center_crop": False, "crop_size": {"height": 28, "width": 28}}, None),
    ],
)
@pytest.mark.usefixtures("asked")
def test_the_size_is_that_of_what_a_processor_makes(sizes: dict[str, Any], size: Any) -> None:
    vars(sys.modules["transformers"].processor).update(sizes)
    assert cs.load_model("hf", name="folder").size == size


@pytest.mark.usefixtures("asked")
def test_without_a_processor_the_normalisation_is_to_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["transformers"], "AutoImageProcessor", None)
    with pytest.raises(cs.InputError, match="how are images normalised for the hf model folder"):
        cs.load_model("hf", name="folder")
    assert cs.load_model("hf", name="folder", mean=MEAN, std=STD).size is None


@pytest.mark.usefixtures("asked")
def test_made_up_names_of_transformers_are_none() -> None:
    net = Net(3).eval()
    net.config = SimpleNamespace(id2label={place: f"LABEL_{place}" for place in range(10)})  # type: ignore[assignment]
    assert cs.load_model(net, mean="none").classes == ()


def test_a_model_of_torchvision_has_what_its_weights_know(asked: list[Any]) -> None:
    model = cs.load_model("torchvision", name="netlet", pretrained=True)
    assert torch.allclose(model(IMAGES), EXPECTED, atol=1e-5)
    assert (model.size, "".join(model.classes)) == ((28, 28), "abcdefghij")
    assert asked[-1][1] is sys.modules["torchvision.models"].get_model_weights("netlet").DEFAULT


@pytest.mark.parametrize(
    ("kind", "package", "value"),
    [("timm", "timm", "name"), ("hf", "transformers", "name"), ("torchvision", "torchvision", "name")],
)
def test_a_missing_package_says_what_to_install(
    kind: str, package: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(cs.InputError, match=rf"{package} is needed.*pip install 'convstab\[{kind}\]'"):
        cs.load_model(kind, name="x")
    with pytest.raises(cs.InputError, match=f"a {kind} model needs {value}"):
        cs.load_model(kind)


@pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not there")
def test_a_real_model_of_transformers(tmp_path: Path) -> None:
    transformers = import_module("transformers")

    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=3
    )
    own = transformers.ResNetForImageClassification(config).eval()
    own.save_pretrained(tmp_path)
    model = cs.load_model("hf", name=str(tmp_path), mean=[0.5] * 3, std=[0.5] * 3)
    assert torch.allclose(model(IMAGES), own((IMAGES - 0.5) / 0.5).logits, atol=1e-5)
    assert cs.evaluate(model, cs.Images(IMAGES, [0] * 5), levels=[8], draws=1).draws
