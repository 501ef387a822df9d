"""What a job leaves for others and what it uses: trainings make models, evaluations and attacks use them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from convstab.files import BEST
from convstab.loggers.labels import runs_of
from convstab.loggers.tracker import Artifact, id_file
from convstab.runs.configuration import Config, load_config, value
from convstab.runs.directory import checksums, finished, metrics, numbers_of

KINDS = {"evaluate": "evaluation", "attack": "attack"}  # command -> what its artifact is called


def model_of(folder: Path, scores: Mapping[str, Any]) -> Artifact:
    """The best checkpoint of a training, with its numbers but those of single classes."""
    about = {name: number for name, number in numbers_of(scores).items() if name.count("/") < 2}
    return Artifact("model", folder, {Path(BEST).name: folder / BEST}, about, ("best",))


def result_of(folder: Path, command: str) -> Artifact:
    """The tables of an evaluation or attack, without the pixels of its images."""
    names = [name for name, _ in checksums(folder) if not name.endswith(".npz")]
    return Artifact(KINDS[command], folder, {name: folder / name for name in names})


def inputs(config: Config, tool: str) -> Iterator[Artifact]:
    """The artifacts that an evaluation or attack uses: its models, and the results that it is made or shown with.

    They are those that a tool has: what was never logged to it is left out.
    """
    for folder in runs_of(config):
        if id_file(folder, tool).is_file() and (folder / BEST).is_file() and logs_artifacts(folder, tool):
            yield model_of(folder, metrics(folder))
    results = [value(config, "images_of"), *(config.get("compare") or [])]
    for folder in (Path(name) for name in dict.fromkeys(results) if name):
        command = finished(folder)
        if command in KINDS and id_file(folder, tool).is_file() and logs_artifacts(folder, tool):
            yield result_of(folder, command)


def logs_artifacts(folder: Path, tool: str) -> bool:
    """Whether the configuration of a result lets a tool have its artifact."""
    return bool(value(load_config(folder), f"logger.{tool}.log_model", True))
