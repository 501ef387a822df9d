"""Finished results: which command has left one in a folder, by the files that it writes."""

from pathlib import Path

from convstab.attack_results import MINIMUM_NOISE
from convstab.files import CONFIG, METRICS, SUMMARY
from convstab.results import STABILITY

FINISHED = {  # job type -> what a finished result of it holds
    "train": (CONFIG, METRICS),
    "evaluate": (CONFIG, STABILITY, SUMMARY),
    "attack": (CONFIG, MINIMUM_NOISE, SUMMARY),
}


def job_type_of(folder: Path) -> str | None:
    """The command whose finished result a folder holds, or None."""
    return next((job for job, names in FINISHED.items() if all((folder / name).is_file() for name in names)), None)
