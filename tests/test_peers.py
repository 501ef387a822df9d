"""Ratios of norms, as ``benchmarks/peers.py`` prints them."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from benchmarks import peers

from convstab.errors import InputError


def test_the_median_of_ratios_has_the_order_statistics_of_a_binomial_as_its_ends() -> None:
    ratios = np.arange(1.0, 101.0)  # 40th and 61st of 100: P(B <= 39) = 0.0176 <= 0.025 < P(B <= 40) = 0.0284
    norms = [np.stack([ratios, np.ones(100)])[:, np.random.default_rng(0).permutation(100)]]
    assert peers.median_of_ratios(norms) == (50.0, 40.0, 61.0)


@pytest.mark.parametrize("ratio", [peers.median_of_ratios, peers.ratio_of_medians])
def test_an_interval_of_ratios_covers(ratio: Callable[[peers.Pairs], tuple[float, float, float]]) -> None:
    rng, held = np.random.default_rng(1), 0
    for _ in range(200):
        first, other = np.exp(rng.normal(size=(2, 60)))  # true ratio of medians and median of ratios: 1
        both = np.stack([first, other])
        _, low, high = ratio([both[:, :30], both[:, 30:]])
        held += low <= 1 <= high
    assert held >= 183  # 95 % less two standard errors and a half


def test_ratios_are_of_the_first_attack_over_the_other_and_failures_are_infinite() -> None:
    norms = [np.array([[2.0, 2.0, np.inf], [1.0, 1.0, 1.0]])]
    assert peers.median_of_ratios(norms)[0] == peers.ratio_of_medians(norms)[0] == 2
    assert peers.median_of_ratios([norms[0][:, [0, 2, 2]]])[0] == np.inf


def test_a_first_attack_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match="--first is Genetic; the folders are of NES"):
        list(peers.report({"run": {"NES": SimpleNamespace()}}, "Genetic"))  # type: ignore[dict-item]
