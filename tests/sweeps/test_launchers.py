"""Sweeps in other processes: the same bytes as one process, also after a worker was lost."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from convstab.commands import app
from convstab.errors import InputError
from convstab.sweeps import launchers
from tests.support.fresh_process import environment

ROOT = Path(__file__).parents[2]
EVALUATE = [sys.executable, str(ROOT / "evaluate.py"), "run=run", "logger=none", "images=200", "slice=10"]
LEVELS = ["levels=[20]", "draws=60"]  # 20 slices, each a tenth of a second or more
SHARDS = "shard=1/2,2/2"
WORKERS = {  # words in the command line of the process that does the work, and options of the test
    "joblib": ("popen_loky_posix", ["hydra.launcher.n_jobs=2"]),
    "submitit_local": ("submitit.core._submit", []),
    "ray": ("ray::_run_job", ["hydra.launcher.ray.init.num_cpus=2", "hydra.launcher.ray.remote.max_retries=0"]),
}
Evaluated = tuple[Path, dict[str, bytes]]
# one of them is enough by -m slow: which process it is that Hydra starts does not matter to the parts of a result
ONE = pytest.mark.parametrize(
    "launcher",
    [pytest.param(name, marks=pytest.mark.slow if name == "joblib" else pytest.mark.endurance) for name in WORKERS],
)


def options(launcher: str) -> list[str]:
    """Of a command that uses this launcher, or skip the test."""
    pytest.importorskip(f"hydra_plugins.hydra_{launcher.partition('_')[0]}_launcher", reason="the extra is missing")
    return [f"hydra/launcher={launcher}", *WORKERS[launcher][1]]


def variables(cwd: Path) -> dict[str, str]:
    """As of a computer on which nobody has said how many threads there are to be."""
    kept = {name: value for name, value in environment(cwd).items() if not name.endswith("_NUM_THREADS")}
    return kept | {"RAY_USAGE_STATS_ENABLED": "0"}


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """A folder with a training, and the bytes of its evaluation in one process."""
    cwd = tmp_path_factory.mktemp("launchers")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        patch.setattr(
            sys, "argv", ["train.py", "logger=none", "dataset.images=400", "trainer.max_epochs=2", "output=run"]
        )
        app.train()
        patch.setattr(sys, "argv", [*EVALUATE[1:], *LEVELS, "runs=one"])
        app.evaluate()
    return cwd, content(cwd / "one")


def content(runs: Path) -> dict[str, bytes]:
    """Parts, tables and counts of the one evaluation below a folder; not what depends on the time."""
    (folder,) = (runs / "evaluate").iterdir()
    files = [path for path in folder.rglob("*") if path.suffix in (".parquet", ".npz", ".csv", ".md")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def parts(runs: Path) -> int:
    """The number of slices that are done."""
    return len(list(runs.glob("evaluate/*/parts/part-*.parquet")))


def descendants(process: int) -> list[int]:
    """The processes that a process has started, and those that they have."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has just ended
    found = [process]
    for parent in found:
        found += [child for child, its in parents.items() if its == parent]
    return found[1:]


def command_line(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def run(cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Evaluate as a user does."""
    return subprocess.run(
        [*EVALUATE, *words, "-m"], cwd=cwd, env=variables(cwd), capture_output=True, text=True, timeout=120, check=False
    )


@ONE
def test_shards_give_the_bytes_of_one_process(launcher: str, evaluated: Evaluated) -> None:
    cwd, expected = evaluated
    done = run(cwd, *options(launcher), *LEVELS, SHARDS, f"runs=whole_{launcher}")
    assert done.returncode == 0, done.stderr
    assert "ConfigStore" not in done.stderr
    assert "2 of 2 jobs are done" in done.stdout
    assert len(expected) == 20 + 7  # parts; three tables, two of Parquet, the histogram, the examples
    assert content(cwd / f"whole_{launcher}") == expected


@pytest.mark.skipif(not Path("/proc").exists(), reason="there is no /proc to find the workers in")
@ONE
def test_what_a_lost_worker_left_is_completed(launcher: str, evaluated: Evaluated) -> None:
    cwd, expected = evaluated
    runs = cwd / f"killed_{launcher}"
    words = [*EVALUATE, *options(launcher), *LEVELS, SHARDS, f"runs={runs.name}", "-m"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(words, cwd=cwd, env=variables(cwd), **quiet) as process:  # type: ignore[call-overload]
        while process.poll() is None and not parts(runs):
            time.sleep(0.01)
        workers = [pid for pid in descendants(process.pid) if WORKERS[launcher][0] in command_line(pid)]
        os.kill(workers[0], signal.SIGKILL)
    assert process.returncode not in (0, 2)
    assert 0 < parts(runs) < 20
    done = run(cwd, *words[len(EVALUATE) : -1])
    assert done.returncode == 0, done.stderr
    assert content(runs) == expected


APP = """
import os
import hydra
import torch
from omegaconf import DictConfig

@hydra.main(version_base="1.3", config_path="pkg://convstab.conf", config_name="train")
def main(config: DictConfig) -> None:
    with open(f"threads_{config.seed}", "w") as file:
        file.write(str(torch.get_num_threads()))

main()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("launcher", "words", "threads"),
    [
        (
            "joblib",
            ["hydra.launcher.n_jobs=1"],
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
        ),
        ("joblib", [f"hydra.launcher.n_jobs={os.cpu_count()}"], 1),
        ("submitit_local", [], 1),
        ("ray", ["hydra.launcher.ray.remote.num_cpus=2"], 2),
    ],
)
def test_a_job_uses_the_cores_that_its_launcher_gave_it(
    launcher: str, words: list[str], threads: int, tmp_path: Path
) -> None:
    app = tmp_path / "app.py"
    app.write_text(APP)
    words = [sys.executable, str(app), *options(launcher), *words, "seed=1", "-m"]
    done = subprocess.run(words, cwd=tmp_path, env=variables(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "threads_1").read_text() == str(threads)


def test_a_launcher_whose_extra_is_missing_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> None:
        if name.startswith("hydra_plugins"):
            raise ModuleNotFoundError(name)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launchers, "import_module", missing)
    choices = {"joblib": "joblib", "submitit_local": "submitit", "submitit_slurm": "submitit", "ray": "ray"}
    words = {f"hydra/launcher={name}": extra for name, extra in choices.items()} | {"sweep=optuna": "optuna"}
    for choice, extra in words.items():
        monkeypatch.setattr(sys, "argv", ["train.py", "-m", choice, "seed=1,2"])
        with pytest.raises(SystemExit, match="2"):
            app.train()
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("convstab: ")
        assert line.endswith(f"is not installed: pip install 'convstab[{extra}]'")
    assert not list(tmp_path.iterdir())


def test_a_plugin_that_is_there_is_found() -> None:
    launchers.need_plugin("hydra._internal.core_plugins.basic_launcher.BasicLauncher")
    with pytest.raises(InputError, match=r"MoonLauncher is not installed: pip install 'convstab\[moon\]'"):
        launchers.need_plugin("hydra_plugins.hydra_moon_launcher.moon_launcher.MoonLauncher")


SBATCH = """#!/bin/bash
file=${!#}
export SLURM_ARRAY_JOB_ID=7 SLURM_JOB_NUM_NODES=1 SLURM_JOB_NODELIST=here SLURM_NTASKS=1 SLURM_CPUS_PER_TASK=3
export SLURM_PROCID=0 SLURM_LOCALID=0 SLURM_NODEID=0 SLURM_NTASKS_PER_NODE=1
for task in $(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\)%.*/\\1/p' "$file" | xargs seq 0); do
    SLURM_JOB_ID=7_$task SLURM_ARRAY_TASK_ID=$task bash "$file" > "$file.$task.log" 2>&1 &
done
cp "$file" submitted.sh
echo Submitted batch job 7
"""
SRUN = """#!/bin/bash
while [ "$1" != "$PYTHON" ]; do shift; done
exec "$@"
"""


@pytest.mark.slow
def test_the_file_for_slurm_asks_for_what_a_job_gets(tmp_path: Path) -> None:
    """With stand-ins for Slurm's commands, which run the submitted file here."""
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason="the extra is missing")
    (tmp_path / "app.py").write_text(APP)
    for name, text in {"sbatch": SBATCH, "srun": SRUN, "sacct": "#!/bin/sh\n"}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    words = [sys.executable, str(tmp_path / "app.py"), "hydra/launcher=submitit_slurm", "seed=1,2", "-m"]
    env = variables(tmp_path) | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHON": sys.executable}
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert [(tmp_path / f"threads_{seed}").read_text() for seed in (1, 2)] == ["3", "3"]
    submitted = (tmp_path / "submitted.sh").read_text()
    for asked in ("--cpus-per-task=4", "--mem=8GB", "--time=240", "--array=0-1%"):
        assert f"#SBATCH {asked}" in submitted
