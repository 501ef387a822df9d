"""Ratios of norms, as ``benchmarks/peers.py`` prints them."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import peers
from benchmarks.peers import Pairs
from convstab.errors import InputError

Ratio = Callable[[Pairs], tuple[float, float, float]]


@pytest.mark.parametrize("ratio", [peers.median_of_ratios, peers.ratio_of_medians])
def test_an_interval_of_ratios_covers_when_images_come_in_groups(ratio: Ratio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "SAMPLES", 300)
    rng, held = np.random.default_rng(1), 0
    units = np.repeat(np.arange(40), 3)  # three runs of one image, or three frames of one sign
    for _ in range(100):
        shared, own = rng.normal(size=(2, 40)).repeat(3, axis=1), 0.2 * rng.normal(size=(2, 120))
        _, low, high = ratio(Pairs(np.exp(shared + own), units))  # true ratios: 1
        held += low <= 1.0 <= high
    assert held >= 90  # 95 % less two standard errors


def test_ratios_are_of_the_first_attack_over_the_other_and_failures_are_infinite() -> None:
    norms, units = np.array([[2.0, 2.0, np.inf], [1.0, 1.0, 1.0]]), np.arange(3)
    assert peers.median_of_ratios(Pairs(norms, units))[0] == peers.ratio_of_medians(Pairs(norms, units))[0] == 2
    assert peers.median_of_ratios(Pairs(norms[:, [0, 2, 2]], units))[0] == np.inf


def test_a_first_attack_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match="--first is Genetic; the folders are of NES"):
        list(peers.report({"run": {"NES": SimpleNamespace()}}, "Genetic"))  # type: ignore[dict-item]
