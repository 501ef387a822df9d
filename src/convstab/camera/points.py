"""From frames of a static scene to points of a photon transfer curve: temporal variance against brightness.

The variance is that of a pixel over the frames, which is the mean of all squared differences of two of them: what stays
from frame to frame, the scene and the sensor's fixed pattern, cancels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from convstab.images import GREY_LEVELS
from convstab.statistics.intervals import Floats

LEVELS, PIXELS = 64, 200  # points of a scene at most; pixels of a point at least
CLIPPED = 0.001  # share of a point's values that may be black or white: it takes 0.3 % off a normal variance
BESIDE = 0.05  # share of the values around a pixel, from which on it lies in what is clipped
COARSE = 0.5  # steps of the file; with less noise rounding is no longer noise of 1/12, by 3 % of the variance

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True)
class Scale:
    """What the values of files mean. black: of no light. white: the highest that is not clipped, and above."""

    black: float
    white: float

    @property
    def unit(self) -> float:
        """Grey levels of one value."""
        return GREY_LEVELS / (self.white - self.black)


@dataclass(frozen=True, eq=False)
class Points:
    """Points of a photon transfer curve, each of pixels that are about equally bright; all fields are (points,).

    brightness: mean, grey levels. variance: temporal, without that of rounding, grey levels squared. rounding: its
    variance, 1/12 of a squared step. relative: standard error of the variance before that, as a share of it.
    pixels: how many. clipped: share of their values that are black or white.
    """

    brightness: Floats
    variance: Floats
    rounding: Floats
    relative: Floats
    pixels: NDArray[np.int64]
    clipped: Floats

    @classmethod
    def joined(cls, several: Sequence["Points"]) -> "Points":
        """Points of several scenes."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(points, name) for points in several]) for name in names))

    def part(self, chosen: NDArray[np.bool_]) -> "Points":
        """Some of the points."""
        return Points(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def errors(self, variance: Floats) -> Floats:
        """Standard errors of the points if this were their true variance."""
        return self.relative * (variance + self.rounding)

    @property
    def coarse(self) -> NDArray[np.bool_]:
        """Whether the noise is too little for what rounding does to it."""
        return self.variance < 12 * COARSE**2 * self.rounding

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Whether neither clipping nor rounding bends the variance."""
        return (self.clipped <= CLIPPED) & ~self.coarse


def points_of(frames: Pixels, scale: Scale) -> Points:
    """Points of one channel of a static scene; none where fewer than 200 pixels are not among clipped ones.

    A pixel's brightness is known by its neighbours, whose noise is not its own: were it ordered by its own mean, pixels
    that are bright by chance would count as bright, which flattens the law. So are clipped ones left out: by what their
    neighbours are. What all pixels of a point do together from frame to frame, as under a light that flickers, is no
    noise of the sensor and is taken off.

    frames: (n, H, W), at least two frames and 3 x 3 pixels.
    """
    total, squares, clipped = sums(frames, scale)
    kept = around(clipped) <= BESIDE * 8 * len(frames)
    count = int(kept.sum())
    bins = min(LEVELS, count // PIXELS)
    if bins == 0:
        return Points(*(np.zeros(0, kind) for kind in (float, float, float, float, np.int64, float)))
    order = np.argsort(around(total)[kept], kind="stable")
    starts = np.arange(bins) * count // bins
    sizes = np.diff([*starts, count])

    def means(values: Floats) -> Floats:
        """Of each point's pixels, (bins,); values (H, W)."""
        return np.asarray(np.add.reduceat(values[1:-1, 1:-1][kept][order], starts) / sizes)

    frame_count = len(frames)
    spread = (squares - total**2 / frame_count) / (frame_count - 1)  # of each pixel over the frames
    each = np.array([means(frame.astype(np.float64)) for frame in frames])
    variance = (means(spread) - each.var(0, ddof=1)) * sizes / (sizes - 1)
    typical = np.maximum(means(spread), np.finfo(float).tiny)
    relative = np.sqrt(np.maximum(means(spread**2) / typical**2 - 1, 0) / (sizes - 1))
    rounding = (step_of(frames) * scale.unit) ** 2 / 12
    return Points(
        (means(total) / frame_count - scale.black) * scale.unit,
        variance * scale.unit**2 - rounding,
        np.full(bins, rounding),
        relative,
        sizes,
        means(clipped) / frame_count,
    )


def sums(frames: Pixels, scale: Scale) -> tuple[Floats, Floats, Floats]:
    """Of each pixel over the frames: sum, sum of squares, and how often it is black or white; (H, W), exact."""
    total, squares, clipped = np.zeros((3, *frames.shape[1:]))
    for frame in frames:
        values = frame.astype(np.float64)
        total += values
        squares += values**2
        clipped += (frame == 0) | (frame >= scale.white)
    return total, squares, clipped


def around(values: Floats) -> Floats:
    """The sum of the eight neighbours of each pixel that has eight, (H - 2, W - 2)."""
    height, width = values.shape
    places = [(row, column) for row in range(3) for column in range(3) if (row, column) != (1, 1)]
    return np.asarray(sum(values[row : height - 2 + row, column : width - 2 + column] for row, column in places))


def step_of(frames: Pixels) -> int:
    """Between two values of the files: 16 where 12 bits were made 16 by zeros; 1 for 8 bits."""
    if frames.dtype == np.uint8:
        return 1
    seen = np.unique(frames)
    return max(math.gcd(*(seen - seen[0]).tolist()), 1)
