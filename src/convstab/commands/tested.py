"""What evaluate and attack are told to try: a run, several, or the finished ones of a sweep, and which images."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig

from convstab.runs.directory import find_run
from convstab.runs.run import Run, load_run
from convstab.sweeps.jobs import members_of


def subject_of(config: DictConfig, images: Any) -> Run:
    """Load what ``run`` names, with these images; see ``load_run``.

    ``run=latest`` becomes, in the configuration, the run that is the newest now: later there may be a newer one.
    """
    if config.run == "latest":
        config.run = str(find_run("latest", config.runs))
    run = config.run
    members = members_of(run) if isinstance(run, str) else list(run)
    name = Path(run).name if isinstance(run, str) and len(members) > 1 else ""
    images = list(images) if isinstance(images, ListConfig) else images
    return load_run(members, config.runs, config.rule, config.dataset.root, images, name)
