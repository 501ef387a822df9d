"""The affine law of a sensor, variance = gain * brightness + read variance, fitted robustly, with its intervals."""

import math
from dataclasses import dataclass, field

import numpy as np
from scipy import stats

from convstab.camera.points import Points
from convstab.images import GREY_LEVELS
from convstab.statistics.intervals import CONFIDENCE, Floats

HUBER = 1.345  # standard errors beyond which a point counts less: 95 % efficient where all are normal (Huber 1964)
ROUNDS = 50  # of reweighting; a dozen is the rule
SETTLED = 1e-10  # relative change of the coefficients that is none
CURVED = 3  # degree of the curve that the law is held against: what a gamma does to it bends twice
DOUBT, DEPARTURE = 0.001, 0.02  # the law does not fit if so rare a curve is so far, relatively, from the line
MID_GREY = 128.0


@dataclass(frozen=True, eq=False)
class Polynomial:
    """A robust weighted fit. coefficients: from the constant on, (k,); covariance: (k, k); outlying: points far off."""

    coefficients: Floats
    covariance: Floats
    outlying: int

    def at(self, brightness: Floats | float) -> Floats:
        """The variance at a brightness."""
        return np.asarray(np.polynomial.polynomial.polyval(brightness, self.coefficients))


def polynomial(points: Points, degree: int) -> Polynomial:
    """Huber's fit; the errors are those of the fitted variance, since low values of the measured one seem exact.

    Errors count as they are, or as large as the residuals are typically where that is more.
    """
    rows = np.vander(points.brightness / GREY_LEVELS, degree + 1, increasing=True)
    fitted, weights = points.variance, np.ones(len(rows))
    found: Floats = np.zeros(degree + 1)
    for _ in range(ROUNDS):
        errors = points.errors(np.maximum(fitted, points.variance / 4))  # a fit may cross 0 where points are few
        scaled = rows / errors[:, None] * np.sqrt(weights)[:, None]
        before, found = found, solved(scaled, points.variance / errors * np.sqrt(weights))
        fitted = rows @ found
        off = (points.variance - fitted) / errors
        scale = max(1.0, 1.4826 * float(np.median(np.abs(off))))
        weights = np.minimum(1, HUBER * scale / np.maximum(np.abs(off), 1e-12))
        if np.abs(found - before).max() <= SETTLED * np.abs(found).max():
            break
    influence = (np.clip(off / scale, -HUBER, HUBER) ** 2).sum() / (len(rows) - degree - 1)
    inner = float((np.abs(off) <= HUBER * scale).mean())
    per_point = scale**2 * max(influence / inner**2, 1.0)  # Huber 1973
    whitened = rows / errors[:, None]
    units = GREY_LEVELS ** -np.arange(degree + 1.0)
    covariance = per_point * np.linalg.inv(whitened.T @ whitened) * np.outer(units, units)
    return Polynomial(found * units, covariance, int((np.abs(off) > 5 * scale).sum()))


def solved(rows: Floats, values: Floats) -> Floats:
    """The coefficients of least squares."""
    return np.asarray(np.linalg.lstsq(rows, values, rcond=None)[0], np.float64)


@dataclass(frozen=True, eq=False)
class Law:
    """variance = gain * brightness + read variance, in grey levels (0-255), as points tell it.

    points: those that are used. line: the fit. departure: how far, as a share of it, a cubic curve lies from the line
    (root mean square). doubt: the chance of so much curvature if the law held. residual: the typical size of a point's
    relative residual.
    """

    points: Points
    line: Polynomial = field(init=False)
    departure: float = field(init=False)
    doubt: float = field(init=False)
    residual: float = field(init=False)

    def __post_init__(self) -> None:
        line, curve = polynomial(self.points, 1), polynomial(self.points, CURVED)
        on_line = line.at(self.points.brightness)
        bent, spread = curve.coefficients[2:], curve.covariance[2:, 2:]
        statistic = float(bent @ np.linalg.solve(spread, bent)) / len(bent)
        settled = {
            "line": line,
            "departure": root_mean_square((curve.at(self.points.brightness) - on_line) / on_line),
            "doubt": float(stats.f.sf(statistic, len(bent), len(on_line) - CURVED - 1)),
            "residual": 1.4826 * float(np.median(np.abs(self.points.variance / on_line - 1))),
        }
        for name, value in settled.items():
            object.__setattr__(self, name, value)

    @property
    def gain(self) -> float:
        """Grey levels that an electron makes: the level of ``degradation=sensor``."""
        return float(self.line.coefficients[1])

    @property
    def read_variance(self) -> float:
        """Variance without light, grey levels squared; below 0 by chance, or where the law does not fit."""
        return float(self.line.coefficients[0])

    @property
    def read_noise(self) -> float:
        """Standard deviation without light in electrons, as ``degradation=sensor`` takes it; NaN without a gain."""
        return math.sqrt(max(self.read_variance, 0)) / self.gain if self.gain > 0 else math.nan

    @property
    def fits(self) -> bool:
        """Whether the law may be used: noise grows with light, and the points do not lie on another curve."""
        return self.gain_interval[0] > 0 and not self.bent

    @property
    def bent(self) -> bool:
        """Whether the points lie on another curve than a line, by more than chance and by more than a little."""
        return self.doubt < DOUBT and self.departure > DEPARTURE

    @property
    def quantile(self) -> float:
        """Standard errors to each side of an estimate that make its interval."""
        return float(stats.t.ppf((1 + CONFIDENCE) / 2, len(self.points.brightness) - 2))

    @property
    def gain_interval(self) -> tuple[float, float]:
        """The 95 % interval of the gain."""
        half = self.quantile * math.sqrt(self.line.covariance[1, 1])
        return self.gain - half, self.gain + half

    @property
    def read_noise_interval(self) -> tuple[float, float]:
        """The 95 % interval of the read noise, electrons: all r for which b - (a r)^2 may be 0 (Fieller 1954).

        Its lower end is 0 where the points do not tell whether there is any.
        """
        if self.gain <= 0:
            return 0.0, math.inf
        low, high = read_variance_ends(self.gain, self.read_variance, self.line.covariance, self.quantile)
        return math.sqrt(low), math.sqrt(high)

    def variance_at(self, brightness: float) -> float:
        """The variance at a brightness, grey levels squared: by the law, or between points where it does not fit."""
        if self.fits:
            return max(float(self.line.at(brightness)), 0.0)
        order = np.argsort(self.points.brightness)
        known = self.points.brightness[order]
        measured = np.interp(brightness, known, self.points.variance[order], left=np.nan, right=np.nan)
        return float(measured)

    def sigma_at(self, brightness: float) -> float:
        """The standard deviation at a brightness, grey levels."""
        return math.sqrt(self.variance_at(brightness))

    @property
    def psnr(self) -> float:
        """Of frames at mid grey, dB."""
        variance = self.variance_at(MID_GREY)
        return 10 * math.log10(GREY_LEVELS**2 / variance) if variance > 0 else math.inf if variance == 0 else math.nan


def root_mean_square(values: Floats) -> float:
    """The root of the mean of the squares."""
    return float(np.sqrt((values**2).mean()))


def read_variance_ends(gain: float, read_variance: float, covariance: Floats, quantile: float) -> tuple[float, float]:
    """The least and greatest q, electrons squared, with |b - q a^2| within ``quantile`` of its standard errors.

    a is the gain, b the read variance; covariance: of (b, a). The errors of a^2 are taken as 2 a times those of a.
    """
    of_b, together, of_a = covariance[0, 0], covariance[0, 1], covariance[1, 1]
    limit = quantile**2
    square = gain**4 - 4 * limit * gain**2 * of_a
    linear = -2 * read_variance * gain**2 + 4 * limit * gain * together
    constant = read_variance**2 - limit * of_b
    if square <= 0:  # the gain is hardly known
        return 0.0, math.inf
    root = math.sqrt(max(linear**2 - 4 * square * constant, 0))
    return max((-linear - root) / (2 * square), 0.0), max((-linear + root) / (2 * square), 0.0)
