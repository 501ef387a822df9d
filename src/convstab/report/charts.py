"""What the charts of a report show, as compact plain values for the scripts of the page."""

from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convstab.evaluation.cells import shortened
from convstab.evaluation.result import StabilityResult
from convstab.evaluation.tally import PSNR_EDGES, SCORE_EDGES
from convstab.figures.levels import LevelAxis, named_level
from convstab.images import NAME
from convstab.report.content import Number, ScoreTable
from convstab.report.results import Attacked, Evaluation
from convstab.statistics.intervals import Estimate
from convstab.statistics.rates import accuracy
from convstab.units import Integers

LONGEST = 30  # characters of a class name at an axis
SAMPLE = ("label", "sample_prediction", "sample_psnr", "sample_score")
Plain = dict[str, Any]


def rates(results: Mapping[str, StabilityResult]) -> Plain:
    """Accuracy and flip rate of each evaluation under each level, with their intervals."""
    levels = LevelAxis(results.values())
    lines = [
        {"name": name, "x": finite(levels.positions(result), 12), "levels": names_of(result)}
        | {"accuracy": estimate(result.accuracy), "flips": estimate(result.flip_rate)}
        for name, result in results.items()
    ]
    return {"lines": lines, "axis": axis_of(levels)}


def axis_of(levels: LevelAxis) -> Plain:
    """What an axis of levels says."""
    return {"label": levels.label, "ticks": levels.ticks, "reversed": levels.psnr}


def names_of(result: StabilityResult) -> list[str]:
    """The levels of a result, as a reader takes them."""
    return [named_level(result, place) for place in range(len(result.levels))]


def scatter(evaluation: Evaluation, rows: Integers) -> Plain:
    """Density, recall and points of an evaluation, class by class.

    rows: those of the examples whose pictures the page has.
    """
    result = evaluation.result
    levels = LevelAxis([result])
    return {
        "classes": list(result.classes),
        "levels": list(compress(names_of(result), result.degraded)),
        "unit": result.protocol.unit,
        "axis": axis_of(levels),
        "x": finite(levels.positions(result)[result.degraded], 12),
        "score": result.protocol.score,
        "psnr": {"first": float(PSNR_EDGES[0]), "step": step(PSNR_EDGES), "bins": len(PSNR_EDGES) - 1},
        "scores": {"first": float(SCORE_EDGES[0]), "step": step(SCORE_EDGES), "bins": len(SCORE_EDGES) - 1},
        "density": [[sparse(counts) for counts in of_class] for of_class in result.histogram],
        "recall": [recall(result, label) for label in range(len(result.classes))],
        "spans": [spans(result, label) for label in range(len(result.classes))],
        "points": points(evaluation, rows),
    }


def spans(result: StabilityResult, label: int) -> list[list[float] | None]:
    """Least and greatest PSNR of one draw of each image of a class, in dB, under each level above 0."""
    psnr = result.by_image("sample_psnr")[result.labels == label][:, result.degraded]
    known = [column[np.isfinite(column)] for column in psnr.T]
    return [[round(float(column.min()), 2), round(float(column.max()), 2)] if len(column) else None for column in known]


def step(edges: NDArray[Any]) -> float:
    """The width of a bin."""
    return float(edges[1] - edges[0])


def sparse(counts: NDArray[Any]) -> list[list[int]]:
    """The bins that are not empty, each as its distance from the one before, and what is in them."""
    bins = np.flatnonzero(counts)
    return [np.diff(bins, prepend=0).tolist(), counts.ravel()[bins].tolist()]


def recall(result: StabilityResult, label: int) -> Plain:
    """Recall of a class under each level, the clean image first where it was classified, with its interval."""
    of_class = result.labels == label
    x = finite(LevelAxis([result]).positions(result), 12)
    return {"x": x, "levels": names_of(result)} | estimate(
        accuracy(result.rates[of_class], result.units.part(of_class))
    )


def points(evaluation: Evaluation, rows: Integers) -> Plain:
    """The draws whose pictures the page has, ordered by image, then level.

    image: row of the mosaic; which: it is, in words, see ``which_images``; level: column, 1 for the mildest level. PSNR
    None: the same as the clean image.
    """
    result, examples = evaluation.result, evaluation.examples
    if examples is None:
        return {name: [] for name in ("image", "which", "level", "label", "predicted", "psnr", "score")}
    places = {int(index): row for row, index in enumerate(result.by_image("index")[:, 0])}
    at = np.array([places[int(index)] for index in examples.index[rows]], np.int64)
    levels = np.flatnonzero(result.degraded)
    kept = {name: result.by_image(name)[np.ix_(at, levels)].ravel() for name in (*SAMPLE, "draws")}
    drawn = kept["draws"] > 0  # where levels are PSNR, not every image can have each
    return {
        "image": np.arange(len(rows)).repeat(len(levels))[drawn].tolist(),
        "which": np.array(which_images(result.rows, at * len(result.levels))).repeat(len(levels))[drawn].tolist(),
        "level": np.tile(np.arange(len(levels)) + 1, len(rows))[drawn].tolist(),
        "label": kept["label"][drawn].tolist(),
        "predicted": kept["sample_prediction"][drawn].tolist(),
        "psnr": finite(kept["sample_psnr"][drawn], 2),
        "score": finite(kept["sample_score"][drawn], 4),
    }


def which_images(table: Mapping[str, NDArray[Any]], rows: Integers) -> list[str]:
    """The images of rows of a table: their paths, else their ids, as text: hashes are longer than JSON's numbers."""
    if NAME in table:
        return [str(name) for name in table[NAME][rows]]
    return [f"id {one}" for one in table["index"][rows]]


def attack(attacked: Attacked, rows: Integers, scales: NDArray[Any]) -> Plain:
    """The share of the attacked images that withstand noise, and the images whose pictures the page has.

    rows: those of the images in the mosaic. scales: what their noise was multiplied with to be seen. The norms and
    PSNRs of the points are rounded as those of all images are, so that a point finds itself among them.
    """
    result = attacked.result
    tried = result.rows["attacked"]
    found = tried & result.rows["success"]
    names = ("label", "predicted", "l2", "psnr", "clean_score", "score")
    return {
        "classes": list(result.classes),
        "attacked": int(tried.sum()),
        "l2": finite(np.sort(result.rows["l2"][found]), 5),
        "psnr": finite(np.sort(result.rows["psnr"][found])[::-1], 5),
        "points": {name: finite(result.rows[name][rows], 5) for name in names}
        | {"which": which_images(result.rows, rows), "scale": finite(scales, 1)},
    }


def differences(scores: ScoreTable) -> Plain:
    """Ours minus the paper's recall and precision of each class, in percentage points."""
    return {
        "classes": [row.name for row in scores.rows],
        "short": [shortened(row.name, LONGEST) for row in scores.rows],
        "recall": apart([row.recall for row in scores.rows]),
        "precision": apart([row.precision for row in scores.rows]),
    }


def apart(numbers: Sequence[Number]) -> Plain:
    """How far numbers are from the paper's, and the ends of their intervals, in percentage points."""
    return {
        "value": [percentage_points(number.difference) for number in numbers],
        "low": [percentage_points(number.difference_ends[0]) for number in numbers],
        "high": [percentage_points(number.difference_ends[1]) for number in numbers],
    }


def percentage_points(difference: float | None) -> float | None:
    """A difference of shares in hundredths, to four digits after the point."""
    return None if difference is None or not np.isfinite(difference) else round(100 * difference, 4)


def estimate(values: Estimate) -> Plain:
    """Rates and their intervals."""
    return {name: finite(getattr(values, name), 5) for name in ("value", "low", "high")}


def finite(values: NDArray[Any], digits: int) -> list[float | int | None]:
    """Numbers with so many digits after the point; None for those that JSON has no word for."""
    if values.dtype.kind in "iu":
        return [int(value) for value in values]
    return [round(float(value), digits) if np.isfinite(value) else None for value in values]
