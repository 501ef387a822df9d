"""How much faster two processes are than one: whole commands, start and figures included.

    python benchmarks/scaling.py --rounds 3

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
from collections.abc import Sequence
from pathlib import Path
from statistics import median

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
CONTESTANTS = {"evaluate.py": EVALUATIONS, "train.py": TRAININGS}


def seconds(folder: Path, command: str, words: Sequence[str]) -> float:
    """The time that a command takes in a folder."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    env = kept | {"RAY_USAGE_STATS_ENABLED": "0"}
    start = time.monotonic()
    line = [sys.executable, str(ROOT / command), "logger=none", *words]
    subprocess.run(line, cwd=folder, env=env, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - start


def race(folder: Path, command: str, shared: Sequence[str], rounds: int) -> list[dict[str, float]]:
    """The seconds of each contestant of a command, for each round, all with results of their own."""
    return [
        {
            who: seconds(folder, command, [*shared, f"runs={number}_{place}", *words])
            for place, (who, words) in enumerate(CONTESTANTS[command].items())
        }
        for number in range(rounds)
    ]


def show(title: str, rounds: list[dict[str, float]]) -> None:
    """Print a table, with the first contestant as 1."""
    first = next(iter(rounds[0]))
    print(f"| {title} | times as fast | least - greatest |\n|---|---:|---:|")
    for who in rounds[0]:
        ratios = [times[first] / times[who] for times in rounds]
        print(f"| {who} | {median(ratios):.2f} | {min(ratios):.2f} - {max(ratios):.2f} |", flush=True)
    print()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--draws", type=int, default=100, help="of each image and sigma")
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds(folder, "train.py", ["trainer.max_epochs=1", "output=run"])
        work = ["run=run", "sigmas=[10,20,40]", f"draws={options.draws}", "slice=16"]
        show("evaluation", race(folder, "evaluate.py", work, options.rounds))
        long = [f"trainer.max_epochs={options.epochs}", "trainer.accelerator=cpu"]
        show("training", race(folder, "train.py", long, options.rounds))


if __name__ == "__main__":
    main()
