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
from convstab.statistics.intervals import Floats
from convstab.statistics.rates import ratio


@dataclass(frozen=True)
class CorruptionError:
    """What degradations cost a model, in multiples of what they cost a reference; 1: as much.

    families: names of the degradations. errors, reference: the sum of the error rates over the levels that change
    the images, for each family. more, reference_more: the same less the error rate of the clean images at each level.
    Source: Hendrycks and Dietterich, Benchmarking Neural Network Robustness to Common Corruptions and Perturbations,
    ICLR 2019: CE and mCE, relative CE and relative mCE, there with the five severities of ImageNet-C and AlexNet.
    """

    families: tuple[str, ...]
    errors: Floats
    reference: Floats
    more: Floats
    reference_more: Floats

    @property
    def ce(self) -> Floats:
        """Corruption error of each family; NaN where the reference makes no error."""
        return ratio(self.errors, self.reference)

    @property
    def relative_ce(self) -> Floats:
        """Relative corruption error of each family; NaN where the reference loses nothing."""
        return ratio(self.more, np.where(self.reference_more > 0, self.reference_more, 0))

    @property
    def mce(self) -> float:
        """Mean corruption error: the mean over families; NaN where it is not defined for one."""
        return float(self.ce.mean())

    @property
    def relative_mce(self) -> float:
        """Relative mean corruption error."""
        return float(self.relative_ce.mean())

    def table(self) -> str:
        """Each family and the mean, as Markdown, in per cent as in the literature."""
        lines = ["| degradation | CE | relative CE |", "|---|---:|---:|"]
        rows = [*zip(self.families, self.ce, self.relative_ce, strict=True), ("mean", self.mce, self.relative_mce)]
        lines += [f"| {name} | {hundredfold(ce)} | {hundredfold(relative)} |" for name, ce, relative in rows]
        return "\n".join([*lines, ""])

    def as_csv(self) -> str:
        """Each family: sums of error rates, and ratios."""
        columns = self.families, self.errors, self.reference, self.ce, self.relative_ce
        rows = ([family, *map(as_cell, numbers)] for family, *numbers in zip(*columns, strict=True))
        return csv_text(["degradation", "errors", "reference_errors", "ce", "relative_ce"], rows)

    def __repr__(self) -> str:
        return self.table()


def hundredfold(number: float) -> str:
    """A ratio in per cent, without the sign."""
    return NOT_DEFINED if np.isnan(number) else f"{100 * number:.1f}"


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
    >>> found.families, cs.corruption_error(of[0], of[0]).mce
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
    sums = [[error_sums(of[family]) for family in ours] for of in (ours, theirs)]
    (errors, more), (base, base_more) = (np.array(one, float).reshape(-1, 2).T for one in sums)
    return CorruptionError(tuple(family.in_words for family in ours), errors, base, more, base_more)


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


def error_sums(result: StabilityResult) -> tuple[float, float]:
    """The sum of the error rates over the levels that change the images, and what it has more than clean images."""
    errors, degraded, family = 1 - result.accuracy.value, result.degraded, result.degradation.in_words
    if degraded[0] or not degraded.any():
        raise InputError(f"{family}: a corruption error needs the clean images and another level")
    if np.isnan(errors).any():
        raise InputError(f"{family}: one of the levels is one that no image can have")
    return float(errors[degraded].sum()), float((errors[degraded] - errors[0]).sum())
