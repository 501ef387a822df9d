"""The forward pass as PyTorch has it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor, nn

from convstab.images import to_unit

Precision = Literal["float32", "bfloat16"]
CPU_ROWS = 128  # in bfloat16: where a core has AMX, how a sum is rounded depends on the size of the batch


class ForwardPass(ABC):
    """Classifies a batch. What it gives for an image does not depend on the images beside it, nor on how many they are.

    name: what results call it: they depend on it, though hardly. rows: images that it classifies at once, or 1 for any.
    """

    name: str
    rows = 1  # images that it always classifies at once: fewer are filled up

    @abstractmethod
    def __call__(self, images: Tensor) -> Tensor:
        """Logits, float32 (N, K). images: grey levels, uint8 or float32 (N, C, H, W), channels last, N in whole 16."""


class EagerPass(ForwardPass):
    """One operation after another.

    model: images in [0, 1], float (N, C, H, W), channels last -> logits (N, K), on the device; it is put into
        evaluation mode and its weights into channels last.
    precision: float32 is never TF32 (see ``precision``); bfloat16 is autocast's.
    """

    def __init__(self, model: nn.Module, precision: Precision, device: torch.device | str) -> None:
        self.model = model.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.name, self.precision, self.device = precision, precision, torch.device(device)
        self.rows = CPU_ROWS if precision == "bfloat16" and self.device.type == "cpu" else 1

    def __call__(self, images: Tensor) -> Tensor:
        """See ``ForwardPass``."""
        return in_batches(self.classify, images, self.rows) if self.rows > 1 else self.classify(images)

    def classify(self, images: Tensor) -> Tensor:
        """The logits of a batch of any size."""
        with forward_precision(self.precision, self.device):
            logits: Tensor = self.model(to_unit(images))
        return logits.float()


def in_batches(classify: Callable[[Tensor], Tensor], images: Tensor, rows: int) -> Tensor:
    """The logits of images in batches of so many: larger ones are cut, and smaller ones filled up."""
    logits = []
    for first in range(0, len(images), rows):
        some = images[first : first + rows]
        if len(some) < rows:
            batch = images.new_zeros(rows, *images.shape[1:]).contiguous(memory_format=torch.channels_last)
            batch[: len(some)] = some
            some = batch
        logits.append(classify(some))
    return torch.cat(logits)[: len(images)]


@contextmanager
def forward_precision(precision: Precision, device: torch.device | str) -> Iterator[None]:
    """float32 throughout, or bfloat16 where autocast finds it safe."""
    with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=precision == "bfloat16"):
        yield
