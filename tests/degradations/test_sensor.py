"""Photons: Poisson's law at every value, and the variance of Foi 2008."""

import numpy as np
import pytest
import torch
from scipy import stats

from convstab.degradations.by_name import degradation
from convstab.degradations.sensor import MANY, grey_of_photons
from convstab.errors import InputError
from tests.degradations.photos import copies, error, photos


def flat(grey: int) -> torch.Tensor:
    return torch.full((1, 32, 32), grey, dtype=torch.uint8)


@pytest.mark.parametrize("light", [0.1, 3.0, 60.0, 997.0, MANY])
def test_photons_are_the_quantiles_of_poissons_law(light: float) -> None:
    """The law's own quantiles at the same uniform numbers, for all grey levels."""
    grey = torch.arange(256.0).repeat_interleave(16).view(1, 1, 256, 16)
    uniform = torch.rand(grey.shape, generator=torch.Generator().manual_seed(0))
    uniform.view(-1)[:2] = uniform.view(-1)[-2:] = torch.tensor([2.0**-24, 1 - 2.0**-24])
    found = grey_of_photons(grey, torch.tensor([light]).double(), uniform) / 255 * light
    expected = np.maximum(0, stats.poisson.ppf(uniform.double().numpy(), grey.double().numpy() * light / 255))
    assert np.abs(found.numpy() - expected).max() < 1e-6


@pytest.mark.parametrize("light", [0.1, 60.0, MANY])
def test_the_least_number_stands_for_few_photons(light: float) -> None:
    grey = torch.arange(256.0).view(1, 1, 16, 16)
    photons = grey_of_photons(grey, torch.tensor([light]).double(), torch.zeros_like(grey)) / 255 * light
    mean = grey.double() * light / 255
    assert (photons >= 0).all()
    assert (photons <= mean).all()
    assert (photons >= mean - 7 * light**0.5 - 21).all()


def test_many_photons_follow_a_law_as_skewed_as_poissons() -> None:
    """Quantiles within a photon of Poisson's, in the dark as well, at 30,000 photons at white."""
    grey = torch.arange(1.0, 257).clamp(max=255).repeat_interleave(16).view(1, 1, 256, 16)
    uniform = torch.rand(grey.shape, generator=torch.Generator().manual_seed(0)).clamp(1e-4, 1 - 1e-4)
    found = grey_of_photons(grey, torch.tensor([3 * MANY]).double(), uniform) / 255 * 3 * MANY
    expected = stats.poisson.ppf(uniform.double().numpy(), grey.double().numpy() * 3 * MANY / 255)
    difference = found.numpy() - np.asarray(expected)
    assert np.abs(difference).max() < 1.1
    assert np.abs(difference.mean()) < 0.6


@pytest.mark.parametrize("light", [0.1, 3.0, 60.0, 1000.0, 2 * MANY, 1e6])
def test_fewer_photons_mean_more_noise(light: float) -> None:
    image = photos()[0]
    expected = 255 * float(image.double().mean()) / light
    assert error(degradation("shot"), light, image, 64) == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("light", [12.0, 2 * MANY])
def test_dark_is_dark_and_grey_keeps_its_mean(light: float) -> None:
    assert error(degradation("shot"), light, flat(0)) == 0
    values = copies(degradation("shot"), light, flat(90), 64)
    assert float(values.mean()) == pytest.approx(90, abs=5 * (255 * 90 / light / values.numel()) ** 0.5)


def test_shot_noise_is_that_of_imagenet_c() -> None:
    """np.random.poisson(x * c) / c, x in [0, 1]."""
    image, light = photos()[1], 12.0
    theirs = np.random.default_rng(0).poisson(np.tile(image.numpy(), (64, 1, 1, 1)) / 255 * light) / light * 255
    ours = copies(degradation("shot"), light, image, 64).numpy().round(2)
    assert stats.ks_2samp(ours.ravel(), theirs.ravel(), method="asymp").pvalue > 1e-3


@pytest.mark.parametrize(("gain", "read_noise"), [(0.5, 2.0), (2.0, 0.0), (0.01, 40.0)])
def test_the_variance_is_that_of_foi(gain: float, read_noise: float) -> None:
    family = degradation("sensor", read_noise=read_noise)
    for grey in (0, 40, 200):
        expected = gain * grey + (gain * read_noise) ** 2
        assert error(family, gain, flat(grey), 64) == pytest.approx(expected, rel=0.03, abs=1e-9)


def test_negative_read_noise_is_refused() -> None:
    with pytest.raises(InputError, match=r"^read_noise is -1; it must be a number, at least 0$"):
        degradation("sensor", read_noise=-1)
