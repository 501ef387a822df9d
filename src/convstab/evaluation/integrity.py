"""Whether what was read can have been counted: columns, ranges, and sums that agree with each other."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convstab import units
from convstab.evaluation.confidence import BINS, LEAST_CLASSES, MARGIN_EDGES, MOST_MARGIN, MOST_NLL
from convstab.evaluation.exact import UNIT
from convstab.evaluation.measures import Measures
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.tally import PSNR_EDGES, SCORE_EDGES
from convstab.files.tables import Ranges, check_columns, check_ranges
from convstab.images import NAME
from convstab.units import Integers

COLUMNS = {  # of stability.parquet: kinds of their types, as NumPy names them
    **{"index": "i", "label": "i", "level": "f", "draws": "i", "correct": "i", "prediction": "i"},
    **{"score_mean": "f", "score_min": "f", "psnr_mean": "f", "identical": "i", "near_ties": "i"},
    **{"sample_draw": "i", "sample_prediction": "i", "sample_psnr": "f", "sample_score": "f"},
    **{"brier_mean": "f", "nll_mean": "f", "margin_mean": "f", "margin_sd": "f"},
}
OPTIONAL = {NAME: "OU", **units.COLUMNS, "ssim": "f"}
SLACK = 1e-6  # of a probability that was added up


def check(result: Measures) -> None:
    """Raise ValueError, which says what is wrong, unless all files of a result fit each other."""
    check_shapes(result)
    check_rows(result.rows, result.protocol, len(result.classes))
    check_totals(result)


def check_shapes(result: Measures) -> None:
    """The lengths of all that a result has."""
    classes, levels = len(result.classes), len(result.protocol.levels)
    bins = len(PSNR_EDGES) - 1, len(SCORE_EDGES) - 1
    shapes: dict[str, tuple[int, ...]] = {"confusion": (levels, classes, classes), "histogram": (classes, 2, *bins)}
    shapes |= {"calibration": (levels, BINS, 3), "margins": (levels, 2, len(MARGIN_EDGES) - 1)}
    for name, shape in shapes.items():
        array = result.totals[name]
        if array.shape != shape or array.dtype.kind not in "iu" or array.min(initial=0) < 0:
            raise ValueError(f"the {name} does not hold counts of the shape {shape}")
    check_columns(result.rows, columns_of(result.protocol, classes), OPTIONAL)
    lengths = {len(column) for column in result.rows.values()}
    if len(lengths) != 1 or 0 in lengths or lengths.pop() % levels:
        raise ValueError(f"the rows are not {levels} for each of some images")


def columns_of(protocol: Protocol, classes: int) -> dict[str, str]:
    """The columns that the rows must have: some are there of certain protocols, or of many classes, only."""
    found = COLUMNS | ({"applied": "f"} if protocol.by_psnr else {})
    found |= {} if protocol.degraded[0] else {"changed": "i"}
    return found | ({"top5": "i"} if classes >= LEAST_CLASSES else {})


def check_rows(rows: Mapping[str, NDArray[Any]], protocol: Protocol, classes: int) -> None:
    """The ranges of all columns, and their order: by image, then by level."""
    levels = len(protocol.levels)
    images = len(rows["index"]) // levels
    draws = np.tile(protocol.draws_of, images)
    draws = np.where(np.isnan(rows["applied"]), 0, draws) if "applied" in rows else draws
    ordered = {"level": np.tile(protocol.levels, images), "draws": draws}
    of_images = [name for name in ("index", "label", NAME, *units.COLUMNS) if name in rows]
    ordered |= {name: rows[name][::levels].repeat(levels) for name in of_images}
    for name, expected in ordered.items():
        if not np.array_equal(rows[name], expected):
            raise ValueError(f"the column {name} is not that of the protocol, image by image")
    if len(np.unique(rows["index"])) != images:
        raise ValueError("an image stands twice in the rows")
    ranges: Ranges = {
        **dict.fromkeys(("label", "prediction", "sample_prediction"), (0, classes - 1)),
        **dict.fromkeys(("correct", "identical", "near_ties"), (0, draws)),
        "changed": (0, np.where(np.tile(protocol.degraded, images), draws, 0)),
        "top5": (rows["correct"], draws),
        "brier_mean": (0, 2 + SLACK),
        "nll_mean": (0, MOST_NLL),
        "margin_mean": (-MOST_MARGIN, MOST_MARGIN),
        "margin_sd": (0, MOST_MARGIN),
        **dict.fromkeys(("score_mean", "score_min", "sample_score"), (-SLACK, 1 + SLACK)),
        **dict.fromkeys(("psnr_mean", "sample_psnr"), (-np.inf, np.inf)),
        "sample_draw": (0, np.tile(protocol.draws_of, images) - 1),
        **units.RANGES,
    }
    check_ranges(rows, ranges)
    if "ssim" in rows and not (np.isnan(rows["ssim"]) | (np.abs(rows["ssim"]) <= 1 + SLACK)).all():
        raise ValueError("the column ssim has values that cannot be")


def check_totals(result: Measures) -> None:
    """What the rows and the totals both say: how often each label was correct and misclassified under each level."""
    classes, levels = len(result.classes), len(result.protocol.levels)
    level, label = np.tile(np.arange(levels), result.images), result.rows["label"]
    correct, draws = (np.zeros((levels, classes), np.int64) for _ in range(2))
    np.add.at(correct, (level, label), result.rows["correct"])
    np.add.at(draws, (level, label), result.rows["draws"])
    if not np.array_equal(result.confusion.diagonal(axis1=1, axis2=2), correct):
        raise ValueError("rows and confusion count different numbers of correct draws")
    if not np.array_equal(result.confusion.sum(2), draws):
        raise ValueError("rows and confusion count different numbers of draws")
    for name, (draws_there, correct_there) in binned(result).items():
        if not np.array_equal(draws_there, draws.sum(1)) or not np.array_equal(correct_there, correct.sum(1)):
            raise ValueError(f"rows and {name} count different numbers of draws")
    outcomes = np.stack([result.weights @ (draws - correct), result.weights @ correct], axis=1)
    if not np.array_equal(result.histogram.sum((2, 3)), outcomes):
        raise ValueError("rows and histogram count different numbers of draws")


def binned(result: Measures) -> dict[str, tuple[Integers, Integers]]:
    """Draws and correct draws under each level, as the calibration and the margins have them.

    Raises ValueError for a calibration with more correct draws than draws, or with a confidence that cannot be.
    """
    draws, correct, confidence = np.moveaxis(result.totals["calibration"], 2, 0)
    least, most = (draws * (np.arange(BINS) + above) / BINS * UNIT for above in (0, 1))
    slack = draws * SLACK * UNIT
    if (correct > draws).any() or (confidence < least - slack).any() or (confidence > most + slack).any():
        raise ValueError("the calibration has values that cannot be")
    margins = result.totals["margins"].sum(2)
    return {"calibration": (draws.sum(1), correct.sum(1)), "margins": (margins.sum(1), margins[:, 1])}
