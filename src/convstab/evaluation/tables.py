"""Tables of an evaluation: CSV, Markdown in the paper's layout, and the numbers of summary.json."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from convstab.evaluation.cells import NOT_DEFINED, estimate_cells, four_digits, in_percent, level_in_words
from convstab.evaluation.gate import Clean
from convstab.evaluation.levels import COVERAGE, confidence_markdown
from convstab.evaluation.result import StabilityResult
from convstab.files.csv_text import csv_text
from convstab.statistics import rates
from convstab.statistics.draws import PART
from convstab.statistics.intervals import Estimate, Floats
from convstab.units import Integers

ALL = "all"  # levels
MEANT = (  # by the columns of the table of rates
    "Balanced: mean recall of the classes. Flip rate: share of misclassified draws of the images that are correct when "
    "clean. PSNR, SSIM: likeness of a draw to the clean image, on average; inf and 1: the same."
)
PER_COLUMN = 15  # classes, as in the paper's Tables 4 and 6


def class_rows(result: StabilityResult) -> Iterator[tuple[str, str, float, float, int]]:
    """(level, class, precision, recall, draws) for all degraded draws, then for each level; NaN where not defined."""
    drawn = result.confusion[result.degraded].sum((0, 2)).tolist()
    for row, draws in zip(one_class_rows(ALL, result.classes, result.pooled_confusion), drawn, strict=True):
        yield *row[:4], draws
    for level, confusion in zip(result.levels, result.confusion, strict=True):
        yield from one_class_rows(f"{level:g}", result.classes, confusion)


def one_class_rows(
    level: str, classes: Sequence[str], confusion: Integers
) -> Iterator[tuple[str, str, float, float, int]]:
    """The rows of one confusion, (K, K)."""
    columns = rates.precision(confusion).tolist(), rates.recall(confusion).tolist(), confusion.sum(1).tolist()
    for name, precision, recall, draws in zip(classes, *columns, strict=True):
        yield level, name, precision, recall, draws


def as_csv(result: StabilityResult) -> str:
    """Precision and recall of every class over all levels (level "all") and under each."""
    rows = class_rows(result)
    cells = (
        [level, name, f"{precision:.6f}", f"{recall:.6f}", draws] for level, name, precision, recall, draws in rows
    )
    return csv_text(["level", "class", "precision", "recall", "draws"], cells)


def as_markdown(result: StabilityResult) -> str:
    """What each level has; then precision and recall over all levels as in the paper's Tables 2 to 6."""
    by_level = f"{title(result)}\n\n{rates_markdown(result)}\n{MEANT}\n\n{confidence_markdown(result)}"
    remarks = " ".join(filter(None, (over_levels(result), from_draws(result))))
    return f"{by_level}\n{classes_markdown(result)}\n{remarks}\n"


def title(result: StabilityResult) -> str:
    """What was done to the images, the unit of its level, and how many draws of how many images."""
    protocol = result.protocol
    named = "level" if protocol.quantity == "level" else protocol.quantity
    each = f"{protocol.draws_in_words} draw{'s' * (protocol.draws_in_words != '1')} of each"
    family = result.degradation.in_words.replace(result.degradation.name, result.degradation.title, 1)
    return f"{family}, {named} ({protocol.unit}); {each} of {result.images:,} images at each level"


def rates_markdown(result: StabilityResult) -> str:
    """Accuracy, balanced accuracy and flip rate under each level, with 95 % intervals."""
    by_psnr = result.protocol.by_psnr
    head = [result.protocol.quantity, "accuracy", "95 %", "balanced", "flip rate", "95 %", "PSNR (dB)", "SSIM"]
    head += [result.degradation.title, "images"] if by_psnr else []
    lines = [f"| {' | '.join(head)} |", "|" + "---:|" * len(head)]
    accuracy, balanced, flips = result.accuracy, result.balanced_accuracy, result.flip_rate
    for place, level in enumerate(result.levels):
        cells = [level_in_words(level), *estimate_cells(accuracy, place), in_percent(balanced.value[place])]
        cells += [*estimate_cells(flips, place), mean_psnr(result, place), four_digits(result.ssim[place])]
        cells += applied_cells(result, place) if by_psnr else []
        lines.append(f"| {' | '.join(cells)} |")
    notes = f"95 %: over {result.units.in_words(result.images)}."
    if result.units.unequal:
        notes += " Groups of unequal size count as fewer equal ones, which widens the intervals."
    if by_psnr:
        notes += f" {result.degradation.title}: the median level, in {result.degradation.unit}, that images needed."
    return "\n".join([*lines, "", notes, ""])


def from_draws(result: StabilityResult) -> str:
    """How far draws alone may move the accuracies, where it is known and they do."""
    errors = result.draws_error[result.degraded]
    if not np.nan_to_num(errors).any():
        return ""
    half = result.accuracy.half[result.degraded]
    worst, part = np.nanmax(errors), np.nanmax(errors / half)
    said = (
        f"draws alone may move an accuracy by {100 * worst:.2f} points, {100 * part:.0f} % of half its interval (95 %; "
        f"the worst level of each), where at most {100 * PART:.0f} % is wanted."
    )
    return f"{what_follows(float(part), result.draws_in_words)}: {said}"


def what_follows(part: float, draws: str) -> str:
    """Whether more draws are worth their time, by the rule of draws=auto; part: of half the interval, see ``PART``."""
    if math.isnan(part):
        return "Draws"
    if round(part, 2) <= PART:
        return f"{draws} of each are enough"
    return "More draws= would make it more certain, and draws=auto takes as many as it needs"


def applied_cells(result: StabilityResult, place: int) -> tuple[str, str]:
    """The median level that images needed for a PSNR, and how many of them can have it."""
    applied = result.applied[:, place]
    reached = applied[~np.isnan(applied)]
    if not len(reached):
        return NOT_DEFINED, "0"
    middle = float(np.quantile(reached, 0.5, method="nearest"))
    return (f"{middle:.3g}" if math.isfinite(middle) else level_in_words(middle)), f"{len(reached):,}"


def classes_markdown(result: StabilityResult) -> str:
    """Precision and recall of each class over all levels, side by side."""
    rows = list(one_class_rows(ALL, result.classes, result.pooled_confusion))
    blocks = [rows[start : start + PER_COLUMN] for start in range(0, len(rows), PER_COLUMN)]
    lines = ["|" + " class | precision | recall |" * len(blocks), "|" + "---|---:|---:|" * len(blocks)]
    for row in range(len(blocks[0])):
        cells = [class_cells(block[row]) if row < len(block) else "| | |" for block in blocks]
        lines.append("| " + " ".join(cells))
    return "\n".join([*lines, ""])


def over_levels(result: StabilityResult) -> str:
    """One line with the accuracies over all degraded draws."""
    confusion = result.pooled_confusion
    if not confusion.any():
        return "No level but the neutral one, no degraded draws."
    accuracy, balanced = np.trace(confusion) / confusion.sum(), np.nanmean(rates.recall(confusion))
    rated = f"accuracy {in_percent(float(accuracy))}, balanced accuracy {in_percent(float(balanced))}"
    return f"Over all levels: {rated}.{near_ties(result)}"


def beside_float32(result: StabilityResult, clean: Clean, forward: str | None) -> str:
    """What another precision than that of the gate does to the clean images; empty where it does nothing, or unknown.

    clean: how the same images are classified in float32. forward: the name of the forward pass of the result.
    """
    there, here = int(np.trace(clean.confusion)), int(result.by_image("correct")[:, 0].sum())
    same = not result.degraded[0] and clean.confusion.sum() == result.images
    if forward in (None, "float32") or not same or there == here:
        return ""
    images = f"{abs(here - there):,} image{'s' * (abs(here - there) > 1)} {'more' if here > there else 'fewer'}"
    verb = "are" if abs(here - there) > 1 else "is"
    return (
        f"Clean images: {in_percent(here / result.images)} here and {in_percent(clean.value)} in float32; "
        f"in {forward} {images} {verb} correct."
    )


def near_ties(result: StabilityResult) -> str:
    """A remark on draws that another machine may decide otherwise, if there are any."""
    ties, draws = int(result.rows["near_ties"].sum()), int(result.rows["draws"].sum())
    return f" Two classes are all but equal in {ties:,} of {draws:,} draws: a near tie." if ties else ""


def mean_psnr(result: StabilityResult, level: int) -> str:
    """Mean PSNR over the draws of a level that differ from the clean image."""
    psnr = float(result.psnr[level])
    return NOT_DEFINED if math.isnan(psnr) else f"{psnr:.2f}"


def class_cells(row: tuple[str, str, float, float, int]) -> str:
    """Name, precision and recall of a class."""
    return f"{row[1]} | {four_digits(row[2])} | {four_digits(row[3])} |"


def summary(result: StabilityResult) -> dict[str, Any]:
    """The numbers of an evaluation in plain values; lists are in the order of the levels."""
    confusion = result.pooled_confusion
    failures = np.bincount(rates.first_failure(result.rates), minlength=len(result.levels) + 1).tolist()
    attraction = np.nan_to_num(rates.attraction(confusion))
    strongest = np.argsort(-attraction, kind="stable")[:5]
    return {
        "levels": [shown_level(level) for level in result.levels.tolist()],
        "psnr": [None if math.isnan(psnr) else shown_level(psnr) for psnr in result.psnr.tolist()],
        "ssim": without_nan(result.ssim),
        "accuracy": plain(result.accuracy),
        "balanced_accuracy": plain(result.balanced_accuracy),
        "flip_rate": plain(result.flip_rate),
        "flip_probability": plain(result.flip_probability),
        "top5": None if result.top5 is None else plain(result.top5),
        "brier": plain(result.brier),
        "nll": without_nan(result.nll),
        "ece": without_nan(result.ece),
        "aurc": without_nan(result.aurc),
        "accuracy_at_80": without_nan(result.accuracy_at(COVERAGE)),
        "degraded/accuracy": float(np.trace(confusion) / max(confusion.sum(), 1)),
        "degraded/balanced_accuracy": float(np.nanmean(rates.recall(confusion))) if confusion.any() else None,
        "images": result.images,
        "intervals_over": result.units.in_words(result.images),
        "draws": int(result.rows["draws"].sum()),
        "near_ties": int(result.rows["near_ties"].sum()),
        "first_failure": dict(zip([*(f"{level:g}" for level in result.levels), "none"], failures, strict=True)),
        "attraction": {result.classes[label]: round(float(attraction[label]), 4) for label in strongest},
    }


def shown_level(level: float) -> float | str:
    """A level as JSON can hold it."""
    return level if math.isfinite(level) else str(level)


def plain(estimate: Estimate) -> dict[str, list[float | None]]:
    """An estimate as lists; None where there is nothing to count: JSON has no NaN."""
    columns = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return {name: without_nan(column) for name, column in columns.items()}


def without_nan(numbers: Floats) -> list[float | None]:
    """Numbers as JSON has them."""
    return [None if np.isnan(number) else float(number) for number in numbers]
