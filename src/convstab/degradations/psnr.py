"""The peak signal-to-noise ratio."""

import torch
from torch import Tensor

from convstab.images import GREY_LEVELS


def psnr_of_mse(error: Tensor) -> Tensor:
    """10 log10(255^2 / mean squared error in grey levels) in dB, any shape; infinite where the error is 0."""
    decibels: Tensor = torch.log10(error.reciprocal() * GREY_LEVELS**2) * 10
    return decibels
