"""What a Python user calls: ``import convstab as cs``."""

import copy
import doctest
import subprocess
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import convstab as cs
from convstab import attacks
from convstab.attacks.attack import Attack
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.stability import stability
from convstab.files.tables import as_frame

CLASSES = ("a", "b", "c")
README = Path(__file__).parents[1] / "README.md"


@pytest.fixture
def model() -> nn.Module:
    """A small model with weights of its own, in evaluation mode."""
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 8, 3), nn.ReLU(), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8 * 36, 3)
    return nn.Sequential(*layers).eval()


@pytest.fixture
def images(model: nn.Module) -> cs.Images:
    """150 images, most of which the model classifies correctly."""
    pixels = torch.randint(256, (150, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        labels = model(pixels / 255).argmax(1)
    labels[::10] = (labels[::10] + 1) % 3
    return cs.Images(pixels, labels, CLASSES, ids=torch.arange(150) * 2)


def test_every_public_name_is_there_and_documented() -> None:
    for name in cs.__all__:
        assert getattr(cs, name).__doc__, name
    assert sorted(dir(cs)) == sorted(cs.__all__)
    with pytest.raises(AttributeError, match="evluate"):
        cs.evluate  # noqa: B018


def test_a_bare_import_loads_nothing_heavy() -> None:
    heavy = {"torch", "numpy", "pytorch_lightning", "hydra", "wandb", "matplotlib"}
    command = f"import sys, convstab; print(sorted(set(sys.modules) & {heavy!r}))"
    assert subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("name", sorted({getattr(cs, name).__module__ for name in cs.__all__}))
def test_the_examples_in_the_docstrings_run(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0


def test_the_example_in_the_readme_runs() -> None:
    done = doctest.testfile(str(README), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert (done.failed, done.attempted > 5) == (0, True)


@pytest.mark.parametrize("name", ["Images", "attack", "evaluate"])
def test_what_a_user_calls_has_an_example(name: str) -> None:
    assert ">>>" in getattr(cs, name).__doc__


def test_an_evaluation_is_that_of_all_images_at_once(model: nn.Module, images: cs.Images) -> None:
    done: list[int] = []
    result = cs.evaluate(model, images, levels=[5, 30], draws=4, seed=3, workers=2, batch_size=48, progress=done.append)
    whole = stability(
        copy.deepcopy(model), images.pixels, images.labels, images.ids, 3, Protocol((0, 5, 30), draws=4, seed=3)
    )
    assert all(np.array_equal(result.rows[name], whole.rows[name]) for name in whole.rows)
    assert all(np.array_equal(result.totals[name], whole.totals[name]) for name in whole.totals)
    assert sum(done) == 150 * 9
    assert list(result.classes) == list(CLASSES)


def test_the_model_is_left_as_it_was(model: nn.Module, images: cs.Images) -> None:
    weight = model[0].weight  # type: ignore[index]
    before, strides = copy.deepcopy(model.state_dict()), weight.stride()
    cs.evaluate(model, images, levels=[5], draws=1)
    cs.attack(model, images, "ddn", steps=3)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert (weight.stride(), model.training, weight.grad) == (strides, False, None)
    model(images.pixels[:2] / 255).sum().backward()  # its weights still take gradients
    assert weight.grad is not None


def test_results_show_themselves(model: nn.Module, images: cs.Images) -> None:
    result, found = cs.evaluate(model, images, levels=[30], draws=2), cs.attack(model, images, "ddn", steps=5)
    accuracy = f"{100 * result.accuracy.value[1]:.2f}"
    assert accuracy in result.table()
    assert result._repr_markdown_() == result.table()
    assert "| DDN | 135 of 150 |" in found.table()
    assert found._repr_markdown_() == found.table()


def test_results_know_how_they_were_made(model: nn.Module, images: cs.Images, tmp_path: Path) -> None:
    result = cs.evaluate(model, images, levels=[30, 5], draws=2, seed=7, clip=False)
    assert result.protocol == Protocol((0, 5, 30), draws=2, seed=7, clip=False)
    result.write(str(tmp_path / "evaluation"))
    assert cs.StabilityResult.read(str(tmp_path / "evaluation")).protocol == result.protocol
    found = cs.attack(model, images, "ddn", steps=5, seed=3)
    assert {name: found.protocol[name] for name in ("seed", "max_queries", "steps")} == {
        "seed": 3,
        "max_queries": 50_000,
        "steps": 5,
    }
    found.write(tmp_path / "attack")
    assert cs.AttackResult.read(tmp_path / "attack").protocol == found.protocol


def test_results_become_frames(model: nn.Module, images: cs.Images, monkeypatch: pytest.MonkeyPatch) -> None:
    result, found = cs.evaluate(model, images, levels=[30], draws=2), cs.attack(model, images, "ddn", steps=5)
    frame = result.to_pandas()
    assert frame.groupby("level").correct.sum().tolist() == result.confusion.trace(axis1=1, axis2=2).tolist()
    assert np.array_equal(found.to_pandas().l2, found.rows["l2"], equal_nan=True)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(cs.InputError, match="pip install pandas"):
        as_frame({"index": np.arange(2)})


def test_results_are_drawn(model: nn.Module, images: cs.Images) -> None:
    one, two = (cs.evaluate(model, images, levels=[30], draws=draws) for draws in (1, 2))
    found = cs.attack(model, images, "ddn", steps=5)
    accuracy = cs.plot({"one": one, "two": two}).axes[0].get_lines()
    assert [line.get_ydata()[1] for line in accuracy[:2]] == [one.accuracy.value[1], two.accuracy.value[1]]  # type: ignore[index]
    assert cs.plot(found).axes[0].get_lines()[0].get_label() == "DDN"
    mixtures: list[Any] = [{"a": one, "b": found}, {}]
    for mixed in mixtures:
        with pytest.raises(cs.InputError, match="plot takes a result of evaluate or attack"):
            cs.plot(mixed)


def test_a_bar_shows_how_far_it_is(model: nn.Module, images: cs.Images, capsys: pytest.CaptureFixture[str]) -> None:
    cs.evaluate(model, images, levels=[30], draws=2)
    cs.attack(model, images, "ddn", steps=5)
    assert capsys.readouterr().err == ""
    cs.evaluate(model, images, levels=[30], draws=2, progress=True)
    assert "450/450" in capsys.readouterr().err
    cs.attack(model, images, "ddn", steps=5, progress=True)
    assert "150/150" in capsys.readouterr().err


class Viewing(nn.Module):
    """A model that takes its features for contiguous, as many do, which channels last are not."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.linear, self.dropout = nn.Conv2d(3, 4, 3), nn.Linear(4 * 36, 3), nn.Dropout()

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.linear(self.dropout(self.convolution(images)).view(len(images), -1))
        return found


def test_models_are_taken_as_they_are(images: cs.Images) -> None:
    torch.manual_seed(0)
    model = Viewing().eval()
    own = cs.evaluate(model, images, levels=[30], draws=2)
    assert np.array_equal(own.confusion, cs.evaluate(model.forward, images, levels=[30], draws=2).confusion)
    assert np.array_equal(
        own.confusion, cs.evaluate(copy.deepcopy(model).double(), images, levels=[30], draws=2).confusion
    )
    with torch.no_grad():  # of a user's program; attacks need gradients all the same
        assert (
            cs.attack(model, images, "ddn", steps=20).norms[images.labels == model(images.pixels / 255).argmax(1)] < 9
        ).all()


def test_what_a_callable_is_made_of_stays_as_it_is(images: cs.Images) -> None:
    model = Viewing()
    for call in (lambda batch: 1 * model(batch), model.forward, partial(model)):
        with pytest.raises(cs.InputError, match="in training mode"):
            cs.evaluate(call, images, levels=[30], draws=1)
        model.eval()
        cs.attack(call, images, "ddn", steps=3)
        assert model.linear.weight.grad is None
        assert model.linear.weight.requires_grad
        model.train()


@pytest.mark.parametrize("name", ["ddn", "carlini_wagner", "lbfgs", "deepfool"])
def test_an_attack_that_needs_gradients_says_so(name: str, model: nn.Module, images: cs.Images) -> None:
    with pytest.raises(cs.InputError, match=f"{name} needs gradients, and the model gives none; nes, "):
        cs.attack(torch.no_grad()(model.forward), images, name)


def test_noise_that_is_rounded_away_is_warned_of(model: nn.Module, images: cs.Images) -> None:
    with pytest.warns(UserWarning, match="levels are grey levels"):
        cs.evaluate(model, images, levels=[0.05, 0.25], draws=1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"levels": 8}, "levels is 8; it must be a list of numbers"),
        ({"levels": ["a"]}, "a level of gaussian is a; it must be a number"),
        ({"draws": 1.5}, "draws is 1.5; it must be a whole number"),
        ({"seed": "x"}, "seed is x; it must be a whole number"),
        ({"clip": 3}, "clip is 3 and rounding True; each must be true or false"),
        ({"device": "tpu"}, "device is tpu; it can be cpu, or cuda"),
        ({"images": (1, 2)}, r"images are a tuple; they must be convstab.Images"),
        (
            {"images": cs.Images(np.zeros((2, 1, 8, 8), np.uint8), [0, 1])},
            r"the model fails on images of the shape \(1, 8, 8\)",
        ),
    ],
)
def test_values_that_make_no_sense_are_named(
    values: dict[str, Any], message: str, model: nn.Module, images: cs.Images
) -> None:
    valid: dict[str, Any] = {"images": images, "levels": [8], "draws": 1}
    with pytest.raises(cs.InputError, match=message):
        cs.evaluate(model, **valid | values)


def test_whole_numbers_may_be_those_of_numpy_and_devices_those_of_torch(model: nn.Module, images: cs.Images) -> None:
    plain = cs.evaluate(model, images, levels=[8], draws=2, seed=3)
    again = cs.evaluate(model, images, levels=[8], draws=np.int64(2), seed=np.int64(3), device=torch.device("cpu"))  # type: ignore[arg-type]
    assert again.protocol == plain.protocol
    assert np.array_equal(again.confusion, plain.confusion)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"step": 3}, "the attack ddn has no setting step; it has steps, radius, gamma; did you mean steps?"),
        ({"max_queries": 0}, "max_queries is 0; it must be a whole number of at least 1, or null"),
        ({"max_queries": 1e3}, "max_queries is 1000.0; it must be a whole number"),
    ],
)
def test_settings_that_there_are_not_are_named(
    values: dict[str, Any], message: str, model: nn.Module, images: cs.Images
) -> None:
    with pytest.raises(cs.InputError, match=message):
        cs.attack(model, images, "ddn", **values)


def test_an_attack_may_be_called_as_its_results_are(model: nn.Module, images: cs.Images) -> None:
    found = cs.attack(model, images, "CarliniWagner", steps=3, searches=1)
    assert cs.attack(model, images, found.attack, steps=3, searches=1).attack == found.attack == "CarliniWagner"


def test_images_and_results_say_what_they_are(model: nn.Module, images: cs.Images) -> None:
    assert repr(images) == "Images(150 of 3x8x8, 3 classes)"
    result = cs.evaluate(model, images, levels=[8], draws=1)
    assert repr(result) == result.table()
    assert images == images  # noqa: PLR0124 - by identity: arrays have no truth value
    assert result != cs.evaluate(model, images, levels=[8], draws=1)


def test_groups_are_the_units_of_the_intervals(model: nn.Module, images: cs.Images) -> None:
    grouped = cs.Images(images.pixels, images.labels, groups=torch.arange(150) // 15)
    narrow, wide = (cs.evaluate(model, each, levels=[30], draws=2).accuracy for each in (images, grouped))
    assert ((wide.high - wide.low) > (narrow.high - narrow.low)).all()


def test_probabilities_are_taken_with_a_warning(model: nn.Module, images: cs.Images) -> None:
    logits = cs.evaluate(model, images, levels=[30], draws=3)
    with pytest.warns(UserWarning, match="gives probabilities"):
        found = cs.evaluate(lambda batch: model(batch).softmax(1), images, levels=[30], draws=3)
    assert np.array_equal(found.confusion, logits.confusion)
    np.testing.assert_allclose(found.rows["score_mean"], logits.rows["score_mean"], atol=1e-5)


def test_floats_are_the_grey_levels_they_stand_for(images: cs.Images) -> None:
    again = cs.Images(images.pixels.numpy() / 255, images.labels.tolist())
    assert torch.equal(again.pixels, images.pixels)
    assert torch.equal(again.labels, images.labels)
    for off in (-0.4, 0.4):  # rounded to the nearest, not cut off
        near = ((images.pixels.double() + off) / 255).clamp(0, 1)
        assert torch.equal(cs.Images(near, images.labels).pixels, images.pixels)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"pixels": torch.zeros(4, 8, 8)}, r"pixels are of the shape \(4, 8, 8\); it must be \(N, C, H, W\)"),
        ({"pixels": torch.zeros(4, 8, 8, 3)}, r"looks like \(N, H, W, C\)"),
        ({"labels": ["3", "4", "5", "6"]}, "labels are not numbers; they must be integers"),
        ({"pixels": torch.full((4, 3, 8, 8), 1.5)}, "pixels are floats from 1.5 to 1.5; they must be in"),
        ({"pixels": torch.full((4, 3, 8, 8), torch.nan)}, "pixels are floats from nan to nan"),
        ({"pixels": torch.zeros(4, 3, 8, 8, dtype=torch.int64)}, "pixels are int64; they must be uint8"),
        ({"labels": [0, 1, 2]}, r"labels are of the shape \(3,\); there are 4 images"),
        ({"labels": [0.0, 1.0, 2.0, 0.0]}, "labels are float32; they must be integers"),
        ({"labels": [0, 1, 3, 0]}, "labels hold 3; the 3 classes are 0 to 2"),
        ({"labels": [0, -1, 2, 0]}, "labels hold -1; the 3 classes are 0 to 2"),
        ({"ids": [0, 1, 1, 2]}, "ids names an image twice"),
        ({"groups": [0, 1]}, "groups are given for 2 images, but there are 4"),
    ],
)
def test_images_that_do_not_fit_are_refused(values: dict[str, Any], message: str) -> None:
    valid: dict[str, Any] = {
        "pixels": torch.zeros(4, 3, 8, 8, dtype=torch.uint8),
        "labels": [0, 1, 2, 0],
        "classes": CLASSES,
    }
    cs.Images(**valid)
    with pytest.raises(cs.InputError, match=message):
        cs.Images(**valid | values)


def constant(*shape: int, value: float = 0.5) -> Any:
    """A callable that gives the same for all images."""
    return lambda images: torch.full((len(images), *shape), value)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (nn.Flatten().train(), "in training mode: call model.eval"),
        ("resnet18", "the model is a str; it must be an nn.Module or another callable"),
        (lambda images: {"logits": images}, "the model returns a dict; it must return logits"),
        (constant(3, 2), r"the model returns \(16, 3, 2\) for 16 images"),
        (constant(1), r"the model returns \(16, 1\) for 16 images"),
        (constant(4), "the model gives 4 logits for each image; the images have 3 classes"),
        (constant(3, value=torch.nan), "logits that are infinite or not a number"),
    ],
)
def test_models_that_do_not_fit_are_refused(broken: Any, message: str, images: cs.Images) -> None:
    for call in (cs.evaluate, cs.attack):
        with pytest.raises(cs.InputError, match=message):
            call(broken, images)


def test_labels_beyond_the_logits_are_refused_where_classes_have_no_names() -> None:
    images = cs.Images(torch.zeros(2, 1, 4, 4, dtype=torch.uint8), [0, 5])
    with pytest.raises(cs.InputError, match="labels hold 5; the model gives 3 logits, of the classes 0 to 2"):
        cs.evaluate(constant(3), images)
    with pytest.raises(cs.InputError, match="there are no images"):
        cs.evaluate(constant(3), images.part(slice(0, 0)))


def test_an_attack_is_the_one_of_that_name(model: nn.Module, images: cs.Images) -> None:
    some = images.part(slice(0, 20))
    found = cs.attack(model, some, "ddn", steps=30)
    direct = attacks.DDN(steps=30)(copy.deepcopy(model), some.pixels, some.labels, some.ids)
    assert np.array_equal(found.noise, direct.noise)
    assert found.rows["attacked"].sum() == 18
    assert (found.attack, found.rows["index"].tolist()) == ("DDN", some.ids.tolist())


def test_the_papers_search_has_no_limit_unless_it_is_given_one(
    model: nn.Module, images: cs.Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[int | None] = []

    def call(attack: Attack, model: nn.Module, pixels: Tensor, labels: Tensor, *more: Any) -> attacks.Result:
        limits.append(more[2])
        raise cs.InputError("enough")

    monkeypatch.setattr(Attack, "__call__", call)
    for name, options in (
        ("paper", {}),
        ("genetic", {}),
        ("paper", {"max_queries": 7}),
        ("nes", {"max_queries": None}),
    ):
        with pytest.raises(cs.InputError, match="enough"):
            cs.attack(model, images, name, **options)
    assert limits == [None, 50_000, 7, None]


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("pgd", {}, "the attack is 'pgd'; it can be boundary, carlini_wagner, ddn,"),
        ("ddn", {"stepz": 3}, "the attack ddn has no setting stepz; it has steps, radius, gamma; did you mean steps?"),
        ("dnn", {}, "paper, square; did you mean ddn?"),
        ("ddn", {"steps": 0}, "steps is 0; it must be a whole number, at least 1"),
    ],
)
def test_attacks_that_are_not_there_are_refused(
    name: str, values: dict[str, Any], message: str, model: nn.Module, images: cs.Images
) -> None:
    with pytest.raises(cs.InputError, match=message):
        cs.attack(model, images, name, **values)
