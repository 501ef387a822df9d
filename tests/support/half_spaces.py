"""Linear models of two classes, whose distance to the boundary is known in closed form."""

import numpy as np
import torch
from torch import Tensor, nn

from convstab.statistics.intervals import Floats


def half_space(size: int, seed: int) -> nn.Sequential:
    """A model of images with so many numbers, whose boundary goes through the middle grey."""
    line = nn.Linear(size, 2)
    torch.manual_seed(seed)
    with torch.no_grad():
        line.weight.normal_()
        line.bias.copy_(-line.weight.sum(1) / 2)
    return nn.Sequential(nn.Flatten(), line).eval()


def images_around(model: nn.Module, count: int, reach: int, seed: int) -> tuple[Tensor, Tensor]:
    """Images (count, 3, 8, 8) of up to so many grey levels around the middle, and the class that a model gives each."""
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(128 - reach, 128 + reach, (count, 3, 8, 8), dtype=torch.uint8, generator=generator)
    return pixels, model(pixels / 255).argmax(1)


def distances(model: nn.Module, pixels: Tensor) -> Floats:
    """L2 distance of each image to the boundary, in grey levels; pixels: uint8."""
    logits, weight = model(pixels / 255).detach(), next(model.parameters()).detach()
    across = (weight[0] - weight[1]).norm().item()
    return np.asarray(255 * (logits[:, 0] - logits[:, 1]).abs().numpy() / across, np.float64)
