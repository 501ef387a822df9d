"""What not knowing the best member costs: the end above, and no more than that."""

import numpy as np
import pytest
from scipy.stats import binomtest

from convstab.members import gains
from convstab.statistics import intervals
from convstab.units import IMAGES


def test_ends_of_any_tail_are_those_of_scipy() -> None:
    rates = (np.arange(40) < 7).astype(float)[:, None]
    found = intervals.mean(rates, tail=0.025 / 3)
    expected = binomtest(7, 40).proportion_ci(1 - 0.05 / 3, method="exact")
    assert (found.low[0], found.high[0]) == pytest.approx((expected.low, expected.high))


def test_several_members_that_are_alike_raise_the_upper_end_only() -> None:
    rng = np.random.default_rng(0)
    ensemble, member = ((rng.random((100, 2)) < chance).astype(float) for chance in (0.9, 0.8))
    one, three = (gains.over_best(ensemble, np.repeat(member[None], count, 0), IMAGES) for count in (1, 3))
    alone = intervals.mean_change(ensemble - member)
    assert (one.value.tolist(), one.low.tolist(), one.high.tolist()) == (
        alone.value.tolist(),
        alone.low.tolist(),
        alone.high.tolist(),
    )
    assert (three.value.tolist(), three.low.tolist()) == (one.value.tolist(), one.low.tolist())
    assert (three.high > one.high).all()
