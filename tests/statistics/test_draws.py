"""How far draws alone may move a mean: covered in at least 95 % of cases, also where failures are rare."""

import numpy as np
import pytest

from convstab.statistics.correlation import draw_variance
from convstab.statistics.draws import error


@pytest.mark.parametrize("draws", [2, 10])
@pytest.mark.parametrize("seldom", [0.0, 0.0002, 0.003, 0.3])
def test_the_mean_of_endless_draws_lies_within(seldom: float, draws: int) -> None:
    """300 images: most fail always or never, and a tenth of them seldom; their chances are the truth."""
    generator, trials = np.random.default_rng(0), 4000
    chances = np.concatenate([np.ones(200), np.zeros(70), np.full(30, seldom)])
    shares = generator.binomial(draws, chances, (trials, 300)) / draws
    spread = (draw_variance(shares, draws) * draws).mean(1)
    half = error(spread, np.array(300.0), np.array(float(draws)))
    covered = np.abs(shares.mean(1) - chances.mean()) <= half
    assert covered.mean() >= 0.945


def test_it_is_no_wider_than_it_has_to_be() -> None:
    """Of many draws it is 1.96 standard errors; four times as many draws halve it."""
    spread, images = np.array(0.2), np.array(1000.0)
    half = error(spread, images, np.array(50.0))
    np.testing.assert_allclose(half, 1.959964 * np.sqrt(0.2 / 50_000), rtol=1e-3)
    np.testing.assert_allclose(half / error(spread, images, np.array(200.0)), 2, rtol=1e-3)
