"""The table of levels: what results.csv, Python and Markdown say is what the result says."""

import csv
import io

import numpy as np
import pytest
import torch
from torch import nn

import convstab as cs
from convstab.evaluation import levels
from convstab.evaluation.result import StabilityResult


@pytest.fixture(scope="module")
def twelve() -> StabilityResult:
    """An evaluation of twelve classes."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 12)).eval()
    return cs.evaluate(model, cs.Images(torch.rand(40, 1, 8, 8), torch.arange(40) % 12), levels=[20, 60], draws=7)


def test_results_csv_has_a_row_for_each_level(twelve: StabilityResult) -> None:
    rows = list(csv.DictReader(io.StringIO(levels.results_csv(twelve, 'a "b", c'))))
    assert [(row["model"], row["degradation"], row["quantity"], row["level"]) for row in rows] == [
        ('a "b", c', "gaussian", "sigma", level) for level in ("0", "20", "60")
    ]
    for name, column in twelve.by_level().items():
        if column.dtype.kind in "if":
            assert [float(row[name]) for row in rows] == pytest.approx(column.tolist(), rel=1e-6)
    assert [int(row["draws"]) for row in rows] == [40, 280, 280]
    assert {row["images"] for row in rows} == {"40"}


def test_each_column_is_the_measure_of_its_name(twelve: StabilityResult) -> None:
    table, top5 = twelve.by_level(), twelve.top5
    assert top5 is not None
    expected = {
        "top1": twelve.accuracy.value,
        "top1_low": twelve.accuracy.low,
        "top1_high": twelve.accuracy.high,
        "top5": top5.value,
        "balanced": twelve.balanced_accuracy.value,
        "flip_rate": twelve.flip_rate.value,
        "flip_probability_high": twelve.flip_probability.high,
        "brier_low": twelve.brier.low,
        "nll": twelve.nll,
        "ece": twelve.ece,
        "aurc": twelve.aurc,
        "top1_at_80": twelve.accuracy_at(0.8),
        "psnr": twelve.psnr,
    }
    for name, values in expected.items():
        np.testing.assert_array_equal(table[name], values, err_msg=name)


def test_what_is_not_counted_leaves_a_cell_empty(result: StabilityResult) -> None:
    rows = list(csv.DictReader(io.StringIO(levels.results_csv(result, "m"))))
    assert [row["top5"] for row in rows] == [""] * 4
    assert result.by_level()["top5"].isna().all()
    assert "top-5" not in levels.confidence_markdown(result)


def test_the_markdown_shows_the_same_numbers(twelve: StabilityResult) -> None:
    head, _, *lines, _, note = levels.confidence_markdown(twelve).splitlines()
    names = [cell.strip() for cell in head.split("|")[1:-1]]
    assert names == ["sigma", "flip prob.", "95 %", "top-5", "ECE", "Brier", "NLL", "AURC", "best 80 %"]
    assert "flip" in note.lower()
    last = [cell.strip() for cell in lines[2].split("|")[1:-1]]
    flips, top5 = twelve.flip_probability, twelve.top5
    assert top5 is not None
    assert last[:4] == [
        "60",
        f"{flips.value[2]:.2%}".replace("%", " %"),
        f"{100 * flips.low[2]:.2f}-{100 * flips.high[2]:.2f}",
        f"{top5.value[2]:.2%}".replace("%", " %"),
    ]
    numbers = twelve.ece[2], twelve.brier.value[2], twelve.nll[2], twelve.aurc[2]
    assert last[4:8] == [f"{number:.4f}" for number in numbers]
    assert last[8] == f"{twelve.accuracy_at(0.8)[2]:.2%}".replace("%", " %")
    assert levels.confidence_markdown(twelve) in twelve.table()
