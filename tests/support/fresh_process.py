"""Commands in processes of their own, as a user starts them."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TRAIN = [sys.executable, str(ROOT / "train.py")]


def environment(home: Path) -> dict[str, str]:
    """This process's, without a key for W&B and without a network."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WANDB_", "CONVSTAB_"))}
    return kept | {"HOME": str(home), "HTTPS_PROXY": "http://127.0.0.1:9", "COLUMNS": "100"}
