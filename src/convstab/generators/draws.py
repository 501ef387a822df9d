"""Which draws are made, and where they go."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class DrawRange(NamedTuple):
    """Consecutive draws of one image under one level, within a batch."""

    row: int  # of the batch, of the first draw
    image: int  # position in the slice; its id where noise is made
    level: int  # position in the levels
    first: int  # draw
    length: int  # number of draws


def row_by_row(runs: Sequence[DrawRange], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """The image, the level and the draw of each row of a batch, int64 (N,); nothing waits for the device."""
    _, image, level, first, length = np.array(runs).T
    within = np.arange(length.sum()) - np.repeat(length.cumsum() - length, length)
    rows = np.stack([image.repeat(length), level.repeat(length), first.repeat(length) + within])
    images, levels, draws = torch.from_numpy(rows).to(device, non_blocking=True)
    return images, levels, draws
