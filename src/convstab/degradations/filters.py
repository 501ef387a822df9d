"""Linear filters of images, each with its own: along rows and columns by matrices, in the plane by Fourier transforms.

Beyond the edge an image goes on as its last pixels.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from convstab.degradations.exactness import by_level, settled

BAND = 48  # rows of a matrix that are multiplied at once: a filter is narrower than an image
FEW = 2**22  # values of padded images that are transformed at once


def separable(images: Tensor, levels: Tensor, matrix: Callable[[float, int], Tensor]) -> Tensor:
    """Columns and rows each multiplied with a matrix of their length; grey levels, float32 (N, C, H, W).

    matrix: for a level and a length, float64 (length, length), of which each row sums to 1.
    """
    height, width = images.shape[2:]
    filtered = torch.empty_like(images)
    for level, chosen in by_level(levels):
        down, along = (bands(matrix(level, size)) for size in (height, width))
        part = images[chosen].to(torch.float64, memory_format=torch.contiguous_format).flatten(0, 1)
        rows = joined([part[:, :, used] @ band.T.to(part.device) for used, band in along], 2)
        whole = joined([band.to(part.device) @ rows[:, used] for used, band in down], 1)
        filtered[chosen] = settled(whole).view(-1, *images.shape[1:])
    return filtered


def joined(parts: list[Tensor], axis: int) -> Tensor:
    """Parts of images as one, not copied where there is only one."""
    return parts[0] if len(parts) == 1 else torch.cat(parts, axis)


def bands(matrix: Tensor) -> list[tuple[slice, Tensor]]:
    """A matrix in bands of its rows: the columns that are not all zero, and what is in them."""
    cut = []
    for band in matrix.split(BAND):
        used = band.any(0).nonzero()
        columns = slice(int(used[0]), int(used[-1]) + 1)
        cut.append((columns, band[:, columns]))
    return cut


def convolved(images: Tensor, kernels: Tensor) -> Tensor:
    """Each image filtered with its kernel, the same for all channels; grey levels, float32 (N, C, H, W).

    kernels: float64 (N, K, K), K odd, or (1, K, K) for all; symmetric about the centre, sums 1.
    """
    radius = kernels.shape[-1] // 2
    shape = [size + 2 * radius for size in images.shape[2:]]
    response = torch.fft.rfft2(kernels, shape)[:, None].expand(len(images), -1, -1, -1)
    each = max(1, FEW // (images.shape[1] * shape[0] * shape[1]))
    filtered = []
    for part, kernel in zip(images.split(each), response.split(each), strict=True):
        spectrum = torch.fft.rfft2(prolonged(part, radius)) * kernel
        whole = torch.fft.irfft2(spectrum, shape)
        filtered.append(settled(whole[..., 2 * radius :, 2 * radius :]))
    return torch.cat(filtered)


def prolonged(images: Tensor, radius: int) -> Tensor:
    """Images with so many pixels more on each side, like those at the edge, float64."""
    rows, columns = (
        torch.arange(-radius, size + radius, device=images.device).clamp(0, size - 1) for size in images.shape[2:]
    )
    return images.to(torch.float64, memory_format=torch.contiguous_format)[..., rows[:, None], columns]
