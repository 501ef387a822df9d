"""A training, its evaluation and an attack, in W&B, MLflow and Trackio: one group, names, axes, and who uses what.

What each tool has is read back by its own means: W&B's from the files of the offline runs, MLflow's and Trackio's from
their stores.
"""

import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hydra.errors import InstantiationException

from convstab.commands import app
from convstab.evaluation.result import StabilityResult
from convstab.exits import bad_input
from convstab.loggers.tracking import tracking
from tests.support.in_process import call, call_in
from tests.support.wandb_files import OfflineRun, offline_runs

ALL = "logger=[wandb,mlflow,trackio]"
JOBS = {
    "model": ("train", "dataset.images=200", "trainer.max_epochs=2"),
    "jpeg": ("evaluate", "run=model", "degradation=jpeg", "levels=[90,50,20]", "images=20", "draws=1"),
    "ddn": ("attack", "run=model", "attack=ddn", "attack.steps=20", "images=3", "images_of=jpeg", "compare=[]"),
}
COMMANDS: dict[str, Callable[[], None]] = {"train": app.train, "evaluate": app.evaluate, "attack": app.attack}
NAMES = {"model": "digits s0", "jpeg": "digits s0: jpeg", "ddn": "digits s0: ddn"}
MOST_KEYS = 25


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder in which the three were made, one after another in this process."""
    folder = tmp_path_factory.mktemp("chain")
    assert "trackio" not in sys.modules  # it looks for its folder when it is loaded
    with pytest.MonkeyPatch.context() as patch:
        for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_DIR", "WANDB_PROJECT", "MLFLOW_TRACKING_URI"):
            patch.delenv(name, raising=False)
        patch.setenv("NETRC", str(folder / "netrc"))
        patch.setenv("WANDB_DATA_DIR", str(folder / "staging"))
        patch.setenv("TRACKIO_DIR", str(folder / "trackio"))
        for output, (command, *words) in JOBS.items():
            call_in(folder, COMMANDS[command], *words, ALL, f"output={output}")
        yield folder


@pytest.fixture(scope="module")
def wandb_runs(chain: Path) -> dict[str, OfflineRun]:
    """The W&B runs by their folders."""
    return {name: run for name in JOBS for run in offline_runs(chain / name)}


def ids(folder: Path, tool: str) -> dict[str, str]:
    """The ids of the three in a tool."""
    return {name: (folder / name / f"{tool}.id").read_text().strip() for name in JOBS}


def test_one_group_joins_them_and_a_person_reads_their_names(wandb_runs: dict[str, OfflineRun]) -> None:
    assert {run.run.run_group for run in wandb_runs.values()} == {"model"}
    assert {name: run.run.display_name for name, run in wandb_runs.items()} == NAMES
    assert [run.exit_code for run in wandb_runs.values()] == [0, 0, 0]


def test_the_graph_goes_from_the_training_to_what_uses_it(chain: Path, wandb_runs: dict[str, OfflineRun]) -> None:
    key, runs = ids(chain, "wandb"), wandb_runs
    model, evaluation = f"model-{key['model']}", f"evaluation-{key['jpeg']}"
    assert {name: set(run.outputs()) for name, run in runs.items()} == {
        "model": {model},
        "jpeg": {evaluation},
        "ddn": {f"attack-{key['ddn']}"},
    }
    assert runs["model"].inputs() == {}
    assert runs["jpeg"].inputs() == runs["model"].outputs()  # the same digests: the same artifacts to the server
    assert runs["ddn"].inputs() == runs["model"].outputs() | runs["jpeg"].outputs()
    files = {file.path for file in runs["ddn"].artifacts[f"attack-{key['ddn']}"].manifest.contents}
    assert files == {"config.yaml", "summary.json", "minimum_noise.parquet"}


def test_an_evaluation_of_any_family_has_the_level_as_x_axis(chain: Path, wandb_runs: dict[str, OfflineRun]) -> None:
    run, result = wandb_runs["jpeg"], StabilityResult.read(chain / "jpeg")
    assert run.axes == {"level": "", "degraded/*": "level"}
    assert run.curve("degraded/nll", "level") == finite(result, result.nll)
    assert len(run.curve("degraded/nll", "level")) == 3  # clean images have no quality that an axis could show
    assert run.summary["accuracy/clean"] == result.accuracy.value[np.isinf(result.levels)]


def finite(result: StabilityResult, values: Any) -> list[tuple[float, float]]:
    """The values at the levels that a number tells, with these."""
    pairs = zip(result.levels.tolist(), values.tolist(), strict=True)
    return [(level, value) for level, value in pairs if level < float("inf")]


def test_the_summary_is_a_page_long_and_has_the_headline_numbers(
    chain: Path, wandb_runs: dict[str, OfflineRun]
) -> None:
    for run in wandb_runs.values():
        assert len(run.summary_keys) <= MOST_KEYS, sorted(run.summary_keys)
        assert not [name for name in run.summary if name.startswith(("figures", "test/recall"))]
        assert any("figures/" in name for row in run.history for name in row)  # they are there all the same
    metrics = json.loads((chain / "model/metrics.json").read_text())
    assert wandb_runs["model"].summary["test/accuracy"] == metrics["test/accuracy"]
    assert "test/classes" in wandb_runs["model"].summary  # where panels of tables look


@pytest.fixture(scope="module")
def client(chain: Path) -> Any:
    """MLflow's own client of the database."""
    return import_module("mlflow.tracking").MlflowClient(f"sqlite:///{chain}/runs/mlflow.db")


@pytest.fixture(scope="module")
def mlflow_runs(chain: Path, client: Any) -> dict[str, Any]:
    """The runs of MLflow by their folders."""
    experiment = client.get_experiment_by_name("convstab")
    found = {run.data.tags["convstab.id"]: run for run in client.search_runs([experiment.experiment_id])}
    assert len(found) == 3
    return {name: found[key] for name, key in ids(chain, "mlflow").items()}


def test_mlflow_has_the_same_content(chain: Path, client: Any, mlflow_runs: dict[str, Any]) -> None:
    assert {name: run.info.run_name for name, run in mlflow_runs.items()} == NAMES
    assert {run.info.status for run in mlflow_runs.values()} == {"FINISHED"}
    assert {run.data.tags["group"] for run in mlflow_runs.values()} == {"model"}
    key = ids(chain, "mlflow")
    assert mlflow_runs["jpeg"].data.tags["uses"] == mlflow_runs["model"].data.tags["makes"] == f"model-{key['model']}"
    assert mlflow_runs["ddn"].data.tags["uses"] == f"model-{key['model']}, evaluation-{key['jpeg']}"
    assert mlflow_runs["model"].data.params["optimizer.lr"] == str(config(chain / "model")["optimizer"]["lr"])
    result, run = StabilityResult.read(chain / "jpeg"), mlflow_runs["jpeg"].info.run_id
    points = {at.step: at.value for at in client.get_metric_history(run, "degraded/accuracy")}
    assert points == dict(finite(result, result.accuracy.value))
    names = {path.name for path in (chain / "jpeg/figures").glob("*.png")}
    assert {Path(file.path).name for file in client.list_artifacts(run, "figures")} == names
    table = json.loads(Path(client.download_artifacts(run, "tables/degraded/classes.json")).read_text())
    assert table["columns"] == ["level", "class", "precision", "recall", "draws"]
    attack = mlflow_runs["ddn"]
    assert attack.data.metrics["attack/success_rate"] == summary(chain / "ddn")["success_rate"]
    samples = json.loads(Path(client.download_artifacts(attack.info.run_id, "tables/attack/samples.json")).read_text())
    assert Path(client.download_artifacts(attack.info.run_id, samples["data"][0][-1])).suffix == ".png"


def config(folder: Path) -> dict[str, Any]:
    """The configuration of a result."""
    found: dict[str, Any] = yaml.safe_load((folder / "config.yaml").read_text())
    return found


def summary(folder: Path) -> dict[str, Any]:
    """The numbers of a result."""
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return found


def test_a_run_of_mlflow_is_replaced_or_goes_on_and_fails_and_leaks_nothing(chain: Path, client: Any) -> None:
    options = {"mlflow": config(chain / "jpeg")["logger"]["mlflow"] | {"folder": str(chain / "runs")}}
    experiment, folder = client.get_experiment_by_name("convstab").experiment_id, chain / "again"
    values = config(chain / "jpeg") | {"run": str(chain / "model"), "logger": options, "images_of": None, "ckpt": None}

    def runs() -> list[Any]:
        key = (folder / "mlflow.id").read_text().strip()
        return list(client.search_runs([experiment], f"tags.`convstab.id` = '{key}'"))

    with pytest.raises(ZeroDivisionError), tracking(values, folder, "evaluate") as loggers:
        loggers[0].log_metrics({"x": 1.0}, step=1 // len(loggers[1:]))
    (first,) = runs()
    assert first.info.status == "FAILED"
    values["ckpt"] = "last"  # MLflow lets no parameter change
    with tracking(values, folder, "evaluate", resume=True) as loggers:
        loggers[0].log_metrics({"x": 2.0}, step=1)
    (second,) = runs()
    assert (second.info.run_id, second.info.status) == (first.info.run_id, "FINISHED")
    assert [at.value for at in client.get_metric_history(first.info.run_id, "x")] == [2.0]
    with tracking(values, folder, "evaluate"):
        pass
    (third,) = runs()
    assert third.info.run_id != first.info.run_id
    assert third.data.metrics == {}
    assert "MLFLOW_TRACKING_URI" not in os.environ  # which would decide for the next job


def test_trackio_has_the_same_content(chain: Path) -> None:
    runs = {run.name: run for run in import_module("trackio").Api().runs("convstab")}
    assert set(runs) == set(NAMES.values())
    assert {run.config["_Group"] for run in runs.values()} == {"model"}
    assert runs["digits s0"].config["optimizer"] == config(chain / "model")["optimizer"]
    logged = {name: trackio_rows(run) for name, run in runs.items()}
    result = StabilityResult.read(chain / "jpeg")
    points = [(row["level"], row["degraded/accuracy"]) for row in logged[NAMES["jpeg"]] if "level" in row]
    assert points == finite(result, result.accuracy.value)
    names = {name for rows in logged.values() for row in rows for name in row}
    assert {"train/loss", "test/classes", "degraded/classes", "attack/samples", "figures/confusion"} <= names
    assert [row["failed"] for rows in logged.values() for row in rows if "failed" in row] == [0, 0, 0]
    key = ids(chain, "trackio")
    model, evaluation, attack = f"model-{key['model']}", f"evaluation-{key['jpeg']}", f"attack-{key['ddn']}"
    assert links() == {
        (NAMES["model"], "output", model),
        (NAMES["jpeg"], "input", model),
        (NAMES["jpeg"], "output", evaluation),
        (NAMES["ddn"], "input", model),
        (NAMES["ddn"], "input", evaluation),
        (NAMES["ddn"], "output", attack),
    }


def trackio_rows(run: Any) -> list[dict[str, Any]]:
    """What was logged to a run of Trackio."""
    rows: list[dict[str, Any]] = store().get_logs("convstab", run.name, run_id=run.id)
    return rows


def store() -> Any:
    """Trackio's own access to its database."""
    return import_module("trackio.sqlite_storage").SQLiteStorage


def links() -> set[tuple[str, str, str]]:
    """Which runs of Trackio make and use which artifacts."""
    with closing(sqlite3.connect(store().get_project_db_path("convstab"))) as database:
        return set(
            database.execute(
                "select run_name, direction, name from run_artifact_links join artifact_versions"
                " on artifact_version_id = artifact_versions.id join artifacts on artifact_id = artifacts.id"
            )
        )


@pytest.mark.parametrize("tool", ["mlflow", "trackio"])
def test_a_tool_that_is_not_there_says_what_to_install_before_the_work(
    tool: str, chain: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(chain)
    monkeypatch.setitem(sys.modules, tool, None)
    assert call(monkeypatch, app.evaluate, "run=model", "draws=1", f"logger={tool}", f"output=no_{tool}") == 2
    assert f"pip install 'convstab[{tool}]'" in capfd.readouterr().err
    assert not (chain / f"no_{tool}").exists()


def test_a_password_in_an_address_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")  # else it waits for the host for minutes, if it asks it
    options = {"_target_": "convstab.loggers.mlflow.mlflow_logger", "uri": "http://me:secret@host"}
    values = {"run": None, "logger": {"mlflow": options | {"folder": str(tmp_path), "experiment": "e"}}}
    with pytest.raises(InstantiationException) as refused, tracking(values, tmp_path, "report"):
        pass
    line = bad_input(refused.value)
    assert line is not None
    assert "holds a password" in line
    assert "secret" not in line
