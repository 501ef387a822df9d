"""Training on degraded copies: any family of ``degradations``, drawn on the fly."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from convstab.data.augment import Batch
from convstab.degradations.by_name import degradation
from convstab.degradations.degradation import Degradation, Law, Shape
from convstab.errors import InputError
from convstab.images import GREY_LEVELS, grey_to_unit_, quantise_

EXAMPLE = "such as [gaussian, {name: jpeg, levels: [75, 50]}]"


class DegradedCopies(nn.Module):
    """The training set of each image and its degraded copies, drawn on the fly; ``NoisyCopies`` for any degradation.

    A copy has one of the degradations, all as likely, at one of its levels, all as likely, and is clipped and rounded
    to 8 bit. With ``[{name: gaussian, levels: ...}]`` the copies are distributed as those of ``NoisyCopies``.

    degradations: names of families, or {name, levels, settings ...}; without levels, a family's own grid.
    copies: degraded copies of each image, so that an image is clean with probability 1 / (copies + 1).
    Paper: section 4, training on noisy copies.
    Raises InputError for families, levels or settings that there are not.
    """

    def __init__(self, degradations: Sequence[str | Mapping[str, Any]], copies: int = 15) -> None:
        super().__init__()
        if isinstance(degradations, str | Mapping) or not degradations:
            raise InputError(f"augment.degradations is {degradations}; it is a list of families, {EXAMPLE}")
        if copies < 0:
            raise InputError(f"augment.copies is {copies}; it must be at least 0")
        self.choices, self.copies = [with_levels(entry) for entry in degradations], copies

    def check_shape(self, shape: Shape) -> None:
        """Raise InputError for images, (C, H, W), that one of the families cannot degrade."""
        for family, _ in self.choices:
            family.check_shape(shape)

    def forward(self, images: Tensor, labels: Tensor) -> Batch:
        """Images (N, C, H, W) in [0, 1] with what each of them drew, unchanged labels."""
        count, device = len(images), images.device
        choice = torch.randint(len(self.choices), (count,), device=device)
        choice[torch.randint(self.copies + 1, (count,), device=device) == 0] = -1
        copies = images.clone()
        for place, (family, levels) in enumerate(self.choices):
            chosen = choice == place
            if chosen.any():
                copies[chosen] = degraded(images[chosen], family, levels)
        return copies, labels


def with_levels(entry: str | Mapping[str, Any]) -> tuple[Degradation, Tensor]:
    """A family with its settings, and the levels of which a copy has one, float64."""
    if not isinstance(entry, str | Mapping):
        raise InputError(f"augment.degradations holds {entry}; it is a list of families, {EXAMPLE}")
    settings = {"name": entry} if isinstance(entry, str) else dict(entry)
    levels = settings.pop("levels", None)
    family = degradation(settings)
    return family, torch.tensor(family.check(family.grid if levels is None else levels), dtype=torch.float64)


def degraded(images: Tensor, family: Degradation, levels: Tensor) -> Tensor:
    """Images in [0, 1], each at one of the levels, with random numbers of torch's global generator."""
    chosen = levels.to(images.device)[torch.randint(len(levels), (len(images),), device=images.device)]
    shape: Shape = (images.shape[1], images.shape[2], images.shape[3])
    random = [drawn(law, len(images), each, images.device) for law, each in family.numbers(shape)]
    return grey_to_unit_(quantise_(family.apply(images * GREY_LEVELS, chosen, random)))


def drawn(law: Law, count: int, each: int, device: torch.device) -> Tensor:
    """Random numbers of a law, float32 (count, each)."""
    return (torch.rand if law == "uniform" else torch.randn)(count, each, device=device)
