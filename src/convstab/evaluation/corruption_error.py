"""Errors under several degradations relative to another model's, as ImageNet-C: ``convstab.corruption_error``."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convstab.degradations.degradation import Degradation
from convstab.errors import InputError
from convstab.evaluation.cells import NOT_DEFINED, as_cell
from convstab.evaluation.paired import check_same_draws
from convstab.evaluation.result import StabilityResult
from convstab.files.csv_text import csv_text
from convstab.statistics import ratios
from convstab.statistics.intervals import Estimate, Floats
from convstab.statistics.rates import ratio
from convstab.units import Units


@dataclass(frozen=True)
class CorruptionError:
    """What degradations cost a model, in multiples of what they cost a reference; 1: as much.

    families: names of the degradations. errors, reference: the sum of the error rates over the levels that change
    the images, for each family, and what it is relative to.
    ce: corruption error of each family, with a 95 % interval over images or their groups; NaN where the reference makes
    no error. relative_ce: the same of what the levels add to the errors of the clean images; NaN where the reference
    loses nothing. mce, relative_mce: their means over families, (); NaN where one is not defined.
    An interval is NaN where an image was not drawn under every level.
    Source: Hendrycks and Dietterich, Benchmarking Neural Network Robustness to Common Corruptions and Perturbations,
    ICLR 2019: CE and mCE, relative CE and relative mCE, there with the five severities of ImageNet-C and AlexNet.
    """

    families: tuple[str, ...]
    errors: Floats
    reference: Floats
    ce: Estimate
    relative_ce: Estimate
    mce: Estimate
    relative_mce: Estimate

    def table(self) -> str:
        """Each family and the mean, as Markdown, in per cent as in the literature."""
        lines = ["| degradation | CE | 95 % | relative CE | 95 % |", "|---|---:|---:|---:|---:|"]
        for place, name in enumerate(self.families):
            cells = (*hundredfold(self.ce, place), *hundredfold(self.relative_ce, place))
            lines.append(f"| {name} | {' | '.join(cells)} |")
        cells = (*hundredfold(self.mce, ()), *hundredfold(self.relative_mce, ()))
        return "\n".join([*lines, f"| mean | {' | '.join(cells)} |", ""])

    def as_csv(self) -> str:
        """Each family: sums of error rates, and ratios with their intervals."""
        estimates = {"ce": self.ce, "relative_ce": self.relative_ce}
        columns = {"errors": self.errors, "reference_errors": self.reference}
        for name, found in estimates.items():
            columns |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
        rows = ([name, *map(as_cell, numbers)] for name, *numbers in zip(self.families, *columns.values(), strict=True))
        return csv_text(["degradation", *columns], rows)

    def __repr__(self) -> str:
        return self.table()


def hundredfold(ratio: Estimate, place: int | tuple[()]) -> tuple[str, str]:
    """A ratio and its interval in per cent, without the sign."""
    value, low, high = (100 * end[place] for end in (ratio.value, ratio.low, ratio.high))
    ends = NOT_DEFINED if np.isnan(low) else f"{low:.1f} to {high:.1f}"
    return NOT_DEFINED if np.isnan(value) else f"{value:.1f}", ends


def corruption_error(results: Sequence[StabilityResult], reference: Sequence[StabilityResult]) -> CorruptionError:
    """Set the errors of a model under several degradations against those of a reference model (mCE of ImageNet-C).

    Args:
        results: of ``convstab.evaluate`` for one model, one for each degradation.
        reference: of another model, on the same images with the same degradations, levels, draws and seed.

    Raises:
        InputError: a degradation that one of the two lacks or has twice; other images, levels, draws or seeds.

    >>> import torch, convstab as cs
    >>> images = cs.Images(torch.rand(20, 3, 8, 8), torch.arange(20) % 2)
    >>> models = [torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 2)).eval() for _ in range(2)]
    >>> of = [[cs.evaluate(model, images, name, draws=2) for name in ("jpeg", "gaussian_blur")] for model in models]
    >>> found = cs.corruption_error(*of)
    >>> found.families, float(cs.corruption_error(of[0], of[0]).mce.value)
    (('jpeg', 'gaussian_blur'), 1.0)
    """
    ours, theirs = by_degradation(results), by_degradation(reference)
    for family in [*theirs, *ours]:
        if family in ours and family in theirs:
            continue
        which = "reference" if family in ours else "model"
        lacking = f"the {which} was not evaluated under {family.in_words}"
        raise InputError(f"{lacking}; it takes both under the same degradations")
    for family, result in ours.items():
        check_alike(result, theirs[family])
    rates, base = ([error_rates(of[family]) for family in ours] for of in (ours, theirs))
    more, more_of_base = ([errors - errors[:, :1] for errors in of] for of in (rates, base))  # the clean ones are first
    units = next(iter(ours.values())).units
    (ce, mce), (relative_ce, relative_mce) = relative(rates, base, units), relative(more, more_of_base, units)
    names = tuple(family.in_words for family in ours)
    return CorruptionError(names, sums_of(rates), sums_of(base), ce, relative_ce, mce, relative_mce)


def relative(ours: Sequence[Floats], theirs: Sequence[Floats], units: Units) -> tuple[Estimate, Estimate]:
    """The ratio of the sums over the levels of each family, and the mean of the ratios.

    ours, theirs: error rates of each image under the clean level and the others, (n, levels), for each family.
    """
    if not any(np.isnan(rates).any() for rates in (*ours, *theirs)):
        first, second = (np.stack([rates[:, 1:].mean(1) for rates in of], axis=1) for of in (ours, theirs))
        return ratios.of_means(first, second, units)
    sums, base = sums_of(ours), sums_of(theirs)
    value, nothing = ratio(sums, np.where(base > 0, base, 0)), np.full(len(ours), np.nan)
    return Estimate(value, nothing, nothing), Estimate(value.mean(), nothing.mean(), nothing.mean())


def sums_of(rates: Sequence[Floats]) -> Floats:
    """The means over the images that were drawn, summed over all levels but the clean one, for each family."""
    return np.array([np.nanmean(of, 0)[1:].sum() for of in rates])


def by_degradation(results: Sequence[StabilityResult]) -> dict[Degradation, StabilityResult]:
    """Results by their degradations; InputError when there is none, or two of the same degradation."""
    if isinstance(results, StabilityResult):
        raise InputError("a mean corruption error takes a list of results, one a degradation; it was given one result")
    found = {result.degradation: result for result in results}
    if not results or len(found) < len(results):
        listed = ", ".join(result.degradation.in_words for result in results) or "nothing"
        raise InputError(f"a mean corruption error takes one evaluation for each degradation; it was given {listed}")
    return found


def check_alike(result: StabilityResult, reference: StabilityResult) -> None:
    """Raise InputError unless two results are of the same images and draws."""
    try:
        check_same_draws(result, reference)
    except InputError as error:
        raise InputError(f"{result.degradation.in_words}, model and reference: {error}") from error


def error_rates(result: StabilityResult) -> Floats:
    """The error rate of each image under the clean level and those that change it, (n, levels); NaN: not drawn."""
    degraded, family = result.degraded, result.degradation.in_words
    if degraded[0] or not degraded.any():
        raise InputError(f"{family}: a corruption error needs the clean images and another level")
    if not result.share_drawn.all():
        raise InputError(f"{family}: one of the levels is one that no image can have")
    found: Floats = 1 - result.rates[:, [0, *np.flatnonzero(degraded)]]
    return found
