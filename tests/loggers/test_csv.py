"""metrics.csv as it may be found: whole, with half a row at its end, or damaged."""

import logging
import os
from pathlib import Path

import pytest

from convstab.errors import InputError
from convstab.loggers.csv import MetricsCsv, read_curves

WHOLE = "step,loss,accuracy\r\n1,0.5,\r\n2,0.25,0.75\r\n"


def written(folder: Path, text: str) -> Path:
    (folder / "metrics.csv").write_bytes(text.encode())
    return folder / "metrics.csv"


def test_what_is_whole_is_read_without_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = read_curves(written(tmp_path, WHOLE))
    assert rows == [{"step": "1", "loss": "0.5", "accuracy": ""}, {"step": "2", "loss": "0.25", "accuracy": "0.75"}]
    assert caplog.messages == []


@pytest.mark.parametrize("kept", range(len("2,0.25,0.75") + 1))
def test_half_a_row_at_the_end_is_left_out_and_said(
    kept: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path, WHOLE[: WHOLE.index("2,0.25") + kept])
    with caplog.at_level(logging.WARNING):
        assert [row["step"] for row in read_curves(path)] == ["1"]
    assert caplog.messages == ([f"{path}: its last row is not whole and is left out"] if kept else [])


def test_a_training_goes_on_after_half_a_row(tmp_path: Path) -> None:
    path = written(tmp_path, WHOLE + "3,0.1")
    logger = MetricsCsv(str(tmp_path))
    logger.log_metrics({"loss": 0.125}, step=3)
    logger.log_metrics({"loss": 0.0625}, step=4)
    assert [(row["step"], row["loss"]) for row in read_curves(path)] == [
        *(("1", "0.5"), ("2", "0.25")),
        *(("3", "0.125"), ("4", "0.0625")),
    ]


@pytest.mark.parametrize("row", ["x,0.5,0.5", "3,abc,0.5", "3,0.5", "3,0.5,0.5,0.5", "-1,0.5,0.5", "nan,0.5,0.5"])
def test_what_is_damaged_in_the_middle_is_named(row: str, tmp_path: Path) -> None:
    path = written(tmp_path, f"step,loss,accuracy\r\n{row}\r\n4,0.5,0.5\r\n")
    with pytest.raises(InputError, match="row 2 does not hold numbers"):
        read_curves(path)


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "metrics.csv")
    with pytest.raises(InputError, match="a pipe or a device"):
        MetricsCsv(str(tmp_path))
