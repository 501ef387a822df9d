"""The results that requirements are held against: evaluations and attacks of one model, and their summaries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from convstab.attacks.result import MINIMUM_NOISE, AttackResult
from convstab.errors import InputError
from convstab.evaluation.result import StabilityResult
from convstab.files import SUMMARY, read_json

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
        if len({folder.resolve() for folder in folders}) < len(folders):
            raise InputError(f"{', '.join(map(str, folders))}: one of these folders is named twice")
        attacks = {folder: AttackResult.read(folder) for folder in folders if (folder / MINIMUM_NOISE).exists()}
        evaluations = {folder: StabilityResult.read(folder) for folder in folders if folder not in attacks}
        summaries = {folder: read_json(folder / SUMMARY) for folder in folders}
        check_one_model(summaries)
        return cls(evaluations, attacks, summaries)


def check_one_model(summaries: Mapping[Path, Mapping[str, Any]]) -> None:
    """Raise InputError when summaries are of different models: requirements are of one."""
    (first, told), *others = summaries.items()
    for folder, summary in others:
        for key in IDENTITY:
            if summary.get(key) != told.get(key):
                said = f"{first} is of {told.get('run')}, {folder} of {summary.get('run')}"
                raise InputError(f"{said}: their {key} differs; requirements are held against results of one model")
