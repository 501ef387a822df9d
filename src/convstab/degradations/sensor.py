"""What a camera's sensor adds: photons that come at random, and the noise of reading them out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import gammaln
from torch import Tensor

from convstab.degradations.degradation import Degradation, Numbers, Shape
from convstab.degradations.exactness import by_level, of_images, settled
from convstab.images import GREY_LEVELS, as_images
from convstab.validation import NotNegative

WHITE = int(GREY_LEVELS)
TINY = 1e-300  # photons that black is taken to send: its count is 0 all the same
MANY = 1e4  # photons at white; a photon more is then less than 0.03 grey levels, and the law a skewed normal one


@dataclass(frozen=True)
class Shot(Degradation):
    """Counts photons: each value becomes a Poisson number; the level is the mean number of photons at white.

    More light is better, infinitely much changes nothing. Values are rounded to whole grey levels first. The expected
    squared error before clipping is 255 E[x] / level.
    Source: Hendrycks and Dietterich 2019, shot noise.
    """

    name: ClassVar[str] = "shot"
    unit: ClassVar[str] = "photons at white"
    neutral: ClassVar[float] = math.inf
    low: ClassVar[float] = 0.1
    grid: ClassVar[tuple[float, ...]] = (3.0, 5.0, 12.0, 25.0, 60.0, 250.0, 1000.0, 4000.0)

    def numbers(self, shape: Shape) -> tuple[Numbers, ...]:
        """A uniform number for each value."""
        return (Numbers("uniform", math.prod(shape)),)

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:
        """The images as so many photons show them."""
        return settled(grey_of_photons(images, levels, as_images(random[0], tuple(images.shape[1:]))))

    def severity(self, level: float) -> float:
        """The variance at white in units of white squared."""
        return 1 / level

    def between(self, level: float, strength: float) -> float:
        """The light that gives so much of the variance."""
        return level / strength if strength else self.neutral


@dataclass(frozen=True)
class Sensor(Degradation):
    """A sensor's noise, Poissonian and Gaussian; the level is its gain: the grey levels that an electron makes.

    The variance is level * x + (level * read_noise)^2: both parts grow when a camera raises its ISO value in the dark.
    Values are rounded to whole grey levels first. 255 / level electrons make white.

    read_noise: standard deviation, electrons.
    Source: Foi, Trimeche, Katkovnik and Egiazarian 2008, equation 3: a is the level, b is (level * read_noise)^2.
    """

    name: ClassVar[str] = "sensor"
    unit: ClassVar[str] = "grey levels per electron"
    high: ClassVar[float] = GREY_LEVELS
    grid: ClassVar[tuple[float, ...]] = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
    read_noise: NotNegative = 2.0

    def numbers(self, shape: Shape) -> tuple[Numbers, ...]:
        """For each value a uniform number, for its photons, and a normal one, for reading it out."""
        return Numbers("uniform", math.prod(shape)), Numbers("normal", math.prod(shape))

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:
        """The images as the sensor shows them."""
        photons, reading = (as_images(numbers, tuple(images.shape[1:])) for numbers in random)
        grey = grey_of_photons(images, GREY_LEVELS / levels, photons)
        return settled(grey + of_images(levels * self.read_noise) * reading)


def grey_of_photons(images: Tensor, at_white: Tensor, uniform: Tensor) -> Tensor:
    """Poisson numbers by their quantiles, in grey levels, float64. at_white: photons, (N,); uniform: as the images."""
    whole = images.round().clamp(0, GREY_LEVELS).double()
    photons = torch.empty_like(whole)
    for light, chosen in by_level(at_white):
        of_light = poisson if light <= MANY else skewed_normal
        photons[chosen] = of_light(whole[chosen], light, uniform[chosen])
    return photons * of_images(GREY_LEVELS / at_white)


def poisson(whole: Tensor, light: float, uniform: Tensor) -> Tensor:
    """The exact numbers: one search in the distributions of all grey levels, which stand one behind another."""
    table, first = (torch.from_numpy(values).to(whole.device) for values in distributions(light))
    grey = whole.long()
    place = torch.searchsorted(table.flatten(), (whole + uniform).contiguous(), right=True)
    photons: Tensor = first[grey] + place - grey * table.shape[1]
    return photons.double()


@lru_cache(maxsize=16)
def distributions(light: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """For each grey level x, x + the distribution function of its photons, (256, counts), from the count (256,) on."""
    mean = np.arange(WHITE + 1) * light / WHITE
    spread = 7 * math.sqrt(light) + 20  # beyond it lies less than float32 numbers tell
    first = np.maximum(0, mean - spread).astype(np.int64)
    counts = first[:, None] + np.arange(int(2 * spread) + 2)
    logarithms = counts * np.log(np.maximum(mean, TINY))[:, None] - mean[:, None]
    table = np.exp(logarithms - gammaln(np.arange(counts.max() + 1.0) + 1)[counts]).cumsum(1).clip(0, 1)
    table[:, -1] = 1
    return np.arange(WHITE + 1)[:, None] + table, first


def skewed_normal(whole: Tensor, light: float, uniform: Tensor) -> Tensor:
    """Numbers with the mean, variance and skewness of Poisson's (Cornish and Fisher 1938), at least 0."""
    mean = whole * (light / GREY_LEVELS)
    normal: Tensor = torch.special.ndtri(uniform.double() + 2.0**-25)  # never at 0
    return (mean + mean.sqrt() * normal + (normal * normal - 1) / 6 * mean.sign()).clamp_min(0)
