"""The flat-boundary law: how often noise carries an image over a boundary that is so far away, and the reverse."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, log_ndtr, ndtr

from convstab.statistics.intervals import Floats
from convstab.units import Integers

STEPS = 60  # of scoring; from anywhere a handful are enough, halved ones included
APART = 1.01  # times: levels that are nearer than this tell nothing of a curvature
RIDGE = 1e-9  # of the information that is added to it
CLOSE = 1e-9  # a step that is shorter, as a share of the parameters, is the last


def flip_chance(distance: Floats | float, sigma: Floats | float, curvature: Floats | float = 0.0) -> Floats:
    """Chance that noise N(0, sigma^2) carries an image over its boundary: Phi(-distance / sigma + curvature sigma).

    distance: L2, in the unit of sigma; below 0: the image is beyond it already. curvature: how much nearer the
    boundary comes for noise of 1, see ``fit``; 0: it is flat. All of them broadcast.
    Source: Fawzi, Moosavi-Dezfooli and Frossard, NeurIPS 2016; Ford, Gilmer, Carlini and Cubuk, ICML 2019.
    """
    with np.errstate(divide="ignore"):
        found: Floats = ndtr(-np.asarray(distance) / sigma + np.asarray(curvature) * sigma)
    return found


@dataclass(frozen=True)
class Boundary:
    """Of each image, (n,): NaN where draws do not tell it.

    distance: L2, in the unit of sigma. error: standard error of it. curvature: 1 / unit of sigma; 0 where it was not
    fitted. told: whether the distance is told: draws of the image flip under some level, and not always.
    """

    distance: Floats
    error: Floats
    curvature: Floats

    @property
    def told(self) -> NDArray[np.bool_]:
        """Whether the distance is known."""
        return np.isfinite(self.distance)


def fit(flips: Integers, draws: Integers, sigma: Floats) -> Boundary:
    """The boundary of each image that makes its draws the most likely: probit regression on 1 / sigma and sigma.

    The second term stands for all that makes a boundary not flat: a curved one, or several, come nearer the further
    one goes. It is fitted where at least two levels, not all but equal, have draws of both kinds, otherwise the
    boundary is flat; where no draw flips, or all do, they say no more than that it is far, or behind.

    flips: misclassified draws, (n, levels). draws: all, same shape, at least one each. sigma: (levels,), above 0.
    """
    mixed = (flips > 0) & (flips < draws)
    scale = np.exp(np.log(sigma).mean())  # the two terms are then of one size
    terms = np.stack([-scale / sigma, sigma / scale])  # (2, levels)
    widest, least = np.where(mixed, sigma, 0).max(1), np.where(mixed, sigma, np.inf).min(1)
    curved, some = widest > APART * least, (flips.sum(1) > 0) & (flips.sum(1) < draws.sum(1))
    found = Boundary(*(np.full(len(flips), np.nan) for _ in range(3)))
    for rows, kept in ((curved, 2), (some & ~curved, 1)):
        values, errors = scored(flips[rows], draws[rows], terms[:kept])
        found.distance[rows], found.error[rows] = values[:, 0] * scale, errors * scale
        found.curvature[rows] = values[:, 1] / scale if kept == 2 else 0.0
    return found


def scored(flips: Integers, draws: Integers, terms: Floats) -> tuple[Floats, Floats]:
    """Weights of the terms that make the draws the most likely, (n, terms), and the standard error of the first.

    Fisher scoring with steps that are halved until they lead upwards; the likelihood is concave.
    """
    values = np.zeros((len(flips), len(terms)))
    likely, information = likelihood(values, flips, draws, terms), np.zeros((len(flips), *2 * [len(terms)]))
    for _ in range(STEPS):
        gradient, information = derivatives(values, flips, draws, terms)
        step = np.linalg.solve(information, gradient[..., None])[..., 0]
        for _ in range(STEPS):
            better = likelihood(values + step, flips, draws, terms)
            worse = better < likely
            if not worse.any():
                break
            step[worse] /= 2
        values, likely = values + step, better
        if (np.abs(step) <= CLOSE * (1 + np.abs(values))).all():
            break
    return values, np.sqrt(np.linalg.inv(information)[:, 0, 0])


def likelihood(values: Floats, flips: Integers, draws: Integers, terms: Floats) -> Floats:
    """Its logarithm, (n,)."""
    at = values @ terms
    found: Floats = (flips * log_ndtr(at) + (draws - flips) * log_ndtr(-at)).sum(1)
    return found


def derivatives(values: Floats, flips: Integers, draws: Integers, terms: Floats) -> tuple[Floats, Floats]:
    """The gradient of the logarithm of the likelihood, (n, terms), and the Fisher information, (n, terms, terms).

    The information is a hair greater than it is, so that it can be inverted where levels tell all but nothing.
    """
    at = values @ terms
    log_density = -(at**2) / 2 - np.log(2 * np.pi) / 2
    up, down = np.exp(log_density - log_ndtr(at)), np.exp(log_density - log_ndtr(-at))  # finite far out, too
    slope, weight = flips * up - (draws - flips) * down, draws * up * down
    information = np.einsum("nl,il,jl->nij", weight, terms, terms)
    own = np.arange(len(terms))
    information[:, own, own] = information[:, own, own] * (1 + RIDGE) + RIDGE**2
    return slope @ terms.T, information


def flip_chance_of_margins(mean: Floats, spread: Floats, draws: Integers) -> Floats:
    """Chance to be misclassified that a few draws tell by their margins, not only by how many of them are below 0.

    Unbiased where the margins of an image under a level are normal; there it has less variance than any other unbiased
    estimate, so also than the share of misclassified draws.

    Args:
        mean: of the margins (logit of the label minus the greatest other) of each image and level, any shape.
        spread: their standard deviation, that of the draws themselves (not divided by their number less one).
        draws: of each, at least 3.

    Source: Lieberman and Resnikoff, Journal of the American Statistical Association 50, 1955, equation 3.
    """
    half = np.maximum(draws, 3) / 2 - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        place = np.nan_to_num(mean / (spread * np.sqrt(draws - 1)), nan=0.0)
    return np.asarray(betainc(half, half, ((1 - place) / 2).clip(0, 1)), np.float64)
