"""The numbers behind the findings: changes image by image with their 95 % intervals, and medians of the least noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convstab.attacks.result import AttackResult, quantile
from convstab.evaluation.result import StabilityResult
from convstab.images import GREY_LEVELS
from convstab.report.results import Source
from convstab.runs.provenance import NOISE
from convstab.statistics import intervals
from convstab.statistics.intervals import Floats, median_ends
from convstab.units import IMAGES, Integers, Units


@dataclass(frozen=True)
class Measured:
    """A number and its 95 % interval over images or groups of them; NaN where there is nothing to count."""

    value: float
    low: float
    high: float
    images: int

    def __neg__(self) -> "Measured":
        """A fall as a change, and a change as a fall."""
        return Measured(-self.value, -self.high, -self.low, self.images)


def mean_change(changes: Floats, units: Units = IMAGES) -> Measured:
    """The mean of changes in [-1, 1], one for each image, (n,), see ``intervals.mean_change``."""
    found = intervals.mean_change(changes[:, None], units)
    return Measured(float(found.value[0]), float(found.low[0]), float(found.high[0]), len(changes))


def drop(result: StabilityResult, sigmas: Floats | float) -> Measured:
    """By how much the accuracy over these sigmas is below that without noise."""
    return mean_change(result.rates[:, 0] - over_noise(result, sigmas), result.units)


def noisy_levels(result: StabilityResult) -> Floats:
    """The sigmas above 0."""
    return result.levels[result.degraded]


def over_noise(result: StabilityResult, sigmas: Floats | float) -> Floats:
    """Mean share of correct draws of each image under these sigmas, (n,)."""
    rates: Floats = result.rates[:, np.isin(result.levels, sigmas)].mean(1)
    return rates


def paired(first: StabilityResult, second: StabilityResult) -> Measured | None:
    """By how much the second's accuracy over the noise of both exceeds the first's, over the images of both.

    None: they share no image or no noise, or their labels say that the images are different ones.
    """
    _, rows, others = shared(first.by_image("index")[:, 0], second.by_image("index")[:, 0])
    sigmas = np.intersect1d(noisy_levels(first), noisy_levels(second))
    if not len(rows) or not len(sigmas) or (first.labels[rows] != second.labels[others]).any():
        return None
    changes = over_noise(second, sigmas)[others] - over_noise(first, sigmas)[rows]
    return mean_change(changes, first.units.part(rows))


def shared(first: Integers, second: Integers) -> tuple[Integers, Integers, Integers]:
    """Places in the test set that both list, and their rows in each."""
    return np.intersect1d(first, second, return_indices=True)


@dataclass(frozen=True)
class Fooled:
    """What one sigma does to images that are correct when clean.

    rate: share of their draws that are misclassified. fooled, correct: images with at least one such draw, of so many.
    errors: share of all images that are misclassified without noise. share: of all misclassified draws, those of
        images that are correct when clean.
    """

    rate: Measured
    fooled: int
    correct: int
    errors: float
    share: float


def fooled_at(result: StabilityResult, sigma: float) -> Fooled | None:
    """What a sigma does; None: it was not drawn."""
    if sigma not in result.levels:
        return None
    level = int(np.flatnonzero(result.levels == sigma)[0])
    correct, misclassified, flips = result.rates[:, 0] == 1, 1 - result.rates[:, level], result.flip_rate
    value, low, high = (float(column[level]) for column in (flips.value, flips.low, flips.high))
    rate = Measured(value, low, high, int(correct.sum()))
    fooled, errors = int((misclassified[correct] > 0).sum()), float((~correct).mean())
    return Fooled(
        rate, fooled, int(correct.sum()), errors, float(misclassified[correct].sum() / max(misclassified.sum(), 1e-12))
    )


def first_drop(result: StabilityResult) -> tuple[float, Measured] | None:
    """From which sigma on the accuracy is significantly below the clean one, and the fall there; None: from none on."""
    first = None
    for sigma in noisy_levels(result)[::-1]:
        fall = drop(result, sigma)
        if fall.low <= 0:
            break
        first = float(sigma), fall
    return first


@dataclass(frozen=True)
class LeastNoise:
    """What an attack needed on all images that it attacked; a failure counts as infinite.

    l2: median L2 norm for pixels in [0, 1]. l2_90: what 90 % of the images do not exceed. rms: of the median, in grey
    levels. psnr: of the median, in dB; its least is that of the greatest norm. success: images on which it succeeded.
    """

    l2: Measured
    l2_90: float
    rms: float
    psnr: Measured
    success: int


def least_noise(result: AttackResult) -> LeastNoise:
    """What an attack found, of images that are correct when clean; some were attacked."""
    attacked = result.rows["attacked"]
    norms = result.norms[attacked]
    l2, pixels = median(norms, result.units.part(attacked)), result.pixels[0].size
    psnr = Measured(psnr_of(l2.value, pixels), psnr_of(l2.high, pixels), psnr_of(l2.low, pixels), l2.images)
    rms = l2.value * GREY_LEVELS / pixels**0.5
    return LeastNoise(l2, float(quantile(norms, 90)), rms, psnr, int(np.isfinite(norms).sum()))


def psnr_of(norm: float, pixels: int) -> float:
    """The PSNR in dB of noise with an L2 norm for so many pixels in [0, 1]; infinite where there is no noise."""
    return float(10 * np.log10(pixels) - 20 * np.log10(norm)) if norm > 0 else np.inf


def median(values: NDArray[np.float64], units: Units = IMAGES) -> Measured:
    """The median and its interval, (n,), see ``intervals.median_ends``; -inf to inf: too few units for one."""
    return Measured(float(quantile(values, 50)), *median_ends(values, units), len(values))


def noise_ratio(first: AttackResult, second: AttackResult) -> Measured | None:
    """How many times the least noise of the first the second needs, image by image: the median of the ratios.

    Images on which both attacks failed are left out. None: no image was attacked in both, or they are different ones.
    """
    attacked = [result.part(result.rows["attacked"]) for result in (first, second)]
    index, *rows = shared(*(result.rows["index"] for result in attacked))
    mine, theirs = (result.part(places) for result, places in zip(attacked, rows, strict=True))
    if not len(index) or not np.array_equal(mine.pixels, theirs.pixels):
        return None
    found = np.isfinite(mine.norms) | np.isfinite(theirs.norms)
    ratios = theirs.norms[found] / mine.norms[found]
    return median(ratios, mine.units.part(found)) if found.any() else None


def without_noise(augment: str) -> str:
    """The augmentation that is the same but for the noise."""
    return " + ".join(name for name in augment.split(" + ") if name not in NOISE) or "none"


def best_partner(wanted: Source, augment: str, found: Sequence[Source]) -> int | None:
    """Which source is the best to compare with: the same data set and model, this augmentation, the same seeds if any.

    The place in ``found``, or None when nothing is of the same data set and model.
    """
    fitting = [
        (source.augment != augment, not set(source.seeds) <= set(wanted.seeds), place)
        for place, source in enumerate(found)
        if (source.dataset, source.model) == (wanted.dataset, wanted.model)
    ]
    return min(fitting)[2] if fitting else None
