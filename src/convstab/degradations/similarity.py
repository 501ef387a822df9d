"""How alike a degraded image and its clean one are: peak signal-to-noise ratio and structural similarity."""

import torch
from torch import Tensor

from convstab.images import GREY_LEVELS

LEAST_SIDE = 6  # pixels: the window reaches 5 beyond the border, where the image is mirrored


def psnr_of_mse(error: Tensor) -> Tensor:
    """10 log10(255^2 / mean squared error in grey levels) in dB, any shape; infinite where the error is 0."""
    decibels: Tensor = torch.log10(error.reciprocal() * GREY_LEVELS**2) * 10
    return decibels


def ssim(degraded: Tensor, clean: Tensor) -> Tensor:
    """The structural similarity of each degraded image, (N,), at most 1; NaN for images smaller than 6 pixels a side.

    The mean over pixels and channels, in a Gaussian window of 11 x 11 pixels whose sigma is 1.5.
    Source: Wang, Bovik, Sheikh and Simoncelli, IEEE Transactions on Image Processing 13(4), 2004.
    degraded, clean: float (N, C, H, W), in [0, 1].
    """
    from torchmetrics.functional.image import structural_similarity_index_measure  # noqa: PLC0415 - few need it

    if min(clean.shape[2:]) < LEAST_SIDE:
        return clean.new_full((len(clean),), torch.nan)
    values = structural_similarity_index_measure(degraded, clean, data_range=1.0, reduction="none")
    assert isinstance(values, Tensor)  # and not with a whole map of them
    return values
