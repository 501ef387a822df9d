"""What the counts of an evaluation say: rates under each level with their intervals, and how right confidence is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convstab.degradations.degradation import Degradation
from convstab.degradations.gaussian import Gaussian
from convstab.errors import InputError
from convstab.evaluation.exact import UNIT
from convstab.evaluation.protocol import Protocol
from convstab.statistics import confidence, rates
from convstab.statistics.correlation import draw_variance
from convstab.statistics.draws import error
from convstab.statistics.intervals import Estimate, Floats
from convstab.units import Integers, Units


@dataclass(frozen=True, eq=False, repr=False)
class Measures:
    """Counts over all draws of a test set.

    classes: K names. protocol: how the draws were made, and which probability the histogram and the samples show.
    rows: columns of stability.parquet, one entry per image and level, see ``tally.Counts``; besides, where the
        data set has any, the group of the image, or the design effect of groups whose members are not known.
    totals: confusion, histogram, calibration and margins, see ``tally.Counts``.
    """

    classes: Sequence[str]
    protocol: Protocol
    rows: dict[str, NDArray[Any]]
    totals: dict[str, NDArray[np.int64]]

    @property
    def confusion(self) -> Integers:
        """(levels, label, predicted)."""
        return self.totals["confusion"]

    @property
    def histogram(self) -> Integers:
        """(label, misclassified or correct, PSNR bin, score bin)."""
        return self.totals["histogram"]

    @cached_property
    def applied(self) -> Floats:
        """The level of the degradation of each image under each level, (images, levels); NaN: not to be reached."""
        return self.by_image("applied" if self.protocol.by_psnr else "level")

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self.labels)

    @cached_property
    def levels(self) -> Floats:
        """The levels of the degradation, from the mildest to the worst."""
        return np.array(self.protocol.levels)

    @cached_property
    def psnr(self) -> Floats:
        """Mean PSNR in dB of the draws of each level that differ from the clean image.

        Infinite where none does; NaN where there is no draw.
        """
        weights = self.by_image("draws") - self.by_image("identical")
        psnr = np.where(weights > 0, self.by_image("psnr_mean"), 0)
        total = weights.sum(0)
        none = np.where(self.share_drawn > 0, np.inf, np.nan)
        return np.where(total > 0, (psnr * weights).sum(0) / total.clip(1), none)

    @cached_property
    def ssim(self) -> Floats:
        """Mean structural similarity to the clean image under each level, (levels,); NaN where none was measured."""
        return (
            rates.mean_of_drawn(self.by_image("ssim").T) if "ssim" in self.rows else np.full(len(self.levels), np.nan)
        )

    @cached_property
    def degraded(self) -> NDArray[np.bool_]:
        """Whether a level changes the images, for each."""
        return np.array(self.protocol.degraded)

    @property
    def as_in_paper(self) -> bool:
        """Whether it was Gaussian noise of given sigmas, the one degradation of the paper."""
        return self.degradation == Gaussian() and not self.protocol.by_psnr

    @property
    def label(self) -> str:
        """What stands at an axis of the levels."""
        return f"{self.protocol.quantity} ({self.protocol.unit})" if self.protocol.by_psnr else self.degradation.label

    @property
    def degradation(self) -> Degradation:
        """What was done to the images."""
        return self.protocol.degradation

    @property
    def draws(self) -> int:
        """Draws of each image under each level that changes it, the most of any; 1 where there is none."""
        return max(self.protocol.draws_of)

    @property
    def draws_in_words(self) -> str:
        """The draws of each image under the levels that change it, such as 10, or 2 to 16."""
        return self.protocol.draws_in_words

    def by_image(self, column: str) -> NDArray[Any]:
        """A column as (images, levels)."""
        return self.rows[column].reshape(-1, len(self.levels))

    @property
    def share_drawn(self) -> Floats:
        """Share of the images that were drawn under each level, (levels,): not every image can have each PSNR."""
        share: Floats = (self.by_image("draws") > 0).mean(0)
        return share

    @cached_property
    def labels(self) -> Integers:
        """The label of each image."""
        return self.by_image("label")[:, 0]

    @cached_property
    def rates(self) -> Floats:
        """Share of correct draws, (images, levels); NaN where an image was not drawn: no level leaves it this PSNR."""
        return self.per_draw("correct")

    @cached_property
    def units(self) -> Units:
        """What is independent: the groups of the images if the rows have any, or images."""
        return Units.of_rows(self.rows, len(self.levels))

    @property
    def groups(self) -> Integers | None:
        """The group of each image, (n,), or None."""
        return self.units.groups

    @property
    def accuracy(self) -> Estimate:
        """Share of correct draws under each level."""
        return rates.accuracy(self.rates, self.units)

    @property
    def balanced_accuracy(self) -> Estimate:
        """Mean recall under each level."""
        return rates.balanced_accuracy(self.rates, self.labels, self.units)

    @property
    def flip_rate(self) -> Estimate:
        """Share of misclassified draws of the images that are correct when clean, under each level; 0 must be there."""
        if self.degraded[0]:
            raise InputError(f"the flip rate needs the clean images: add {self.protocol.neutral:g} to the levels")
        flips = rates.flip_rate(self.rates, self.rates[:, 0] == 1, self.units)
        return replace(flips, high=np.where(self.degraded, flips.high, flips.value))  # 0 there by definition

    @property
    def flip_probability(self) -> Estimate:
        """Share of draws of all images whose decision is not the clean one, under each level; 0 must be there.

        Source: Hendrycks and Dietterich, ICLR 2019: the flip probability of ImageNet-P for noise.
        """
        if "changed" not in self.rows:
            raise InputError(
                f"the flip probability needs the clean images: add {self.protocol.neutral:g} to the levels"
            )
        found = rates.accuracy(self.per_draw("changed"), self.units)
        return replace(found, high=np.where(self.degraded, found.high, found.value))  # 0 there by definition

    @property
    def top5(self) -> Estimate | None:
        """Share of draws whose label is among the five best classes, under each level; None below ten classes."""
        there = self.scored and "top5" in self.rows
        return rates.accuracy(self.per_draw("top5"), self.units) if there else None

    @property
    def brier(self) -> Estimate:
        """Mean of the sum over classes of (probability - 1 of the label)^2 under each level, in [0, 2]; Brier 1950."""
        halves = rates.accuracy((self.drawn("brier_mean") / 2).clip(0, 1), self.units)
        return Estimate(2 * halves.value, 2 * halves.low, 2 * halves.high)

    @property
    def nll(self) -> Floats:
        """Mean negative log-likelihood of the label in nats under each level, (levels,).

        It has no interval: of a mean without an upper end none holds (Bahadur and Savage 1956), and a few images that
        are not in a test set may carry most of it.
        """
        return rates.mean_of_drawn(self.drawn("nll_mean").T)

    @property
    def ece(self) -> Floats:
        """Expected calibration error in 15 bins under each level, (levels,); biased upwards where draws are few."""
        return confidence.expected_calibration_error(self.binned("calibration"), UNIT)

    @property
    def aurc(self) -> Floats:
        """Area under the risk-coverage curve under each level, (levels,), from draws in order of confidence."""
        return confidence.area_under_risk_coverage(self.binned("margins"))

    def accuracy_at(self, coverage: float = 0.8) -> Floats:
        """Accuracy of this share of the draws, the most confident ones, under each level, (levels,)."""
        return confidence.accuracy_at_coverage(self.binned("margins"), coverage)

    def per_draw(self, column: str) -> Floats:
        """Counts of draws as shares of each image, (images, levels); NaN where an image was not drawn."""
        draws = self.by_image("draws")
        shares: Floats = np.where(draws > 0, self.by_image(column) / draws.clip(1), np.nan)
        return shares

    def drawn(self, column: str) -> Floats:
        """A column of means over probabilities, (images, levels); NaN where an image was not drawn, or had none."""
        there = (self.by_image("draws") > 0) & self.scored
        values: Floats = np.where(there, self.by_image(column), np.nan)
        return values

    @property
    def scored(self) -> bool:
        """Whether the model gave probabilities, and not decisions alone."""
        return self.protocol.score != "none"

    def binned(self, name: str) -> NDArray[np.int64]:
        """The draws in bins of their confidence; none where the model gave decisions alone."""
        return self.totals[name] if self.scored else np.zeros_like(self.totals[name])

    @property
    def pooled_confusion(self) -> Integers:
        """The confusion of all degraded draws, (K, K), in which levels weigh alike, see ``Protocol.weights``."""
        return rates.over_levels(self.confusion, self.weights)

    @property
    def weights(self) -> Integers:
        """How often a draw of each level counts where levels are pooled, (levels,)."""
        return np.array(self.protocol.weights)

    @property
    def draws_error(self) -> Floats:
        """Half of the 95 % interval that draws alone leave each accuracy, (levels,): it is of these very images.

        0 where all draws are the same, NaN where one draw of each image cannot tell, or none was drawn.
        """
        draws, drawn = np.array(self.protocol.draws_of), self.share_drawn * self.images
        several = np.maximum(draws, 2)
        spread = rates.mean_of_drawn((draw_variance(self.rates, several) * several).T)
        random = self.degraded & self.degradation.random
        found = np.where(draws > 1, error(spread, np.maximum(drawn, 1), several), np.nan)
        return np.where(random, np.where(drawn > 0, found, np.nan), 0.0)
