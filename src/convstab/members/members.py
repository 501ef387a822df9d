"""An ensemble and its members on the same draws."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from convstab.errors import InputError
from convstab.evaluation.paired import check_same_draws
from convstab.evaluation.result import StabilityResult
from convstab.members import gains
from convstab.statistics import pairwise, rates, votes
from convstab.statistics.intervals import Estimate, Floats

FEWEST = 2  # members


@dataclass(frozen=True, eq=False, repr=False)
class Members:
    """Evaluations of an ensemble and of each of its members on the same draws of the same images.

    ensemble: of the ensemble. members: of each member, by its name. rule: how the ensemble decides: probabilities,
    logits or vote.

    Raises InputError for fewer than two members, other classes, or results that are not of the same draws, or without
    the clean images.

    >>> import torch, convstab as cs
    >>> from convstab.models.ensemble import Ensemble
    >>> one, two = (torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 2)).eval() for _ in range(2))
    >>> images = cs.Images(torch.rand(20, 3, 8, 8), torch.arange(20) % 2)
    >>> both, *each = (cs.evaluate(m, images, levels=[0, 40], draws=5) for m in (Ensemble([one, two]), one, two))
    >>> Members(both, dict(zip("ab", each))).accuracies.shape
    (2, 2)
    """

    ensemble: StabilityResult
    members: Mapping[str, StabilityResult]
    rule: str = "probabilities"

    def __post_init__(self) -> None:
        if len(self.members) < FEWEST:
            raise InputError(f"{len(self.members)} members are given; an ensemble is told from at least {FEWEST}")
        if self.ensemble.degraded[0]:
            neutral = self.ensemble.protocol.neutral
            raise InputError(f"flips need the clean images: add {neutral:g} to the levels of the evaluations")
        for name, member in self.members.items():
            if list(member.classes) != list(self.ensemble.classes):
                raise InputError(f"{name} and the ensemble know other classes")
            try:
                check_same_draws(self.ensemble, member)
            except InputError as error:
                raise InputError(f"{name} cannot be set beside the ensemble: {error}") from error

    @cached_property
    def rates(self) -> Floats:
        """Share of correct draws of each member, (members, images, levels); NaN where an image was not drawn."""
        return np.stack([member.rates for member in self.members.values()])

    @cached_property
    def accuracies(self) -> Floats:
        """Accuracy of each member, (members, levels)."""
        return np.stack([member.accuracy.value for member in self.members.values()])

    @cached_property
    def common(self) -> NDArray[np.bool_]:
        """The images that all members and the ensemble classify correctly when clean, (images,)."""
        every = np.concatenate([self.rates, self.ensemble.rates[None]])
        found: NDArray[np.bool_] = (every[:, :, 0] == 1).all(0)
        return found

    @cached_property
    def flip_rates(self) -> Floats:
        """Share of misclassified draws of the common images of each member, (members, levels)."""
        flips = [rates.flip_rate(each, self.common, self.ensemble.units).value for each in self.rates]
        return np.stack(flips)

    @cached_property
    def ensemble_flips(self) -> Estimate:
        """That of the ensemble, (levels,), with its interval."""
        found = rates.flip_rate(self.ensemble.rates, self.common, self.ensemble.units)
        return replace(found, high=np.where(self.ensemble.degraded, found.high, found.value))  # 0 there by definition

    @cached_property
    def over_mean(self) -> Estimate:
        """How much higher the accuracy of the ensemble is than the mean of the members', (levels,)."""
        return gains.over_mean(self.ensemble.rates, self.rates, self.ensemble.units)

    @cached_property
    def over_best(self) -> Estimate:
        """How much higher it is than that of the best member, whichever is the best, (levels,)."""
        return gains.over_best(self.ensemble.rates, self.rates, self.ensemble.units)

    @cached_property
    def correlation(self) -> Estimate:
        """Mean over pairs of members of the correlation of their flip rates over the common images, (levels,)."""
        if not self.common.any():
            nothing = np.full(len(self.ensemble.levels), np.nan)
            return Estimate(nothing, nothing, nothing)
        return pairwise.mean_correlation(1 - self.rates[:, self.common], self.ensemble.units.part(self.common))

    @cached_property
    def random(self) -> NDArray[np.bool_]:
        """Whether a level leaves anything to chance, for each."""
        return self.ensemble.degraded & self.ensemble.degradation.random

    @cached_property
    def shared(self) -> Floats:
        """The chance that two of the members have the same draw of an image where each has one by chance, (levels,)."""
        draws, count = self.ensemble.protocol.draws_of, len(self.members)
        found = np.array([votes.shared_chance(number, count) for number in draws])
        return np.where(self.random, found, 0.0)

    @cached_property
    def independent(self) -> Floats:
        """The chance that a majority vote of independent members fails on each common image, (common images, levels).

        NaN where an image was not drawn, and under levels with fewer draws than members, which do not tell it.
        """
        return np.where(self.shared < 1, votes.majority_fails(self.rates[:, self.common]), np.nan)

    @cached_property
    def independent_least(self) -> Floats:
        """The same where the other votes lie as far apart as they can."""
        chances, classes = self.rates[:, self.common], len(self.ensemble.classes)
        return np.where(self.shared < 1, votes.plurality_fails(chances, classes), np.nan)

    @cached_property
    def independent_limits(self) -> tuple[Floats, Floats]:
        """Between what the flips of the independent vote may lie, as far as the draws are the same, (levels,) each."""
        vote, failing = (rates.mean_of_drawn(each.T) for each in (self.independent, self.failing))
        return votes.without_sharing(vote, failing, len(self.members), self.shared)

    @cached_property
    def failing(self) -> Floats:
        """How many of the members fail on a draw of each common image, (common images, levels)."""
        found: Floats = (1 - self.rates[:, self.common]).sum(0)
        return found

    @cached_property
    def beyond(self) -> Estimate:
        """Flips of the independent vote less those of the ensemble, on the common images, (levels,).

        The interval is as much wider to both sides as shared draws may have moved the vote.
        """
        changes = self.independent - (1 - self.ensemble.rates[self.common])
        found = gains.change(changes, self.ensemble.units.part(self.common))
        low, high = self.independent_limits
        vote, degraded = rates.mean_of_drawn(self.independent.T), self.ensemble.degraded
        ends = (found.low - (vote - low)).clip(-1), (found.high + (high - vote)).clip(None, 1)
        return Estimate(found.value, *(np.where(degraded, end, found.value) for end in ends))  # 0 there by definition
