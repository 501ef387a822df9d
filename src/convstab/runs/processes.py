"""What this process is among others."""

import os


def is_first_process() -> bool:
    """Whether this process may write: the others of a distributed training were started with a rank above 0."""
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID"))
