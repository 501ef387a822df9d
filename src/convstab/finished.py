"""Finished results: which command has left one in a folder, by the files that it writes."""

from pathlib import Path

from convstab.attacks.result import MINIMUM_NOISE
from convstab.evaluation.result import STABILITY
from convstab.files import CONFIG, METRICS, SUMMARY

FINISHED = {  # job type -> what a finished result of it holds
    "train": (CONFIG, METRICS),
    "evaluate": (CONFIG, STABILITY, SUMMARY),
    "attack": (CONFIG, MINIMUM_NOISE, SUMMARY),
}


def job_type_of(folder: Path) -> str | None:
    """The command whose finished result a folder holds, or None."""
    return next((job for job, names in FINISHED.items() if all((folder / name).is_file() for name in names)), None)
