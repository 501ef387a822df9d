"""Finished folders, sent to W&B later: what an offline run then holds, read back from its files."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from convstab.commands import app
from convstab.commands.results import publish
from convstab.evaluation.result import StabilityResult
from convstab.runs import configuration
from convstab.runs.directory import FINISHED
from tests.support.in_process import call_in
from tests.support.wandb_files import OfflineRun, offline_runs

Commands = dict[str, Callable[[], None]]
COMMANDS: Commands = {"train": app.train, "evaluate": app.evaluate, "attack": app.attack}


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody is logged in."""
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_DIR", "WANDB_PROJECT", "WANDB_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "staging"))


def command(name: str, *words: str) -> None:
    """Run one of the commands in this process."""
    call_in(Path.cwd(), COMMANDS[name], *words)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sweep of two trainings, an evaluation and an attack of one of them; none has known W&B."""
    root = tmp_path_factory.mktemp("made")
    quick = ("dataset.images=100", "trainer.max_epochs=2", f"hydra.sweep.dir={root}/seeds", "hydra.mode=MULTIRUN")
    command("train", *quick, "logger=csv", "seed=0,1")
    run = next(root.glob("seeds/*seed-0*"))
    few = (f"run={run}", "images=20", "logger=none")
    command("evaluate", *few, "draws=2", "levels=[10,40]", f"output={root}/evaluation")
    command("attack", *few, "attack=least_level", "images=[0,1,2]", f"output={root}/attack")
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to publish from."""
    return Path(shutil.copytree(made, tmp_path / "made"))


def published(folder: Path) -> OfflineRun:
    """The only run of a folder, finished and with the folder's configuration."""
    (run,) = offline_runs(folder)
    assert run.exit_code == 0
    assert run.run.run_id == (folder / "wandb.id").read_text().strip()
    training = {} if run.run.job_type == "train" else {"training": plain(Path(run.config["run"]))}
    assert run.config == plain(folder) | training
    return run


def plain(folder: Path) -> dict[str, Any]:
    """The resolved configuration of a result."""
    return configuration.load_config(folder)


def refusal(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """The one line that the command ends with."""
    with pytest.raises(SystemExit) as end:
        publish.main([str(word) for word in words])
    error = capsys.readouterr().err
    assert (end.value.code, len(error.splitlines())) == (2, 1), error
    return error


@pytest.mark.slow
def test_the_trainings_of_a_sweep_are_a_group_with_curves_and_checkpoints(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish.main([str(root / "seeds")])
    folders = sorted(path.parent for path in root.glob("seeds/*/metrics.json"))
    sent = [published(folder) for folder in folders]
    lines = [f"{folder}: wandb sync {run.folder}" for folder, run in zip(folders, sent, strict=True)]
    assert sorted(capsys.readouterr().out.splitlines()) == lines
    assert len({run.run.run_id for run in sent}) == 2
    for folder, run in zip(folders, sent, strict=True):
        assert (run.run.run_group, run.run.job_type) == ("seeds", "train")
        assert run.run.display_name == f"digits s{run.config['seed']} images=100 max_epochs=2"
        with (folder / "metrics.csv").open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["train/loss"]]
        points = [(int(row["step"]), float(row["train/loss"])) for row in rows]
        assert run.curve("train/loss", "trainer/global_step") == points
        assert len(points) == 2
        metrics = json.loads((folder / "metrics.json").read_text())
        assert run.summary["test/accuracy"] == metrics["test/accuracy"]
        assert len(run.table("test/classes")["data"]) == 10
        assert f"model-{run.run.run_id}" in run.artifacts
        assert any("figures/confusion" in row for row in run.history)


def test_an_evaluation_and_an_attack_keep_their_numbers_figures_and_tables(root: Path) -> None:
    publish.main([str(root / "evaluation"), str(root / "attack"), "--project", "paper"])
    noisy, attacked = published(root / "evaluation"), published(root / "attack")
    assert [(run.run.project, run.run.job_type) for run in (noisy, attacked)] == [
        ("paper", "evaluate"),
        ("paper", "attack"),
    ]
    assert [list(run.run.tags) for run in (noisy, attacked)] == [["digits", "LeNet"], ["digits", "LeNet", "LeastLevel"]]
    accuracy = StabilityResult.read(root / "evaluation").accuracy.value.tolist()
    assert noisy.curve("degraded/accuracy", "level") == list(zip([0, 10, 40], accuracy, strict=True))
    summary = json.loads((root / "attack/summary.json").read_text())
    assert attacked.summary["attack/success_rate"] == summary["success_rate"]
    for run in (noisy, attacked):
        figures = {f"figures/{path.stem}" for path in (run.folder.parent.parent / "figures").glob("*.png")}
        assert figures
        assert figures == {name for row in run.history for name in row if name.startswith("figures/")}


def test_publishing_again_replaces_the_run(root: Path) -> None:
    for _ in range(2):
        publish.main([str(root / "evaluation")])
    first, second = offline_runs(root / "evaluation")
    assert first.run.run_id == second.run.run_id
    assert (first.run.resume, second.run.resume) == (False, False)  # else a server would append the history
    assert len(first.history) == len(second.history)
    assert first.curve("degraded/accuracy", "level") == second.curve("degraded/accuracy", "level")


def test_a_published_training_is_the_run_that_was_logged_live(tmp_path: Path) -> None:
    words = ("dataset.images=100", "trainer.max_epochs=1", f"output={tmp_path}/live", "logger.wandb.group=mine")
    command("train", *words)
    publish.main([str(tmp_path / "live"), "--entity", "us"])
    live, later = offline_runs(tmp_path / "live")
    assert (live.run.run_id, live.run.display_name, live.run.run_group) == (
        later.run.run_id,
        later.run.display_name,
        later.run.run_group,
    )
    assert (live.run.entity, later.run.entity) == ("", "us")
    assert list(live.run.tags) == list(later.run.tags)
    own = {"_runtime", "_timestamp", "_wandb", "test/classes"}  # of the process, or a reference with a random name
    assert {name: live.summary[name] for name in live.summary.keys() - own} == {
        name: later.summary[name] for name in later.summary.keys() - own
    }
    for name in ("train/loss", "val/accuracy", "test/accuracy", "lr-SGD"):
        assert live.curve(name, "trainer/global_step") == later.curve(name, "trainer/global_step") != []


def test_one_run_of_a_sweep_keeps_its_group(root: Path) -> None:
    run = next(root.glob("seeds/*seed-1*"))
    publish.main([str(run)])
    assert published(run).run.run_group == "seeds"


def test_what_is_not_finished_is_refused_before_anything_is_sent(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = next(root.glob("seeds/*seed-0*"))
    (run / FINISHED).unlink()
    (root / "evaluation" / FINISHED).unlink()
    for folder in (run, root / "evaluation"):
        assert f"{folder} is not finished: end it" in refusal(capsys, root / "attack", folder)
    assert not (root / "attack/wandb").exists()
    publish.main([str(root / "seeds")])  # what is finished in a sweep is sent
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_other_folders_and_a_missing_key_are_refused(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (tmp_path / "staging", tmp_path / "nowhere"):
        assert f"{folder} holds no finished result" in refusal(capsys, folder)
    assert "needs a key" in refusal(capsys, root / "attack", "--mode", "online")
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert "WANDB_MODE=disabled sends nothing" in refusal(capsys, root / "attack")
    monkeypatch.delenv("WANDB_MODE")
    (root / "attack/summary.json").write_text("{")
    assert "summary.json was changed since it was finished" in refusal(capsys, root / "attack")
