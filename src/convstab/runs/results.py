"""Finished results of one model that are looked at together: evaluations and attacks, and their summaries."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from convstab.attacks.result import MINIMUM_NOISE, AttackResult
from convstab.errors import InputError
from convstab.evaluation.result import STABILITY, StabilityResult
from convstab.files import SUMMARY, read_json
from convstab.runs import directory

IDENTITY = "run", "training", "model"  # keys of a summary that say which model it was


@dataclass(frozen=True)
class Results:
    """Finished results, by their folders; summaries: what summary.json says of each."""

    evaluations: Mapping[Path, StabilityResult]
    attacks: Mapping[Path, AttackResult]
    summaries: Mapping[Path, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, folders: Sequence[Path]) -> "Results":
        """Read folders; InputError when one is not whole, is named twice, or they are of different models."""
        attacked = [folder for folder in each_once(folders) if (folder / MINIMUM_NOISE).exists()]
        attacks = {folder: AttackResult.read(folder) for folder in attacked}
        evaluations = {folder: StabilityResult.read(folder) for folder in folders if folder not in attacks}
        summaries = {folder: read_json(folder / SUMMARY) for folder in folders}
        check_one_model(summaries)
        return cls(evaluations, attacks, summaries)


def each_once(folders: Sequence[Path]) -> Sequence[Path]:
    """These folders; InputError when one of them is named twice."""
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise InputError(f"{', '.join(map(str, folders))}: one of these folders is named twice")
    return folders


def check_finished(folders: Sequence[Path]) -> None:
    """Raise InputError unless each folder holds a finished evaluation or attack, as it was finished."""
    for folder in folders:
        if directory.finished(folder) not in ("evaluate", "attack"):
            raise InputError(f"{folder} does not hold a finished evaluation or attack")
        directory.check_files(folder)


def check_one_model(summaries: Mapping[Path, Mapping[str, Any]]) -> None:
    """Raise InputError when summaries are of different models."""
    (first, told), *others = summaries.items()
    for folder, summary in others:
        for key in IDENTITY:
            if summary.get(key) != told.get(key):
                said = f"{first} is of {told.get('run')}, {folder} of {summary.get('run')}"
                raise InputError(f"{said}: their {key} differs; give results of one model")


def fingerprint(folder: Path) -> str:
    """What tells the result of a finished evaluation or attack from any other: its rows, and the model they are of."""
    files, summary = read_json(folder / directory.FINISHED)["files"], read_json(folder / SUMMARY)
    rows = [files.get(name) for name in (STABILITY, MINIMUM_NOISE)]
    told = json.dumps([rows, [summary.get(key) for key in (*IDENTITY, "attack", "protocol")]], sort_keys=True)
    return sha256(told.encode()).hexdigest()
