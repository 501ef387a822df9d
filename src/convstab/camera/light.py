"""How many stops of light are left before a model begins to fail.

A stop less is half the photons. The camera keeps the brightness by twice the gain, and so an electron makes twice as
many grey levels: the level of ``degradation=sensor`` doubles, and its read noise, in electrons, stays.
"""

import math
from dataclasses import dataclass

import numpy as np

from convstab.camera.law import MID_GREY
from convstab.degradations.degradation import Degradation
from convstab.degradations.gaussian import Gaussian
from convstab.degradations.sensor import Sensor
from convstab.errors import InputError
from convstab.evaluation.measures import Measures
from convstab.validation import FRACTION, check_limit


@dataclass(frozen=True)
class Failure:
    """Where a model begins to fail, in an evaluation under sensor noise or Gaussian noise.

    degradation: of the evaluation. share: of the draws of clean-correct images that flip.
    holds, fails: the last level before flips exceed the share, and the first at which they do; None: there is none.
    significant: whether the intervals of both flip rates lie on their side of the share.
    """

    degradation: Degradation
    share: float
    holds: float | None
    fails: float | None
    significant: bool

    @classmethod
    def of(cls, result: Measures, share: float = 0.01) -> "Failure":
        """Where flips first exceed a share; InputError for levels of other degradations."""
        check_limit("share", share, FRACTION)
        check_noise(result)
        flips, places = result.flip_rate, np.flatnonzero(result.degraded)
        if np.isnan(flips.value).any():
            raise InputError("the evaluation has no image that is correct when clean; there is nothing to flip")
        above = places[flips.value[places] > share][:1]
        within = places[places < above[0]][-1:] if len(above) else places[-1:]
        significant = bool((flips.high[within] <= share).all() and (flips.low[above] > share).all())
        holds, fails = (float(result.levels[some[0]]) if len(some) else None for some in (within, above))
        return cls(result.degradation, share, holds, fails, significant)

    def stops(self, gain: float, read_noise: float) -> tuple[float, float]:
        """Stops less light that hold, and that fail, of a camera; infinite where no level tells.

        The failing gain G is that at which the camera's noise at mid grey, G x + (G read_noise)^2, has the variance of
        the failing level, and stops = log2(G / gain). Where camera and evaluation have one read noise, G is the level.

        gain: grey levels per electron. read_noise: electrons.
        """
        ends = (self.holds, -math.inf), (self.fails, math.inf)
        low, high = (
            none if level is None else math.log2(gain_of(variance_of(self.degradation, level), read_noise) / gain)
            for level, none in ends
        )
        return low, high


def check_noise(result: Measures) -> None:
    """Raise InputError unless an evaluation has levels of sensor noise or of Gaussian noise."""
    family = result.degradation.name
    if result.protocol.by_psnr or not isinstance(result.degradation, Sensor | Gaussian):
        said = f"of {family} by PSNR" if result.protocol.by_psnr else f"of {family}"
        raise InputError(f"the evaluation is {said}; stops need levels of sensor or gaussian")
    if not result.degraded.any():
        raise InputError("the evaluation is of clean images only; stops need levels of sensor or gaussian")


def variance_of(degradation: Degradation, level: float) -> float:
    """The variance of a level at mid grey, grey levels squared."""
    if isinstance(degradation, Sensor):
        return level * MID_GREY + (level * degradation.read_noise) ** 2
    return level**2


def gain_of(variance: float, read_noise: float) -> float:
    """The gain at which a camera has this variance at mid grey: the root of G x + (G read_noise)^2 = variance."""
    return 2 * variance / (MID_GREY + math.sqrt(MID_GREY**2 + 4 * read_noise**2 * variance))
