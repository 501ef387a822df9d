"""Models as users write them, found by their names in tests."""

from typing import Any

import torch
from torch import Tensor, nn

CLASSES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class Net(nn.Module):
    """A small model of C x 28 x 28 images; channels: C. dropout: left on when nobody calls eval."""

    def __init__(self, channels: int = 1, classes: int = 10, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.features = nn.Sequential(nn.Conv2d(channels, 4, 5, 4), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
            self.head = nn.Linear(4 * 36, classes)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(images))
        return logits


def build(**options: Any) -> Net:
    """A new model."""
    return Net(**options)


class Detached(Net):
    """Gives no gradients."""

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images).detach()


def broken() -> nn.Module:
    """What fails."""
    raise RuntimeError("no GPU\nhere")


def no_module() -> int:
    """What makes something else."""
    return 3


ready = Net()
number = 5
