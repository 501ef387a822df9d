"""How clearly a decision is for a label."""

import torch
from torch import Tensor


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """Logit of the label minus the highest other one, (N,); below 0 when misclassified. logits: (N, K), K >= 2."""
    label = logits.gather(1, labels[:, None])
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return label[:, 0] - others.amax(1)
