"""What this process is among others."""

import os
import sys

HELPERS = "hydra.job.name=train_ddp_process_"  # how Lightning calls those that it starts


def is_first_process() -> bool:
    """Whether this process may write: the others of a distributed training were started with a rank above 0."""
    return all(os.environ.get(name, "0") == "0" for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID"))


def is_helper() -> bool:
    """Whether Lightning has started this process for a training of several, on behalf of the first one."""
    return any(word.startswith(HELPERS) for word in sys.argv)
