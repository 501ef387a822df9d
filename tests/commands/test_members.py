"""The command that sets an ensemble beside its members."""

import csv
from pathlib import Path

import pytest

import convstab as cs
from convstab.commands import app
from convstab.commands.results import members
from convstab.runs import directory
from tests.support.in_process import Main, call_in, caller, train_short

TRAININGS: dict[str, list[str]] = {"one": [], "two": ["seed=1"], "three": ["seed=2"]}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three trainings of the digits, an evaluation of each, and of two as an ensemble; others that do not fit."""
    folder = train_short(tmp_path_factory.mktemp("members"), TRAININGS)
    few = ["images=60", "logger=none", "levels=[20,120]", "draws=4"]
    for name in TRAININGS:
        call_in(folder, app.evaluate, *few, f"run={name}", f"output=of_{name}")
    call_in(folder, app.evaluate, *few, "run=[one,two]", "output=both")
    call_in(folder, app.evaluate, *few, "run=[one,three]", "rule=vote", "output=vote")
    for name, words in {"seed": ["seed=1"], "draws": ["draws=5"], "images": ["images=50"], "again": []}.items():
        call_in(folder, app.evaluate, *few, *words, "run=two", f"output=other_{name}")
    attack = ["attack=ddn", "attack.steps=2", "images=2", "output=attack"]
    call_in(folder, app.attack, "logger=none", "run=two", *attack)
    return folder


@pytest.fixture
def join(made: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Main:
    return caller(monkeypatch, capfd, made, members.main)


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "members.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_what_is_written_stands_beside_the_ensemble(made: Path, capfd: pytest.CaptureFixture[str]) -> None:
    call_in(made, members.main, "both", "of_two", "of_one", drawn=True)
    folder = made / "both/members"
    assert {path.name for path in folder.rglob("*.*")} == {"members.csv", "members.md", "members.png", "members.svg"}
    said = ["both/members", "next: convstab-report both of_two of_one"]
    assert capfd.readouterr().out.splitlines()[-2:] == said
    directory.check_files(made / "both")  # what it stands beside is as it was
    rows = rows_of(folder)
    for name in ("one", "two"):
        accuracy = cs.StabilityResult.read(made / f"of_{name}").accuracy.value
        assert [float(row[f"top1_of_{name}"]) for row in rows] == pytest.approx(accuracy.tolist(), rel=1e-7)
    ensemble = cs.StabilityResult.read(made / "both")
    assert [float(row["top1"]) for row in rows] == pytest.approx(ensemble.accuracy.value.tolist(), rel=1e-7)
    assert [row["level"] for row in rows] == ["0", "20", "120"]


def test_the_words_say_what_is_no_vote(made: Path, join: Main) -> None:
    for ensemble, other, output in (("both", "of_two", "averaged"), ("vote", "of_three", "voted")):
        assert join(ensemble, "of_one", other, "--output", output) == (0, "")
    assert "The ensemble averages probabilities, which is not a vote" in (made / "averaged/members.md").read_text()
    assert "is not a vote" not in (made / "voted/members.md").read_text()


def test_the_ensemble_of_a_sweep_is_that_of_its_runs(made: Path, join: Main) -> None:
    call_in(made, app.train, "-m", "seed=0,1", "hydra.sweep.dir=sweep", "dataset.images=200", "trainer.max_epochs=1")
    few = ["images=20", "logger=none", "levels=[20]", "draws=3"]
    call_in(made, app.evaluate, *few, "run=sweep", "output=swept")
    runs = sorted(path.parent for path in made.glob("sweep/*/checkpoints"))
    for place, run in enumerate(runs):
        call_in(made, app.evaluate, *few, f"run='{run.relative_to(made)}'", f"output=swept_{place}")
    assert join("swept", "swept_0", "swept_1") == (0, "")


BESIDE = "two cannot be set beside the ensemble: they are not of the same draws: "
BAD = [
    (["both", "of_one"], "one member is given; give evaluations of all members of both, at least 2"),
    (["both", "of_one", "of_one"], "both, of_one, of_one: one of these folders is named twice"),
    (["both", "of_two", "other_again"], "of_two and other_again are both of two; give one of each member"),
    (["both", "of_one", "of_three"], "of_three is of three, which is no member of both; its members are one, two"),
    (["both", "of_one", "vote"], "vote is of one and three, which is no member of both; its members are one, two"),
    (["of_one", "of_one", "of_two"], "of_one, of_one, of_two: one of these folders is named twice"),
    (["of_one", "of_two", "of_three"], "of_one is an evaluation of one model; the first folder must be that of an "),
    (["both", "of_one", "attack"], "attack is an attack; all folders must be evaluations"),
    (["both", "of_one", "nowhere"], "nowhere does not hold a finished evaluation or attack"),
    (["both", "of_one", "other_seed"], f"{BESIDE}another seed"),
    (["both", "of_one", "other_draws"], f"{BESIDE}another number of draws"),
    (["both", "of_one", "other_images"], f"{BESIDE}other images"),
]


@pytest.mark.parametrize(("words", "line"), BAD)
def test_bad_input_is_told_in_one_line(words: list[str], line: str, made: Path, join: Main) -> None:
    before = sorted(made.rglob("*"))
    code, said = join(*words)
    assert (code, said.count("\n")) == (2, 1)
    assert said.startswith(f"convstab: {line}")
    assert sorted(made.rglob("*")) == before


def test_a_member_that_was_not_evaluated_is_missed(made: Path, join: Main) -> None:
    few = ["images=60", "logger=none", "levels=[20,120]", "draws=4"]
    call_in(made, app.evaluate, *few, "run=[one,two,three]", "output=all")
    code, said = join("all", "of_one", "of_two")
    assert (code, said) == (2, "convstab: an evaluation of three is missing: give all members of all\n")
