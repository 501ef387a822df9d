"""Loggers: opened and closed by one owner, offline without a key, and a metrics.csv that survives."""

import csv
import os
from pathlib import Path
from typing import Any

import pytest
import wandb
from omegaconf import DictConfig, OmegaConf

from convstab.door import bad_input
from convstab.errors import InputError
from convstab.metrics_csv import MetricsCsv
from convstab.tracking import tracking

KEYS = ("WANDB_API_KEY", "WANDB_MODE", "WANDB_DIR", "WANDB_PROJECT", "WANDB_RUN_ID")


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody is logged in."""
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))


def config(mode: str = "auto") -> DictConfig:
    options = {"_target_": "convstab.tracking.wandb_logger", "mode": mode, "project": "tests"}
    return OmegaConf.create({"seed": 3, "logger": {"wandb": options}})


def test_without_a_key_each_job_has_its_own_offline_run_and_leaks_nothing(tmp_path: Path) -> None:
    names = []
    for job in ("a", "b"):
        with tracking(config(), tmp_path / job, "train") as loggers:
            loggers[0].log_metrics({"loss": 1.0}, step=0)
            assert wandb.run is not None
            assert wandb.run.offline
            assert wandb.run.config["seed"] == 3
            names.append(wandb.run.id)
        assert wandb.run is None
        assert "WANDB_MODE" not in os.environ
        assert list((tmp_path / job / "wandb").glob("offline-run-*/run-*.wandb"))
    assert len(set(names)) == 2


def test_a_failed_job_is_closed_as_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int | None] = []
    finish = wandb.Run.finish

    def remember(run: wandb.Run, exit_code: int | None = None) -> None:
        codes.append(exit_code)
        finish(run, exit_code)

    monkeypatch.setattr(wandb.Run, "finish", remember)
    with pytest.raises(RuntimeError, match="broken"), tracking(config(), tmp_path, "train"):
        raise RuntimeError("broken")
    assert codes == [1]
    assert wandb.run is None


def test_online_needs_a_key_and_modes_are_named(tmp_path: Path) -> None:
    with (
        pytest.raises(Exception, match=r"logger\.wandb\.mode=online needs a key"),
        tracking(config("online"), tmp_path, "x"),
    ):
        pass
    with (
        pytest.raises(Exception, match=r"logger\.wandb\.mode is 'sometimes'"),
        tracking(config("sometimes"), tmp_path, "x"),
    ):
        pass


def rows(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_is_on_disk_at_once_with_all_columns(tmp_path: Path) -> None:
    logger = MetricsCsv(str(tmp_path))
    logger.log_metrics({"a": 1.0}, step=0)
    logger.log_metrics({"a": 2.0}, step=1)
    assert [row["a"] for row in rows(tmp_path / "metrics.csv")] == ["1.0", "2.0"]
    logger.log_metrics({"b": 3.0}, step=1)
    assert rows(tmp_path / "metrics.csv")[2] == {"step": "1", "a": "", "b": "3.0"}


def test_a_resumed_run_keeps_its_history_and_replaces_what_it_repeats(tmp_path: Path) -> None:
    first = MetricsCsv(str(tmp_path))
    for step in (10, 20, 30):
        first.log_metrics({"loss": float(step)}, step=step)
    second = MetricsCsv(str(tmp_path))
    second.log_metrics({"loss": 0.5}, step=20)
    second.log_metrics({"accuracy": 1.0}, step=20)
    assert [(row["step"], row["loss"], row["accuracy"]) for row in rows(tmp_path / "metrics.csv")] == [
        ("10", "10.0", ""),
        ("20", "0.5", ""),
        ("20", "", "1.0"),
    ]


def test_an_input_error_is_not_lost_in_hydras(tmp_path: Path) -> None:
    try:
        with tracking(config("sometimes"), tmp_path, "x"):
            pass
    except Exception as error:
        line = bad_input(error)
    assert line is not None
    assert line.startswith("convstab: logger.wandb.mode is 'sometimes'")
    assert bad_input(ValueError("a bug")) is None
    assert bad_input(InputError("x")) == "convstab: x"
