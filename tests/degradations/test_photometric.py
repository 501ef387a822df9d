"""Light and its curve, beside scikit-image, and in closed form."""

import numpy as np
import pytest
import torch
from skimage.color import hsv2rgb, rgb2hsv
from skimage.exposure import adjust_gamma

from convstab.degradations.by_name import degradation
from convstab.degradations.draws.make import degraded_copies
from convstab.errors import InputError
from tests.degradations.photos import copies, error, photos


def hsv(image: torch.Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.asarray(rgb2hsv(image.permute(1, 2, 0).double().numpy() / 255))


def rgb(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.asarray(hsv2rgb(values)).transpose(2, 0, 1) * 255


@pytest.mark.parametrize("level", [-30.0, 45.5])
def test_brightness_adds_its_level(level: float) -> None:
    image = photos()[0]
    assert (copies(degradation("brightness"), level, image)[0] - image).numpy() == pytest.approx(level, abs=1e-3)


@pytest.mark.parametrize("level", [-0.3, 0.1, 0.5])
def test_brightness_of_hsv_is_imagenet_cs(level: float) -> None:
    """rgb2hsv, then x[:, :, 2] = clip(x[:, :, 2] + c, 0, 1), then hsv2rgb."""
    image = photos()[0].clone()
    image[:, :2] = 0  # black has no colour
    values = hsv(image)
    values[..., 2] = (values[..., 2] + level).clip(0, 1)
    found = copies(degradation("brightness", hsv=True), level * 255, image)[0].numpy()
    assert found == pytest.approx(rgb(values), abs=2e-3)


@pytest.mark.parametrize(("stops", "gamma"), [(1.0, 2.2), (-2.0, 2.2), (1.0, 1.0)])
def test_a_stop_doubles_the_light(stops: float, gamma: float) -> None:
    image = photos()[1]
    light = (image.double() / 255) ** gamma * 2**stops
    found = copies(degradation("exposure", gamma=gamma), stops, image)[0]
    assert found.numpy() == pytest.approx((255 * light ** (1 / gamma)).numpy(), abs=1e-3)


@pytest.mark.parametrize("factor", [0.0, 0.3, 1.7])
def test_contrast_is_imagenet_cs(factor: float) -> None:
    """(x - mean) * c + mean, means over the pixels of a channel."""
    image = photos()[2]
    pixels = image.permute(1, 2, 0).numpy() / 255.0
    means = np.mean(pixels, axis=(0, 1), keepdims=True)
    theirs = ((pixels - means) * factor + means) * 255
    assert copies(degradation("contrast"), factor, image)[0].numpy() == pytest.approx(
        theirs.transpose(2, 0, 1), abs=1e-3
    )
    variance = float(image.double().var((1, 2), correction=0).mean())
    assert error(degradation("contrast"), factor, image) == pytest.approx((1 - factor) ** 2 * variance, rel=1e-3)


@pytest.mark.parametrize("exponent", [0.5, 2.5])
def test_gamma_is_that_of_scikit_image(exponent: float) -> None:
    image = photos()[0]
    theirs = adjust_gamma(image.double().numpy() / 255, exponent) * 255  # type: ignore[no-untyped-call]
    assert copies(degradation("gamma"), exponent, image)[0].numpy() == pytest.approx(theirs, abs=1e-3)


def test_gammas_are_as_severe_as_their_inverses() -> None:
    family = degradation("gamma")
    assert family.check([4, 0.25, 1, 2]) == (1, 2, 0.25, 4)
    assert family.between(4, 0.5) == 2


@pytest.mark.parametrize("factor", [0.0, 0.1, 0.3, 2.0, 20.0])
def test_saturation_is_imagenet_cs(factor: float) -> None:
    """rgb2hsv, then x[:, :, 1] = clip(x[:, :, 1] * c, 0, 1), then hsv2rgb."""
    image = photos()[0].clone()
    image[:, :2] = image[:1, :2]  # grey
    image[:, 2] = 0
    values = hsv(image)
    values[..., 1] = (values[..., 1] * factor).clip(0, 1)
    assert copies(degradation("saturation"), factor, image)[0].numpy() == pytest.approx(rgb(values), abs=2e-3)


def test_grey_images_have_no_saturation() -> None:
    with pytest.raises(InputError, match=r"^saturation needs RGB images; these have 1 channel$"):
        degraded_copies(torch.zeros(1, 8, 8, dtype=torch.uint8), degradation("saturation"), 0.5, 1, 0)
