import csv
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from convstab.commands import app
from convstab.files import BEST, CONFIG, LAST, METRICS, alone, read_json
from convstab.runs import checkpoints
from tests.support.fresh_process import TRAIN, environment
from tests.support.in_process import call

ROOT = Path(__file__).parent.parent
QUICK = ["logger=csv", "dataset.images=200"]
NOISY = [*QUICK, "augment=gaussian", "trainer.max_epochs=4"]  # random numbers in every step

Main = Callable[..., tuple[int | str | None, str]]


def command(cwd: Path, *overrides: str, program: list[str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run train.py as a user does."""
    words = [*(program or TRAIN), *overrides]
    return subprocess.run(words, cwd=cwd, env=environment(cwd), capture_output=True, text=True, check=False)


def result(run: Path) -> tuple[dict[str, Any], list[dict[str, str]], dict[str, torch.Tensor]]:
    """The metrics, the logged rows and the last weights of a run."""
    metrics = read_json(run / METRICS)
    assert metrics.pop("seconds") > 0
    with (run / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return metrics, rows, torch.load(run / LAST, weights_only=True)["state_dict"]


def assert_equal_results(run: Path, other: Path) -> None:
    (metrics, rows, weights), expected = result(run), result(other)
    assert metrics == expected[0]
    assert rows == expected[1]
    assert all(torch.equal(weights[name], expected[2][name]) for name in weights | expected[2])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """One training that nothing interrupted."""
    cwd = tmp_path_factory.mktemp("finished")
    done = command(cwd, *NOISY, "output=run")
    assert done.returncode == 0, done.stderr
    return cwd / "run", done


def test_a_training_leaves_its_run_directory(finished: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    run, done = finished
    assert done.stderr == ""
    assert "precision" in done.stdout
    *_, last, hint = done.stdout.rstrip().splitlines()
    assert last.endswith(f"s: {run}")
    assert (hint.startswith("next: "), hint.endswith("evaluate.py run=run")) == (True, True)
    config = OmegaConf.load(run / CONFIG)
    assert (config.dataset.images, config.augment.sigma, config.output) == (200, 10, str(run))
    metrics, rows, _ = result(run)
    classes = [f"test/{score}/{digit}" for score in ("precision", "recall") for digit in range(10)]
    assert {"test/accuracy", "test/balanced_accuracy", "val/accuracy", "epochs", *classes} < metrics.keys()
    confusion = torch.tensor(metrics["test/confusion"])
    assert confusion.sum().item() == metrics["images/test"] == 200
    assert metrics["test/accuracy"] == pytest.approx(confusion.diag().sum().item() / 200)
    assert [row["epoch"] for row in rows if row["train/loss"]] == ["0", "1", "2", "3"]
    assert float(rows[-1]["test/accuracy"]) == metrics["test/accuracy"]
    assert metrics["val/accuracy"] == max(float(row["val/accuracy"]) for row in rows if row["val/accuracy"])
    for name in (BEST, LAST):
        torch.load(run / name, weights_only=True)
    assert not list(run.rglob("*.tmp"))


def kill_and_resume(cwd: Path, seconds: float) -> Path:
    """Start a training, end it with SIGKILL so long after its first checkpoint, and resume it."""
    words = [*TRAIN, *NOISY, "output=run"]
    with subprocess.Popen(words, cwd=cwd, env=environment(cwd), stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and not (cwd / "run" / LAST).exists():
            time.sleep(0.001)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
    done = command(cwd, *NOISY, "output=run", "ckpt=last")
    assert done.returncode == 0, done.stderr
    return cwd / "run"


@pytest.mark.slow
def test_a_killed_training_goes_on_as_if_nothing_was(
    finished: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    assert_equal_results(kill_and_resume(tmp_path, 0), finished[0])  # just as the first epoch's checkpoint is there


@pytest.mark.endurance
@pytest.mark.parametrize("moment", range(2))
def test_a_training_may_be_killed_at_any_moment(
    moment: int, finished: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    assert_equal_results(kill_and_resume(tmp_path, random.Random(moment).uniform(0, 2)), finished[0])


@pytest.mark.slow
def test_the_console_script_trains_anywhere_and_asks_nothing(tmp_path: Path) -> None:
    script = Path(sys.executable).parent / "convstab-train"
    done = command(tmp_path, "dataset.images=200", "trainer.max_epochs=1", program=[str(script)])
    assert done.returncode == 0, done.stderr
    (run,) = (tmp_path / "runs/train").iterdir()
    assert run.name.endswith("_digits_none")
    assert result(run)[0]["epochs"] == 1
    (offline,) = (run / "wandb").glob("offline-run-*")  # the default logger, without a key
    assert list(offline.glob("*.wandb"))


@pytest.fixture
def main(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Main:
    """Run train.py's function in this process, which saves its start; the exit code and the error stream."""

    def run(*overrides: str) -> tuple[int | str | None, str]:
        code = call(monkeypatch, app.train, *QUICK, "trainer.max_epochs=1", *overrides)
        assert not GlobalHydra.instance().is_initialized()
        return code, capfd.readouterr().err

    for name in ("WANDB_API_KEY", "WANDB_MODE", "CONVSTAB_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("convstab.data.download.TRIES", 1)
    monkeypatch.chdir(tmp_path)
    return run


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["optimizer.lr=1e10"], "the loss is "),
        (["ckpt=nowhere.ckpt"], "ckpt=nowhere.ckpt is not a file"),
        (["model=aghdam"], "Aghdam cannot take 1x28x28 images"),
        (["logger=wandb", "logger.wandb.mode=online"], "logger.wandb.mode=online needs a key"),
        (["dataset.validation=2"], "dataset.validation is 2"),
    ],
)
def test_bad_values_are_named_and_leave_nothing(overrides: list[str], line: str, main: Main, tmp_path: Path) -> None:
    code, error = main("output=run", *overrides)
    assert (code, len(error.splitlines())) == (2, 1), error
    assert error.startswith(f"convstab: {line}")
    assert not list(tmp_path.rglob("*.ckpt"))
    assert not (tmp_path / "run" / METRICS).exists()
    assert main("output=run") == (0, "")  # the folder is free for a start with good values


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["dataset=mnist", "dataset.root=data"], "mnist is not in data and could not be downloaded"),
        (["output=/proc/nowhere/run"], "No such file or directory: /proc/nowhere"),
    ],
)
def test_bad_input_ends_in_a_line(overrides: list[str], line: str, main: Main, tmp_path: Path) -> None:
    code, error = main(*overrides)
    assert (code, len(error.splitlines())) == (2, 1), error
    assert error.startswith(f"convstab: {line}")
    assert not list(tmp_path.rglob("*.ckpt"))


def test_checkpoints_are_started_from_and_resumed_only_where_they_fit(main: Main, tmp_path: Path) -> None:
    run = tmp_path / "run"
    best = run / BEST
    assert main("output=run", "logger=none") == (0, "")
    before = result_bytes(run)
    for overrides, line in (
        (["output=run"], f"{run} holds a run already"),
        (["output=run", f"ckpt={best}"], f"{run} holds a run already"),
        (["output=run", "ckpt=last", "seed=1"], f"{run} was made with another seed: 0 there, 1 now"),
        (["output=run", "ckpt=last", "trainer.precision=bf16-mixed"], f"{run} was made with another trainer.precision"),
        (["output=run", "skip_done=true", "trainer.gradient_clip_val=1"], f"{run} was made with another trainer.grad"),
        (["output=run", "ckpt=last", "trainer.max_epochs=3"], f"{run} was made with another trainer.max_epochs: 1"),
        (["output=a", f"ckpt={best}", "model=cifar_quick"], f"{best} is not a checkpoint of CifarQuick"),
        (["output=b", f"ckpt={run / CONFIG}"], f"{run / CONFIG} is damaged, or holds more than weights"),
    ):
        code, error = main(*overrides)
        assert (code, error.splitlines()[1:]) == (2, []), error
        assert error.startswith(f"convstab: {line}")
    assert result_bytes(run) == before
    assert main("output=tuned", f"ckpt={best}", "optimizer.lr=1e-9") == (0, "")
    old, new = (checkpoints.load_classifier(folder).state_dict() for folder in (run, tmp_path / "tuned"))
    assert all(torch.allclose(old[name], new[name], atol=1e-6) for name in old)


def test_the_largest_seed_trains(main: Main, tmp_path: Path) -> None:
    assert main("output=run", f"seed={2**32 - 1}", "trainer.precision=bf16-mixed") == (0, "")


def test_a_folder_has_one_training_at_a_time(main: Main, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with alone(run, "training"):
        code, error = main("output=run")
    said = f"convstab: another training is at work in {run}: wait for it, stop it, or choose another output=\n"
    assert (code, error) == (2, said)
    assert not (run / CONFIG).exists()
    assert main("output=run") == (0, "")


def result_bytes(run: Path) -> dict[Path, bytes]:
    """All files that matter."""
    return {path: path.read_bytes() for path in run.rglob("*") if path.suffix in (".json", ".ckpt", ".csv", ".yaml")}


def test_the_precision_of_a_class_that_was_never_predicted_is_null(main: Main, tmp_path: Path) -> None:
    assert main("output=run", "optimizer.lr=1e-9") == (0, "")  # untrained: most images are taken for one class
    metrics = read_json(tmp_path / "run" / METRICS)
    predictions = torch.tensor(metrics["test/confusion"]).sum(0).tolist()
    assert 0 in predictions
    for name, count in enumerate(predictions):
        assert (metrics[f"test/precision/{name}"] is None) == (count == 0)
