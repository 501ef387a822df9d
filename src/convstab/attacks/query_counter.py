"""A classifier under attack: counts what an attack asks of it and remembers the best answer."""

import torch
from torch import Tensor, nn

from convstab.forward.margins import margin

CERTAIN = 1e-4  # logits; a margin below -CERTAIN survives the rounding of pixels and of another batch size


class OutOfQueries(Exception):  # noqa: N818 - nothing went wrong: the search ends here
    """The budget of an image is spent."""


class QueryCounter(nn.Module):
    """The classifier that an attack sees: the same logits, counted, with the least noise that fooled it kept.

    classifier: images in [0, 1], float (N, C, H, W) -> logits (N, K).
    clean: the images that are attacked at the same time, float32 (n, C, H, W) in [0, 1]. A forward pass takes a
        multiple of n images, of which each n-th belongs to the same one.
    labels: int64 (n,). max_queries: images of each that may be classified; None: any number.
    Raises OutOfQueries from ``forward`` when the budget of an image does not suffice for the batch.
    """

    best: Tensor  # float32 (n, C, H, W), pixels in [0, 1]
    given_up: Tensor  # bool (n,), set by an attack: images whose answers are no longer kept
    norm: Tensor  # float32 (n,), of the noise of best; infinite when none was misclassified
    margin: Tensor  # float32 (n,), of best

    def __init__(self, classifier: nn.Module, clean: Tensor, labels: Tensor, max_queries: int | None) -> None:
        super().__init__()
        self.classifier, self.clean, self.labels, self.max_queries = classifier, clean, labels, max_queries
        self.queries = self.gradients = 0  # of each image
        self.best = clean.clone()
        self.norm = torch.full((len(clean),), torch.inf, device=clean.device)
        self.margin = torch.full_like(self.norm, torch.inf)
        self.given_up = torch.zeros(len(clean), dtype=torch.bool, device=clean.device)
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, K), float32, for images (N, C, H, W) in [0, 1]."""
        each = len(images) // len(self.clean)
        if self.max_queries is not None and self.queries + each > self.max_queries:
            raise OutOfQueries
        self.queries += each
        with torch.autocast(images.device.type, enabled=False):
            logits: Tensor = self.classifier(images.contiguous(memory_format=torch.channels_last)).float()
        if logits.requires_grad:
            logits.register_hook(self.count_gradient)
        with torch.no_grad():
            self.remember(images.detach(), logits.detach())
        return logits

    def count_gradient(self, gradient: Tensor) -> None:
        """Count the backward pass that just reached the logits."""
        self.gradients += len(gradient) // len(self.clean)

    def remember(self, images: Tensor, logits: Tensor) -> None:
        """Keep the nearest misclassified image of each, or else the one nearest to the boundary."""
        n = len(self.clean)
        margins = margin(logits, self.labels.repeat(len(images) // n)).view(-1, n)
        norms = torch.linalg.vector_norm((images.unflatten(0, (-1, n)) - self.clean).flatten(2), dim=2)
        fooled = margins < -CERTAIN
        norms.masked_fill_(~fooled, torch.inf)
        nearest = torch.where(fooled.any(0), norms.argmin(0), margins.argmin(0))
        row = torch.arange(n, device=images.device)
        norm, least = norms[nearest, row], margins[nearest, row]
        nearer = norm.isinf() & self.norm.isinf() & (least < self.margin)
        better = ((norm < self.norm) | nearer) & ~self.given_up
        self.best[better] = images.unflatten(0, (-1, n))[nearest, row][better]
        self.norm[better], self.margin[better] = norm[better], least[better]


def fooled(model: QueryCounter, images: Tensor, labels: Tensor) -> Tensor:
    """Whether each image is misclassified beyond rounding, bool (n,)."""
    with torch.no_grad():
        return margin(model(images), labels) < -CERTAIN
