"""Own models: what is wrapped gives the logits that the user's own code would, and what does not fit is named."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

import convstab as cs
from convstab.models import LeNet
from convstab.models.own.weights import load_weights
from tests.models import own_nets
from tests.models.own_nets import CLASSES, Net

TARGET = "tests.models.own_nets:build"
IMAGES = torch.rand(5, 1, 28, 28, generator=torch.Generator().manual_seed(0))


class Outputs(NamedTuple):
    """As transformers has them: what comes first is not the logits."""

    loss: Tensor | None
    logits: Tensor


class Giving(nn.Module):
    """Gives its logits in another form."""

    def __init__(self, form: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.net, self.form = Net(), form

    def forward(self, images: Tensor) -> Any:
        return self.form(self.net(images))


def test_images_are_normalised_inside() -> None:
    net = Net(3).eval()
    images, mean, std = torch.rand(4, 3, 28, 28), [0.4, 0.5, 0.6], [0.1, 0.2, 0.3]
    expected = torch.stack([(images[:, i] - mean[i]) / std[i] for i in range(3)], 1)
    model = cs.load_model(net, mean=mean, std=std)
    assert torch.allclose(model(images), net(expected), atol=1e-5)
    assert (model.channels, model.source["mean"], model.source["std"]) == (3, mean, std)
    plain = cs.load_model(net, mean="none")
    assert torch.equal(plain(images), net(images))
    assert (plain.channels, plain.source["mean"]) == (None, [0.0])


@pytest.mark.parametrize(
    "form",
    [
        lambda logits: logits,
        lambda logits: (logits, logits[:, :2]),
        lambda logits: [logits],
        lambda logits: {"loss": None, "logits": logits},
        lambda logits: SimpleNamespace(logits=logits, aux_logits=None),
        lambda logits: Outputs(None, logits),
    ],
)
def test_logits_come_in_many_forms(form: Callable[[Tensor], Any]) -> None:
    model = cs.load_model(Giving(form).eval(), mean="none")
    assert torch.equal(model(IMAGES), Net().eval()(IMAGES))


def test_what_is_no_logits_is_named_before_anything_is_counted() -> None:
    model = cs.load_model(Giving(lambda logits: {"scores": logits}).eval(), mean="none")
    with pytest.raises(cs.InputError, match="returns a dict; it must return logits"):
        cs.evaluate(model, cs.Images(IMAGES, [0] * 5), levels=[8], draws=1)


def test_a_module_is_not_touched_and_stays_in_its_mode() -> None:
    net = Net().eval()
    net.features.train()
    model = cs.load_model(net, mean=0.5, std=0.5)
    assert (model.training, net.training, net.features.training) == (False, False, True)
    assert cs.load_model(Net(), mean="none").training


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "how are images normalised for the module model Net.*mean=none"),
        ({"mean": [0.5]}, "mean is given alone"),
        ({"std": 0.5}, "std is given alone"),
        ({"mean": "none", "std": 0.5}, "mean=none says"),
        ({"mean": [123.7], "std": [58.4]}, r"mean is \[123.7\].*by 255"),
        ({"mean": 0.5, "std": 58.4}, "std is 58.4.*by 255"),
        ({"mean": 0.5, "std": 0}, "std is 0.*above 0"),
        ({"mean": [0.5, 0.5], "std": [0.5]}, "mean has 2 numbers and std 1"),
        ({"mean": "imagenet", "std": "imagenet"}, "mean is imagenet; it must be numbers"),
        ({"mean": "none", "size": "big"}, "size is big"),
        ({"mean": "none", "size": [28, 28, 3]}, "size is"),
        ({"mean": "none", "classes": "nowhere.txt"}, "classes=nowhere.txt is no text file"),
        ({"mean": "none", "target": "a:b"}, "takes no target beside a module"),
    ],
)
def test_a_normalisation_is_said_and_never_guessed(said: dict[str, Any], words: str) -> None:
    with pytest.raises(cs.InputError, match=words) as found:
        cs.load_model(Net().eval(), **said)
    assert "\n" not in str(found.value)


def test_models_that_say_their_normalisation_need_not_be_told() -> None:
    lenet = LeNet((1, 28, 28), CLASSES).eval()
    lenet.set_statistics(torch.tensor([0.3]), torch.tensor([0.2]))
    model = cs.load_model(lenet)
    assert torch.equal(model(IMAGES), lenet(IMAGES))
    assert model.classes == CLASSES
    net = Net().eval()
    net.pretrained_cfg = {"mean": (0.3,), "std": (0.2,)}  # type: ignore[assignment]
    assert torch.allclose(cs.load_model(net)(IMAGES), net((IMAGES - 0.3) / 0.2), atol=1e-5)
    assert cs.load_model(net, mean="none").source["mean"] == [0.0]


def test_a_target_is_called_with_its_options() -> None:
    model = cs.load_model("python", target=TARGET, options={"classes": 3}, mean="none", classes=["a", "b", "c"])
    assert (model(IMAGES).shape, model.classes, model.training) == ((5, 3), ("a", "b", "c"), False)
    source = {name: model.source[name] for name in ("kind", "target", "options")}
    assert source == {"kind": "python", "target": TARGET, "options": {"classes": 3}}
    assert cs.load_model("python", target="tests.models.own_nets:ready", mean="none").model is own_nets.ready


def test_a_target_in_the_working_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nets_of_a_user.py").write_text("from torch import nn\nclass A:\n    net = nn.Flatten()\n")
    (tmp_path / "names.txt").write_text("cat\n\ndog\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    model = cs.load_model("python", target="nets_of_a_user:A.net", mean="none", classes="names.txt")
    assert (type(model.model), model.classes) == (nn.Flatten, ("cat", "dog"))


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (None, "target is None; it must be package.module:function"),
        ("tests.models.own_nets", "it must be package.module:function"),
        ("tests.models.own_nets:", "it must be package.module:function"),
        ("tests.models.nowhere:build", "tests.models.nowhere cannot be imported from"),
        ("tests.models.own_nets:biuld", "tests.models.own_nets has no biuld"),
        ("tests.models.own_nets:broken", "own_nets:broken fails: RuntimeError: no GPU here"),
        ("tests.models.own_nets:no_module", "makes a int"),
        ("tests.models.own_nets:number", "is a int"),
    ],
)
def test_a_target_that_makes_no_module_is_named(target: Any, words: str) -> None:
    with pytest.raises(cs.InputError, match=words) as found:
        cs.load_model("python", target=target, mean="none")
    assert "\n" not in str(found.value)


def test_unknown_kinds_and_values_are_named() -> None:
    with pytest.raises(cs.InputError, match=r"the model is 'pyhton'; it can be an nn.Module, or .*python"):
        cs.load_model("pyhton")
    with pytest.raises(cs.InputError, match="a python model takes no path; it takes target, options"):
        cs.load_model("python", path="x")


class Lit(pl.LightningModule):
    """As users have them: the network is a part."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Net(seed=1)


def state(prefix: str = "") -> dict[str, Tensor]:
    return {prefix + name: value for name, value in Net(seed=1).state_dict().items()}


@pytest.mark.parametrize(
    "content",
    [
        state(),
        state("module."),
        state("model."),
        state("net."),
        state("_orig_mod."),
        state("module._orig_mod."),
        {"state_dict": Lit().state_dict(), "epoch": 3, "optimizer_states": [{"lr": 0.1}]},
        {"model_state_dict": state(), "loss": 0.3},
        {"model": state("module."), "optimizer": {}},
    ],
)
def test_weights_are_found_in_all_that_torch_saves(content: Any, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "net.pt")
    model = cs.load_model("python", target=TARGET, weights=tmp_path / "net.pt", mean="none")
    assert torch.equal(model(IMAGES), Net(seed=1).eval()(IMAGES))
    other = cs.load_model("python", target=TARGET, mean="none")
    assert model.source["weights"] != other.source["weights"]
    assert model.source["weights"] == cs.load_model(Net(seed=1).eval(), mean="none").source["weights"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"epoch": 1}, "holds no state dict"),
        ([1, 2], "holds no state dict"),
        (Net(), "save them alone"),
        ({name: value for name, value in state().items() if "head" not in name}, "misses head.weight, head.bias$"),
        (state() | {"a": torch.ones(1), "b": torch.ones(1), "c": torch.ones(1)}, "has a, b and 1 more too many$"),
        (state("net.") | {"net.extra": torch.ones(1)}, "it has extra too many$"),
        (state() | {"head.bias": torch.ones(7)}, r"head.bias is \(7,\) there and \(10,\) in the model"),
    ],
)
def test_weights_that_do_not_fit_are_named_in_a_line(content: Any, words: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "net.pt")
    with pytest.raises(cs.InputError, match=words) as found:
        load_weights(Net(), tmp_path / "net.pt")
    assert "\n" not in str(found.value)
    assert "net.pt" in str(found.value)


def test_a_file_that_is_no_weights_is_named(tmp_path: Path) -> None:
    with pytest.raises(cs.InputError, match=r"nowhere.pt is not a file"):
        load_weights(Net(), tmp_path / "nowhere.pt")
    (tmp_path / "noise.pt").write_bytes(b"\x13noise")
    with pytest.raises(cs.InputError, match=r"noise.pt holds more than weights"):
        load_weights(Net(), tmp_path / "noise.pt")


def test_code_in_a_file_never_runs(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"state_dict": state(), "evil": Evil()}, tmp_path / "net.pt")
    with pytest.raises(cs.InputError, match="holds more than weights"):
        load_weights(Net(), tmp_path / "net.pt")
    assert not (tmp_path / "ran").exists()


def test_safetensors_are_read_or_what_to_install_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.safetensors"
    path.touch()
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(cs.InputError, match=r"safetensors is needed.*pip install 'convstab\[safetensors\]'"):
        load_weights(Net(), path)
    package, torch_part = ModuleType("safetensors"), ModuleType("safetensors.torch")
    torch_part.load_file = lambda given: state() if given == path else {}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "safetensors", package)
    monkeypatch.setitem(sys.modules, "safetensors.torch", torch_part)
    net = Net()
    load_weights(net, path)
    assert torch.equal(net.head.weight, Net(seed=1).head.weight)


def test_images_of_another_size_or_colour_are_refused_with_both() -> None:
    model = cs.load_model(Net(3).eval(), mean=[0.5] * 3, std=[0.5] * 3, size=28)
    model.check((3, 28, 28))
    with pytest.raises(cs.InputError, match="images are 32x30 pixels and the model takes 28x28"):
        model.check((3, 32, 30))
    with pytest.raises(cs.InputError, match="images have 1 channel and the model takes 3 channels"):
        model.check((1, 28, 28))
    cs.load_model(Net(3).eval(), mean="none", size="any").check((1, 9, 9))


def test_an_own_model_is_evaluated_and_attacked() -> None:
    model = cs.load_model(Net().eval(), mean=0.4, std=0.3)
    images = cs.Images(IMAGES, model(IMAGES).argmax(1))
    assert cs.evaluate(model, images, levels=[8], draws=2).accuracy.value[0] == 1
    assert len(cs.attack(model, images, "ddn", steps=5).norms) == 5
