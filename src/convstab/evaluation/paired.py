"""Two models, or two trainings, on the same draws: the difference of their accuracies, which pairs know far better."""

from collections.abc import Mapping

import numpy as np

from convstab.errors import InputError
from convstab.evaluation.cells import as_cell, difference_cells, in_percent, level_in_words
from convstab.evaluation.measures import Measures
from convstab.files.csv_text import csv_text
from convstab.statistics import intervals, rates
from convstab.statistics.intervals import Estimate

PAIRED = "paired.csv"
SAME = {  # of two protocols: what makes their draws the same, and what is said where it is not
    "degradation": "another degradation",
    "by_psnr": "another kind of levels",
    "levels": "other levels",
    "draws_of": "another number of draws",
    "clip": "other clipping",
    "rounding": "other rounding",
}
COLUMNS = {  # of two results, likewise; pixels and noise show in the PSNR
    "index": "images",
    "label": "labels",
    "applied": "levels of the images",
    "identical": "pixels",
    "psnr_mean": "pixels",
}
CLOSE = 1e-3  # dB, by which machines may differ


def paired_difference(result: Measures, other: Measures) -> Estimate:
    """How much higher the accuracy of one model is than that of another on the same draws, under each level.

    Each image, or group of images, is its own control: what makes it hard is hard for both, and goes out. So the
    interval is narrower than those of the two accuracies.

    Args:
        result: of the first model, n images.
        other: of the second, which is taken off; of the same images under the same degradation, levels, draws and seed.

    Returns:
        values in [-1, 1], (levels,), with 95 % intervals over units (Newcombe 1998); NaN where no image was drawn.

    Raises:
        InputError: results that are not of the same draws, by their protocols, images and PSNR.
    """
    check_same_draws(result, other)
    changes = result.rates - other.rates
    return rates.where_drawn(changes, lambda drawn, rows: intervals.mean_change(drawn, result.units.part(rows)))


def check_same_draws(result: Measures, other: Measures) -> None:
    """Raise InputError, which says what differs, where two results are not of the same draws of the same images."""
    for name, words in SAME.items():
        if getattr(result.protocol, name) != getattr(other.protocol, name):
            raise InputError(f"they are not of the same draws: {words}")
    if result.degradation.random and result.protocol.seed != other.protocol.seed:
        raise InputError("they are not of the same draws: another seed")
    for column, words in COLUMNS.items():
        here, there = (one.rows.get(column, np.zeros(0)) for one in (result, other))
        if here.shape != there.shape or not np.allclose(here, there, rtol=0, atol=CLOSE, equal_nan=True):
            raise InputError(f"they are not of the same draws: other {words}")


def comparable(results: Mapping[str, Measures]) -> tuple[dict[str, Estimate], list[str]]:
    """The differences of the first result to each other one of the same draws, and a line for each that is not."""
    (name, first), *others = results.items()
    differences, remarks = {}, []
    for other, result in others:
        try:
            differences[other] = paired_difference(first, result)
        except InputError as error:
            remarks.append(f"{name} and {other} cannot be paired: {error}")
    return differences, remarks


def paired_cells(
    results: Mapping[str, Measures], differences: Mapping[str, Estimate]
) -> tuple[list[str], list[list[str]]]:
    """The accuracy of the first model, and how much higher it is than that of each other one: head and rows."""
    name, first = next(iter(results.items()))
    head = [first.protocol.quantity, name, *(word for other in differences for word in (f"- {other}", "95 %"))]
    rows = []
    for place, level in enumerate(first.levels):
        cells = [level_in_words(level), in_percent(first.accuracy.value[place])]
        rows.append(cells + [cell for found in differences.values() for cell in difference_cells(found, place)])
    return head, rows


def paired_markdown(results: Mapping[str, Measures], differences: Mapping[str, Estimate]) -> str:
    """The same as a table, with what its intervals are over."""
    head, rows = paired_cells(results, differences)
    lines = [f"| {' | '.join(head)} |", "|" + "---:|" * len(head), *(f"| {' | '.join(cells)} |" for cells in rows)]
    first = next(iter(results.values()))
    over = first.units.in_words(first.images)
    note = f"Differences of accuracy in points, on the same draws; 95 %: over {over}. One that holds 0 is inconclusive."
    return "\n".join([*lines, "", note, ""])


def paired_csv(results: Mapping[str, Measures], differences: Mapping[str, Estimate]) -> str:
    """One row for each other model and level: accuracy of both, the difference, and its interval; shares."""
    (name, first), rows = next(iter(results.items())), []
    for other, found in differences.items():
        columns = first.accuracy.value, results[other].accuracy.value, found.value, found.low, found.high
        for level, *numbers in zip(first.levels, *(column.tolist() for column in columns), strict=True):
            rows.append([name, other, f"{level:g}", *map(as_cell, numbers)])
    return csv_text(["model", "other", "level", "top1", "other_top1", "difference", "low", "high"], rows)
