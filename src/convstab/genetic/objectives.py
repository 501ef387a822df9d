"""What a population is judged by: the lower the fitness, the better.

Shapes: logits (slots, population, K), labels (slots,), norm (slots, population) in grey levels.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

NEVER = 1e-3  # logits; noise that lowers the margin by less is taken to need this much


class Judgement(NamedTuple):
    """fitness: (slots, population). projection: what noise is to be multiplied with to end at the boundary, or None."""

    fitness: Tensor
    projection: Tensor | None


class Objective(Protocol):
    """Judges individuals."""

    def __call__(self, logits: Tensor, labels: Tensor, norm: Tensor, clean: Tensor) -> Judgement:
        """Judge; clean: (slots,), the margins of the clean images in logits, above 0."""

    def rank(self, fitness: Tensor, margin: Tensor, norm: Tensor) -> Tensor:
        """By what elitism and the final result choose, (slots, population), the lower the better."""


@dataclass(frozen=True)
class Equation2:
    """psi(scores, label) + lambda * norm. Paper: equations 2 and 3.

    weight: lambda, per grey level of the L2 norm. beta: penalty of an image that is still classified correctly.
    """

    weight: float
    beta: float = 10.0

    def __call__(self, logits: Tensor, labels: Tensor, norm: Tensor, clean: Tensor) -> Judgement:  # noqa: ARG002
        """Score of the label times beta while it is the highest, else the lead of the highest score over it."""
        scores = logits.softmax(2)
        label = scores.gather(2, labels[:, None, None].expand(-1, scores.shape[1], 1))[..., 0]
        highest, predicted = scores.max(2)
        psi = torch.where(predicted == labels[:, None], self.beta * label, highest - label)
        return Judgement(psi + self.weight * norm, None)

    def rank(self, fitness: Tensor, margin: Tensor, norm: Tensor) -> Tensor:  # noqa: ARG002
        """The fitness itself."""
        return fitness


@dataclass(frozen=True)
class Distance:
    """The norm that the noise would have if it were scaled until it ends at the boundary.

    The scale is predicted, at no query, from the margin of the clean image and that of the noisy one, which are taken
    to lie on a straight line. So noise of any length is judged by its direction, long before anything is misclassified.

    project: whether individuals are scaled to where the boundary is predicted before they have offspring.
    predict: if not, feasibility decides: what is misclassified is judged by its norm and comes before everything
        else, which is judged by its margin.
    """

    project: bool = True
    predict: bool = True

    def __call__(self, logits: Tensor, labels: Tensor, norm: Tensor, clean: Tensor) -> Judgement:
        """Judge by the predicted norm at the boundary."""
        margin = margins(logits, labels)
        projection = clean[:, None] / (clean[:, None] - margin).clamp_min_(NEVER)
        fitness = norm * projection if self.predict else self.rank(norm, margin, norm)
        return Judgement(fitness, projection.clamp_(0.5, 2) if self.project else None)

    def rank(self, fitness: Tensor, margin: Tensor, norm: Tensor) -> Tensor:  # noqa: ARG002
        """Feasibility first: the norm of what is misclassified, and above all of these the margin of what is not."""
        return torch.where(margin < 0, norm, margin.clamp_min(0) + FEASIBLE)


FEASIBLE = 1e6  # grey levels; no noise in the box of an image of less than 15 million values has a norm this high


def margins(logits: Tensor, labels: Tensor) -> Tensor:
    """Logit of the label minus the highest other one, (slots, population); below 0 when misclassified."""
    index = labels[:, None, None].expand(-1, logits.shape[1], 1)
    return logits.gather(2, index)[..., 0] - logits.scatter(2, index, -torch.inf).amax(2)
