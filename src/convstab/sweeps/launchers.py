"""The jobs of a sweep in processes that a launcher starts, and the plugins that are needed: conf/hydra/."""

import os
import re
from importlib import import_module
from typing import Any

import torch
from hydra.experimental.callback import Callback

from convstab.errors import InputError


class Launched(Callback):
    """Hydra's callback that looks after jobs in other processes."""

    def on_job_start(self, config: Any, **_: Any) -> None:  # noqa: ARG002
        """In the process of the job: use the cores that the launcher gave to it.

        Ray, loky and the file of Slurm say them in OMP_NUM_THREADS, but PyTorch may have been loaded before; submitit
        on one computer says none and starts all jobs at once.
        """
        one = "1" if "SUBMITIT_LOCAL_JOB_ID" in os.environ else None
        threads = os.environ.get("OMP_NUM_THREADS", one)
        if threads is not None:
            torch.set_num_threads(int(threads))


def need_plugin(target: str) -> None:
    """Raise InputError, which names the extra, when the class of a Hydra plugin is not there."""
    try:
        import_module(target.rpartition(".")[0])
    except ModuleNotFoundError as error:
        extra = re.sub(r".*\.hydra_(\w+?)_\w+\..*", r"\1", target)
        raise InputError(f"{target.rpartition('.')[2]} is not installed: pip install 'convstab[{extra}]'") from error


def enter_folder() -> None:
    """Work where the command was given: Ray's workers start in the folder of their node."""
    os.chdir(os.environ["CONVSTAB_FOLDER"])
