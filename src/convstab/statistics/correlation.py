"""How alike the images of a group fail: intra-class correlation, and what it does to the certainty of a rate."""

from dataclasses import dataclass

import numpy as np

from convstab.errors import InputError
from convstab.statistics.intervals import Floats
from convstab.units import Integers

TAILS = 0.025, 0.975  # what a 95 % interval leaves out


def intraclass_correlation(values: Floats, groups: Integers, error: Floats | float = 0.0) -> Floats:
    """Correlation of two images of a group, (levels,): one-way analysis of variance, groups of any sizes.

    values: (n, levels), such as the share of the draws of each image that fail. groups: (n,).
    error: variance that each value has from its finite number of draws, see ``draw_variance``, (n, levels) or one
        number; it is taken out: 0 gives the correlation of values as they are, ``draw_variance`` that of the values
        which unlimited draws would give.
    At most 1, and below 0 where groups differ less than chance has them differ; NaN where all values agree. Where
    nothing but the error differs within groups the estimate is cut at 1.
    Raises InputError when there are less than two groups, or when no group has two images.
    Source: Donner, A review of inference procedures for the intraclass correlation coefficient, International
    Statistical Review 54, 1986, equation 2.2.
    """
    sums = GroupSums.of(values, groups, error)
    found: Floats = sums.correlation(np.ones((1, len(sums.size))))[0]
    return found


def correlation_interval(
    values: Floats, groups: Integers, error: Floats | float = 0.0, resamples: int = 2000, seed: int = 0
) -> tuple[Floats, Floats]:
    """Ends of the 95 % interval of the intra-class correlation, (levels,) each: percentiles of a bootstrap over groups.

    resamples: times that as many groups are drawn, with replacement, and whole; those where all values agree have no
        correlation and are left out.
    The other arguments, NaN and errors are those of ``intraclass_correlation``.
    """
    sums = GroupSums.of(values, groups, error)
    count = len(sums.size)
    times = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), resamples)
    drawn = sums.correlation(times)
    known = ~np.isnan(sums.correlation(np.ones((1, count)))[0])
    ends = np.full((2, len(known)), np.nan)
    ends[:, known] = np.nanquantile(drawn[:, known], TAILS, axis=0)
    return ends[0], ends[1]


def design_effect(correlation: Floats, size: float) -> Floats:
    """How many times the variance of a mean is that of independent images, with groups of ``size`` (Kish 1965)."""
    return 1 + (size - 1) * correlation


def draw_variance(rates: Floats, draws: int | Integers) -> Floats:
    """Unbiased estimate of the variance that chance gives each share of ``draws`` draws; InputError below 2 draws."""
    if np.min(draws) < 2:
        raise InputError(f"{draws} draws of an image do not tell how much they differ; it takes at least 2")
    return rates * (1 - rates) / (draws - 1)


@dataclass(frozen=True)
class GroupSums:
    """What an analysis of variance needs of each of k groups: resampled groups need no second look at the images.

    size: (k,), images. total, square, error: (k, levels), sums over the images of values, squares and error variances.
    """

    size: Floats
    total: Floats
    square: Floats
    error: Floats

    @classmethod
    def of(cls, values: Floats, groups: Integers, error: Floats | float) -> "GroupSums":
        """Add up each group; InputError as ``intraclass_correlation`` has it."""
        if len(groups) != len(values):
            raise InputError(f"{len(groups)} group numbers do not match {len(values)} images")
        _, member, size = np.unique(groups, return_inverse=True, return_counts=True)
        if len(size) < 2 or len(size) == len(values):
            raise InputError(
                f"{len(values)} images in {len(size)} groups have no correlation within groups: "
                "it takes two groups, and two images in one of them"
            )
        spread = np.broadcast_to(error, values.shape)
        centred = values - values.mean(0)  # squares of small differences, not small differences of squares
        sums = [np.zeros((len(size), values.shape[1])) for _ in range(3)]
        for target, addend in zip(sums, (centred, centred**2, spread), strict=True):
            np.add.at(target, member, addend)
        return cls(size.astype(float), *sums)

    def correlation(self, times: Floats | Integers) -> Floats:
        """The intra-class correlation, (b, levels), with each group taken so many times; times (b, k)."""
        groups, images = times.sum(1)[:, None], (times @ self.size)[:, None]
        typical = (images - (times @ self.size**2)[:, None] / images) / (groups - 1)  # the size if all were equal
        square, total, by_group = times @ self.square, times @ self.total, times @ (self.total**2 / self.size[:, None])
        error = times @ self.error / images
        with np.errstate(divide="ignore", invalid="ignore"):
            between = (by_group - total**2 / images) / (groups - 1)
            within = (square - by_group) / (images - groups)
            shared, own = (between - within) / typical, np.maximum(within - error, 0)
            found = shared / (shared + own)
        tiny = 1e-12  # of squares of shares; what rounding leaves where all values agree
        defined = (square - total**2 / images > tiny * images) & (shared + own > 0)
        return np.where(defined, found, np.nan)
