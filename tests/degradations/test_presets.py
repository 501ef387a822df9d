"""ImageNet-C's severities, by the formulas of its code."""

import doctest
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.filters import gaussian

from convstab.degradations import presets
from convstab.degradations.presets import IMAGENET_C, imagenet_c
from convstab.errors import InputError
from tests.degradations.photos import copies, photos

CONSTANTS: dict[str, list[float]] = {  # make_imagenet_c.py
    "gaussian_noise": [0.08, 0.12, 0.18, 0.26, 0.38],
    "shot_noise": [60, 25, 12, 5, 3],
    "impulse_noise": [0.03, 0.06, 0.09, 0.17, 0.27],
    "speckle_noise": [0.15, 0.2, 0.35, 0.45, 0.6],
    "gaussian_blur": [1, 2, 3, 4, 6],
    "brightness": [0.1, 0.2, 0.3, 0.4, 0.5],
    "contrast": [0.4, 0.3, 0.2, 0.1, 0.05],
    "saturate": [0.3, 0.1, 2],
    "jpeg_compression": [25, 18, 15, 10, 7],
    "pixelate": [0.6, 0.5, 0.4, 0.3, 0.25],
}
RANDOM = np.random.default_rng(0)
NOISES: dict[str, Callable[[NDArray[np.float64], float], NDArray[np.float64]]] = {
    "gaussian_noise": lambda x, c: x + RANDOM.normal(size=x.shape, scale=c),
    "shot_noise": lambda x, c: RANDOM.poisson(x * c) / float(c),
    "speckle_noise": lambda x, c: x + x * RANDOM.normal(size=x.shape, scale=c),
}


@pytest.mark.parametrize("severity", [1, 3, 5])
@pytest.mark.parametrize("name", NOISES)
def test_noises_are_as_strong_as_those_of_imagenet_c(name: str, severity: int) -> None:
    """Mean and variance of each value of the published formula, which it then clips."""
    x = photos()[1].numpy()[None].repeat(32, 0) / 255
    theirs = (np.clip(NOISES[name](x, CONSTANTS[name][severity - 1]), 0, 1) - x) * 255
    made = copies(*imagenet_c(name, severity), photos()[1], 32, stored=True) - photos()[1]
    assert float(made.square().mean()) == pytest.approx(np.square(theirs).mean(), rel=0.02)
    assert float(made.mean()) == pytest.approx(theirs.mean(), abs=0.02 * theirs.std() + 0.1)


@pytest.mark.parametrize("severity", range(1, 6))
def test_blur_is_the_same_function(severity: int) -> None:
    x = photos()[0].permute(1, 2, 0).numpy() / 255.0
    theirs = gaussian(x, sigma=CONSTANTS["gaussian_blur"][severity - 1], channel_axis=-1)  # type: ignore[no-untyped-call]
    found = copies(*imagenet_c("gaussian_blur", severity), photos()[0])[0]
    assert found.numpy() == pytest.approx(np.asarray(theirs).transpose(2, 0, 1) * 255, abs=1e-3)


def test_constants_are_those_of_imagenet_c() -> None:
    assert set(IMAGENET_C) == set(CONSTANTS)
    units = {"gaussian_noise": 255.0, "brightness": 255.0}
    for name, constants in CONSTANTS.items():
        found = [imagenet_c(name, severity)[1] for severity in range(1, len(constants) + 1)]
        expected = [1 / c if name == "pixelate" else c * units.get(name, 1.0) for c in constants]
        assert found == pytest.approx(expected)
        family = imagenet_c(name, 1)[0]
        assert family.check(found)


def test_pixelate_has_boxes_and_brightness_is_hsvs() -> None:
    assert imagenet_c("pixelate", 1)[0].settings["window"] == "box"
    assert imagenet_c("brightness", 1)[0].settings["hsv"] is True


@pytest.mark.parametrize(
    ("name", "severity", "words"),
    [
        ("fog", 1, "fog is no corruption of ImageNet-C that a family gives; it can be gaussian_noise"),
        ("shot_noise", 0, "severity of shot_noise is 0; it must be a whole number from 1 to 5$"),
        ("shot_noise", 2.5, "severity of shot_noise is 2.5"),
        ("saturate", 4, "severity of saturate is 4; it must be a whole number from 1 to 3$"),
    ],
)
def test_others_are_refused(name: str, severity: int, words: str) -> None:
    with pytest.raises(InputError, match=f"^{words}"):
        imagenet_c(name, severity)


def test_the_example_runs() -> None:
    assert doctest.testmod(presets).failed == 0
