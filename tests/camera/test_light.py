"""Stops of light: doublings of the level of sensor, and noise of as much variance at mid grey."""

from typing import Any

import numpy as np
import pytest
import torch

import convstab as cs
from convstab.camera.light import Failure, gain_of, variance_of
from convstab.degradations.by_name import degradation
from convstab.errors import InputError
from tests.support.half_spaces import distances, half_space

SENSOR, GAUSSIAN = degradation("sensor", read_noise=3.0), degradation("gaussian")


@pytest.mark.parametrize("read_noise", [0.0, 2.0, 50.0])
@pytest.mark.parametrize("gain", [0.01, 1.0, 30.0])
def test_a_level_is_the_gain_of_a_camera_with_its_read_noise(gain: float, read_noise: float) -> None:
    family = degradation("sensor", read_noise=read_noise)
    assert gain_of(variance_of(family, gain), read_noise) == pytest.approx(gain)


@pytest.mark.parametrize("stops", [-1, 0, 3])
def test_each_doubling_of_the_gain_is_a_stop(stops: int) -> None:
    failure = Failure(SENSOR, 0.01, holds=0.5 * 2**stops, fails=0.5 * 2 ** (stops + 1), significant=True)
    assert failure.stops(0.5, 3.0) == pytest.approx((stops, stops + 1))


def test_gaussian_noise_is_that_of_mid_grey() -> None:
    """Without read noise the variance at 128 is 128 times the gain: four times as much is two stops."""
    failure = Failure(GAUSSIAN, 0.01, holds=8.0, fails=16.0, significant=True)
    assert failure.stops(0.5, 0.0) == pytest.approx((0, 2))
    low, high = failure.stops(0.5, 1e6)  # where read noise is all, the gain is as sigma: one stop
    assert high - low == pytest.approx(1, abs=1e-4)


def test_another_read_noise_is_matched_at_mid_grey() -> None:
    failure = Failure(SENSOR, 0.01, holds=None, fails=2.0, significant=True)
    low, high = failure.stops(0.5, 7.0)
    gain = 0.5 * 2**high
    assert low == -np.inf
    assert gain * 128 + (gain * 7) ** 2 == pytest.approx(2 * 128 + (2 * 3) ** 2)
    assert Failure(SENSOR, 0.01, 2.0, None, True).stops(2.0, 3.0) == pytest.approx((0, np.inf))


def evaluated(levels: list[float], count: int = 600) -> tuple[cs.StabilityResult, float]:
    """A linear model and images that are all as far from its boundary: the share that flips is known."""
    model = half_space(192, seed=0)
    pixels = torch.randint(100, 156, (4000, 3, 8, 8), generator=torch.Generator().manual_seed(0)).byte()
    far = distances(model, pixels)
    distance = float(np.median(far))
    near = np.argsort(np.abs(far - distance))[:count]
    images = cs.Images(pixels[near], model(pixels[near] / 255).argmax(1))
    return cs.evaluate(model, images, levels=[distance * level for level in levels], draws=60), distance


@pytest.mark.parametrize(
    ("levels", "holds", "fails", "significant"),
    [
        ([0.25, 1.0, 2.0], 0.25, 1.0, True),  # the chances are 0.003 %, 16 %, 31 %
        ([0.3, 0.39, 0.5], 0.39, 0.5, False),  # 0.04 %, 0.5 %, 2.3 %
        ([0.2, 0.46], 0.2, 0.46, False),  # 1.5 % of 600 images may be 1 % of all
        ([0.2, 0.25], 0.25, None, True),
        ([1.0, 2.0], None, 1.0, True),
    ],
)
def test_the_first_level_that_fails(
    levels: list[float], holds: float | None, fails: float | None, significant: bool
) -> None:
    result, distance = evaluated(levels)
    failure = Failure.of(result)
    assert failure.holds == (None if holds is None else pytest.approx(holds * distance))
    assert failure.fails == (None if fails is None else pytest.approx(fails * distance))
    assert failure.significant == significant


def test_the_share_moves_it() -> None:
    result, distance = evaluated([0.25, 0.7, 2.0])  # 0.003 %, 8 %, 31 %
    assert Failure.of(result, 0.2).fails == pytest.approx(2 * distance)
    with pytest.raises(InputError, match=r"^share is 1; it must be above 0 and below 1$"):
        Failure.of(result, 1)


def test_other_evaluations_are_refused() -> None:
    model = half_space(192, seed=0)
    images = cs.Images(torch.rand(20, 3, 8, 8), torch.arange(20) % 2)
    refused: dict[str, dict[str, Any]] = {
        r"^the evaluation is of jpeg; stops need levels of sensor or gaussian$": {"degradation": "jpeg"},
        r"^the evaluation is of gaussian by PSNR; stops need levels": {"psnr": [30]},
        r"^the evaluation is of clean images only; stops need levels": {"levels": [0]},
    }
    for words, settings in refused.items():
        with pytest.raises(InputError, match=words):
            Failure.of(cs.evaluate(model, images, draws=1, **settings))
    wrong = cs.Images(images.pixels, 1 - model(images.pixels / 255).argmax(1))
    with pytest.raises(InputError, match=r"^the evaluation has no image that is correct when clean"):
        Failure.of(cs.evaluate(model, wrong, levels=[10], draws=1))
