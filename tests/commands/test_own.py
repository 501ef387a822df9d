"""Own models and other images in the commands: the numbers are those of Python, and what does not fit is refused."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

import convstab as cs
from convstab.commands import app
from convstab.data.digits import load as digits
from convstab.evaluation.result import StabilityResult
from convstab.files import CONFIG, SUMMARY
from convstab.models.resized import Resized
from tests.models.own_nets import Net
from tests.support.fresh_process import ROOT
from tests.support.in_process import Main, call, caller, train_short

QUICK = ["logger=none", "images=40"]
OWN = ["model=python", "model.target=tests.models.own_nets:build", "model.weights=net.pt", "dataset=digits"]
SAID = ["model.mean=[0.5]", "model.std=[0.25]"]
LEVELS = ["levels=[8]", "draws=2"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of the digits, and two files of weights of a model of a user's."""
    folder = train_short(tmp_path_factory.mktemp("trained"), {"one": []})
    for file, seed in (("net.pt", 3), ("other_net.pt", 4)):
        weights = {f"model.{name}": one for name, one in Net(seed=seed).state_dict().items()}
        torch.save({"state_dict": weights}, folder / file)
    return folder


@pytest.fixture
def evaluate(trained: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Main:
    """Evaluate in this process."""
    return caller(monkeypatch, capfd, trained, app.evaluate, *QUICK, *LEVELS)


@pytest.fixture
def attack(trained: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Main:
    """Attack in this process."""
    return caller(monkeypatch, capfd, trained, app.attack, "logger=none", "images=3", "attack=ddn", "attack.steps=5")


def test_an_own_model_is_evaluated_as_in_python(evaluate: Main, trained: Path) -> None:
    assert evaluate(*OWN, *SAID, "output=own") == (0, "")
    test = digits().test
    model = cs.load_model(Net(seed=3).eval(), mean=[0.5], std=[0.25])
    places = torch.linspace(0, len(test) - 1, 40).round().long()
    images = cs.Images(test.pixels[places], test.labels[places], ids=places)
    expected = cs.evaluate(model, images, levels=[8], draws=2)
    found = StabilityResult.read(trained / "own")
    assert np.array_equal(found.confusion, expected.confusion)
    summary, config = (trained / "own" / SUMMARY).read_text(), yaml.safe_load((trained / "own" / CONFIG).read_text())
    source = json.loads(summary)["model"]
    assert source["target"] == "tests.models.own_nets:build"
    assert (source["mean"], source["std"], source["weights"]) == ([0.5], [0.25], model.source["weights"])
    assert json.loads(summary)["training"]["model"] == "python tests.models.own_nets:build-net"
    assert config["run"] is None
    assert config["model"]["target"] == source["target"]
    assert not {"trainer", "optimizer"} & set(config)


def test_what_the_numbers_depend_on_is_in_the_fingerprint(evaluate: Main, trained: Path) -> None:
    assert evaluate(*OWN, *SAID, "output=depends") == (0, "")
    torch.save(Net(seed=4).state_dict(), trained / "other.pt")
    for word in ("model.std=[0.3]", "model.weights=other.pt", "model.target=tests.models.own_nets:Net"):
        code, said = evaluate(*OWN, *SAID, word, "output=depends")
        assert (code, "was made with another" in said) == (2, True), word
    names = "model.classes=['0','1','2','3','4','5','6','7','8','9']"
    assert "was made with another architecture" in evaluate(*OWN, *SAID, names, "output=depends")[1]
    assert evaluate(*OWN, *SAID, "output=depends") == (0, "")


def test_the_clean_accuracy_is_said_first_and_can_be_demanded(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(trained)
    words = [*OWN, *SAID, *QUICK, *LEVELS, "output=first"]
    assert call(monkeypatch, app.evaluate, *words) == 0
    said = capsys.readouterr().out
    assert 0 <= said.index("clean accuracy") < said.index("draws/s")
    app.evaluate()
    assert "clean accuracy" not in capsys.readouterr().out  # all parts are there
    monkeypatch.setattr("sys.argv", ["evaluate", *words, "expect_clean=0.9"])
    with pytest.raises(SystemExit) as ended:
        app.evaluate()
    assert ended.value.code == 2
    assert "expect_clean is 0.9" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["evaluate", "attack"])
def test_less_than_was_expected_ends_it(command: str, request: pytest.FixtureRequest, trained: Path) -> None:
    main: Main = request.getfixturevalue(command)
    code, said = main(*OWN, *SAID, "expect_clean=0.9", f"output={command}_demanded")
    assert (code, len(said.splitlines())) == (2, 1)
    assert "clean accuracy" in said
    assert "expect_clean is 0.9" in said
    assert not (trained / f"{command}_demanded").exists()


def test_an_own_model_is_attacked(attack: Main, trained: Path) -> None:
    assert attack(*OWN, *SAID, "output=attacked") == (0, "")
    found = cs.AttackResult.read(trained / "attacked")
    assert found.rows["attacked"].sum() == 3


def test_an_attack_that_needs_gradients_says_that_there_are_none(attack: Main) -> None:
    code, said = attack(*OWN, *SAID, "model.target=tests.models.own_nets:Detached", "output=detached")
    assert (code, len(said.splitlines())) == (2, 1)
    assert "DDN needs gradients, and the model gives none; nes, " in said


def test_images_that_do_not_fit_the_model_are_refused_with_both(evaluate: Main) -> None:
    colour = ["model.mean=[0.5,0.5,0.5]", "model.std=[1,1,1]"]
    assert "the images of digits have 1 channel and the model takes 3 channels" in evaluate(*OWN, *colour)[1]
    assert (
        "the images of digits are 28x28 pixels and the model takes 32x32" in evaluate(*OWN, *SAID, "model.size=32")[1]
    )


def test_classes_are_compared_by_name(evaluate: Main, trained: Path) -> None:
    turned = "model.classes=['1','0','2','3','4','5','6','7','8','9']"
    code, said = evaluate(*OWN, *SAID, turned)
    assert (code, "class 0 is '1' of the model and '0' of the images" in said) == (2, True)
    assert evaluate(*OWN, *SAID, turned, "match=names", "output=names") == (0, "")
    assert evaluate(*OWN, *SAID, turned, "match=order", "output=order") == (0, "")
    named, plain = (StabilityResult.read(trained / name).confusion for name in ("names", "order"))
    assert np.array_equal(named[:, :, [1, 0, *range(2, 10)]], plain)


def test_a_run_is_tried_on_other_images(evaluate: Main, trained: Path) -> None:
    assert evaluate("run=one", "output=its") == (0, "")
    assert evaluate("run=one", "dataset=digits", "output=whole") == (0, "")
    its, whole = (StabilityResult.read(trained / name) for name in ("its", "whole"))
    assert its.images == whole.images == 40
    assert its.rows["index"].max() < 200 <= whole.rows["index"].max()  # it was trained and tested on 200 of them


@pytest.fixture(scope="module")
def large(trained: Path) -> cs.Images:
    """The digits at twice their size, in a file."""
    test = digits().test
    pixels = torch.from_numpy(test.pixels.numpy().repeat(2, 2).repeat(2, 3)[:300])
    np.savez(trained / "large.npz", images=pixels.numpy(), labels=test.labels.numpy()[:300])
    return cs.arrays(trained / "large.npz")


LARGE = ["dataset=arrays", "dataset.load.path=large.npz"]


def test_images_are_degraded_at_their_source(evaluate: Main, trained: Path, large: cs.Images) -> None:
    own = [*OWN[:3], *SAID, *LARGE, "model.size=28"]
    assert evaluate(*own, "stage=source", "output=source") == (0, "")
    found = StabilityResult.read(trained / "source")
    model = cs.load_model(Net(seed=3).eval(), mean=[0.5], std=[0.25])
    small = torch.nn.Sequential(torch.nn.Upsample((28, 28)), model).eval()  # nearest: that of pixels in twos
    assert found.images == 40
    kept = large.part(torch.isin(large.ids, torch.from_numpy(found.by_image("index")[:, 0])))
    clean = cs.evaluate(small, kept, levels=[0], draws=1)
    assert found.accuracy.value[0] == pytest.approx(clean.accuracy.value[0], abs=0.051)  # bicubic: two images at most
    resized = cs.evaluate(Resized(model, (28, 28)).eval(), kept, levels=[8], draws=2)
    for name in ("correct", "psnr_mean", "score_mean"):
        np.testing.assert_array_equal(found.rows[name], resized.rows[name])
    summary = json.loads((trained / "source" / SUMMARY).read_text())
    assert (summary["model"]["stage"], summary["model"]["source"]) == ("source", [56, 56])
    assert summary["training"]["dataset"] == "large at 56x56, before resizing"


def test_a_run_is_tried_on_larger_images_before_they_are_resized(
    evaluate: Main, attack: Main, trained: Path, large: cs.Images
) -> None:
    assert large.pixels.shape[2:] == (56, 56)
    assert evaluate("run=one", *LARGE, "stage=source", "output=run_source") == (0, "")
    found, run = StabilityResult.read(trained / "run_source"), cs.load_run(trained / "one")
    kept = large.part(torch.isin(large.ids, torch.from_numpy(found.by_image("index")[:, 0])))
    expected = cs.evaluate(Resized(run.model, (28, 28)).eval(), kept, levels=[8], draws=2)
    np.testing.assert_array_equal(found.rows["correct"], expected.rows["correct"])
    assert attack("run=one", *LARGE, "stage=source", "output=attack_source") == (0, "")
    assert cs.AttackResult.read(trained / "attack_source").pixels.shape[2:] == (56, 56)
    code, said = evaluate("run=one", *LARGE)
    assert (code, "1x56x56 (channels, height, width), one takes 1x28x28; stage=source resizes them" in said) == (
        2,
        True,
    )


def test_a_source_must_be_named_and_the_size_be_known(evaluate: Main, large: cs.Images) -> None:
    assert len(large) == 300
    code, said = evaluate("run=one", "stage=source")
    assert (code, "stage=source needs dataset=, with images that are larger" in said) == (2, True)
    code, said = evaluate(*OWN[:3], *SAID, *LARGE, "stage=source")
    assert (code, "stage=source resizes images to the size that the model takes: give model.size=" in said) == (2, True)
    code, said = evaluate("run=one", "stage=output")
    assert (code, "stage is output; it must be input or source" in said) == (2, True)


def test_a_page_comes_where_it_is_asked_for(evaluate: Main, attack: Main, trained: Path) -> None:
    for command, name in ((evaluate, "evaluated"), (attack, "attacked")):
        page = trained / name / "report.html"
        assert command(*OWN, *SAID, f"output={name}") == (0, "")
        assert not page.exists()
        assert command(*OWN, *SAID, f"output={name}", "report=true", "skip_done=true") == (0, "")
        assert "<title>Stability of tests.models.own_nets-build-net_digits</title>" in page.read_text()


def test_a_page_is_written_by_the_last_worker(evaluate: Main, trained: Path) -> None:
    page = trained / "shared" / "report.html"
    for shard in (1, 2):
        words = "output=shared", "report=true", "slice=10", f"shard={shard}/2"
        assert evaluate(*OWN, *SAID, *words) == (0, "")
        assert page.exists() == (shard == 2)


@pytest.mark.parametrize(
    ("command", "word"),
    [(app.evaluate, "degradation=saturation"), (app.attack, "attack.degradation=saturation")],
    ids=["evaluate", "attack"],
)
def test_what_grey_images_cannot_have_leaves_no_folder(
    command: Any, word: str, trained: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["attack=least_level"] if command is app.attack else []
    main = caller(monkeypatch, capfd, trained, command, "run=one", "logger=none", *words, word)
    code, said = main("output=refused")
    assert (code, "saturation needs RGB images" in said) == (2, True), said
    assert not (trained / "refused").exists()


def test_two_files_of_weights_are_told_apart(evaluate: Main, trained: Path) -> None:
    other = [word.replace("net.pt", "other_net.pt") for word in OWN]
    assert evaluate(*OWN, *SAID, "output=first_net") == (0, "")
    assert evaluate(*other, *SAID, "output=second_net", "compare=[first_net]", "report=true") == (0, "")
    page = (trained / "second_net/report.md").read_text().replace("\\", "")
    for name in ("own_nets:build-net", "own_nets:build-other_net"):
        assert name in page
    assert "build-other_net_digits" in (trained / "second_net/results.csv").read_text()
    first, second = (f"digits, python tests.models.own_nets:build-{name}" for name in ("other_net", "net"))
    assert f"Paired differences: {first}" in page  # as in paired.csv: the other one is taken off
    assert f"- {second} |" in page
    left = ["paired.csv", "figures/differences.png", "figures/differences.svg"]
    assert all((trained / "second_net" / name).exists() for name in left)
    assert evaluate(*other, *SAID, "output=second_net") == (0, "")
    assert not any((trained / "second_net" / name).exists() for name in left)


def test_code_that_ends_the_process_is_no_success(evaluate: Main, trained: Path) -> None:
    words = ["model=python", "model.target=tests.models.own_nets:leaving", "model.mean=none", "dataset=digits"]
    code, said = evaluate(*words, "output=left")
    assert (code, said) == (2, "convstab: code of your own, of the model or the images, calls sys.exit(0)\n")
    assert not (trained / "left").exists()


def test_warnings_of_ours_are_a_line_and_weights_that_are_not_given_are_said(tmp_path: Path) -> None:
    words = ["evaluate", "model=python", "model.target=tests.models.own_nets:soft", "model.mean=none", "dataset=digits"]
    code = f"""
import sys, warnings
from tests.support.in_process import one_dot
from matplotlib.figure import Figure
from convstab.commands.app import evaluate
Figure.savefig, sys.argv = one_dot, {[*words, *QUICK, *LEVELS, f"output={tmp_path / 'soft'}"]!r}
evaluate()
warnings.warn("of another package")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    ours, *others = done.stderr.splitlines()
    assert ours == "convstab: the model gives probabilities; their logarithms are taken as logits"
    assert others[0].endswith("UserWarning: of another package")
    assert "model.weights is not given: the weights are those that tests.models.own_nets:soft leaves" in done.stdout
