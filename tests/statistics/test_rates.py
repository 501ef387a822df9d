"""Statistics: against scikit-learn; whether intervals hold is in test_intervals.py."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import beta, binomtest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, precision_score, recall_score

from convstab.statistics.rates import (
    accuracy,
    attraction,
    balanced_accuracy,
    first_failure,
    flip_rate,
    over_levels,
    precision,
    recall,
)
from convstab.units import Units

RNG = np.random.default_rng


def draws(seed: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
    rng = RNG(seed)
    labels = rng.integers(0, 5, 400)
    return labels, np.where(rng.random(400) < 0.6, labels, rng.integers(0, 4, 400))  # class 4 is seldom predicted


def test_precision_and_recall_agree_with_scikit_learn() -> None:
    labels, predicted = draws()
    confusion = np.stack([confusion_matrix(labels, predicted), confusion_matrix(labels, labels)])
    options: Any = {"average": None, "zero_division": np.nan}
    np.testing.assert_allclose(precision(confusion)[0], precision_score(labels, predicted, **options))
    np.testing.assert_allclose(recall(confusion)[0], recall_score(labels, predicted, **options))
    assert (recall(confusion)[1] == 1).all()


def test_classes_without_draws_have_no_rate() -> None:
    confusion = np.array([[3, 1, 0], [0, 2, 0], [0, 0, 0]])
    np.testing.assert_array_equal(recall(confusion), [0.75, 1, np.nan])
    np.testing.assert_array_equal(precision(confusion), [1, 2 / 3, np.nan])


def test_a_single_draw_is_a_rate_and_none_is_divided_by_nothing() -> None:
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(recall(np.array([[1, 0], [0, 0]])), [1, np.nan])


def test_misclassified_draws_are_shared_among_the_classes_that_attract_them() -> None:
    confusion = np.array([[[5, 3, 0], [0, 9, 1], [0, 0, 9]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]]])
    np.testing.assert_array_equal(attraction(confusion), [[0, 0.75, 0.25], [np.nan] * 3])


def test_the_clean_draws_are_not_in_the_pooled_table() -> None:
    confusion = np.arange(12).reshape(3, 2, 2)
    np.testing.assert_array_equal(over_levels(confusion, np.array([False, True, True])), confusion[1] + confusion[2])


def test_rates_are_those_of_the_draws() -> None:
    labels, predicted = draws()
    rates = (labels == predicted).astype(float)[:, None]
    assert accuracy(rates).value[0] == pytest.approx(rates.mean())
    expected = balanced_accuracy_score(labels, predicted)
    assert balanced_accuracy(rates, labels).value[0] == pytest.approx(expected)


def test_flip_rate_leaves_out_what_is_misclassified_without_noise() -> None:
    rates = np.array([[1, 0.5], [0, 0.1], [1, 0.9]])
    flips = flip_rate(rates, rates[:, 0] == 1)
    np.testing.assert_allclose(flips.value, [0, 0.3])
    none = flip_rate(rates, np.zeros(3, bool))
    assert np.isnan([none.value, none.low, none.high]).all()


def test_first_failure_is_the_mildest_level_with_a_misclassified_draw() -> None:
    rates = np.array([[1, 0.99, 0.5], [0, 1, 1], [1, 1, 1], [1, 1, 0]])
    np.testing.assert_array_equal(first_failure(rates), [1, 0, 3, 2])


def test_no_failure_does_not_mean_certainty() -> None:
    found = accuracy(np.ones((100, 1)))
    assert (found.value[0], found.high[0]) == (1, 1)
    assert found.low[0] == pytest.approx(binomtest(100, 100).proportion_ci(method="exact").low)


@pytest.mark.parametrize("groups", [None, np.arange(6) % 3])
def test_the_units_of_a_flip_rate_are_those_of_the_images_that_are_correct(groups: Any) -> None:
    rates = np.array([[1, 0.5], [0, 0.1], [1, 0.9], [1, 0.5], [0, 0.1], [1, 0.9]])
    found = flip_rate(rates, rates[:, 0] == 1, Units(groups))
    units = 4 if groups is None else 2  # images 0, 2, 3, 5 are of groups 0, 2, 0, 2
    assert found.value[1] == pytest.approx(0.3)
    assert found.high[1] == pytest.approx(beta.ppf(0.975, 0.3 * units + 1, units - 0.3 * units))
