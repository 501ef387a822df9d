"""Sweeps: where jobs write, what is kept of them, what a second start does, and what their table says."""

import csv
import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from convstab.commands import app
from convstab.commands.results import report
from convstab.errors import InputError
from convstab.files import BEST, METRICS, read_json, write_json
from convstab.runs import checkpoints
from convstab.sweeps import jobs
from convstab.sweeps.jobs import job_name, read_jobs, runs_of
from convstab.sweeps.table import TABLE
from tests.support.in_process import call

ROOT = Path(__file__).parents[2]
QUICK = ["logger=none", "dataset.images=200", "trainer.max_epochs=1"]
NAME = "dataset.images-200_trainer.max_epochs-1"

Main = Callable[..., tuple[int | str | None, str, str]]


@pytest.fixture
def main(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Main:
    """Run a command in this process, in an empty folder; the exit code and both streams."""

    def run(command: Callable[[], None], *words: str) -> tuple[int | str | None, str, str]:
        return call(monkeypatch, command, *words), *capfd.readouterr()

    monkeypatch.chdir(tmp_path)
    return run


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / TABLE).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def weights(folder: Path) -> dict[str, Any]:
    return dict(checkpoints.load_checkpoint(folder / BEST)["state_dict"])


def assert_same_training(folder: Path, other: Path) -> None:
    assert weights(folder).keys() == weights(other).keys()
    assert all(torch.equal(value, weights(other)[name]) for name, value in weights(folder).items())
    both = [read_json(path / METRICS) for path in (folder, other)]
    assert both[0] | {"seconds": 0} == both[1] | {"seconds": 0}


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        (["dataset=mnist", "augment.sigma=10"], "augment.sigma-10_dataset-mnist"),
        (["augment.sigma=10", "dataset=mnist"], "augment.sigma-10_dataset-mnist"),
        (["seed=-1"], "seed--1"),
        (["+trainer.x='a=b/c, d'", "~callbacks.last"], "callbacks.last_trainer.x-a-b-c-d"),
        (["sweep=sigma", "runs=/a/b", "logger=[csv,wandb]", "logger.wandb.mode=offline", "threads=1"], "job"),
        (["dataset.root=/data", "dataset.images=5"], "dataset.images-5"),
    ],
)
def test_a_job_is_named_by_what_tells_it_apart(overrides: list[str], name: str) -> None:
    assert job_name(overrides) == name


def test_long_names_stay_different_and_short_enough_for_a_file() -> None:
    names = {job_name([f"key{number}=1" for number in range(40)] + [f"last={last}"]) for last in range(3)}
    assert len(names) == 3
    assert max(map(len, names)) <= jobs.LONGEST


def test_jobs_leave_a_table_and_one_that_fails_stops_no_other(main: Main) -> None:
    code, out, error = main(app.train, "-m", *QUICK, "dataset.validation=0.1,2,0", "hydra.sweep.dir=all")
    assert code == 2
    assert error.splitlines()[-1].startswith("convstab: dataset.validation is 2")
    rows = {row["dataset.validation"]: row for row in table(Path("all"))}
    assert {value: row["status"] for value, row in rows.items()} == {"0": "done", "0.1": "done", "2": "failed"}
    assert rows["2"]["reason"] == "dataset.validation is 2; it must be a share of the training images, in [0, 1)"
    for value in ("0", "0.1"):
        metrics = read_json(Path(rows[value]["output"]) / METRICS)
        assert float(rows[value]["test/accuracy"]) == metrics["test/accuracy"]
        assert not any(name.startswith("test/precision/") for name in rows[value])
    assert "2 of 3 jobs are done" in out
    assert "next:" not in out  # but to mend the one that failed
    assert "in [0, 1)" in re.sub(r"[\s│]+", " ", out)


@pytest.mark.slow
def test_a_second_start_does_only_what_is_missing(main: Main) -> None:
    words = [*QUICK, "trainer.max_epochs=2", "sweep=seeds", "seed=0,1,2"]
    assert main(app.train, *words)[0] == 0
    sweep = Path("runs/sweep/seeds_digits_none")
    first, second, third = (Path(job.output) for job in read_jobs(sweep))
    alone, kept = Path("alone"), (first / METRICS).stat().st_mtime_ns
    shutil.copytree(second, alone)
    (second / METRICS).unlink()  # as if it had been stopped after its last epoch
    shutil.rmtree(third)  # as if it had never begun
    code, out, _ = main(app.train, *words)
    assert code == 0
    assert out.count("finished before") == 1
    assert (first / METRICS).stat().st_mtime_ns == kept
    assert_same_training(second, alone)
    assert [row["status"] for row in table(sweep)] == ["done"] * 3


def test_the_order_of_the_words_makes_no_other_job(main: Main) -> None:
    assert main(app.train, *QUICK, "sweep=seeds", "seed=0,1")[0] == 0
    assert main(app.train, "seed=1,0", "sweep=seeds", *reversed(QUICK))[1].count("finished before") == 2
    assert len(read_jobs(Path("runs/sweep/seeds_digits_none"))) == 2


def test_what_is_finished_stays_so_when_it_is_refused_later(main: Main) -> None:
    assert main(app.train, "-m", *QUICK, "seed=0", "hydra.sweep.dir=all")[0] == 0
    code, _, error = main(app.train, "-m", *QUICK, "seed=0,1", "hydra.sweep.dir=all")
    assert code == 2
    assert "holds a run already" in error
    assert [row["status"] for row in table(Path("all"))] == ["done", "done"]
    assert len(runs_of("all")) == 2


def test_more_epochs_go_on_where_fewer_ended(main: Main) -> None:
    words = [*QUICK, "skip_done=true", "schedule=constant"]
    assert main(app.train, *words, "output=one")[0] == 0
    code, out, _ = main(app.train, *words, "output=one", "trainer.max_epochs=2")
    assert (code, "finished before" in out) == (0, False)
    assert main(app.train, *words, "output=whole", "trainer.max_epochs=2")[0] == 0
    assert_same_training(Path("one"), Path("whole"))  # with metrics of two epochs


def test_a_start_from_weights_is_not_forgotten(main: Main) -> None:
    assert main(app.train, *QUICK, "output=one")[0] == 0
    still = ["optimizer.lr=1e-12", "optimizer.weight_decay=0", "schedule=constant"]
    words = [*QUICK, *still, "output=two", "skip_done=true", f"ckpt=one/{BEST}"]
    assert main(app.train, *words)[0] == 0
    first, second = (read_json(Path(run, METRICS))["test/confusion"] for run in ("one", "two"))
    assert first == second


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["threads=1,2"], "threads cannot be swept: jobs that differ in nothing else would share a folder"),
        (["seed=1,2", "output=x"], "output= is one folder, but each job of a sweep has its own"),
    ],
)
def test_jobs_that_would_share_a_folder_are_refused(words: list[str], line: str, main: Main) -> None:
    code, _, error = main(app.train, "-m", *QUICK, *words, "hydra.sweep.dir=all")
    assert (code, len(error.splitlines())) == (2, 1), error
    assert error.startswith(f"convstab: {line}"), error
    assert not Path("all").exists()


def test_a_job_after_another_gives_what_it_gives_alone(main: Main) -> None:
    assert main(app.train, "-m", *QUICK, "seed=3,4", "augment=noisy", "hydra.sweep.dir=both")[0] == 0
    assert main(app.train, *QUICK, "seed=4", "augment=noisy", "output=alone")[0] == 0
    assert_same_training(Path("both", read_jobs(Path("both"))[1].name), Path("alone"))


def test_the_folder_of_another_sweep_is_refused(main: Main) -> None:
    words = ["-m", *QUICK, "hydra.sweep.dir=all"]
    assert main(app.train, *words, "seed=0")[0] == 0
    before = {path: path.stat().st_mtime_ns for path in Path("all").rglob("*")}
    code, _, error = main(app.train, *words, "seed=0", "optimizer.lr=0.5")
    assert (code, len(error.splitlines())) == (2, 1), error
    assert "was made with another optimizer.lr: 0.01 there, 0.5 now; choose another hydra.sweep.dir=" in error
    assert {path: path.stat().st_mtime_ns for path in Path("all").rglob("*")} == before


def test_a_key_that_does_not_exist_stops_before_the_first_job(main: Main) -> None:
    code, _, error = main(app.train, "-m", *QUICK, "seed=0,1", "optimizer.speed=1,2", "hydra.sweep.dir=all")
    assert code == 2
    assert "optimizer.speed" in error
    assert "Traceback" not in error
    assert not list(Path("all").glob("*/*"))


@pytest.mark.slow
def test_a_sweep_of_trainings_is_an_ensemble_and_each_run_can_be_evaluated(main: Main) -> None:
    code, out, _ = main(app.train, *QUICK, "sweep=sigma", "augment.sigma=0,40")
    sweep = Path("runs/sweep/sigma_digits")
    assert (code, out.splitlines()[-1]) == (0, f"next: convstab-evaluate sweep=runs of={sweep}")
    few = ["logger=none", "images=20", "draws=2", "levels=[10,40]"]
    assert main(app.evaluate, f"run={sweep}", "output=both", *few)[0] == 0
    assert json.loads(Path("both/summary.json").read_text())["run"] == "sigma_digits"
    members = ",".join(runs_of(sweep))
    assert main(app.evaluate, f"run=[{members}]", "output=listed", *few)[0] == 0
    assert Path("both/stability.parquet").read_bytes() == Path("listed/stability.parquet").read_bytes()

    assert main(app.evaluate, "sweep=runs", f"of={sweep}", *few)[0] == 0
    rows = table(Path("runs/sweep/sigma_digits_evaluate"))
    assert [Path(row["run"]).name for row in rows] == [f"augment.sigma-{sigma}_{NAME}" for sigma in (0, 40)]
    with Path("runs/sweep/sigma_digits_evaluate/train_x_test.csv").open(encoding="utf-8") as file:
        cells = list(csv.DictReader(file))
    assert [(cell["augment.sigma"], cell["level"]) for cell in cells] == [
        (a, b) for a in ("0", "40") for b in ("0", "10", "40")
    ]
    for row in rows:
        rates = json.loads((Path(row["output"]) / "summary.json").read_text())["accuracy"]["value"]
        ours = [float(cell["accuracy"]) for cell in cells if f"augment.sigma-{cell['augment.sigma']}_" in row["job"]]
        assert ours == pytest.approx(rates, abs=1e-6)
    code, out, _ = main(app.evaluate, "sweep=runs", f"of={sweep}", *few)
    assert (code, out.count("finished before")) == (0, 2)
    follows = shlex.split(out.splitlines()[-1])
    assert follows == ["next:", "convstab-report", f"{sweep}_evaluate"]
    report.main(follows[2:])
    page = Path(f"{sweep}_evaluate/report.md").read_text(encoding="utf-8")
    assert all(f"augment.sigma-{sigma}" in page for sigma in (0, 40))


@pytest.mark.slow
def test_a_search_finds_the_best_validation_accuracy_and_goes_on(main: Main) -> None:
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper", reason="the extra is missing")
    words = ["sweep=optuna", *QUICK, "hydra.sweeper.n_trials=3"]
    assert main(app.train, *words)[0] == 0
    folder = Path("runs/sweep/optuna_digits_none")
    rows, found = table(folder), OmegaConf.load(folder / "optimization_results.yaml")
    best = max(rows, key=lambda row: float(row["val/accuracy"]))
    assert found.best_value == float(best["val/accuracy"])
    assert len({row["optimizer.lr"] for row in rows}) == 3
    assert all(0.002 <= float(row["optimizer.lr"]) <= 0.1 for row in rows)
    code, out, _ = main(app.train, *words)
    assert (code, out.count("finished before")) == (0, 3)


def test_shards_of_a_multirun_meet_in_one_folder(main: Main) -> None:
    assert main(app.train, *QUICK, "output=one")[0] == 0
    few = ["run=one", "logger=none", "images=20", "draws=2", "slice=4"]
    assert main(app.evaluate, *few, "output=whole")[0] == 0
    code, out, _ = main(app.evaluate, "-m", *few, "shard=1/3,2/3,3/3")
    assert (code, out.splitlines()[-1]) == (0, "next: convstab-attack run=one attack=ddn")
    (folder,) = Path("runs/evaluate").iterdir()
    for name in ("stability.parquet", "confusion.parquet", "histogram.npz", "table.csv"):
        assert (folder / name).read_bytes() == Path("whole", name).read_bytes()


def test_what_was_not_finished_is_shown_as_such(tmp_path: Path) -> None:
    for name, status in (("seed-10", "running"), ("seed-9", "done")):
        (tmp_path / name).mkdir()
        job = {"name": name, "overrides": [name.replace("-", "=")], "status": status, "output": str(tmp_path / name)}
        write_json(tmp_path / name / jobs.JOB, job)
    assert [(job.name, job.status) for job in read_jobs(tmp_path)] == [("seed-9", "done"), ("seed-10", "running")]
    with pytest.raises(InputError, match="holds no finished training"):
        runs_of(tmp_path)


def test_a_sweep_may_be_moved(main: Main) -> None:
    assert main(app.train, "-m", *QUICK, "seed=0,1", "hydra.sweep.dir=before")[0] == 0
    Path("before").rename("after")
    assert all(Path(run).is_dir() for run in runs_of("after"))


def test_a_folder_without_jobs_is_not_a_sweep(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not the folder of a sweep"):
        read_jobs(tmp_path)


@pytest.mark.parametrize("threads", ["0", "1.5", "many"])
def test_threads_are_a_whole_number(threads: str, main: Main) -> None:
    code, _, error = main(app.train, *QUICK, f"threads={threads}", "output=one")
    assert (code, error) == (2, f"convstab: threads is {threads}; it must be a whole number, at least 1, or null\n")


def test_the_network_has_so_many_threads(main: Main, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", used.append)
    assert main(app.train, *QUICK, "threads=7", "output=one")[0] == 0
    assert used == [7]


@pytest.mark.parametrize("name", [path.stem for path in sorted((ROOT / "conf/sweep").glob("*.yaml"))])
def test_every_sweep_composes_and_has_a_folder_with_a_name(name: str) -> None:
    command = "evaluate" if name == "runs" else "train"
    with initialize_config_module("convstab.conf", version_base="1.3"):
        config = compose(command, [f"sweep={name}"], return_hydra_config=True)
    assert config.hydra.mode.name == "MULTIRUN"
    assert config.skip_done
    text = OmegaConf.to_yaml(config.hydra.sweep, resolve=False)
    assert "now:" not in text
