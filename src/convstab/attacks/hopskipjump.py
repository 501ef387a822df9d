"""HopSkipJump (Chen, Jordan, Wainwright, 2020)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from eagerpy.tensor.pytorch import PyTorchTensor
from foolbox.attacks.hop_skip_jump import HopSkipJumpAttack

from convstab.attacks.foolbox import WithFoolbox
from convstab.attacks.query_counter import QueryCounter
from convstab.validation import Count, Positive

Decide = Callable[[Any], Any]


@dataclass(frozen=True)
class HopSkipJump(WithFoolbox):
    """Estimates the gradient at the boundary from decisions alone, steps along it, and bisects back to the boundary.

    steps: at most; step i estimates from evaluations * sqrt(i) decisions, so that some 80 steps take 50,000 queries.
    evaluations: decisions for the first estimate. gamma: sets where bisection stops, as foolbox does.
    """

    needs_start: ClassVar[bool] = True

    steps: Count = 200
    evaluations: Count = 100
    gamma: Positive = 1.0

    def make(self, model: QueryCounter) -> Any:
        """Foolbox's attack, with each of its gradient estimates in one forward pass."""
        attack = OneForwardPass(steps=self.steps, initial_gradient_eval_steps=self.evaluations, gamma=self.gamma)
        attack.model = model
        return attack


class OneForwardPass(HopSkipJumpAttack):
    """HopSkipJump for one image at a time: foolbox would ask for one decision per forward pass."""

    model: QueryCounter

    def approximate_gradients(self, is_adversarial: Decide, x_advs: Any, steps: int, delta: Any) -> Any:  # noqa: ARG002
        """The direction, of length 1, in which the image (1, C, H, W) becomes more misclassified."""
        image, radius = x_advs.raw, delta.raw.view(1, 1, 1, 1)
        directions = torch.randn(steps, *image.shape[1:], device=image.device)
        directions /= directions.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        perturbed = (image + radius * directions).clamp_(0, 1)
        directions = (perturbed - image) / radius
        fooled = self.model(perturbed).argmax(1) != self.model.labels
        decisions = fooled.float() * 2 - 1
        if decisions.mean().abs() < 1:
            decisions -= decisions.mean()
        estimate = (decisions.view(-1, 1, 1, 1) * directions).mean(0, keepdim=True)
        return PyTorchTensor(estimate / (estimate.norm() + 1e-12))
