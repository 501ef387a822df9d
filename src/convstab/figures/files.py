"""From the tables of a folder to its figures: which there are of an evaluation and of an attack, and their files."""

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from convstab.attacks.result import AttackResult
from convstab.errors import InputError
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.result import StabilityResult
from convstab.figures import attack, evaluation
from convstab.figures.calibration import calibration
from convstab.figures.convergence import convergence
from convstab.figures.rates import curves
from convstab.files import SUMMARY, read_json, write_bytes
from convstab.runs.directory import classes_of

Named = Iterator[tuple[str, Figure]]
FORMS: dict[str, dict[str, Any]] = {"png": {}, "svg": {"Date": None}}  # of each figure, and what a file says


def of_training(metrics: Mapping[str, Any]) -> Named:
    """The confusion of the test of a training."""
    confusion = np.array(metrics["test/confusion"])[None]
    clean = StabilityResult(classes_of(metrics), Protocol((0.0,)), {}, {"confusion": confusion})  # no noise
    yield "confusion", evaluation.confusion(clean, 0)


def of_evaluation(results: Mapping[str, StabilityResult], level: float | None) -> Named:
    """The figures of the first evaluation, and their names; the others join its curves and calibration errors.

    level: of the confusion; None: the worst.
    """
    result = next(iter(results.values()))
    yield from of_evaluations(results)
    yield "confusion", evaluation.confusion(result, level)
    if not result.scored:
        return
    for number, page in enumerate(evaluation.scatter_pages(result)):
        yield f"scatter_{number}", page
    yield "calibration", calibration({name: one for name, one in results.items() if one.scored})


def of_evaluations(results: Mapping[str, StabilityResult]) -> Named:
    """What compares evaluations."""
    yield "curves", curves(results)


def of_attack(results: Mapping[str, AttackResult]) -> Named:
    """The figures of the first attack, and their names; the others join what compares."""
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


def named_evaluations(results: Mapping[Path, StabilityResult]) -> dict[str, StabilityResult]:
    """Results by the names of their runs, which their folders say, or of their degradations where the runs are one."""
    runs, families = list(map(run_of, results)), [result.degradation.in_words for result in results.values()]
    names = families if len(set(runs)) < len(runs) else runs
    return dict(zip(unique_names(list(results), names), results.values(), strict=True))


def named_attacks(results: Mapping[Path, AttackResult]) -> dict[str, AttackResult]:
    """Results by the names of their attacks."""
    names = [result.attack for result in results.values()]
    return dict(zip(unique_names(list(results), names), results.values(), strict=True))


def unique_names(folders: Sequence[Path], names: Sequence[str]) -> Sequence[str]:
    """These names, or those of the folders, or their paths where names are the same."""
    candidates = names, [folder.resolve().name for folder in folders], list(map(str, folders))
    return next(chosen for chosen in candidates if len(set(chosen)) == len(set(folders)))


def run_of(folder: Path) -> str:
    """The name of the run that was evaluated; InputError when the summary is missing or damaged."""
    try:
        return str(read_json(folder / SUMMARY)["run"])
    except (FileNotFoundError, KeyError) as error:
        raise InputError(f"{folder / SUMMARY} does not say which run was evaluated: {error}") from error


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG and as SVG, byte for byte the same for the same figure; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": "convstab"}):  # else the names inside an SVG are random
        for form, metadata in FORMS.items():
            buffer = io.BytesIO()
            figure.savefig(buffer, format=form, dpi=150, metadata=metadata)
            figure.set_layout_engine("none")  # laid out once is enough: half of the time
            write_bytes(path.with_name(f"{path.name}.{form}"), buffer.getvalue())
