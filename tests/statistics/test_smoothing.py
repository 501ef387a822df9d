"""Certificates: against SciPy's exact intervals, known chances, and a model whose radius is known in closed form."""

import numpy as np
import pytest
import torch
from scipy.stats import binomtest, norm

import convstab as cs
from convstab.errors import InputError
from convstab.statistics.smoothing import certified_radius
from tests.support.half_spaces import distances, half_space


@pytest.mark.parametrize("alpha", [0.001, 0.05])
def test_a_radius_is_that_of_an_independent_implementation(alpha: float) -> None:
    agreeing, draws, sigma = np.arange(151)[:, None], np.full((151, 1), 150), 12.0
    found = certified_radius(agreeing, draws, np.array([sigma]), alpha)[:, 0]
    for count, radius in enumerate(found):
        low = binomtest(count, 150).proportion_ci(1 - 2 * alpha, method="exact").low
        assert np.isnan(radius) if low <= 0.5 else radius == pytest.approx(sigma * norm.ppf(low))
    assert found[-1] == pytest.approx(sigma * norm.ppf(alpha ** (1 / 150)))


@pytest.mark.parametrize("draws", [10, 150])
@pytest.mark.parametrize("chance", [0.51, 0.8, 0.99])
def test_a_radius_is_too_great_as_seldom_as_is_said(draws: int, chance: float) -> None:
    alpha, times = 0.05, 40_000
    agreeing = np.random.default_rng(3).binomial(draws, chance, (times, 1))
    radius = certified_radius(agreeing, np.full_like(agreeing, draws), np.array([1.0]), alpha)
    wrong = (radius > norm.ppf(chance)).mean()
    assert wrong <= alpha + 3 * np.sqrt(alpha / times)


def test_without_noise_or_without_a_majority_there_is_no_certificate() -> None:
    draws = np.full((1, 3), 100)
    found = certified_radius(np.array([[100, 50, 0]]), draws, np.array([0.0, 5.0, 5.0]))
    assert np.isnan(found).all()
    assert np.isfinite(certified_radius(draws, draws, np.array([5.0, 5.0, 5.0]))).all()


def test_counts_that_cannot_be_are_refused() -> None:
    one = np.array([[1]])
    for agreeing, alpha, said in ((one * 2, 0.1, "more agree"), (-one, 0.1, "fewer than none"), (one, 0.0, "alpha")):
        with pytest.raises(InputError, match=said):
            certified_radius(agreeing, one, np.array([1.0]), alpha)


def test_the_smoothed_linear_model_is_certified_to_no_more_than_its_distance() -> None:
    """Of a half-space the smoothed model is the half-space itself, so its radius is the distance, and no more."""
    model = half_space(48, seed=0)
    pixels = torch.randint(90, 166, (60, 3, 4, 4), dtype=torch.uint8)
    images = cs.Images(pixels, model(pixels / 255).argmax(1))
    result = cs.evaluate(model, images, levels=[5, 20, 60], draws=200, clip=False, rounding=False)
    distance = distances(model, pixels)
    radius = certified_radius(result.by_image("correct"), result.by_image("draws"), result.levels, alpha=1e-5)
    known = np.isfinite(radius)
    assert known.sum() > 60
    assert (radius <= np.where(known, distance[:, None], np.inf))[known].all()
    assert (radius / distance[:, None])[known].max() > 0.7  # it is not idle
