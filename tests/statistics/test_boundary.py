"""The flat-boundary law: exact on a linear model, against SciPy's optimiser, and what a few margins tell."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import norm

import convstab as cs
from convstab.statistics.boundary import derivatives, fit, flip_chance, flip_chance_of_margins
from tests.support.half_spaces import distances, half_space

SIGMAS = np.array([1.0, 2, 4, 8, 10, 14, 18, 20, 25, 30, 35, 40])


def drawn(distance: NDArray[np.float64], curvature: float = 0.0, draws: int = 150) -> NDArray[np.int64]:
    chance = flip_chance(distance[:, None], SIGMAS, curvature)
    return np.random.default_rng(11).binomial(draws, chance)


def test_the_law_is_that_of_one_gaussian() -> None:
    assert flip_chance(np.array([10.0]), np.array([5.0])) == pytest.approx(norm.sf(2))
    assert flip_chance(np.array([-10.0]), np.array([5.0])) == pytest.approx(norm.cdf(2))
    assert flip_chance(np.array([10.0]), np.array([5.0]), 0.1) == pytest.approx(norm.cdf(-2 + 0.5))
    assert flip_chance(np.array([10.0, -1.0]), np.array([0.0])).tolist() == [0, 1]


@pytest.mark.parametrize("curvature", [0.0, 0.03, -0.02])
def test_distances_are_found_again_with_errors_that_hold(curvature: float) -> None:
    distance = np.random.default_rng(2).uniform(2, 60, 3000)
    flips = drawn(distance, curvature)
    found = fit(flips, np.full_like(flips, 150), SIGMAS)
    curved = found.told & (((flips > 0) & (flips < 150)).sum(1) > 2)
    off = (found.distance - distance)[curved] / found.error[curved]
    assert curved.mean() > 0.8
    assert np.mean(np.abs(off) < 1.96) == pytest.approx(0.95, abs=0.015)
    assert np.median(found.curvature[curved]) == pytest.approx(curvature, abs=0.004)


def test_the_fit_is_the_most_likely() -> None:
    flips = drawn(np.array([5.0, 20.0, 45.0]), 0.02)
    found = fit(flips, np.full_like(flips, 150), SIGMAS)

    def loss(values: NDArray[np.float64], counts: NDArray[np.int64]) -> float:
        chance = flip_chance(values[0], SIGMAS, values[1]).clip(1e-300, 1 - 1e-16)
        return -float((counts * np.log(chance) + (150 - counts) * np.log1p(-chance)).sum())

    for row, counts in enumerate(flips):
        best = minimize(loss, [10, 0], (counts,), method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10})
        assert [found.distance[row], found.curvature[row]] == pytest.approx(best.x, rel=1e-4, abs=1e-5)


def test_where_draws_do_not_tell_a_distance_there_is_none() -> None:
    draws = np.full((4, 3), 20)
    flips = np.array([[0, 0, 0], [20, 20, 20], [0, 0, 3], [0, 20, 20]])
    found = fit(flips, draws, np.array([1.0, 5.0, 20.0]))
    assert found.told.tolist() == [False, False, True, True]
    assert found.curvature[2] == 0
    assert flip_chance(found.distance[2], 20.0) == pytest.approx(3 / 20, rel=0.01)
    assert 1 < found.distance[3] < 5


def test_no_table_of_counts_breaks_the_fit() -> None:
    generator = np.random.default_rng(17)
    draws = generator.integers(1, 400, (5000, 4))
    share = generator.choice([0, 0.01, 0.5, 0.99, 1], draws.shape)
    found = fit(generator.binomial(draws, share), draws, np.array([1e-3, 8.0, 8.0000001, 255.0]))
    for values in (found.distance, found.error, found.curvature):
        assert (np.isfinite(values) == found.told).all()
    far = derivatives(np.array([[1e3, -1e3]]), np.array([[1, 1]]), np.array([[2, 2]]), np.ones((2, 2)))[1]
    assert np.isfinite(np.linalg.inv(far)).all()  # of levels that tell the same
    near = fit(np.array([[231, 4]]), np.array([[733, 5]]), np.array([1.0000001, 1.0000002]))
    assert near.curvature.tolist() == [0]


def test_the_law_is_exact_on_a_linear_model() -> None:
    model = half_space(48, seed=1)
    pixels = torch.randint(100, 156, (400, 3, 4, 4), dtype=torch.uint8)
    images = cs.Images(pixels, model(pixels / 255).argmax(1))
    result = cs.evaluate(model, images, levels=SIGMAS.tolist(), draws=100, clip=False, rounding=False)
    distance = distances(model, pixels)
    flips, draws = (result.by_image("draws") - result.by_image("correct"))[:, 1:], result.by_image("draws")[:, 1:]
    expected = flip_chance(distance[:, None], SIGMAS)
    error = np.sqrt((expected * (1 - expected)).sum(0) / 100) / len(distance)
    assert (np.abs(flips.mean(0) / 100 - expected.mean(0)) < 3.5 * error + 1e-4).all()
    found = fit(flips, draws, SIGMAS)
    off = (found.distance - distance)[found.told] / found.error[found.told]
    assert found.told.mean() > 0.8
    assert np.mean(np.abs(off) < 1.96) == pytest.approx(0.95, abs=0.04)
    mean, spread = (result.by_image(name)[:, 1:] for name in ("margin_mean", "margin_sd"))
    told = flip_chance_of_margins(mean, spread, draws)
    assert (np.abs(told.mean(0) - expected.mean(0)) < 3.5 * error + 1e-4).all()
    assert ((told - expected) ** 2).mean() < 0.8 * ((flips / 100 - expected) ** 2).mean()


@pytest.mark.parametrize("draws", [3, 4, 10])
@pytest.mark.parametrize("distance", [-0.5, 0.0, 1.0, 2.5])
def test_a_few_margins_tell_a_chance_without_bias_and_with_less_variance(draws: int, distance: float) -> None:
    margins = np.random.default_rng(13).normal(distance, 1, (200_000, draws))
    told = flip_chance_of_margins(margins.mean(1), margins.std(1), np.full(len(margins), draws))
    counted, chance = (margins < 0).mean(1), norm.cdf(-distance)
    assert told.mean() == pytest.approx(chance, abs=4 * told.std() / np.sqrt(len(margins)))
    assert told.var() < counted.var()


def test_margins_that_are_all_alike_decide() -> None:
    told = flip_chance_of_margins(np.array([2.0, -1.0, 0.0]), np.zeros(3), np.full(3, 10))
    assert told.tolist() == [0, 1, 0.5]
