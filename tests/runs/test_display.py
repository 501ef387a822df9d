"""What a training shows: no count of operations that were not counted, and a line a minute in a log."""

from types import SimpleNamespace
from typing import Any

import pytest

from convstab.progress.lines import LineAMinute
from convstab.runs.display import Summary, TrainingLog


def at(step: int, of: int, epoch: int, epochs: int) -> Any:
    """A trainer that has come so far."""
    return SimpleNamespace(
        global_step=step, estimated_stepping_batches=of, current_epoch=epoch, max_epochs=epochs, is_global_zero=True
    )


def test_the_summary_is_one_line_without_operations(capsys: pytest.CaptureFixture[str]) -> None:
    Summary.summarize([], 1500, 1000, 0.006, {"train": 1, "eval": 0}, 0)
    assert capsys.readouterr().out == "1,500 parameters, 1,000 of them trained; 0.0 MB in float32\n"


def test_a_log_of_a_training_has_a_line_a_minute() -> None:
    now, lines = [0.0], list[str]()
    callback = TrainingLog(LineAMinute(lambda: now[0], lines.append))
    trainer = at(0, of=100, epoch=0, epochs=2)
    callback.on_train_start(trainer)
    for step in range(1, 11):
        now[0], trainer.global_step = step * 25.0, step * 10
        callback.on_train_batch_end(trainer)
    assert [line.partition(",")[0] for line in lines] == ["epoch 1 of 2"] * 3  # at 75, 150 and 225 seconds
    assert "step 30/100, 0.4/s, about 3 min left" in lines[0]  # 70 of 100 steps at 2.5 s each: 175 s


def test_a_resumed_training_counts_its_own_steps_only() -> None:
    now, lines = [0.0], list[str]()
    callback = TrainingLog(LineAMinute(lambda: now[0], lines.append))
    trainer = at(1000, of=1140, epoch=7, epochs=8)
    callback.on_train_start(trainer)
    now[0], trainer.global_step = 60.0, 1010
    callback.on_train_batch_end(trainer)
    assert lines == ["epoch 8 of 8, step 1,010/1,140, 0.167/s, about 13 min left"]  # 130 steps at 6 s each
