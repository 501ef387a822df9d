"""Loggers: opened and closed by one owner, offline without a key, and a metrics.csv that survives.

What W&B gets is read back from the files that an offline run wrote.
"""

import csv
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wandb
from hydra.errors import InstantiationException
from matplotlib.figure import Figure
from omegaconf import DictConfig, OmegaConf
from PIL import Image

from convstab.commands import app
from convstab.errors import InputError
from convstab.evaluation.result import StabilityResult
from convstab.exits import bad_input
from convstab.loggers.csv import MetricsCsv
from convstab.loggers.labels import tags_of
from convstab.loggers.results import log_evaluation
from convstab.loggers.tracker import log_figures, log_page, log_table
from convstab.loggers.tracking import tracking
from convstab.loggers.wandb import WandbRun
from tests.support.in_process import one_dot
from tests.support.wandb_files import OfflineRun, offline_runs

KEYS = ("WANDB_API_KEY", "WANDB_MODE", "WANDB_DIR", "WANDB_PROJECT", "WANDB_RUN_ID")
TOO_HIGH = 10000000000.0  # a rate at which the loss is no number


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody is logged in."""
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))


def config(mode: str = "auto") -> DictConfig:
    options = {"_target_": "convstab.loggers.wandb.wandb_logger", "mode": mode, "project": "tests"}
    return OmegaConf.create({"seed": 3, "logger": {"wandb": options}})


def test_a_relative_folder_is_that_of_now_not_of_when_the_process_of_wandb_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("first", "second"):
        (tmp_path / place).mkdir()
        monkeypatch.chdir(tmp_path / place)
        with tracking(config(), Path("run"), "evaluate") as loggers:
            loggers[0].log_metrics({"loss": 1.0}, step=0)
        assert [run.exit_code for run in offline_runs(tmp_path / place / "run")] == [0]


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


def offline_run(folder: Path) -> OfflineRun:
    """The only one."""
    (run,) = offline_runs(folder)
    return run


def train_jobs(monkeypatch: pytest.MonkeyPatch, cwd: Path, *words: str) -> None:
    """Run train.py's function in this process, quickly."""
    shared = ("dataset.images=100", "trainer.max_epochs=1", "logger=wandb")
    monkeypatch.chdir(cwd)
    monkeypatch.setenv("WANDB_DATA_DIR", str(cwd / "staging"))
    monkeypatch.setattr(sys, "argv", ["train.py", *shared, *words])
    monkeypatch.setattr(Figure, "savefig", one_dot)
    app.train()


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A multirun of three trainings, of which the second one fails."""
    cwd = tmp_path_factory.mktemp("sweep")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("NETRC", str(cwd / "netrc"))
        for name in KEYS:
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(SystemExit, match="2"):
            train_jobs(
                monkeypatch, cwd, "hydra.mode=MULTIRUN", f"optimizer.lr=0.01,{TOO_HIGH},0.03", "hydra.sweep.dir=rates"
            )
    return cwd / "rates"


def test_a_multirun_is_one_group_of_runs_and_the_failed_job_is_marked(sweep: Path) -> None:
    jobs = [json.loads(path.read_text()) for path in sweep.glob("*/job.json")]
    rates = {job["name"]: next(word for word in job["overrides"] if word.startswith("optimizer")) for job in jobs}
    runs = {rates[folder.name]: offline_run(folder) for folder in (sweep / name for name in rates)}
    assert {rate: run.exit_code for rate, run in runs.items()} == {
        "optimizer.lr=0.01": 0,
        f"optimizer.lr={TOO_HIGH}": 1,
        "optimizer.lr=0.03": 0,
    }
    assert len({run.run.run_id for run in runs.values()}) == 3
    for rate, run in runs.items():
        folder = run.folder.parent.parent
        assert (run.run.run_group, run.run.job_type) == ("rates", "train")
        told = f"images=100 {rate.removeprefix('optimizer.')} max_epochs=1"
        assert run.run.display_name == f"digits s0 {told}"
        assert len(run.summary_keys) <= 25
        assert run.run.run_id == (folder / "wandb.id").read_text().strip()
        assert list(run.run.tags) == ["digits", "LeNet"]
        assert f"optimizer.lr={run.config['optimizer']['lr']}" == rate
        assert run.config == OmegaConf.to_container(OmegaConf.load(folder / "config.yaml"))
        assert ("test/accuracy" in run.summary) == (run.exit_code == 0)


def test_a_training_gives_curves_classes_confusion_and_its_checkpoint(sweep: Path) -> None:
    run = next(run for folder in sweep.glob("*lr-0.01*") for run in offline_runs(folder))
    folder = run.folder.parent.parent
    metrics = json.loads((folder / "metrics.json").read_text())
    assert run.axes == {"trainer/global_step": "", "*": "trainer/global_step"}
    assert [step for step, _ in run.curve("train/loss", "trainer/global_step")] == [2]  # 3 batches of 32
    shown = ("val/accuracy", "test/accuracy", "test/balanced_accuracy", "epochs", "images/train", "seconds")
    assert run.summary.items() >= {name: metrics[name] for name in shown}.items()
    table = run.table("test/classes")
    assert table["columns"] == ["class", "precision", "recall", "images"]
    images = [sum(row) for row in metrics["test/confusion"]]
    assert table["data"] == [
        [name, metrics[f"test/precision/{name}"], metrics[f"test/recall/{name}"], images[int(name)]]
        for name in "0123456789"
    ]
    (logged,) = [row["figures/confusion"] for row in run.history if "figures/confusion" in row]
    picture = run.folder / "files" / logged["path"]
    assert picture.read_bytes() == (folder / "figures/confusion.png").read_bytes()
    artifact = run.artifacts[f"model-{run.run.run_id}"]
    assert (artifact.type, sorted(artifact.aliases)) == ("model", ["best", "latest"])
    assert json.loads(artifact.metadata)["test/accuracy"] == metrics["test/accuracy"]
    assert [file.local_path for file in artifact.manifest.contents] == [str(folder / "checkpoints/best.ckpt")]


def test_a_failed_training_leaves_no_checkpoint_with_wandb(sweep: Path) -> None:
    run = next(run for folder in sweep.glob(f"*lr-{TOO_HIGH}*") for run in offline_runs(folder))
    assert run.exit_code == 1
    assert run.artifacts == {}
    assert sum(path.stat().st_size for path in run.folder.rglob("*") if path.is_file()) < 200_000


def test_log_model_false_keeps_the_checkpoint_and_a_resumed_training_is_the_same_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("log_model=false", "group=mine", "tags=[first]")
    words = ("output=run", "schedule=constant", *(f"logger.wandb.{option}" for option in options))
    train_jobs(monkeypatch, tmp_path, *words)
    train_jobs(monkeypatch, tmp_path, *words, "trainer.max_epochs=2", "ckpt=last")
    first, second = offline_runs(tmp_path / "run")
    assert (first.run.resume, second.run.resume) == (False, True)
    assert first.run.run_id == second.run.run_id
    assert [step for step, _ in second.curve("train/loss", "trainer/global_step")] == [5]
    for run in (first, second):
        assert run.run.run_group == "mine"
        assert list(run.run.tags) == ["first", "digits", "LeNet"]
        assert not [name for name in run.artifacts if name.startswith("model")]


def test_bad_data_marks_the_run_as_failed(offline: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit):
        train_jobs(monkeypatch, tmp_path, "output=run", "dataset=mnist", "dataset.root=nowhere")
    assert offline_run(tmp_path / "run").exit_code == 1
    assert wandb.run is None


def test_an_evaluation_is_curves_against_sigma(
    result: StabilityResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "staging"))
    for _ in range(2):  # the second one replaces the first: same id, not resumed
        with tracking(config(), tmp_path / "noisy", "evaluate") as loggers:
            log_evaluation(loggers, tmp_path, result)
    first, run = offline_runs(tmp_path / "noisy")
    assert (run.run.run_id, run.run.resume) == (first.run.run_id, False)
    assert run.axes == {"level": "", "degraded/*": "level"}
    accuracy = result.accuracy.value.tolist()
    assert run.curve("degraded/accuracy", "level") == list(zip([0, 1, 20, 60], accuracy, strict=True))
    assert run.curve("degraded/flip_rate", "level")[0] == (0, 0)
    others = {"flip_probability": result.flip_probability.value, "brier": result.brier.value, "nll": result.nll}
    for name, values in (others | {"ece": result.ece, "aurc": result.aurc}).items():
        assert run.curve(f"degraded/{name}", "level") == list(zip([0, 1, 20, 60], values.tolist(), strict=True))
    confusion = result.confusion[1:].sum(0)
    assert run.summary["degraded/accuracy"] == pytest.approx(np.trace(confusion) / confusion.sum())
    assert run.summary["accuracy/level_20"] == accuracy[2]
    assert len(run.table("degraded/classes")["data"]) == 4 * 5  # over all noise, and under each of four


def test_arrays_in_a_table_are_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "staging"))
    grey, colour = np.full((4, 6, 1), 0.2, np.float32), np.zeros((4, 6, 3), np.float32)
    colour[..., 0] = 0.4
    with tracking(config(), tmp_path, "attack") as loggers:
        log_table([*loggers, MetricsCsv(str(tmp_path))], "samples", ["index", "image"], [[3, grey], [5, colour]])
    run = offline_run(tmp_path)
    table = run.table("samples")
    assert [row[0] for row in table["data"]] == [3, 5]
    (artifact,) = run.artifacts.values()
    paths = {file.path: file.local_path for file in artifact.manifest.contents}
    pixels = [np.asarray(Image.open(paths[row[1]["path"]]).convert("RGB"))[0, 0].tolist() for row in table["data"]]
    assert pixels == [[51, 51, 51], [102, 0, 0]]


def test_figures_are_logged_by_their_names_and_a_folder_without_them_is_nothing(tmp_path: Path) -> None:
    Image.new("L", (2, 2)).save(tmp_path / "scatter_0.png")
    with tracking(config(), tmp_path, "attack") as loggers:
        log_figures(loggers, tmp_path / "nowhere")
        log_figures(loggers, tmp_path)
    run = offline_run(tmp_path)
    assert [set(row) - {"_step", "_runtime", "_timestamp"} for row in run.history] == [{"figures/scatter_0"}]


def test_a_page_is_logged_as_it_is_and_stays_where_it_is(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><p>é</p>", encoding="utf-8")
    with tracking(config(), tmp_path / "job", "report") as loggers:
        log_page([*loggers, MetricsCsv(str(tmp_path))], "report/page", page)
    run = offline_run(tmp_path / "job")
    (logged,) = [row["report/page"] for row in run.history]
    assert logged["_type"] == "html-file"
    assert (run.folder / "files" / logged["path"]).read_bytes() == page.read_bytes()


def test_tags_are_short_and_not_repeated() -> None:
    long = OmegaConf.create({"attack": {"_target_": f"convstab.attacks.{'X' * 100}"}})
    assert tags_of(long, ["a", "a"]) == ["a", "X" * 64]


def test_a_damaged_id_is_said(tmp_path: Path) -> None:
    (tmp_path / "wandb.id").write_text("two words")
    with (
        pytest.raises(InputError, match=r"wandb\.id does not hold the id of a W&B run"),
        tracking(config(), tmp_path, "x"),
    ):
        pass


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


def test_the_variable_decides_for_auto_only_and_does_not_make_it_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "online")
    with pytest.raises(Exception, match="WANDB_MODE=online needs a key"), tracking(config(), tmp_path, "x"):
        pass
    with tracking(config("offline"), tmp_path / "offline", "train"):
        pass
    assert offline_run(tmp_path / "offline").exit_code == 0
    monkeypatch.setenv("WANDB_MODE", "disabled")
    with tracking(config(), tmp_path / "disabled", "train") as loggers:
        loggers[0].log_metrics({"loss": 1.0}, step=0)
    assert not list(tmp_path.glob("disabled/wandb/*run-*"))


def test_a_key_that_is_none_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "short")
    with pytest.raises(InstantiationException) as raised, tracking(config("online"), tmp_path, "train"):
        pass
    line = bad_input(raised.value)
    assert line is not None
    assert line.startswith("convstab: W&B: WANDB_API_KEY invalid")
    assert "\n" not in line


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


def test_a_table_of_wandb_has_no_nan(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    monkeypatch.setattr(WandbRun, "add_table", lambda _, *table: given.append(table))
    log_table([object.__new__(WandbRun)], "x", ["a", "b"], [(float("nan"), 0.5), ("nan", 1)])
    assert given == [("x", ["a", "b"], [[None, 0.5], ["nan", 1]])]
