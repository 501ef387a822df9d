"""Where the attacks begin that only look at decisions: at an image that is misclassified already."""

import torch
from torch import Tensor

from convstab.attacks.query_counter import CERTAIN, QueryCounter
from convstab.attacks.verification import margin

TRIES = 256  # images without content; a fixed number, so that a count of queries does not depend on the neighbours
BISECTIONS = 10  # of the way to the clean image


def misclassified_start(model: QueryCounter, images: Tensor, labels: Tensor) -> Tensor:
    """Noise images, blended with the clean ones until they are only just misclassified, (n, C, H, W).

    An image that withstands all tries is given up and returned clean. All images of a batch are tried with the same
    noise, of all contrasts and brightnesses (classifiers take most uniform noise for the same class): no result
    depends on the place in the batch.
    """
    content = torch.rand(TRIES, *images.shape[1:], device=images.device)
    contrast, brightness = torch.rand(2, TRIES, 1, 1, 1, device=images.device)
    tries = (content - 0.5).mul_(contrast).add_(brightness).clamp_(0, 1)
    over = fooled(model, tries.repeat_interleave(len(images), 0), labels.repeat(TRIES)).view(TRIES, -1)
    distance = (tries[:, None] - images).flatten(2).norm(dim=2).masked_fill_(~over, torch.inf)
    start = torch.where(over.any(0).view(-1, 1, 1, 1), tries[distance.argmin(0)], images)
    model.given_up = ~over.any(0)
    return blend(model, images, start, labels)


def blend(model: QueryCounter, images: Tensor, start: Tensor, labels: Tensor) -> Tensor:
    """Bisect the line from each clean image to its start; the nearest misclassified point that was seen."""
    low = torch.zeros(len(images), 1, 1, 1, device=images.device)
    high = torch.ones_like(low)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        over = fooled(model, torch.lerp(images, start, middle), labels).view_as(low)
        low, high = torch.where(over, low, middle), torch.where(over, middle, high)
    return torch.lerp(images, start, high)


def fooled(model: QueryCounter, images: Tensor, labels: Tensor) -> Tensor:
    """Whether each image is misclassified beyond rounding, bool (n,)."""
    with torch.no_grad():
        return margin(model(images), labels) < -CERTAIN
