"""The table of levels: results.csv, its columns in Python, and how far probabilities can be trusted, as Markdown."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convstab.evaluation.cells import as_cell, estimate_cells, four_digits, in_percent, level_in_words
from convstab.evaluation.measures import Measures
from convstab.files.csv_text import csv_text
from convstab.statistics.intervals import Estimate, Floats

COVERAGE = 0.8  # the share of the draws whose accuracy the tables show
IN_WORDS = f"{100 * COVERAGE:.0f} %"


def level_columns(result: Measures) -> dict[str, NDArray[Any]]:
    """One value for each level, by the columns of results.csv but the model; NaN where there is nothing to count."""
    count = len(result.levels)
    return {
        "degradation": np.full(count, result.degradation.in_words),
        "quantity": np.full(count, result.protocol.quantity),
        "level": result.levels,
        "psnr": result.psnr,
        "ssim": result.ssim,
        **with_ends("top1", result.accuracy),
        "top1_draws": result.draws_error,
        "top5": top5_of(result),
        "balanced": result.balanced_accuracy.value,
        **with_ends("flip_rate", result.flip_rate),
        **with_ends("flip_probability", result.flip_probability),
        "ece": result.ece,
        **with_ends("brier", result.brier),
        "nll": result.nll,
        "aurc": result.aurc,
        "top1_at_80": result.accuracy_at(COVERAGE),
        "images": (result.by_image("draws") > 0).sum(0),
        "draws": result.by_image("draws").sum(0),
    }


def with_ends(name: str, estimate: Estimate) -> dict[str, Floats]:
    """An estimate as three columns."""
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def top5_of(result: Measures) -> Floats:
    """Top-5 accuracy under each level; NaN below ten classes."""
    top5 = result.top5
    return np.full(len(result.levels), np.nan) if top5 is None else top5.value


def results_csv(result: Measures, model: str) -> str:
    """One row for the model and each level, as timm's tables of results have one for each model; rates are shares."""
    columns = level_columns(result)
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return csv_text(["model", *columns], ([model, *map(as_cell, row)] for row in rows))


def confidence_markdown(result: Measures) -> str:
    """Flip probability, calibration, losses and selective risk under each level."""
    head = [result.protocol.quantity, "flip prob.", "95 %", *(["top-5"] if result.top5 else [])]
    head += ["ECE", "Brier", "NLL", "AURC", f"best {IN_WORDS}"]
    lines = [f"| {' | '.join(head)} |", "|" + "---:|" * len(head)]
    lines += [f"| {' | '.join(cells)} |" for cells in confidence_cells(result)]
    note = (
        "Flip probability: share of draws of all images whose decision is not that of the clean image. ECE, in 15 "
        "bins, is too high where draws are few. AURC: the error of the most confident n draws, averaged over n; best "
        f"{IN_WORDS}: accuracy of the {IN_WORDS} of the draws that are most confident."
    )
    return "\n".join([*lines, "", note, ""])


def confidence_cells(result: Measures) -> Iterator[list[str]]:
    """The cells of each level."""
    flips, top5, brier, nll = result.flip_probability, result.top5, result.brier.value, result.nll
    ece, aurc, selective = result.ece, result.aurc, result.accuracy_at(COVERAGE)
    for place, level in enumerate(result.levels):
        cells = [level_in_words(level), *estimate_cells(flips, place)]
        cells += [in_percent(top5.value[place])] if top5 else []
        cells += [four_digits(column[place]) for column in (ece, brier, nll, aurc)]
        yield [*cells, in_percent(selective[place])]
