"""Steps: what counts as done, how far a running one is, and why one failed."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from convstab.paper.experiments import Step
from convstab.paper.steps import DONE, LOG, PROMPT, is_done, missing, reason, remember, share
from convstab.runs.configuration import write_config
from convstab.runs.directory import FINISHED, finish
from convstab.runs.parts import Part, Parts
from convstab.runs.shard import Shard

TRAIN = Step("train/a", "train", ["seed=0"], [], 1.0)
EVALUATE = Step("evaluate/a", "evaluate", ["draws=2"], ["train/a"], 1.0)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """A folder where both steps are done."""
    (tmp_path / "train/a/checkpoints").mkdir(parents=True)
    (tmp_path / "train/a/checkpoints/best.ckpt").write_bytes(b"weights")
    (tmp_path / "evaluate/a").mkdir(parents=True)
    (tmp_path / "train/a/metrics.json").write_text("{}")
    (tmp_path / "evaluate/a/summary.json").write_text("{}")
    for step in (TRAIN, EVALUATE):
        finish(tmp_path / step.name, step.command)
    remember(TRAIN, tmp_path)
    remember(EVALUATE, tmp_path)
    return tmp_path


def test_what_was_done_with_the_same_words_from_the_same_weights_is_done(output: Path) -> None:
    assert is_done(TRAIN, output)
    assert is_done(EVALUATE, output)
    assert missing([TRAIN, EVALUATE], output) == []


def test_it_is_not_with_other_words(output: Path) -> None:
    other = Step("train/a", "train", ["seed=1"], [], 1.0)
    assert not is_done(other, output)
    assert missing([other, EVALUATE], output) == [other, EVALUATE]  # what reads it is looked at again


def test_nor_with_other_weights_or_none(output: Path) -> None:
    (output / "train/a/checkpoints/best.ckpt").write_bytes(b"other weights")
    assert not is_done(EVALUATE, output)
    (output / "train/a/checkpoints/best.ckpt").unlink()
    assert not is_done(EVALUATE, output)


LACKING = [(TRAIN, "metrics.json"), (EVALUATE, "summary.json"), (TRAIN, DONE), (TRAIN, FINISHED), (EVALUATE, FINISHED)]


@pytest.mark.parametrize(("step", "name"), LACKING)
def test_nor_without_its_result_or_note(output: Path, step: Step, name: str) -> None:
    (output / step.name / name).unlink()
    assert not is_done(step, output)


def test_nor_with_the_mark_of_another_command(output: Path) -> None:
    finish(output / TRAIN.name, "evaluate")
    assert not is_done(TRAIN, output)


def test_a_damaged_note_is_no_note(output: Path) -> None:
    (output / "train/a" / DONE).write_text('{"identity": ')
    assert not is_done(TRAIN, output)


def test_the_share_of_an_evaluation_is_that_of_its_parts(tmp_path: Path) -> None:
    assert share(EVALUATE, tmp_path) == 0
    parts = Parts(tmp_path / "evaluate/a/parts", images=10, fingerprint={}, size=3)
    assert share(EVALUATE, tmp_path) == 0
    for done, number in enumerate(parts.todo(Shard()), start=1):
        parts.write(number, Part(pa.table({"x": np.zeros(1)})))
        assert share(EVALUATE, tmp_path) == done / 4


def test_the_share_of_a_training_is_that_of_its_epochs(tmp_path: Path) -> None:
    folder = tmp_path / "train/a"
    assert share(TRAIN, tmp_path) == 0
    folder.mkdir(parents=True)
    write_config(folder, {"trainer": {"max_epochs": 8}})
    assert share(TRAIN, tmp_path) == 0
    rows = ["step,epoch,val/loss,train/loss", "9,0,0.5,", "9,0,,0.4", "19,1,0.4,", "20,,,0.3"]
    (folder / "metrics.csv").write_text("\n".join(rows) + "\n")
    assert share(TRAIN, tmp_path) == 2 / 8


def test_the_reason_is_the_last_line_since_the_last_start(tmp_path: Path) -> None:
    assert reason(TRAIN, tmp_path, 1) == "it left no log"
    (tmp_path / "train/a").mkdir(parents=True)
    log = tmp_path / "train/a" / LOG
    log.write_text(f"{PROMPT} convstab-train seed=0\n")
    assert reason(TRAIN, tmp_path, 1) == "it said nothing"
    log.write_text(f"{PROMPT} convstab-train\nfirst\nconvstab: the disk is full\n\n")
    assert reason(TRAIN, tmp_path, 1) == "the disk is full"
    log.write_text(f"{log.read_text()}{PROMPT} convstab-train\nCould not find 'model/x'\nAvailable options\n\tlenet\n")
    assert reason(TRAIN, tmp_path, 2) == "Could not find 'model/x'"
    log.write_text(f"{log.read_text()}{PROMPT} convstab-train\nTraceback\n  File\nValueError: no\n")
    assert reason(TRAIN, tmp_path, 1) == "ValueError: no"
    log.write_text(f"{log.read_text()}{PROMPT} convstab-train\n")
    assert reason(TRAIN, tmp_path, 1) == "it said nothing"


def test_a_signal_is_a_reason(tmp_path: Path) -> None:
    assert reason(TRAIN, tmp_path, -15) == "it was ended by signal 15"
    assert reason(TRAIN, tmp_path, -9) == "it was ended by signal 9, perhaps for want of memory"
