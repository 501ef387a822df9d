"""A model behind a resizing: what degrades its images comes before it, as in a camera."""

from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

Size = tuple[int, int]


class Resized(nn.Module):
    """Resizes images to those that a model takes: bicubic, antialiased, as the data sets of folders do; not rounded.

    White noise that is added before an image shrinks by s is about s times weaker afterwards, and blur s times shorter:
    what degrades the source and what degrades the input of a model are two experiments.

    model: takes images of this size. size: (H, W), pixels.
    """

    def __init__(self, model: Callable[[Tensor], Any], size: Size) -> None:
        super().__init__()
        self.model, self.size = model, size
        self.training = getattr(model, "training", False)

    def forward(self, images: Tensor) -> Tensor:
        """Images of any size, float (N, C, H, W) in [0, 1] -> what the model gives."""
        resized = F.interpolate(images, self.size, mode="bicubic", align_corners=False, antialias=True)
        found: Tensor = self.model(resized.clamp(0, 1))
        return found
