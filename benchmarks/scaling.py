"""How much faster two processes are than one: whole commands, start and figures included.

    python -m benchmarks.scaling --rounds 3

The same evaluation with one core, with all cores in one process, and with two jobs of one core each of joblib, submitit
and Ray; and the same training with two DDP processes as with one, with the same images in each step. The contestants
take turns for several rounds, because machines are shared: medians over the rounds, ratios within a round.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks import timing

ROOT = Path(__file__).parent.parent
SHARDS = ["shard=1/2,2/2", "-m"]
EVALUATIONS = {
    "1 process, 1 core": ["threads=1"],
    "1 process, all cores": [],
    "2 joblib jobs": ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2", *SHARDS],
    "2 submitit_local jobs": ["hydra/launcher=submitit_local", *SHARDS],
    "2 Ray workers": ["hydra/launcher=ray", "hydra.launcher.ray.init.num_cpus=2", *SHARDS],
}
TRAININGS = {
    "1 process, 1 core, batches of 64": ["threads=1", "dataset.batch_size=64"],
    "2 DDP processes, 1 core each, batches of 32": [
        "threads=1", "dataset.batch_size=32", "trainer.devices=2", "trainer.strategy=ddp",
    ],
}  # fmt: skip


def run_command(folder: Path, command: str, words: Sequence[str]) -> float:
    """Run a command in a folder, where its results have a folder of their own; commands a second."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    env = kept | {"RAY_USAGE_STATS_ENABLED": "0"}
    line = [sys.executable, str(ROOT / command), "logger=none", f"runs={Path(tempfile.mkdtemp(dir=folder)).name}"]
    start = time.perf_counter()
    subprocess.run([*line, *words], cwd=folder, env=env, stdout=subprocess.DEVNULL, check=True)
    return 1 / (time.perf_counter() - start)


def show(title: str, contestants: Mapping[str, Callable[[], float]], rounds: int) -> None:
    """Let contestants take turns and print a table, with the first one as 1."""
    rates, first = timing.race(contestants, rounds), next(iter(contestants))
    timing.print_head([title, "times as fast", "least - greatest"])
    for name in contestants:
        ratios = rates.ratios(name, first)
        timing.print_row([name, rates.ratio(name, first), f"{min(ratios):.2f} - {max(ratios):.2f}"])
    print()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--draws", type=int, default=100, help="of each image and sigma")
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        run = partial(run_command, Path(name))
        run("train.py", ["trainer.max_epochs=1", "output=run"])
        work = ["run=run", "levels=[10,20,40]", f"draws={options.draws}", "slice=16"]
        evaluations = {who: partial(run, "evaluate.py", [*work, *words]) for who, words in EVALUATIONS.items()}
        show("evaluation", evaluations, options.rounds)
        work = [f"trainer.max_epochs={options.epochs}", "trainer.accelerator=cpu"]
        trainings = {who: partial(run, "train.py", [*work, *words]) for who, words in TRAININGS.items()}
        show("training", trainings, options.rounds)


if __name__ == "__main__":
    main()
