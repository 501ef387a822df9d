"""The command that joins an evaluation with attacks."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import convstab as cs
from convstab.bounds.lower import lower_bounds
from convstab.commands import app
from convstab.commands.results import ledger
from convstab.errors import InputError
from convstab.files import CHECKSUM, SUMMARY, read_json, write_json
from convstab.ledger.first import first_to_fail
from convstab.ledger.margins import Margins
from convstab.ledger.thickness import boundary_thickness
from convstab.report.results import results_below
from convstab.runs import directory
from convstab.runs.configuration import load_config, write_config
from tests.support.in_process import Main, call, call_in, caller, train_short


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of the digits, an evaluation of it, and attacks: on it, and on another training."""
    folder = train_short(tmp_path_factory.mktemp("ledger"), {"one": [], "two": ["seed=2"]})
    few = ["images=40", "logger=none"]
    call_in(folder, app.evaluate, *few, "run=one", "levels=[20,80]", "draws=12", "output=evaluation")
    for run, output in (("one", "ddn"), ("two", "other")):
        call_in(folder, app.attack, *few, f"run={run}", "attack=ddn", "attack.steps=20", f"output={output}")
    same = ["images=null", "images_of=evaluation", "attack=ddn", "attack.steps=20", "output=same"]
    call_in(folder, app.attack, "logger=none", "run=one", *same)
    nes = ["attack=nes", "max_queries=200"]
    call_in(folder, app.attack, "images=5", "logger=none", "run=one", *nes, "output=nes")
    return folder


@pytest.fixture
def join(made: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Main:
    return caller(monkeypatch, capfd, made, ledger.main)


def test_the_ledger_stands_beside_its_evaluation(made: Path, join: Main, capfd: pytest.CaptureFixture[str]) -> None:
    call_in(made, ledger.main, "evaluation", "ddn", "nes", drawn=True)
    found = cs.Ledger.read(made / "evaluation/ledger")
    assert found.levels == [20, 80]
    assert len(found.rows["index"]) == 40
    assert {path.name for path in (made / "evaluation/ledger").iterdir()} == {
        "ledger.parquet",
        "ledger.md",
        "margins.csv",
        "figures",
    }
    assert (made / "evaluation/ledger/figures/law.png").exists()
    assert (made / "evaluation/ledger/figures/margins_0.png").exists()
    margins = Margins.of(cs.StabilityResult.read(made / "evaluation"))
    tables = "\n".join([found.table(), found.by_class(), margins.table()])
    assert (made / "evaluation/ledger/ledger.md").read_text() == tables
    assert (made / "evaluation/ledger/margins.csv").read_text() == margins.as_csv()
    said = capfd.readouterr().out
    assert "least of all attacks" in said
    assert said.splitlines()[-2:] == ["evaluation/ledger", "next: convstab-report evaluation ddn nes"]
    lines, first = said.splitlines()[-8:-3], first_to_fail(found)[:5]
    assert [line.split()[0] for line in lines] == [str(index) for index in found.rows["index"][first]]
    assert "evaluation/ledger/ledger.parquet" in said.splitlines()[-3]
    attacks = found.settings["attacks"]
    assert attacks == [read_json(made / name / SUMMARY)["attack"] for name in ("ddn", "nes")]
    directory.check_files(made / "evaluation")  # what it stands beside is as it was


def test_a_ledger_is_left_out_of_a_page(tmp_path: Path) -> None:
    (tmp_path / "ledger.parquet").touch()
    with pytest.raises(InputError, match="the page makes the ledger itself"):
        results_below(tmp_path)


def test_an_attack_can_be_on_the_images_of_an_evaluation(made: Path, join: Main) -> None:
    evaluated = cs.StabilityResult.read(made / "evaluation").by_image("index")[:, 0]
    assert cs.AttackResult.read(made / "same").rows["index"].tolist() == evaluated.tolist()
    assert join("evaluation", "same", "--output", "same_images") == (0, "")
    rows = cs.Ledger.read(made / "same_images").rows
    assert np.isfinite(rows["perturbation"]).all()


def test_the_ledger_of_another_model_stands_beside(made: Path, join: Main) -> None:
    assert join("evaluation", "ddn", "--output", "first") == (0, "")
    assert join("evaluation", "same", "--output", "second", "--beside", "first") == (0, "")
    text = (made / "second/ledger.md").read_text()
    assert "Beside first: the least perturbation by DDN is 1.000 times as long" in text  # the same search
    code, said = join("evaluation", "nes", "--output", "third", "--beside", "first")
    assert (code, "no attack in common" in said, (made / "third").exists()) == (2, True, False)


ATTACK = ["run=one", "attack=ddn", "logger=none", "output=new"]
BAD_IMAGES = [
    (["images_of=evaluation", "images=[3]"], "images is a list of places; with images_of= it can be a number"),
    (["images_of=ddn"], "ddn does not hold a whole evaluation: it has no stability.parquet"),
    (["images_of=moved"], "moved is an evaluation of other images than those of one"),
]


@pytest.mark.parametrize(("words", "line"), BAD_IMAGES)
def test_images_that_cannot_be_attacked_are_refused(
    words: list[str], line: str, made: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    result = cs.StabilityResult.read(made / "evaluation")
    moved = cs.StabilityResult(
        result.classes, result.protocol, result.rows | {"index": result.rows["index"] + 10_000}, result.totals
    )
    moved.write(made / "moved")
    code, said = caller(monkeypatch, capfd, made, app.attack, *ATTACK)(*words)
    assert (code, said.startswith(f"convstab: {line}")) == (2, True)
    assert not (made / "new").exists()


def test_alpha_and_tolerance_reach_the_rows(made: Path, join: Main) -> None:
    for output, words in (("strict", []), ("loose", ["--alpha", "0.1", "--tolerance", "0.5"])):
        assert join("evaluation", "--output", output, *words) == (0, "")
    strict, loose = (cs.Ledger.read(made / name).rows for name in ("strict", "loose"))
    assert (loose["radius_80"] > strict["radius_80"]).any()
    assert (loose["failing"] == "holds").sum() > (strict["failing"] == "holds").sum() == 0


BAD = [
    (["nowhere"], "nowhere does not hold a finished evaluation or attack"),
    (["one"], "one does not hold a finished evaluation or attack"),
    (["ddn", "evaluation"], "the first folder must be an evaluation, and all others attacks on the same model"),
    (["evaluation", "evaluation"], "evaluation, evaluation: one of these folders is named twice"),
    (["evaluation", "other"], "evaluation is of one, other of two: their run differs; give results of one model"),
    (["evaluation", "--beside", "ddn"], "ddn does not hold a ledger: "),
    (["evaluation", "--alpha", "2"], "alpha is 2.0; it must be above 0 and below 1"),
    (["evaluation", "--thickness"], "--thickness is measured on the way to what attacks found: give an attack, too"),
    (["evaluation", "--tolerance", "0"], "tolerance is 0.0; it must be above 0 and below 1"),
]


@pytest.mark.parametrize(("words", "line"), BAD)
def test_bad_input_is_told_in_one_line(words: list[str], line: str, made: Path, join: Main) -> None:
    before = sorted(made.rglob("*"))
    code, said = join(*words)
    assert (code, said.count("\n")) == (2, 1)
    assert said.startswith(f"convstab: {line}") if line.endswith(": ") else said == f"convstab: {line}\n"
    assert sorted(made.rglob("*")) == before


def test_an_attack_that_calls_itself_by_the_name_of_the_run_is_found_out(made: Path, join: Main) -> None:
    shutil.copytree(made / "other", made / "renamed")
    told, own = read_json(made / "renamed" / SUMMARY), read_json(made / "evaluation" / SUMMARY)
    told |= {name: own[name] for name in ("run", "training")}
    write_json(made / "renamed" / SUMMARY, {key: value for key, value in told.items() if key != CHECKSUM})
    directory.finish(made / "renamed", "attack")
    code, said = join("evaluation", "renamed")
    assert code == 2
    assert "DDN does not belong to the evaluation: it attacks another model" in said


def test_bounds_are_those_of_the_run_and_below_its_attacks(made: Path, join: Main) -> None:
    """Of images in the order of the evaluation."""
    assert join("evaluation", "ddn", "nes", "--bounds", "--output", "bounded") == (0, "")
    found = cs.Ledger.read(made / "bounded")
    rows, run = found.rows, cs.load_run("one")
    bounds = dict(zip(run.test.ids.tolist(), lower_bounds(run.model, run.test), strict=True))
    assert rows["lower_bound"].tolist() == [bounds[index] for index in rows["index"].tolist()]
    correct = rows["clean_correct"]
    assert correct.sum() > 0
    assert (rows["lower_bound"][correct] > 0).all()
    assert (rows["lower_bound"][~correct] == 0).all()
    tried = np.isfinite(rows["perturbation"])
    assert (rows["lower_bound"] <= rows["perturbation"])[tried].all()
    text = (made / "bounded/ledger.md").read_text()
    assert f"| steepness of the layers | lower bound, loose | {correct.sum()} |" in text
    times = np.median((rows["perturbation"] / rows["lower_bound"])[correct & tried])
    assert f"the least perturbation is {times:.3g} times as long" in text
    assert join("evaluation", "--output", "unbounded") == (0, "")
    assert "lower_bound" not in cs.Ledger.read(made / "unbounded").rows


def test_thickness_is_that_of_the_model_on_the_way_to_the_least_perturbation(made: Path, join: Main) -> None:
    assert join("evaluation", "ddn", "nes", "--thickness", "--output", "thick") == (0, "")
    rows, run = cs.Ledger.read(made / "thick").rows, cs.load_run("one")
    for name in ("ddn", "nes"):
        attack = cs.AttackResult.read(made / name)
        thickness = dict(zip(attack.rows["index"], boundary_thickness(run.model, attack), strict=True))
        by = rows["attack"] == attack.attack
        assert by.any() or name == "nes"
        np.testing.assert_array_equal(rows["thickness"][by], [thickness[index] for index in rows["index"][by]])
    assert (np.isfinite(rows["thickness"]) == (rows["attack"] != "")).all()
    assert "boundary thickness, medians of the" in (made / "thick/ledger.md").read_text()


def test_bounds_and_thickness_say_how_far_they_are(
    made: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(made)
    words = "evaluation", "ddn", "nes", "--bounds", "--thickness", "--output", "told"
    assert call(monkeypatch, ledger.main, *words) == 0
    said = capfd.readouterr().out
    for name in ("bounds", "thickness"):
        assert re.search(rf"^{name} (\d+)/\1, .*/s$", said, re.MULTILINE), said


def test_bounds_of_what_is_no_run_are_refused(made: Path, join: Main) -> None:
    shutil.copytree(made / "evaluation", made / "elsewhere")
    write_config(made / "elsewhere", load_config(made / "evaluation") | {"run": None})
    directory.finish(made / "elsewhere", "evaluate")
    for words in (["--bounds"], ["ddn", "--thickness"]):
        code, said = join("elsewhere", *words)
        assert (code, said.count("\n")) == (2, 1)
        needed = "needs a run that train made and its own test images; elsewhere is of"
        assert said.startswith(f"convstab: {words[-1]} {needed}")
