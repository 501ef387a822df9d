"""Additive Gaussian noise, scaled until the classifier fails."""

from dataclasses import dataclass

import torch
from torch import Tensor

from convstab.attacks.attack import BatchedAttack
from convstab.attacks.query_counter import QueryCounter, fooled
from convstab.images import GREY_LEVELS
from convstab.validation import Count, CountOrZero, Positive


@dataclass(frozen=True)
class Gaussian(BatchedAttack):
    """The least sigma of clipped Gaussian noise that makes the classifier fail, for each of several draws.

    draws: of the noise; the best one counts. sigma: first level, in grey levels; it doubles until a draw fools the
    classifier, at most ``doublings`` times. bisections: of the level, for each draw.
    """

    draws: Count = 100
    sigma: Positive = 4.0
    doublings: CountOrZero = 8
    bisections: CountOrZero = 12

    def run(self, model: QueryCounter, images: Tensor, labels: Tensor) -> object:
        """Double the level until a draw fools the classifier, then bisect the level of every draw."""
        directions = torch.randn(self.draws, *images.shape[1:], device=images.device)
        low = torch.zeros(self.draws, 1, 1, 1, device=images.device)
        high = torch.full_like(low, self.sigma / GREY_LEVELS)
        labels = labels.expand(self.draws)
        for _ in range(self.doublings):
            over = fooled(model, (images + high * directions).clamp_(0, 1), labels).view_as(low)
            if over.any():
                break
            low, high = high, high * 2
        for _ in range(self.bisections):
            middle = (low + high) / 2
            over = fooled(model, (images + middle * directions).clamp_(0, 1), labels).view_as(low)
            low, high = torch.where(over, low, middle), torch.where(over, middle, high)
        return None
