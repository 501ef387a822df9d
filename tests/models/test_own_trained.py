"""An own model that is to be trained: it is tried, normalised, and made again from plain values."""

import copy
import json
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import convstab as cs
from convstab.evaluation.matching import Chosen
from convstab.models import LeNet, OwnClassifier
from convstab.models.ensemble import Ensemble
from convstab.models.own.architectures import load_but_head
from convstab.models.own.hf import harmless
from convstab.models.own.kinds import KINDS
from convstab.models.resized import Resized
from tests.models import own_nets
from tests.models.own_nets import Net
from tests.support.libraries import MEAN, STD, asked

__all__ = ["asked"]

SHAPE, CLASSES = (1, 28, 28), [str(digit) for digit in range(10)]
NETS = "tests.models.own_nets"
IMAGES = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
PHOTOS = IMAGES.expand(-1, 3, -1, -1)


def own(name: str = "build", shape: tuple[int, ...] = SHAPE, **values: Any) -> OwnClassifier:
    """A model of this file's neighbour, to be trained."""
    return OwnClassifier(shape, CLASSES, "python", target=f"{NETS}:{name}", **values)


def normalised(images: Tensor, mean: Any = MEAN, std: Any = STD) -> Tensor:
    return (images - torch.tensor(mean).view(-1, 1, 1)) / torch.tensor(std).view(-1, 1, 1)


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    left, right = one.state_dict(), other.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def again(model: OwnClassifier, *trust: str) -> OwnClassifier:
    """The model, made again as from its checkpoint."""
    plain = json.loads(json.dumps(dict(model.hparams)))
    made = OwnClassifier.remade(plain, trust)
    made.load_state_dict(model.state_dict())
    return made


def test_it_is_the_module_on_normalised_images() -> None:
    model = own(options={"seed": 3}).eval()
    model.set_statistics(torch.tensor([0.3]), torch.tensor([0.2]))
    expected = Net(seed=3).eval()(normalised(IMAGES, [0.3], [0.2]))
    assert torch.allclose(model(IMAGES), expected, atol=1e-5)
    assert torch.equal(again(model, f"{NETS}:build").eval()(IMAGES), model(IMAGES))
    assert model.hparams["options"] == {"seed": 3}


def test_a_trial_leaves_nothing_behind() -> None:
    torch.manual_seed(5)
    own_nets.dropping()
    state = torch.get_rng_state()
    torch.manual_seed(5)
    model = own("dropping")
    assert torch.equal(torch.get_rng_state(), state)  # that of a dropout is not taken from the training
    batches, mean = model.net[0][1].num_batches_tracked, model.net[0][1].running_mean  # type: ignore[index]
    assert (batches.item(), mean.abs().sum().item()) == (0, 0)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_all_of_it_is_trained_though_it_was_made_to_be_asked() -> None:
    model = own("dropping")
    assert not own_nets.dropping().training
    assert all(module.training for module in model.net.modules())
    assert not torch.equal(model(IMAGES), model(IMAGES))


def test_a_module_that_is_kept_is_not_trained_itself() -> None:
    model = own("ready")
    with torch.no_grad():
        for weight in model.net.parameters():
            weight.zero_()
    assert own_nets.ready.head.weight.abs().sum() > 0
    assert own("ready").net.head.weight.abs().sum() > 0  # type: ignore[union-attr, operator]


@pytest.mark.parametrize("mode", ["said", "none", "statistics", "within"])
def test_the_normalisation_is_said_or_its_own_or_that_of_the_training_images(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: dict[str, dict[str, Any]] = {"said": {"mean": 0.25, "std": 0.001}, "none": {"mean": "none"}}
    monkeypatch.setattr(own_nets, "within", lambda: LeNet(SHAPE, CLASSES), raising=False)
    model = own("within" if mode == "within" else "build", **said.get(mode, {}))
    model.set_statistics(torch.tensor([0.3]), torch.tensor([0.2]))
    found = round(model.mean.item(), 6), round(model.std.item(), 6)
    assert found == {"said": (0.25, 0.001), "statistics": (0.3, 0.2)}.get(mode, (0, 1))


def test_weights_of_a_file_say_how_they_are_normalised(tmp_path: Path) -> None:
    torch.save(Net(seed=5).state_dict(), tmp_path / "net.pt")
    weights = str(tmp_path / "net.pt")
    assert same_weights(own(weights=weights, mean="none").net, Net(seed=5))
    with pytest.raises(cs.InputError, match="how are images normalised for the python model"):
        own(weights=weights)
    with pytest.raises(cs.InputError, match="mean is given alone"):
        own(weights=weights, mean=0.5)
    torch.save(Net(classes=4).state_dict(), tmp_path / "net.pt")
    with pytest.raises(cs.InputError, match=r"does not fit the model: head.weight is \(4, 144\) there and \(10, 144\)"):
        own(weights=weights, mean="none")


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("build", {"options": {"classes": 5}}, "gives 5 logits for each image; the images have 10 classes"),
        ("build", {"options": {"channels": 3}}, "fails on images of 1 channel and 28x28 pixels.* to have 3 channels"),
        ("build", {"options": {"depth": 3}}, "build fails: TypeError.*depth"),
        ("build", {"size": 32}, "the images are 28x28 pixels and the model takes 32x32"),
        ("build", {"mean": MEAN, "std": STD}, "the images have 1 channel, and mean and std are of 3"),
        ("soft", {}, "gives probabilities; training needs logits"),
        ("Detached", {}, "gives no gradients"),
        ("number", {}, "number is a int"),
        ("no_module", {}, "makes a int"),
        ("nothing", {}, "has no nothing"),
        ("features", {}, r"returns \(2, 144\) for 2 images|gives 144 logits"),
        ("named", {}, "returns a dict; it must return logits"),
        ("flat", {}, r"returns \(20,\) for 2 images; it must return logits \(N, K\)"),
    ],
)
def test_what_cannot_be_trained_is_named(
    name: str, values: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Named(Net):
        def forward(self, images: Tensor) -> Any:
            return {"scores": super().forward(images)}

    monkeypatch.setattr(own_nets, "features", lambda: Net().features, raising=False)
    monkeypatch.setattr(own_nets, "named", Named, raising=False)
    monkeypatch.setattr(own_nets, "flat", lambda: nn.Sequential(Net(), nn.Flatten(0)), raising=False)
    with pytest.raises(cs.InputError, match=words) as found:
        own(name, **values)
    assert "\n" not in str(found.value)
    own("build", size="any")
    own("build", size=28)


def test_a_module_that_calls_view_is_given_what_it_takes() -> None:
    model = own("viewing", (3, 28, 28), mean="none").eval()
    with pytest.raises(RuntimeError, match="view"):
        own_nets.viewing().to(memory_format=torch.channels_last)(PHOTOS)  # type: ignore[call-overload]
    assert model(PHOTOS.contiguous(memory_format=torch.channels_last)).shape == (4, 10)
    assert (model.layout, own().layout) == (torch.contiguous_format, torch.channels_last)


@pytest.mark.parametrize("name", ["Stacked", "Joined", "Solid"])
def test_it_is_asked_in_its_own_layout_wherever_it_is(name: str) -> None:
    model = own(name).eval()
    images = IMAGES.to(memory_format=torch.channels_last)
    assert images.stride(1) == 1  # as evaluate makes them
    logits, state = model(IMAGES), copy.deepcopy(model.state_dict())
    for outer in (model, Ensemble([model, own().eval()]), Resized(model, (28, 28)), Chosen(model, [*range(9, -1, -1)])):
        outer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        assert outer(images).shape == (4, 10)
        assert torch.equal(model(images), logits)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert all(weight.is_contiguous() for weight in model.parameters())
    assert model.layout == torch.contiguous_format
    assert model.double()(images.double()).dtype == torch.float64


def test_its_layout_is_not_changed_for_a_moment_either() -> None:
    seen: dict[str, set[int]] = {}
    for name in ("Stacked", "build"):
        seen[name] = set()
        own(name)._apply(lambda tensor, found=seen[name]: found.add(tensor.ndim) or tensor)  # type: ignore[misc]
    assert max(seen["Stacked"]) == 3  # mean and std: no memory format applies, while another thread asks the net
    assert max(seen["build"]) == 4


def test_made_again_its_own_normalisation_does_not_matter() -> None:
    with pytest.raises(cs.InputError, match="the images have 1 channel, and mean and std are of 3"):
        own("Coloured")
    model = own("Coloured", mean=[0.25], std=[0.5])
    other = again(model, f"{NETS}:Coloured")
    assert (other.mean.item(), other.std.item()) == (0.25, 0.5)
    assert torch.equal(other.eval()(IMAGES), model.eval()(IMAGES))


def test_what_a_module_says_of_itself_counts_for_random_weights_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_nets.Net, "pretrained_cfg", own_nets.Coloured.pretrained_cfg, raising=False)
    model = own("viewing", (3, 28, 28))
    model.set_statistics(torch.zeros(3), torch.ones(3))
    assert torch.equal(model.mean.flatten(), torch.tensor(MEAN))


def test_a_kind_without_weights_to_learn_cannot_be_trained() -> None:
    for kind in ("onnx", "export"):
        with pytest.raises(cs.InputError, match=f"{kind} cannot be trained; python, timm, hf, torchvision can"):
            OwnClassifier(SHAPE, CLASSES, kind, path="net.onnx")


@pytest.mark.parametrize("trust", [(), ("nets:build",), (f"{NETS}:builder", NETS), ("python",)])
def test_a_function_is_called_where_it_is_trusted_and_not_else(trust: tuple[str, ...]) -> None:
    said = dict(own().hparams)
    with pytest.raises(cs.InputError, match=f"made by {NETS}:build, .*say trust={NETS}:build"):
        OwnClassifier.remade(said, trust)
    OwnClassifier.remade(said, (*trust, f"{NETS}:build"))


def test_a_hostile_run_calls_nothing(tmp_path: Path) -> None:
    file = tmp_path / "hacked"
    hostile = {"kind": "python", "target": "os:system", "options": {"command": f"touch {file}"}}
    with pytest.raises(cs.InputError, match="made by os:system"):
        OwnClassifier.remade(dict(own().hparams) | hostile, [f"{NETS}:build"])
    assert not file.exists()


@pytest.mark.parametrize("shape", [SHAPE, (3, 28, 28)])
def test_a_model_of_timm_has_the_channels_and_classes_of_the_data(shape: Any, asked: list[Any]) -> None:
    model = OwnClassifier(shape, CLASSES, "timm", name="netlet")
    assert asked == [("netlet", False, 10, shape[0])]
    assert model.normalisation is None  # its configuration knows that of weights that it does not have
    again(model)
    assert asked[-1] == asked[0]


def test_the_weights_that_a_library_brings_are_normalised_as_it_says(asked: list[Any]) -> None:
    for kind in ("timm", "torchvision"):
        model = OwnClassifier((3, 28, 28), CLASSES, kind, name="netlet", pretrained=True).eval()
        assert same_weights(model.net.features, Net(3, seed=7).features)  # type: ignore[arg-type]
        model.set_statistics(torch.zeros(3), torch.ones(3))
        assert torch.allclose(model(PHOTOS), model.net(normalised(PHOTOS)), atol=1e-5)
        before = len(asked)
        assert torch.equal(again(model).eval()(PHOTOS), model(PHOTOS))
        assert all(pretrained in (False, None) for _, pretrained, *_ in asked[before:])
    net = OwnClassifier((3, 28, 28), CLASSES, "torchvision", name="netlet", pretrained=True).net
    assert net.head.weight.shape == (10, 144)  # type: ignore[union-attr]  # of its own it has 1000


def test_weights_fit_but_for_the_number_of_classes() -> None:
    net, given = Net(3, classes=4), Net(3, classes=9, seed=7).state_dict()
    load_but_head(net, given, "torchvision: netlet")
    assert same_weights(net.features, Net(3, seed=7).features)
    less = {name: value for name, value in given.items() if name != "features.1.weight"}
    for wrong, name in ((Net(1, seed=7).state_dict(), "features.0.weight"), (less, "features.1.weight")):
        with pytest.raises(cs.InputError, match=f"torchvision: netlet: .*its weights do not fit: {name}"):
            load_but_head(net, wrong, "torchvision: netlet")
    with pytest.raises(cs.InputError, match="its weights do not fit: more"):
        load_but_head(net, given | {"more": torch.zeros(1)}, "torchvision: netlet")


@pytest.mark.usefixtures("asked")
def test_what_fetches_or_reads_is_no_option(tmp_path: Path) -> None:
    for kind in ("timm", "torchvision"):
        for option in ("checkpoint_path", "pretrained_cfg", "pretrained", "weights", "weights_backbone", "cache_dir"):
            with pytest.raises(cs.InputError, match=f"model.options has {option}; say model.pretrained="):
                OwnClassifier((3, 28, 28), CLASSES, kind, name="netlet", options={option: "x"})
        for name in ("hf-hub:a/b", "local-dir:/tmp", "../net"):
            with pytest.raises(cs.InputError, match=f"{kind}: {name} is not the name of an architecture"):
                OwnClassifier((3, 28, 28), CLASSES, kind, name=name)
    with pytest.raises(cs.InputError, match="torchvision: detector is not one of its classifiers"):
        OwnClassifier((3, 28, 28), CLASSES, "torchvision", name="detector")


def test_a_configuration_of_transformers_is_kept_without_what_is_of_others() -> None:
    evil: dict[str, Any] = {"auto_map": {"AutoModel": "evil--x.Y"}, "quantization_config": {}, "torch_dtype": "float16"}
    evil |= {"attn_implementation": "evil/x", "_attn_implementation": "evil/x", "experts_implementation": "evil/x"}
    evil |= {"backbone": "evil/net", "use_timm_backbone": True}
    kept: dict[str, Any] = {"model_type": "vit", "sizes": [1, 2], "hidden_act": "gelu"}
    assert harmless(kept | evil | {"inner": kept | evil, "list": [evil]}) == kept | {"inner": kept, "list": [{}]}


@pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not there")
def test_a_real_model_of_transformers(tmp_path: Path) -> None:
    transformers = import_module("transformers")
    sizes = {"hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.ViTConfig(image_size=28, patch_size=7, num_channels=3, num_labels=4, **sizes)
    config.save_pretrained(tmp_path)
    model = OwnClassifier(SHAPE, CLASSES, "hf", name=str(tmp_path))
    assert model.normalisation is None
    other = again(model)  # from its configuration, wherever the folder is
    assert torch.equal(other.eval()(IMAGES), model.eval()(IMAGES))
    assert other.net.config.id2label == dict(enumerate(CLASSES))  # type: ignore[union-attr]

    learnt = transformers.ViTForImageClassification(config)
    learnt.save_pretrained(tmp_path)
    with pytest.raises(cs.InputError, match="how are images normalised for the hf model"):
        OwnClassifier((3, 28, 28), CLASSES, "hf", name=str(tmp_path))
    model = OwnClassifier((3, 28, 28), CLASSES, "hf", name=str(tmp_path), mean="none")
    same = {name for name, value in learnt.state_dict().items() if torch.equal(value, model.net.state_dict()[name])}
    assert learnt.state_dict().keys() - same == {"classifier.weight", "classifier.bias"}
    with pytest.raises(cs.InputError, match="fails on images of 1 channel"):
        OwnClassifier(SHAPE, CLASSES, "hf", name=str(tmp_path), mean="none")
    other_size = transformers.ViTConfig(image_size=28, patch_size=14, num_channels=3, **sizes)
    other_size.save_pretrained(tmp_path)
    with pytest.raises(cs.InputError, match=r"its weights do not fit its configuration: .*embeddings"):
        OwnClassifier((3, 28, 28), CLASSES, "hf", name=str(tmp_path), mean="none")
    hostile = dict(model.hparams)
    hostile["config"] |= {"model_type": "timm_wrapper", "model_args": {"checkpoint_path": "x"}}
    with pytest.raises(cs.InputError, match="is a model of timm"):
        OwnClassifier.remade(hostile)


def test_every_kind_of_the_table_is_trained_or_refused() -> None:
    for kind in KINDS:
        with pytest.raises((cs.InputError, TypeError)):
            OwnClassifier(SHAPE, CLASSES, kind)
