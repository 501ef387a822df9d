"""Linear filters of images, each with its own: along rows and columns by matrices, in the plane by Fourier transforms.

Beyond the edge an image goes on as its last pixels.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from scipy.fft import next_fast_len
from torch import Tensor

from convstab.degradations.exactness import by_level, settled

BAND = 48  # rows of a matrix that are multiplied at once: a filter is narrower than an image
NEAR = 2**16  # values that are filtered at once: in double precision they stay in a processor's cache


def separable(images: Tensor, levels: Tensor, matrix: Callable[[float, int], Tensor]) -> Tensor:
    """Columns and rows each multiplied with a matrix of their length; grey levels, float32 (N, C, H, W).

    matrix: for a level and a length, float64 (length, length), of which each row sums to 1.
    """
    filtered = torch.empty_like(images)
    for level, chosen in by_level(levels):
        down, along = (bands(matrix(level, size).to(images.device)) for size in images.shape[2:])
        for rows in parts(chosen.nonzero()[:, 0], images):
            planes = images[rows].to(torch.float64, memory_format=torch.contiguous_format).flatten(0, 1)
            across = joined([planes[:, :, used] @ band.T for used, band in along], 2)
            whole = joined([band @ across[:, used] for used, band in down], 1)
            filtered[rows] = settled(whole).view(-1, *images.shape[1:])
    return filtered


def parts(values: Tensor, images: Tensor) -> tuple[Tensor, ...]:
    """Values, one for each image, of as many images as are filtered at once; on a GPU all."""
    each = max(1, NEAR // images[0].numel()) if images.device.type == "cpu" else max(1, len(values))
    chosen: tuple[Tensor, ...] = values.split(each)
    return chosen


def joined(pieces: list[Tensor], axis: int) -> Tensor:
    """Pieces of images as one, not copied where there is only one."""
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces, axis)


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
    reach, height, width = kernels.shape[-1] - 1, *images.shape[2:]
    shape = [next_fast_len(size + reach, real=True) for size in (height, width)]
    filtered = torch.empty_like(images)
    for rows in parts(torch.arange(len(images), device=images.device), images):
        own = kernels if len(kernels) == 1 else kernels[rows]
        wide = F.pad(images[rows].contiguous(), [reach // 2] * 4, mode="replicate").double()
        spectrum = torch.fft.rfft2(wide, shape) * torch.fft.rfft2(own, shape)[:, None]
        whole = torch.fft.irfft2(spectrum, shape)
        filtered[rows] = settled(whole[..., reach : reach + height, reach : reach + width])
    return filtered
