"""Sums of real numbers that come out the same, bit for bit, in whatever order they are added up."""

import torch
from torch import Tensor

UNIT = 2.0**30  # sums are kept in whole 2^-30: integers add up to the same in any order


def whole(values: Tensor, unit: float = UNIT) -> Tensor:
    """Values in whole ``1 / unit``, int64; with the usual unit, exact enough that 2^33 scores of 1 can be added."""
    return (values.double() * unit).round_().long()


def whole_squares(values: Tensor) -> Tensor:
    """The sum of the squares of each row, (n,), in whole ``1 / UNIT``; values: float32 (n, K), in [0, 1]."""
    return values.square().mul_(UNIT).round_().to(torch.int32).sum(1)
