"""Photographs that ship with scikit-image, made small, and what degradations do to them on average."""

from functools import cache

import numpy as np
import torch
from skimage import data
from torch import Tensor

from convstab.degradations.degradation import Degradation
from convstab.degradations.draws.make import degraded_copies


@cache
def photos(side: int = 32) -> Tensor:
    """Three photographs, uint8 (3, 3, side, side), each value the mean of a block."""
    pictures = [data.astronaut(), data.coffee(), data.chelsea()]  # type: ignore[no-untyped-call]
    wide = [np.asarray(picture)[:288, :288] for picture in pictures]
    blocks = np.stack(wide).reshape(3, side, 288 // side, side, 288 // side, 3).mean((2, 4))
    return torch.from_numpy(blocks.round().astype(np.uint8)).permute(0, 3, 1, 2).contiguous()


def copies(degradation: Degradation, level: float, image: Tensor, draws: int = 1, stored: bool = False) -> Tensor:
    """Degraded copies in grey levels, float64 (draws, C, H, W). stored: clipped and rounded."""
    made = degraded_copies(image, degradation, level, draws, 0, clip=stored, rounding=stored)
    return made.double() * 255


def error(degradation: Degradation, level: float, image: Tensor, draws: int = 1, stored: bool = False) -> float:
    """The mean squared error, in grey levels squared."""
    return float((copies(degradation, level, image, draws, stored) - image).square().mean())
