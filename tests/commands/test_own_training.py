"""Own models in train: a run of one is a run like any other, and no run calls a function that is not named."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import convstab as cs
from convstab.commands import app
from convstab.data.digits import load as digits
from convstab.evaluation.result import StabilityResult
from convstab.files import BEST, LAST, METRICS, read_json
from convstab.runs import checkpoints
from convstab.runs.directory import FINISHED
from convstab.runs.run import load_run
from tests.commands.test_train import Killed
from tests.models.own_nets import Net
from tests.support.in_process import Main, call, call_in, caller, train_short
from tests.support.libraries import asked

__all__ = ["asked"]

NETS = "tests.models.own_nets"
DROPPING = ["model=python", f"model.target={NETS}:dropping", "augment=gaussian", "optimizer.lr=0.05"]
TRUST = f"trust={NETS}:dropping"
QUICK = ["logger=none", "levels=[8]", "draws=1"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trainings of the digits: of an own model with two seeds, of LeNet as it is written down, and as convstab's."""
    lenet = ["model=python", f"model.target={NETS}:lenet", "augment=noisy"]
    runs = {
        "own": [*DROPPING, "trainer.max_epochs=3"],
        "other": [*DROPPING, "seed=1"],
        "written": lenet,
        "lenet": ["model=lenet", "augment=noisy"],
    }
    return train_short(tmp_path_factory.mktemp("trained"), runs)


@pytest.fixture
def evaluate(trained: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Main:
    """Evaluate in this process."""
    return caller(monkeypatch, capfd, trained, app.evaluate, *QUICK)


def numbers(run: Path) -> dict[str, Any]:
    """The metrics of a run, without how long it took."""
    return {name: value for name, value in read_json(run / METRICS).items() if name not in ("seconds", "made_with")}


def weights(run: Path, name: str = LAST) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(run / name, weights_only=True)["state_dict"]
    return state


def same(one: Path, other: Path) -> bool:
    left, right = weights(one), weights(other)
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_a_module_learns_what_the_same_architecture_of_convstab_learns(trained: Path) -> None:
    assert same(trained / "written", trained / "lenet")
    assert numbers(trained / "written") == numbers(trained / "lenet")
    assert not torch.equal(weights(trained / "own")["net.2.weight"], weights(trained / "other")["net.2.weight"])


def test_batch_normalisation_and_dropout_are_trained(trained: Path) -> None:
    state = weights(trained / "own")
    assert state["net.0.1.num_batches_tracked"] == 3 * 6  # 180 images, 32 a batch
    assert state["net.0.1.running_mean"].abs().sum() > 0


def test_a_resumed_training_is_an_uninterrupted_one(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill = "+callbacks.progress={_target_: tests.commands.test_train.KillAt, epoch: 1, step: 2}"
    words = ["dataset.images=200", "logger=none", "output=killed", *DROPPING, "trainer.max_epochs=3"]
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Killed):
        call(monkeypatch, app.train, *words, "~callbacks.progress", kill)
    call_in(tmp_path, app.train, *words, "ckpt=last")
    assert same(tmp_path / "killed", trained / "own")
    assert numbers(tmp_path / "killed") == numbers(trained / "own")


def test_it_is_evaluated_to_the_accuracy_of_its_test(evaluate: Main, trained: Path) -> None:
    assert evaluate("run=own", TRUST, "output=evaluated") == (0, "")
    found = StabilityResult.read(trained / "evaluated")
    assert found.accuracy.value[0] == pytest.approx(read_json(trained / "own" / METRICS)["test/accuracy"], abs=1e-7)
    summary = read_json(trained / "evaluated/summary.json")
    assert summary["training"]["model"] == f"python {NETS}:dropping"
    assert (summary["training"]["augment"], summary["training"]["noisy"]) == ("GaussianNoise", True)


def test_it_is_attacked_and_loaded_and_a_member_of_ensembles(
    evaluate: Main, trained: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    attack = caller(monkeypatch, capfd, trained, app.attack, "logger=none", "images=2", "attack=ddn", "attack.steps=3")
    assert attack("run=own", TRUST, "output=attacked") == (0, "")
    assert evaluate("run=[own,other,lenet]", TRUST, "output=ensemble") == (0, "")
    assert evaluate("run=own", TRUST, "dataset=digits", "images=30", "output=elsewhere") == (0, "")
    assert evaluate("run=[own,written]", f"trust=[{NETS}:dropping,{NETS}:lenet]", "output=two") == (0, "")
    run = cs.load_run("own", trust=f"{NETS}:dropping")
    assert not any(module.training for module in run.model.modules())
    images = digits().test
    net = checkpoints.load_classifier(trained / "own", trust=[f"{NETS}:dropping"])
    expected = net.net((images.pixels[:5].float() / 255 - net.mean) / net.std)
    assert torch.allclose(run.model(images.pixels[:5].float() / 255), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        pytest.param("Stacked", [], marks=pytest.mark.slow),
        ("Coloured", ["model.mean=[0.5]", "model.std=[0.5]"]),
    ],
)
def test_a_module_that_calls_view_is_evaluated_and_attacked_as_it_was_trained(
    name: str, more: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, trust = f"model.target={NETS}:{name}", f"trust={NETS}:{name}"
    train_short(tmp_path, {"run": ["model=python", target, "optimizer.lr=0.05", *more]})
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, app.evaluate, *QUICK, "run=run", trust, "output=evaluated") == 0
    found = StabilityResult.read("evaluated").accuracy.value[0]
    assert found == pytest.approx(read_json(Path("run") / METRICS)["test/accuracy"], abs=1e-7)  # float32
    ddn = ["logger=none", "images=2", "attack=ddn", "attack.steps=3", trust]
    shutil.copytree("run", "again")
    for number, run in enumerate(("run=run", "run=[run,again]")):
        assert call(monkeypatch, app.attack, *ddn, run, f"output=attacked{number}") == 0
    loaded = cs.load_run("run", trust=f"{NETS}:{name}")
    result = cs.evaluate(loaded.model, loaded.test, levels=[8], draws=1)
    assert result.accuracy.value[0] == found
    if more:
        assert (weights(Path("run"))["mean"].item(), weights(Path("run"))["std"].item()) == (0.5, 0.5)


@pytest.mark.parametrize(
    "words", [[], [f"trust={NETS}:build"], [f"trust=[{NETS}:build,{NETS}]"], ["trust=[os:system]"]]
)
def test_a_function_that_is_not_named_is_not_called(
    words: list[str], evaluate: Main, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{NETS}.dropping", lambda **_: pytest.fail("it was called"))
    code, said = evaluate("run=[lenet,own]", *words, "output=refused")
    assert (code, len(said.splitlines())) == (2, 1)
    assert f"own: its model is made by {NETS}:dropping" in said
    assert f"say trust={NETS}:dropping" in said
    assert not (trained / "refused").exists()


def test_a_hostile_run_calls_nothing(trained: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    for name in ("config.yaml", METRICS, BEST):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_bytes((trained / "own" / name).read_bytes())
    content = checkpoints.load_checkpoint(run / BEST)
    evil = {"target": "os:system", "options": {"command": f"touch {tmp_path / 'hacked'}"}}
    content["hyper_parameters"] |= evil  # its configuration names what the user trusts
    checkpoints.write_checkpoint(run / BEST, content)
    assert not (run / FINISHED).exists()  # which would list another checksum
    with pytest.raises(cs.InputError, match=r"its model is made by os:system.*say trust=os:system"):
        load_run(run, trust=f"{NETS}:dropping")
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize(
    "forged",
    [
        {"kind": "onnx"},
        {"kind": ["python"]},
        {"target": ["os:system"]},
        {"options": "depth"},
        {"options": [3]},
        {"shape": [1]},
        {"shape": "abc"},
        {"classes": 5},
        {"kind": "hf", "config": "vit"},
        {"kind": "timm", "name": ["net"]},
    ],
)
def test_a_forged_run_ends_in_one_line(forged: dict[str, Any], trained: Path, tmp_path: Path) -> None:
    for name in ("config.yaml", BEST):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((trained / "own" / name).read_bytes())
    content = checkpoints.load_checkpoint(tmp_path / BEST)
    content["hyper_parameters"] |= forged
    checkpoints.write_checkpoint(tmp_path / BEST, content)
    with pytest.raises(cs.InputError) as found:
        checkpoints.load_classifier(tmp_path, trust=[f"{NETS}:dropping"])
    assert len(str(found.value).splitlines()) == 1


def test_trust_is_said_where_it_has_a_meaning(
    evaluate: Main, trained: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    own = ["model=python", f"model.target={NETS}:build", "dataset=digits", "model.mean=none"]
    code, said = evaluate(*own, TRUST)
    assert (code, f"{TRUST} is for a run=; model=python is your own" in said) == (2, True)
    assert call(monkeypatch, app.evaluate, *QUICK, "run=lenet", TRUST, "images=5", "output=needless") == 0
    assert f"{TRUST} has no effect" in capfd.readouterr().out


def test_its_normalisation_is_said_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    short = ["dataset.images=100", "trainer.max_epochs=1", "logger=none", "model=python", f"model.target={NETS}:build"]
    assert call(monkeypatch, app.train, *short, "output=unsaid") == 0
    line = [line for line in capfd.readouterr().out.splitlines() if line.startswith("normalised as the training")]
    state = weights(tmp_path / "unsaid")
    assert line == [
        f"normalised as the training images are: mean=[{round(state['mean'].item(), 4)}] "
        f"std=[{round(state['std'].item(), 4)}]; model.mean= and model.std= say others"
    ]
    torch.save(Net(seed=4).state_dict(), "net.pt")
    assert call(monkeypatch, app.train, *short, "output=said", "model.mean=[0.25]", "model.std=0.5") == 0
    assert call(monkeypatch, app.train, *short, "output=none", "model.mean=none", "model.weights=net.pt") == 0
    assert "normalised as" not in capfd.readouterr().out
    assert [(weights(tmp_path / run)["mean"].item()) for run in ("said", "none")] == [0.25, 0]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["model.target=nowhere:b"], "model=python: target=nowhere:b: nowhere cannot be imported"),
        ([f"model.target={NETS}:number"], "number is a int; it must be a function, or what it would make"),
        (
            [f"model.target={NETS}:build", "model.options={classes: 5}"],
            "gives 5 logits for each image; the images have",
        ),
        (
            [f"model.target={NETS}:build", "model.options={channels: 3}"],
            "fails on images of 1 channel and 28x28",
        ),
        ([f"model.target={NETS}:build", "model.weights=no.pt"], "weights=no.pt is not a file"),
        ([f"model.target={NETS}:build", "model.size=32"], "the images are 28x28 pixels and the model takes 32x32"),
        ([f"model.target={NETS}:build", "model.classes=[a]"], "model.classes is ['a']; a training learns those of"),
        ([f"model.target={NETS}:soft"], "gives probabilities; training needs logits"),
        ([f"model.target={NETS}:build", "+model.colour=1"], "model: a python model takes no colour"),
        ([], "model.target is needed; it must be package.module:function"),
        (["model.options={_target_: os.getcwd}"], "model.options is {_target_: os.getcwd}; it must be values such as"),
    ],
)
def test_what_is_wrong_is_said_before_there_is_a_folder(
    words: list[str], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    train = caller(monkeypatch, capfd, tmp_path, app.train, "logger=none", "output=wrong", "model=python")
    code, said = train(*words)
    assert (code, len(said.splitlines())) == (2, 1), said
    assert line in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["timm", pytest.param("torchvision", marks=pytest.mark.slow), "hf"])
def test_models_of_libraries_are_trained_and_need_no_trust(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [f"model={kind}", "model.name=netlet", "dataset.images=100", "trainer.max_epochs=1", "logger=none"]
    if kind == "hf":
        transformers = pytest.importorskip("transformers")
        config = transformers.ResNetConfig(
            num_channels=3, embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=3
        )
        config.save_pretrained(tmp_path / "netlet")
    else:
        request.getfixturevalue("asked")
    data = [] if kind != "torchvision" else ["dataset=arrays", "dataset.load.path=photos.npz"]
    monkeypatch.chdir(tmp_path)
    if data:
        test = digits().test
        np.savez("photos.npz", pixels=test.pixels.expand(-1, 3, -1, -1).numpy(), labels=test.labels.numpy())
    assert call(monkeypatch, app.train, *words, *data, "output=run") == 0
    if kind == "hf":
        (tmp_path / "netlet/config.json").unlink()  # what made it is in the run
    assert call(monkeypatch, app.evaluate, *QUICK, "run=run", "output=evaluated") == 0
    found = StabilityResult.read(tmp_path / "evaluated").accuracy.value[0]
    assert found == pytest.approx(read_json(tmp_path / "run" / METRICS)["test/accuracy"], abs=1e-7)  # float32
    assert read_json(tmp_path / "evaluated/summary.json")["training"]["model"] == f"{kind} netlet"


@pytest.mark.parametrize("command", [app.evaluate, app.attack])
@pytest.mark.parametrize("word", ["trainer.max_epochs=3", "optimizer.lr=1", "dataset.batch_size=8", "+trainer.x=1"])
def test_words_of_a_training_belong_to_train(
    word: str, command: Any, trained: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    code, said = caller(monkeypatch, capfd, trained, command, "logger=none")("run=lenet", "dataset=digits", word)
    assert (code, len(said.splitlines())) == (2, 1)
    assert f"{word} belongs to train" in said
