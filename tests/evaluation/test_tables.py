"""Tables: against scikit-learn and hand-made counts; what a reader sees and what JSON can hold."""

import csv
import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, precision_recall_fscore_support

import convstab as cs
from convstab.degradations.by_name import degradation
from convstab.evaluation import tables
from convstab.evaluation.gate import Clean
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.result import StabilityResult
from convstab.statistics.intervals import Estimate
from tests.support.made_up_counts import columns_of, totals_of


def counted(confusion: Any, sigmas: tuple[float, ...], classes: list[str]) -> StabilityResult:
    """A result with one image for each class, and these counts of its draws, (sigmas, label, predicted)."""
    confusion = np.array(confusion)
    levels, count, _ = confusion.shape
    correct = confusion.diagonal(axis1=1, axis2=2).T  # (images, sigmas)
    draws = confusion.sum(2).T
    rows = {
        "label": np.arange(count).repeat(levels),
        "level": np.tile(np.array(sigmas), count),
        "draws": draws.ravel(),
        "near_ties": np.zeros(draws.size, int),
        "correct": correct.ravel(),
        "identical": np.where(np.tile(np.array(sigmas), count) == 0, draws.ravel(), 0),
        "psnr_mean": np.where(np.tile(np.array(sigmas), count) == 0, np.inf, 40.0),
        **columns_of(correct.ravel(), draws.ravel()),
    }
    return StabilityResult(classes, Protocol(sigmas), rows, totals_of(confusion))


@pytest.fixture
def small() -> StabilityResult:
    """Two classes, clean and at sigma 20: of "a", 3 of 4 noisy draws are correct; of "b", 1 of 4."""
    return counted([[[1, 0], [0, 1]], [[3, 1], [3, 1]]], (0, 20), ["a", "b"])


def draws_of(confusion: Any) -> tuple[list[int], list[int]]:
    """Labels and predictions, one entry per draw."""
    labels, predictions = np.indices(confusion.shape).reshape(2, -1).repeat(confusion.ravel(), axis=1)
    return labels.tolist(), predictions.tolist()


def test_precision_and_recall_are_those_of_scikit_learn(result: StabilityResult) -> None:
    rows = list(csv.DictReader(io.StringIO(tables.as_csv(result))))
    assert len(rows) == 4 * (1 + len(result.levels))
    for sigma, confusion in [("all", result.confusion[1:].sum(0)), ("20", result.confusion[2])]:
        some = [row for row in rows if row["level"] == sigma]
        labels, predictions = draws_of(confusion)
        precision, recall, _, support = precision_recall_fscore_support(labels, predictions, zero_division=np.nan)
        assert [row["class"] for row in some] == list(result.classes)
        np.testing.assert_allclose([float(row["precision"]) for row in some], precision, atol=5e-7)
        np.testing.assert_allclose([float(row["recall"]) for row in some], recall, atol=5e-7)
        np.testing.assert_array_equal([int(row["draws"]) for row in some], support)


def test_a_class_name_may_hold_a_comma_and_quotes(small: StabilityResult) -> None:
    named = replace(small, classes=['speed, "30"', "line\nbreak"])
    rows = list(csv.DictReader(io.StringIO(tables.as_csv(named))))
    assert [row["class"] for row in rows[:2]] == named.classes


@pytest.mark.parametrize(("groups", "said"), [([1, 1, 1, 2], True), ([1, 1, 2, 2], False), (None, False)])
def test_that_groups_of_unequal_size_widen_intervals_is_said(groups: list[int] | None, said: bool) -> None:
    images = cs.Images(np.zeros((4, 1, 8, 8), np.uint8), [0, 1, 0, 1], ("a", "b"), groups=groups)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2)).eval()
    result = cs.evaluate(model, images, levels=[1], draws=2)
    assert ("Groups of unequal size count as fewer equal ones" in tables.rates_markdown(result)) is said


def test_the_rates_are_laid_out_by_sigma(small: StabilityResult) -> None:
    header, rule, clean, noisy, _, over = tables.rates_markdown(small).splitlines()
    assert over == "95 %: over images."
    assert header.count("|") == rule.count("|") == clean.count("|") == noisy.count("|")
    assert clean.startswith("| 0 | 100.00 % | ")
    assert clean.endswith(" | inf | - |")
    cells = [cell.strip() for cell in noisy.split("|")[1:-1]]
    assert [cells[place] for place in (0, 1, 3, 4, 6)] == ["20", "50.00 %", "50.00 %", "50.00 %", "40.00"]
    low, high = map(float, cells[2].split("-"))
    assert low < 50 < high


def test_the_mean_psnr_weighs_draws_and_leaves_identical_ones_out(small: StabilityResult) -> None:
    rows = small.rows | {
        "psnr_mean": np.array([np.inf, 30.0, np.inf, 50.0]),
        "identical": np.array([1, 1, 1, 3]),  # of 4 noisy draws of the first image, 3 differ; of the second, 1
    }
    assert tables.mean_psnr(replace(small, rows=rows), 1) == "35.00"
    assert tables.mean_psnr(replace(small, rows=rows), 0) == "inf"


@pytest.mark.parametrize(("count", "blocks"), [(2, 1), (15, 1), (16, 2), (43, 3)])
def test_classes_stand_side_by_side_as_in_the_paper(count: int, blocks: int) -> None:
    names = [f"class {label}" for label in range(count)]
    lines = tables.classes_markdown(counted(np.ones((2, count, count), int), (0, 20), names)).splitlines()
    assert len(lines) == 2 + min(count, 15)
    assert {line.count("|") for line in lines} == {3 * blocks + 1}
    text = "\n".join(lines)
    assert [text.count(f" {name} |") for name in names] == [1] * count


def test_over_all_levels_sigma_0_does_not_count(small: StabilityResult) -> None:
    labels, predictions = draws_of(small.confusion[1])
    assert balanced_accuracy_score(labels, predictions) == 0.5
    assert tables.over_levels(small) == "Over all levels: accuracy 50.00 %, balanced accuracy 50.00 %."
    assert "Over all levels: accuracy 50.00 %" in tables.as_markdown(small)


def test_without_noise_there_is_nothing_to_pool() -> None:
    clean = counted([[[1, 0], [1, 0]]], (0,), ["a", "b"])
    assert tables.over_levels(clean) == "No level but the neutral one, no degraded draws."
    summary = tables.summary(clean)
    assert (summary["degraded/accuracy"], summary["degraded/balanced_accuracy"]) == (0, None)
    assert summary["accuracy"]["value"] == [0.5]
    json.dumps(summary, allow_nan=False)
    assert "No level but" in tables.as_markdown(clean)


def test_near_ties_are_told(small: StabilityResult) -> None:
    assert "near tie" not in tables.as_markdown(small)
    ties = replace(small, rows=small.rows | {"near_ties": (small.rows["draws"] > 1).astype(int)})
    assert "Two classes are all but equal in 2 of 10 draws: a near tie." in tables.as_markdown(ties)
    assert (tables.summary(small)["near_ties"], tables.summary(ties)["near_ties"]) == (0, 2)


def test_the_summary_counts_images_draws_and_failures(small: StabilityResult) -> None:
    summary = tables.summary(small)
    assert (summary["levels"], summary["images"], summary["draws"]) == ([0, 20], 2, 10)
    assert summary["accuracy"]["value"] == summary["balanced_accuracy"]["value"] == [1, 0.5]
    assert summary["flip_rate"]["value"] == [0, 0.5]
    assert summary["degraded/accuracy"] == summary["degraded/balanced_accuracy"] == 0.5
    assert summary["first_failure"] == {"0": 0, "20": 2, "none": 0}
    assert summary["attraction"] == {"a": 0.75, "b": 0.25}  # 3 of the 4 misclassified draws are taken for "a"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gaussian", "gaussian, sigma (grey levels); 10 draws of each of 2 images at each level"),
        ("motion_blur", "motion blur, level (pixels); 10 draws of each of 2 images at each level"),
        ("jpeg", "jpeg, level (quality); 1 draw of each of 2 images at each level"),
    ],
)
def test_the_title_names_family_unit_draws_and_images(small: StabilityResult, name: str, said: str) -> None:
    family = degradation(name)
    named = replace(small, protocol=Protocol((family.neutral, family.grid[1]), draws=10, degradation=family))
    assert tables.title(named) == said
    assert tables.as_markdown(named).startswith(f"{said}\n\n| ")


@pytest.mark.parametrize(
    ("part", "said"),
    [(0.19, "10 of each are enough"), (0.21, "draws=auto takes as many as it needs")],
)
def test_a_reader_is_told_whether_more_draws_are_worth_it(part: float, said: str) -> None:
    assert tables.what_follows(part, "10").endswith(said)
    assert tables.what_follows(float("nan"), "10") == "Draws"


@pytest.mark.parametrize(
    ("correct", "said"),
    [
        (1, "Clean images: 100.00 % here and 50.00 % in float32; in bfloat16 compiled 1 image more is correct."),
        (0, "Clean images: 100.00 % here and 0.00 % in float32; in bfloat16 compiled 2 images more are correct."),
        (2, ""),
    ],
)
def test_clean_images_that_another_precision_decides_otherwise_are_counted(
    small: StabilityResult, correct: int, said: str
) -> None:
    confusion = np.array([[min(correct, 1), 1 - min(correct, 1)], [2 - max(correct, 1), max(correct, 1) - 1]])
    clean = Clean(correct / 2, 0, 1, confusion, ("a", "b"))
    assert tables.beside_float32(small, clean, "bfloat16 compiled") == said
    assert tables.beside_float32(small, clean, "float32") == ""
    assert tables.beside_float32(small, replace(clean, confusion=2 * confusion), "bfloat16 compiled") == ""


def test_the_summary_is_plain_json(result: StabilityResult) -> None:
    summary = tables.summary(result)
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_where_there_is_nothing_to_count_json_says_null() -> None:
    nothing = Estimate(np.array([np.nan, 0.5]), np.array([np.nan, 0.25]), np.array([np.nan, 0.75]))
    assert tables.plain(nothing) == {"value": [None, 0.5], "low": [None, 0.25], "high": [None, 0.75]}


def test_a_model_that_is_never_correct_has_no_flip_rate() -> None:
    misclassified = counted([[[0, 1], [1, 0]], [[0, 4], [4, 0]]], (0, 20), ["a", "b"])
    assert tables.summary(misclassified)["flip_rate"]["value"][1] is None
    assert "| - | - |" in tables.rates_markdown(misclassified).splitlines()[3]
    json.dumps(tables.summary(misclassified), allow_nan=False)


def test_the_precision_of_a_class_that_was_never_predicted_is_a_dash() -> None:
    never = counted([[[1, 0], [1, 0]], [[4, 0], [4, 0]]], (0, 20), ["a", "b"])
    assert tables.classes_markdown(never).splitlines()[2:] == ["| a | 0.5000 | 1.0000 |", "| b | - | 0.0000 |"]
