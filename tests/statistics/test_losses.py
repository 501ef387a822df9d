"""Intervals of mean losses: against Garwood's exact interval, and whether they hold in simulated test sets."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2

from convstab.statistics.losses import mean_loss
from convstab.statistics.rates import accuracy
from convstab.units import Units

SETS = 600


def test_few_equal_losses_have_the_exact_interval_of_a_count() -> None:
    """Garwood 1936: of so few units the variance among them is that of a Poisson count."""
    losses = np.zeros((100_000, 1))
    losses[:3] = 7.0
    found = mean_loss(losses)
    scale = 7 / 100_000
    assert found.value[0] == pytest.approx(3 * scale)
    assert found.low[0] == pytest.approx(chi2.ppf(0.025, 6) / 2 * scale, rel=1e-4)
    assert found.high[0] == pytest.approx(chi2.ppf(0.975, 8) / 2 * scale, rel=1e-4)


def test_many_losses_have_the_normal_interval() -> None:
    losses = np.random.default_rng(0).gamma(4, 0.5, (40_000, 1))
    found = mean_loss(losses)
    half = 1.96 * losses.std(ddof=1) / 200
    assert found.high[0] - found.value[0] == pytest.approx(half, rel=0.05)
    assert found.value[0] - found.low[0] == pytest.approx(half, rel=0.05)


def test_losses_that_do_not_vary_or_are_of_one_unit() -> None:
    zero, same, one = mean_loss(np.zeros((9, 1))), mean_loss(np.full((9, 1), 2.0)), mean_loss(np.full((1, 1), 2.0))
    assert (zero.low[0], zero.value[0], zero.high[0]) == (0, 0, 0)
    assert same.low[0] == same.value[0] == 2 < same.high[0]
    assert one.low[0] < 1
    assert one.high[0] > 4
    assert np.isnan(mean_loss(np.zeros((0, 2))).value).all()


def test_groups_count_once() -> None:
    each = np.random.default_rng(0).exponential(1, (30, 1))
    alone, grouped = mean_loss(each), mean_loss(np.repeat(each, 5, 0), Units(np.repeat(np.arange(30), 5)))
    np.testing.assert_allclose([grouped.low, grouped.high], [alone.low, alone.high])
    fewer = mean_loss(np.repeat(each, 5, 0), Units(design_effect=5.0))
    assert fewer.high[0] - fewer.low[0] == pytest.approx(alone.high[0] - alone.low[0], rel=0.1)


def few_fail(rng: Any, count: int) -> Any:
    return np.where(rng.random(count) < 0.02, rng.gamma(2, 2, count), rng.exponential(0.01, count))


LAWS: dict[str, tuple[Callable[[Any, int], Any], float]] = {
    "exponential": (lambda rng, count: rng.exponential(1, count), 1.0),
    "log-normal": (lambda rng, count: rng.lognormal(0, 1, count), float(np.exp(0.5))),
    "few fail": (few_fail, 0.02 * 4 + 0.98 * 0.01),
    "all alike": (lambda rng, count: rng.normal(2.3, 0.1, count).clip(0), 2.3),
}


def test_intervals_of_brier_scores_cover_the_truth() -> None:
    """Half a Brier score lies in [0, 1] and has the interval of a rate."""
    halves = np.random.default_rng(0).beta(0.3, 3, (100, SETS))
    found = accuracy(halves)
    assert ((found.low <= 0.3 / 3.3) & (found.high >= 0.3 / 3.3)).mean() > 0.95


CASES = [(law, count) for law in LAWS for count in (100, 421, 5000) if (law, count) != ("few fail", 100)]


@pytest.mark.parametrize(("law", "count"), CASES)
def test_intervals_cover_the_truth(law: str, count: int) -> None:
    """0.95 may be off by 0.018 through sampling; of 100 images of which 2 fail on average often none does."""
    draw, truth = LAWS[law]
    losses = np.stack([draw(np.random.default_rng(seed), count) for seed in range(SETS)], axis=1)
    found = mean_loss(losses)
    held = ((found.low <= truth) & (truth <= found.high)).mean()
    assert held > 0.93, held
