"""A perturber of NRTK where a degradation goes: training, evaluation, draws, the search of the least level."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import convstab as cs
from convstab.commands import app
from convstab.files import read_json
from tests.support.in_process import call_in, caller
from tests.support.nrtk_packages import BRIGHTNESS, NOISE, mine, nrtk, stand_in

__all__ = ["mine", "nrtk"]

IN = {"perturber": NOISE, "parameter": "var", "grid": [0.001, 0.01]}
WORDS = ("degradation=nrtk", *(f"degradation.{name}={value}" for name, value in IN.items()))
SHORT = ("trainer.max_epochs=1", "dataset.images=200", "logger=none", "output=run")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run that has seen noise of NRTK."""
    folder = tmp_path_factory.mktemp("nrtk")
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch)
        member = f"{{name: nrtk, perturber: {NOISE}, parameter: var, levels: [0.01]}}"
        call_in(folder, app.train, *SHORT, "augment=degraded", f"augment.degradations=[{member}]", "augment.copies=2")
    return folder


def test_it_is_evaluated_and_read_again(
    run: Path, nrtk: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    evaluate = caller(monkeypatch, capfd, run, app.evaluate, "run=run", "images=9", "logger=none", "output=made")
    assert evaluate(*WORDS, "draws=3", "workers=2", "slice=4") == (0, "")
    made = cs.StabilityResult.read("made")
    assert made.levels.tolist() == [0, 0.001, 0.01]
    assert made.by_image("draws").tolist() == [[1, 3, 3]] * 9
    assert made.degradation.title == "GaussianNoisePerturber"
    assert read_json(Path("made/summary.json"))["protocol"]["degradation"]["parameter"] == "var"
    direct = cs.load_run("run", images=9)
    same = cs.evaluate(direct.model, direct.test, made.degradation, draws=3, batch_size=7, workers=1)
    np.testing.assert_array_equal(same.by_image("correct"), made.by_image("correct"))
    assert evaluate(*WORDS, "psnr=[25]", "draws=2", "output=psnr") == (0, "")
    assert cs.StabilityResult.read("psnr").share_drawn.min() == 1


def test_what_is_missing_or_wrong_is_said_before_anything_is_made(
    run: Path, nrtk: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    evaluate = caller(monkeypatch, capfd, run, app.evaluate, "run=run", "logger=none", "output=none")
    for words, said in (
        (["degradation=nrtk"], "perturber is ???; it must be the dotted name of a class, such as nrtk.impls"),
        (WORDS[:2], "parameter is ???; it must be the name of an argument"),
        (WORDS[:3], "degradation nrtk has no levels of its own: say them, or degradation.grid=[...]"),
        ([*WORDS, "degradation.options={men: 1}"], "GaussianNoisePerturber takes no men; it takes "),
        ([*WORDS, "+degradation.colour=1"], "degradation nrtk takes no colour; it takes "),
        ([*WORDS, "levels=[-1]"], "a level of GaussianNoisePerturber is -1: GaussianNoisePerturber refuses it"),
    ):
        code, error = evaluate(*words)
        assert (code, error.startswith(f"convstab: {said}"), error.count("\n")) == (2, True, 1), error
        assert not Path("none").exists()


def test_the_least_level_is_searched(
    run: Path, nrtk: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    attack = caller(monkeypatch, capfd, run, app.attack, "run=run", "attack=least_level", "images=6", "logger=none")
    family = f"{{name: nrtk, perturber: {BRIGHTNESS}, parameter: factor, neutral: 1, grid: [0.5, 0.1, 0]}}"
    assert attack(f"attack.degradation={family}", "attack.doublings=0", "output=least") == (0, "")
    found = cs.AttackResult.read("least")
    assert found.protocol["degradation"]["parameter"] == "factor"
    levels = found.rows["level"][found.rows["success"]]
    assert len(levels) > 0
    assert ((levels >= 0) & (levels < 1)).all()


def test_draws_of_code_of_ones_own_are_made_again_where_it_is_trusted(
    mine: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    draw = caller(monkeypatch, capfd, tmp_path, app.draws, "dataset=digits", "images=3", "draws=2", "output=draws")
    words = ["degradation=nrtk", f"degradation.perturber={mine}.Rng", "degradation.parameter=sigma", "levels=[60]"]
    assert draw(*words) == (0, "")
    with Path("draws/manifest.csv").open(newline="") as file:
        files = [row["file"] for row in csv.DictReader(file)]
    assert len(files) == 3 * (1 + 2)
    rows = "".join(f"{file},1\n" for file in files)
    Path("p.csv").write_text(f"file,prediction\n{rows}")
    del sys.modules[mine]
    Path("imported").unlink()
    take = caller(
        monkeypatch, capfd, tmp_path, app.predictions, "path=p.csv", "draws=draws", "output=made", "logger=none"
    )
    code, error = take()
    assert (code, f"say trust={mine}.Rng" in error) == (2, True)
    assert not Path("imported").exists()
    assert take(f"trust={mine}.Rng") == (0, "")
    assert Path("imported").exists()
    read = json.loads(json.dumps(cs.StabilityResult.read("made").degradation.settings))
    assert read["perturber"] == f"{mine}.Rng"
