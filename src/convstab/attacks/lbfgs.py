"""Box-constrained L-BFGS (Szegedy, Zaremba, Sutskever, Bruna, Erhan, Goodfellow, Fergus, 2014)."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize
from torch import Tensor

from convstab.attacks.attack import BatchedAttack
from convstab.attacks.query_counter import QueryCounter
from convstab.validation import Count, Positive

SMOOTH = 1e-4  # L2 for pixels in [0, 1]; the norm has no gradient at 0, sqrt(norm^2 + SMOOTH^2) has
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class LBFGS(BatchedAttack):
    """Minimises lambda * norm + loss within the box, for the largest lambda that still fools. Paper: equation 1.

    The loss is -log(1 - score of the label): the score itself is flat in float32 where the classifier is certain.

    weight: first lambda, for the L2 norm of pixels in [0, 1]; it doubles or halves until it lies on the other side.
    searches: values of lambda at most. iterations: of L-BFGS for each.
    """

    needs_gradients: ClassVar[bool] = True

    weight: Positive = 4.0
    searches: Count = 20
    iterations: Count = 50

    def run(self, model: QueryCounter, images: Tensor, labels: Tensor) -> object:
        """Bracket lambda, then bisect it on a logarithmic scale."""
        low, high, weight = 0.0, math.inf, self.weight
        for _ in range(self.searches):
            if self.minimise(model, images, labels, weight):
                low = weight
            else:
                high = weight
            weight = weight * 2 if high == math.inf else weight / 2 if low == 0 else math.sqrt(low * high)
        return None

    def minimise(self, model: QueryCounter, images: Tensor, labels: Tensor, weight: float) -> bool:
        """Minimise for one lambda, from the clean image; whether any point on the way was misclassified."""
        clean = images.flatten().double().cpu().numpy()
        fooled = False

        def objective(point: Vector) -> tuple[float, Vector]:
            nonlocal fooled
            image = torch.from_numpy(point).float().to(images.device).view_as(images).requires_grad_()
            logits = model(image)
            fooled = fooled or bool(logits.argmax(1) != labels)
            loss = not_the_label(logits, labels)
            (slope,) = torch.autograd.grad(loss, image)
            noise = point - clean
            norm = math.sqrt(noise @ noise + SMOOTH**2)
            return weight * norm + loss.item(), weight / norm * noise + slope.flatten().double().cpu().numpy()

        bounds = Bounds(0, 1)
        minimize(objective, clean, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": self.iterations})
        return fooled


def not_the_label(logits: Tensor, labels: Tensor) -> Tensor:
    """-log(1 - score of the label), without the rounding of 1 - score. logits: (1, K)."""
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return (logits.logsumexp(1) - others.logsumexp(1)).sum()
