"""A sweep of trainings, its evaluations, and the run that sets them beside each other: who uses what, read back."""

import csv
import io
import shutil
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from convstab.commands import app
from convstab.commands.results import publish
from convstab.loggers.workspace import sections
from tests.support.in_process import call_in
from tests.support.wandb_files import OfflineRun, offline_runs

SEEDS = (0, 1, 2)
TRAIN = ("hydra.mode=MULTIRUN", "seed=0,1,2", "dataset.images=100", "trainer.max_epochs=1", "hydra.sweep.dir=seeds")
EVALUATE = ("sweep=runs", "of=seeds", "degradation=jpeg", "levels=[90,20]", "images=20", "draws=1")
MOST_KEYS = 25


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of three trainings and the evaluation of each by itself, all logged to W&B offline."""
    folder = tmp_path_factory.mktemp("sweep")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_DIR", "WANDB_PROJECT"):
            patch.delenv(name, raising=False)
        patch.setenv("NETRC", str(folder / "netrc"))
        patch.setenv("WANDB_DATA_DIR", str(folder / "staging"))
        call_in(folder, app.train, *TRAIN, "logger=wandb")
        call_in(folder, app.evaluate, *EVALUATE, "logger=wandb")
        yield folder


def last_runs(folders: Iterable[Path]) -> dict[int, OfflineRun]:
    """The W&B runs of results, by the seeds of their trainings."""
    runs = [offline_runs(folder)[-1] for folder in folders]
    return {run.config.get("training", run.config)["seed"]: run for run in runs}


def test_each_evaluation_of_a_sweep_uses_the_model_of_its_own_training(root: Path) -> None:
    trained, tried = last_runs(root.glob("seeds/*/")), last_runs(root.glob("runs/evaluate/*/"))
    assert set(trained) == set(tried) == set(SEEDS)
    assert {run.run.run_group for run in (*trained.values(), *tried.values())} == {"seeds"}
    models = {seed: run.outputs() for seed, run in trained.items()}
    assert {seed: run.inputs() for seed, run in tried.items()} == models
    assert len({digest for made in models.values() for digest in made.values()}) == 3  # none is another's
    assert [len(run.outputs()) for run in tried.values()] == [1, 1, 1]


@pytest.fixture(scope="module")
def sent(root: Path) -> list[str]:
    """What is said when the sweep is published."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        patch.chdir(root)
        publish.main(["seeds_evaluate", "seeds"])
    return said.getvalue().splitlines()


def test_a_published_sweep_has_a_run_of_its_own_with_its_pictures_its_table_and_what_it_compares(
    root: Path, sent: list[str]
) -> None:
    folder = root / "seeds_evaluate"
    (run,) = offline_runs(folder)
    assert sent[-1] == f"seeds_evaluate: wandb sync {run.folder}"
    assert len(sent) == len(SEEDS) + len(SEEDS) + 1  # the trainings have nothing that compares them
    assert (run.run.job_type, run.run.run_group, run.exit_code) == ("sweep", "seeds", 0)
    assert run.run.display_name == "seeds_evaluate: jpeg, 3 evaluations"
    assert list(run.run.tags) == ["digits", "LeNet"]
    evaluations = last_runs(root.glob("runs/evaluate/*/")).values()
    assert run.inputs() == {name: digest for one in evaluations for name, digest in one.outputs().items()}
    logged = {name: at["path"] for row in run.history for name, at in row.items() if name.startswith("figures/")}
    assert {name: (run.folder / "files" / path).read_bytes() for name, path in logged.items()} == {
        f"figures/{path.stem}": path.read_bytes() for path in folder.glob("figures/*.png")
    }
    with (folder / "train_x_test.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    table = run.table("sweep/train_x_test")
    assert table["columns"] == head
    assert table["data"] == [[float(seed), level, *map(float, numbers)] for seed, level, *numbers in rows]
    levels = {row[1] for row in table["data"]}  # as text: JSON has no number for the quality of JPEG's clean images
    assert levels == {"inf", "90", "20"}
    assert len(rows) == len(SEEDS) * len(levels)
    assert len(run.summary_keys) <= MOST_KEYS


def test_the_panels_of_the_sweep_show_the_pictures_that_its_run_has(root: Path, sent: list[str]) -> None:
    assert sent
    (run,) = offline_runs(root / "seeds_evaluate")
    logged = {name for row in run.history for name in row if name.startswith("figures/")}
    shown = {name for panel in sections()["Sweep"] for name in getattr(panel, "media_keys", [])}
    assert {"figures/heat_map", "figures/lines"} == logged
    assert logged < shown


def test_a_table_that_somebody_has_cut_is_said_and_nothing_is_sent(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(root / "seeds_evaluate", tmp_path / "cut", ignore=shutil.ignore_patterns("wandb*")))
    (folder / "train_x_test.csv").write_text("seed,level\n0\n")
    monkeypatch.chdir(root)
    with pytest.raises(SystemExit) as end:
        publish.main([str(folder)])
    (line,) = capsys.readouterr().err.splitlines()
    assert (end.value.code, "is not the table that convstab writes" in line) == (2, True)
    assert not (folder / "wandb").exists()
