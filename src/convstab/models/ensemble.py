"""Several classifiers as one."""

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from convstab.errors import InputError
from convstab.validation import Rule


class Ensemble(nn.Module):
    """Classifiers that decide together; itself a classifier: images in [0, 1], float (N, C, H, W) -> logits (N, K).

    members: at least one; an ensemble of one is its member.
    rule: what is averaged. probabilities: the softmax of the members; its logarithm is returned. logits: as they are.
        vote: the decisions of the members; the logarithm of the shares is returned, and of equal shares the lowest
        label wins.
    Raises InputError for another rule, no members, or members whose lists of classes differ.
    """

    normalises: ClassVar[bool] = True  # so do its members

    def __init__(self, members: Sequence[nn.Module], rule: Rule = "probabilities") -> None:
        super().__init__()
        if rule not in ("probabilities", "logits", "vote"):
            raise InputError(f"the rule of an ensemble is {rule!r}; it can be probabilities, logits or vote")
        if not members:
            raise InputError("an ensemble needs at least one member")
        known = [list(classes) for member in members if (classes := getattr(member, "classes", None)) is not None]
        for classes in known:
            if classes != known[0]:
                raise InputError(f"the members of an ensemble know different classes: {known[0]} and {classes}")
        self.members, self.rule = nn.ModuleList(members), rule
        self.classes: list[str] | None = known[0] if known else None

    @property
    def differentiable(self) -> bool:
        """Whether the logits have a gradient with respect to the images; votes have none."""
        return self.rule != "vote" or len(self.members) == 1

    def forward(self, images: Tensor) -> Tensor:
        """Images in [0, 1], float (N, C, H, W) -> logits (N, K), at least float32 for more than one member."""
        if len(self.members) == 1:
            logits: Tensor = self.members[0](images)
            return logits
        outputs = torch.stack([at_least_float32(member(images)) for member in self.members])
        if self.rule == "logits":
            return outputs.mean(0)
        if self.rule == "probabilities":
            return torch.logsumexp(outputs.log_softmax(2), 0) - math.log(len(outputs))
        votes = nn.functional.one_hot(outputs.argmax(2), outputs.shape[2]).float()
        nan = 0 * outputs.sum((0, 2))[:, None]  # a member that returns NaN must not pass as a vote
        return log_share(votes.mean(0)) + nan


def at_least_float32(logits: Tensor) -> Tensor:
    """The same logits, those of half precision in float32."""
    return logits if logits.dtype == torch.float64 else logits.float()


def log_share(share: Tensor) -> Tensor:
    """The logarithm of shares in [0, 1], finite also at 0, so that its softmax is the shares again."""
    return share.clamp_min(torch.finfo(share.dtype).tiny).log()
