"""From the tables of a folder to its figures: which there are of an evaluation and of an attack, and their files."""

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from omegaconf import ListConfig

from convstab.attacks.result import AttackResult
from convstab.errors import InputError
from convstab.evaluation.result import StabilityResult
from convstab.figures import attack, evaluation
from convstab.figures.convergence import convergence
from convstab.files import SUMMARY, write_bytes
from convstab.runs.directory import classes_of

Named = Iterator[tuple[str, Figure]]


def compared(folders: Any, read: Callable[[Path], object]) -> list[Path]:
    """What ``compare`` names; InputError, before the work begins, when it is no list or ``read`` refuses one."""
    if not isinstance(folders, ListConfig):
        raise InputError(f"compare is {folders}; it must be a list of folders, such as [runs/a]")
    paths = [Path(str(folder)) for folder in folders]
    for path in paths:
        read(path)
    return paths


def of_training(metrics: Mapping[str, Any]) -> Named:
    """The confusion of the test of a training."""
    confusion = np.array(metrics["test/confusion"])[None]
    clean = StabilityResult(
        classes_of(metrics), "predicted", {"sigma": np.zeros(1)}, confusion, np.empty(0, int)
    )  # no noise
    yield "confusion", evaluation.confusion(clean, 0)


def of_evaluation(folders: Sequence[Path], sigma: float) -> Named:
    """The figures of the evaluation in the first folder, and their names; the others join its curves.

    sigma: level of the confusion, in grey levels.
    """
    results = evaluations(folders)
    result = next(iter(results.values()))
    yield from of_evaluations(results)
    for number, page in enumerate(evaluation.scatter_pages(result)):
        yield f"scatter_{number}", page
    yield "confusion", evaluation.confusion(result, sigma)


def of_evaluations(results: Mapping[str, StabilityResult]) -> Named:
    """What compares evaluations."""
    yield "curves", evaluation.curves(results)


def of_attack(folders: Sequence[Path]) -> Named:
    """The figures of the attack in the first folder, and their names; the others join what compares."""
    results = attacks(folders)
    result = next(iter(results.values()))
    yield from of_attacks(results)
    if result.rows["success"].any():
        yield "samples", attack.samples(result)
    if result.history:
        yield "convergence", convergence(result)
    yield "by_class", attack.by_class(result)


def of_attacks(results: Mapping[str, AttackResult]) -> Named:
    """What compares the first attack with the others, if there are any."""
    yield "survival", attack.survival(results)
    if len(results) > 1:
        yield "against_reference", attack.against_reference(results)


def evaluations(folders: Sequence[Path]) -> dict[str, StabilityResult]:
    """The results in these folders by the names of their runs."""
    results = [StabilityResult.read(folder) for folder in folders]
    return dict(zip(unique_names(folders, [run_of(folder) for folder in folders]), results, strict=True))


def attacks(folders: Sequence[Path]) -> dict[str, AttackResult]:
    """The results in these folders by the names of their attacks."""
    results = [AttackResult.read(folder) for folder in folders]
    return dict(zip(unique_names(folders, [result.attack for result in results]), results, strict=True))


def unique_names(folders: Sequence[Path], names: Sequence[str]) -> Sequence[str]:
    """These names, or those of the folders, or their paths where names are the same; InputError for a folder twice."""
    for candidates in (names, [folder.resolve().name for folder in folders], list(map(str, folders))):
        if len(set(candidates)) == len(folders):
            return candidates
    raise InputError(f"{', '.join(map(str, folders))}: one of these folders is named twice")


def run_of(folder: Path) -> str:
    """The name of the run that was evaluated; InputError when the summary is missing or damaged."""
    try:
        return str(json.loads((folder / SUMMARY).read_text(encoding="utf-8"))["run"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder / SUMMARY} does not say which run was evaluated: {error}") from error


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG and as SVG, byte for byte the same for the same figure; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": "convstab"}):  # else the names inside an SVG are random
        for form, metadata in (("png", {}), ("svg", {"Date": None})):
            buffer = io.BytesIO()
            figure.savefig(buffer, format=form, dpi=150, metadata=metadata)
            write_bytes(path.with_name(f"{path.name}.{form}"), buffer.getvalue())
