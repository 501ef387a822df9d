"""The command evaluate: what train left goes in, tables and figures come out, whatever happens in between."""

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch

from convstab.commands import app
from convstab.commands.results import figures
from convstab.evaluation.result import CONFUSION, HISTOGRAM, STABILITY, StabilityResult
from convstab.files import BEST, METRICS, SUMMARY
from convstab.runs import checkpoints, directory
from convstab.runs.directory import FINISHED
from convstab.runs.parts import Parts
from tests.support.in_process import Main, call, call_in, caller, train_short

ROOT = Path(__file__).parents[2]
QUICK = ["logger=none", "images=60", "draws=4", "levels=[8,40]", "slice=4"]
MERGED = (STABILITY, CONFUSION, HISTOGRAM, "table.csv", "table.md", "results.csv")
NAMES = "calibration", "confusion", "curves", "scatter_0", "strip"
FIGURES = [f"{name}.{form}" for name in NAMES for form in ("png", "svg")]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two trainings that differ in their seed, and one of another data set size."""
    return train_short(
        tmp_path_factory.mktemp("trained"), {"one": ["seed=0"], "two": ["seed=1"], "other": ["dataset.images=100"]}
    )


@pytest.fixture
def main(trained: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Main:
    """Evaluate in this process; the exit code and the error stream."""
    return caller(monkeypatch, capfd, trained, app.evaluate, *QUICK)


@pytest.fixture(scope="module")
def whole(trained: Path) -> Path:
    """An evaluation that nothing interrupted."""
    call_in(trained, app.evaluate, *QUICK, "run=one", "output=whole", drawn=True)
    return trained / "whole"


def train(folder: Path, *words: str) -> tuple[int | str | None, str]:
    """Train for an epoch in a folder; the exit code, and what it said of errors."""
    with pytest.MonkeyPatch.context() as patch, redirect_stderr(StringIO()) as said:
        patch.chdir(folder)
        return call(
            patch, app.train, "dataset.images=100", "trainer.max_epochs=1", "logger=none", *words
        ), said.getvalue()


def assert_same_tables(folder: Path, other: Path) -> None:
    for name in MERGED:
        assert (folder / name).read_bytes() == (other / name).read_bytes(), name


def test_an_evaluation_leaves_its_run_directory(whole: Path) -> None:
    assert {path.name for path in whole.iterdir()} >= {*MERGED, "summary.json", "parts", "figures", "config.yaml"}
    assert sorted(path.name for path in (whole / "figures").iterdir()) == FIGURES
    summary = json.loads((whole / SUMMARY).read_text())
    assert (summary["images"], summary["draws"], summary["levels"]) == (60, 60 * 9, [0, 8, 40])
    assert sum(summary["first_failure"].values()) == 60
    assert summary["images_per_second"] > 0
    result = StabilityResult.read(whole)
    assert summary["accuracy"]["value"] == result.accuracy.value.tolist()
    assert not list(whole.rglob("*.tmp"))


@pytest.mark.slow
def test_the_figures_are_redrawn_from_the_tables_to_the_byte(whole: Path, tmp_path: Path) -> None:
    for name in (*MERGED, "summary.json", "config.yaml", FINISHED):
        shutil.copy(whole / name, tmp_path)
    figures.main([str(tmp_path)])
    drawn = {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    assert sorted(drawn) == [name for name in FIGURES if not name.startswith("strip")]
    assert all((whole / "figures" / name).read_bytes() == content for name, content in drawn.items())


def test_sigma_0_is_the_test_accuracy_of_the_training(main: Main, trained: Path) -> None:
    assert main("run=one", "output=clean", "images=null", "levels=[0]", "draws=1") == (0, "")
    metrics = json.loads((trained / "one" / METRICS).read_text())
    summary = json.loads((trained / "clean" / SUMMARY).read_text())
    assert summary["accuracy"]["value"] == [pytest.approx(metrics["test/accuracy"], abs=1e-7)]
    assert StabilityResult.read(trained / "clean").confusion[0].tolist() == metrics["test/confusion"]


@pytest.mark.parametrize("words", [["batch_size=16"], ["batch_size=1024", "workers=1"], ["slice=64"], ["workers=5"]])
def test_how_it_is_computed_changes_no_byte(words: list[str], whole: Path, main: Main, tmp_path: Path) -> None:
    assert main("run=one", f"output={tmp_path}", *words) == (0, "")
    assert_same_tables(whole, tmp_path)


@pytest.mark.parametrize("count", [2, 7])
def test_shards_are_merged_by_the_last_one(count: int, whole: Path, main: Main, tmp_path: Path) -> None:
    for number in range(count, 0, -1):
        assert not (tmp_path / STABILITY).exists()
        assert main("run=one", f"output={tmp_path}", f"shard={number}/{count}") == (0, "")
    assert_same_tables(whole, tmp_path)


def test_an_ensemble_of_one_is_its_run_and_of_two_is_not(whole: Path, main: Main, trained: Path) -> None:
    assert main("run=[one]", "output=alone") == (0, "")
    assert main("run=[one,two]", "output=both", "compare=[whole]") == (0, "")
    assert_same_tables(whole, trained / "alone")
    assert (trained / "both" / STABILITY).read_bytes() != (whole / STABILITY).read_bytes()


def kill_and_resume(trained: Path, output: Path, parts: int, seconds: float) -> None:
    command = [sys.executable, str(ROOT / "evaluate.py"), *QUICK, "run=one", f"output={output}"]
    with subprocess.Popen(command, cwd=trained, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and len(list(output.glob("parts/part-*"))) < parts:
            time.sleep(0.001)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
    subprocess.run(command, cwd=trained, stdout=subprocess.DEVNULL, check=True)
    assert_same_tables(trained / "whole", output)


@pytest.mark.slow
def test_a_killed_evaluation_goes_on(whole: Path, trained: Path, tmp_path: Path) -> None:
    kill_and_resume(trained, tmp_path, 3, 0)


@pytest.mark.endurance
@pytest.mark.parametrize("seed", range(2))
def test_an_evaluation_may_be_killed_at_any_moment(seed: int, whole: Path, trained: Path, tmp_path: Path) -> None:
    chance = random.Random(seed)
    kill_and_resume(trained, tmp_path, chance.randrange(16), chance.uniform(0, 0.5))


def test_parts_of_another_configuration_are_never_mixed(whole: Path, main: Main) -> None:
    before = {path: path.read_bytes() for path in whole.rglob("*") if path.is_file()}
    for words in (["draws=5"], ["seed=1"], ["levels=[8]"], ["run=two"], ["images=50"], ["clip=false"]):
        code, error = main("run=one", f"output={whole}", *words)
        assert (code, len(error.splitlines())) == (2, 1), error
        assert "was made with another" in error
    assert before == {path: path.read_bytes() for path in whole.rglob("*") if path.is_file()}


def test_the_same_evaluation_goes_to_the_same_folder(whole: Path, main: Main, trained: Path) -> None:
    def folders() -> set[Path]:
        return set((trained / "runs/evaluate").glob("*"))

    assert main("run=one", "shard=2/2") == (0, "")
    (first,) = folders()
    assert first.name.startswith("one-")
    assert main("run=one", "shard=1/2") == (0, "")
    assert folders() == {first}
    assert_same_tables(whole, first)
    for words in (["draws=1"], ["slice=8", "draws=1"], ["run=[one,two]", "draws=1"]):
        before = folders()
        assert main("run=one", *words) == (0, "")
        assert len(folders() - before) == 1


def test_images_may_be_listed(main: Main, tmp_path: Path) -> None:
    assert main("run=one", f"output={tmp_path}", "images=[150,3]", "draws=1") == (0, "")
    result = StabilityResult.read(tmp_path)
    assert np.unique(result.rows["index"]).tolist() == [3, 150]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["run=nowhere"], "run=nowhere does not exist"),
        (["run=."], "run=. is not a run directory"),
        (["run=[one,./one]"], "one is named twice; the runs of an ensemble must be different ones"),
        (["run=[one,other]"], "one and other were trained on different data sets"),
        (["run=one", "compare=[nowhere]"], "nowhere does not hold a whole evaluation: it has no stability"),
        (["run=one", "images=[200]"], "images=[200]: 200 is not a place in the test set; its 200 images are 0 to 199"),
    ],
)
def test_bad_input_ends_in_a_line(words: list[str], line: str, main: Main, tmp_path: Path) -> None:
    code, error = main(*words, f"output={tmp_path / 'bad'}")
    assert (code, len(error.splitlines())) == (2, 1), error
    assert error.startswith(f"convstab: {line}"), error
    assert not list(tmp_path.iterdir())


def test_a_training_and_an_evaluation_have_folders_of_their_own(main: Main, trained: Path, tmp_path: Path) -> None:
    before = (trained / "one/config.yaml").read_bytes()
    assert main("run=one", "output=one")[1].startswith("convstab: one holds a training; choose another output=")
    assert (trained / "one/config.yaml").read_bytes() == before
    assert main("run=one", "output=mine", "levels=[9]", "images=9", "draws=1")[0] == 0
    code, error = train(trained, "output=mine")
    said = f"convstab: {trained / 'mine'} holds an evaluation or attack; choose another output=\n"
    assert (code, error) == (2, said)


def test_what_is_finished_stays_so_when_it_is_refused(whole: Path, main: Main, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "copy")
    for words in (["confusion_level=abc"], ["logger=wandb", "logger.wandb.mode=x"], [f"compare=[{tmp_path / 'copy'}]"]):
        assert main("run=one", f"output={tmp_path / 'copy'}", *words)[0] == 2
    assert directory.finished(tmp_path / "copy") == "evaluate"


@pytest.mark.parametrize("name", ["stability.parquet", "histogram.npz", FINISHED])
def test_a_result_that_is_not_whole_is_made_again_from_its_parts(
    name: str, whole: Path, main: Main, tmp_path: Path
) -> None:
    shutil.copytree(whole, tmp_path / "copy")
    (tmp_path / "copy" / name).write_bytes(b"")
    assert main("run=one", f"output={tmp_path / 'copy'}", "skip_done=true") == (0, "")
    assert_same_tables(whole, tmp_path / "copy")
    assert directory.finished(tmp_path / "copy") == "evaluate"


def test_a_checkpoint_with_code_in_it_is_refused(main: Main, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "config.yaml").write_text((trained / "one" / "config.yaml").read_text())
    checkpoints.write_checkpoint(tmp_path / BEST, {"state_dict": os.system})
    code, error = main(f"run={tmp_path}", "output=unsafe")
    assert (code, len(error.splitlines())) == (2, 1), error
    assert "more than weights" in error


def test_the_weights_of_another_training_are_refused(main: Main, trained: Path, tmp_path: Path) -> None:
    """They are whole, and of the same architecture."""
    shutil.copytree(trained / "one", tmp_path / "mixed")
    shutil.copy(trained / "two" / BEST, tmp_path / "mixed" / BEST)
    code, error = main(f"run={tmp_path / 'mixed'}", "output=mixed")
    assert (code, error.count("\n")) == (2, 1)
    assert f"{BEST} was changed since it was finished" in error


def test_a_network_that_returns_nan_is_refused(
    main: Main, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = checkpoints.load_classifier

    def broken(folder: Path, trust: Sequence[str] = ()) -> torch.nn.Module:
        classifier = load(folder, trust=trust)
        torch.nn.init.constant_(next(classifier.parameters()), float("nan"))
        return classifier

    monkeypatch.setattr("convstab.runs.checkpoints.load_classifier", broken)
    code, error = main("run=one", f"output={tmp_path}")
    assert (code, len(error.splitlines())) == (2, 1), error
    assert "not a number" in error
    assert not list(tmp_path.rglob("part-*"))


def test_an_error_stops_the_other_threads(main: Main, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [0]

    def full(*_: object) -> None:
        made[0] += 1
        raise OSError(errno.ENOSPC, "the disk is full", "part")

    monkeypatch.setattr(Parts, "write", full)
    assert main("run=one", f"output={tmp_path}") == (1, "convstab: the disk is full: part\n")
    assert made[0] < 15
