"""Calibration and selective risk from counts: against NumPy, draw by draw, and against all orders of a tie."""

import itertools
from typing import Any

import numpy as np
import pytest

from convstab.statistics.confidence import (
    accuracy_at_coverage,
    area_under_risk_coverage,
    expected_calibration_error,
    reliability,
)


def area(errors: Any) -> float:
    """The area of draws in this order, the most confident first."""
    return float(np.mean(np.cumsum(errors) / np.arange(1, len(errors) + 1)))


def test_the_area_of_draws_that_all_differ_is_exact() -> None:
    errors = np.random.default_rng(0).random(200) < 0.3
    counts = np.stack([errors, ~errors])[None, :, ::-1].astype(int)  # of ascending confidence
    assert area_under_risk_coverage(counts)[0] == pytest.approx(area(errors))
    for coverage in (0.1, 0.8, 1.0):
        kept = int(200 * coverage)
        assert accuracy_at_coverage(counts, coverage)[0] == pytest.approx(1 - errors[:kept].mean())


def test_a_tie_counts_as_the_mean_of_all_its_orders() -> None:
    """From the top: one error; then a tie of two errors and two correct draws; then one correct draw."""
    counts = np.array([[[0, 0, 2, 1], [1, 0, 2, 0]]])
    orders = [[1, *tie, 0] for tie in itertools.permutations([1, 1, 0, 0])]
    assert area_under_risk_coverage(counts)[0] == pytest.approx(np.mean([area(order) for order in orders]))
    half = np.mean([1 - np.mean(order[:3]) for order in orders])
    assert accuracy_at_coverage(counts, 0.5)[0] == pytest.approx(half)


def test_the_best_and_the_worst_order() -> None:
    best, worst = np.array([[[3, 0], [0, 5]]]), np.array([[[0, 3], [5, 0]]])
    assert area_under_risk_coverage(best)[0] == pytest.approx(area([0] * 5 + [1, 1, 1]))
    assert area_under_risk_coverage(worst)[0] == pytest.approx(area([1, 1, 1] + [0] * 5))
    assert accuracy_at_coverage(best, 5 / 8)[0] == 1
    assert accuracy_at_coverage(best, 0.8)[0] == pytest.approx(5 / 7)  # ceil(6.4) = 7 draws
    assert accuracy_at_coverage(np.array([[[0, 2], [0, 8]]]), 0.8)[0] == pytest.approx(0.8)
    assert accuracy_at_coverage(np.array([[[27, 0], [0, 3]]]), 0.1)[0] == 1  # 3 draws, though 0.1 * 30 > 3 in float


def test_calibration_is_the_mean_distance_of_accuracy_and_confidence() -> None:
    counts = np.array([[[10, 5, 700], [0, 0, 0], [30, 30, 2700]]])  # in hundredths
    share, accuracy, confidence = reliability(counts, 100)
    assert share.tolist() == [[0.25, 0, 0.75]]
    np.testing.assert_allclose(accuracy, [[0.5, np.nan, 1]])
    np.testing.assert_allclose(confidence, [[0.7, np.nan, 0.9]])
    assert expected_calibration_error(counts, 100)[0] == pytest.approx(0.25 * 0.2 + 0.75 * 0.1)


def test_without_draws_there_is_nothing_to_say() -> None:
    assert np.isnan(expected_calibration_error(np.zeros((1, 15, 3), int), 1)).all()
    assert np.isnan(area_under_risk_coverage(np.zeros((1, 2, 4), int))).all()
    assert np.isnan(accuracy_at_coverage(np.zeros((1, 2, 4), int), 0.8)).all()
