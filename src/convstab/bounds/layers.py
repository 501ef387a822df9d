"""The L2 Lipschitz constant of each kind of layer, or a bound of it that is proven to be no less.

Nothing here is estimated: power iteration would give a number below the truth. Singular values are those of LAPACK in
float64, whose relative error of some 1e-13 ``ROUNDED_UP`` covers.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convstab.errors import InputError

ROUNDED_UP = 1 + 1e-9
Size = tuple[int, ...]  # of what a layer takes, without the batch: (C, H, W) or (features,)


def convolution(layer: nn.Conv2d, size: Size) -> float:
    """Of a convolution with zeros around the image, any stride, dilation and groups.

    On a torus of the padded image's size the same filter gives all outputs of the layer and some more: those of the
    layer do not reach around. So the layer is a part of the circular convolution, on images that are zero in a frame,
    and its norm is no greater. That of the circular one is the greatest singular value of its C_out x C_in matrices
    over all frequencies. A stride of s is a stride of 1 on images whose s x s blocks are channels; groups are blocks
    on the diagonal.

    Source: Sedghi, Gupta and Long, ICLR 2019, theorem 6; the torus of the padded image is our own remark.
    """
    if layer.padding_mode != "zeros":
        raise InputError(f"padding_mode is {layer.padding_mode!r} in {layer}; there is a bound for 'zeros' only")
    filters = in_blocks(dilated(layer.weight.detach().double(), layer.dilation), *layer.stride)
    sides = zip(size[1:], padded(layer), layer.stride, strict=True)
    torus = [-(-(length + zeros) // step) for length, zeros, step in sides]
    spectrum = torch.fft.rfft2(filters, s=torus).permute(2, 3, 0, 1)  # the other half is conjugate
    groups = spectrum.unflatten(2, (layer.groups, -1))
    return float(torch.linalg.matrix_norm(groups, 2).max()) * ROUNDED_UP


def padded(layer: nn.Conv2d) -> list[int]:
    """Zeros around an image, above and below together, and left and right."""
    if isinstance(layer.padding, str):
        spans = [step * (length - 1) for step, length in zip(layer.dilation, layer.kernel_size, strict=True)]
        return spans if layer.padding == "same" else [0, 0]
    return [2 * zeros for zeros in layer.padding]


def dilated(filters: Tensor, dilation: tuple[int, ...]) -> Tensor:
    """Filters with the zeros between their taps written out."""
    down, across = dilation
    height, width = (step * (length - 1) + 1 for step, length in zip(dilation, filters.shape[2:], strict=True))
    whole = filters.new_zeros(*filters.shape[:2], height, width)
    whole[:, :, ::down, ::across] = filters
    return whole


def in_blocks(filters: Tensor, down: int, across: int) -> Tensor:
    """Filters of stride (down, across) as those of stride 1 on images whose blocks of this size are channels."""
    out, channels, height, width = filters.shape
    whole = F.pad(filters, (0, -width % across, 0, -height % down))
    blocks = whole.view(out, channels, whole.shape[2] // down, down, whole.shape[3] // across, across)
    return blocks.permute(0, 1, 3, 5, 2, 4).flatten(1, 3)


def linear(layer: nn.Linear, size: Size) -> float:  # noqa: ARG001
    """The greatest singular value of the matrix."""
    return float(torch.linalg.matrix_norm(layer.weight.detach().double(), 2)) * ROUNDED_UP


def max_pooling(layer: nn.MaxPool2d, size: Size) -> float:
    """Root of the number of windows that the most used pixel is in.

    A window's maximum moves no further than its pixel that moves furthest; squares over all windows sum to at most
    those of the pixels, each as often as it is in a window. A pixel that alone is great attains it.
    """
    settings = zip(size[1:], *map(pair, (layer.kernel_size, layer.stride, layer.padding, layer.dilation)), strict=True)
    most = [
        F.max_pool1d(torch.eye(length)[:, None], window, stride, padding, dilation, ceil_mode=layer.ceil_mode)
        for length, window, stride, padding, dilation in settings
    ]
    return float(torch.stack([(one > 0).sum((1, 2)).max() for one in most]).prod().double().sqrt())


def average_pooling(layer: nn.AvgPool2d, size: Size) -> float:
    """Exact: it averages rows, then columns, and the norm of both is the product of those of two small matrices."""
    if layer.divisor_override is not None:
        raise InputError(f"there is no bound for divisor_override in {layer}")
    settings = zip(size[1:], *map(pair, (layer.kernel_size, layer.stride, layer.padding)), strict=True)
    norm = ROUNDED_UP
    for length, window, stride, padding in settings:
        ones = torch.eye(length, dtype=torch.float64)[:, None]
        rows = F.avg_pool1d(ones, window, stride, padding, layer.ceil_mode, layer.count_include_pad)
        norm *= float(torch.linalg.matrix_norm(rows[:, 0], 2))
    return norm


def pair(value: int | tuple[int, ...]) -> tuple[int, ...]:
    """A number for both directions, or one for each."""
    return (value, value) if isinstance(value, int) else value


def leaky(layer: nn.LeakyReLU, size: Size) -> float:  # noqa: ARG001
    """The steeper of its two slopes."""
    return max(1.0, abs(layer.negative_slope))


def no_more(layer: nn.Module, size: Size) -> float:  # noqa: ARG001
    """1: of what leaves numbers as they are, in evaluation mode, or changes each by no more than they differ."""
    return 1.0


LAYERS: dict[type[nn.Module], Callable[[Any, Size], float]] = {
    nn.Conv2d: convolution,
    nn.Linear: linear,
    nn.MaxPool2d: max_pooling,
    nn.AvgPool2d: average_pooling,
    nn.LeakyReLU: leaky,
    nn.ReLU: no_more,
    nn.Tanh: no_more,
    nn.Flatten: no_more,
    nn.Identity: no_more,
    nn.Dropout: no_more,
    nn.Dropout2d: no_more,
}


def lipschitz(layer: nn.Module, size: Size) -> float:
    """How many times as far apart two outputs of a layer can be as what it takes, in L2; never less than the truth.

    Args:
        layer: in evaluation mode; of the kinds in ``LAYERS``, not of subclasses of them, which may do anything.
        size: of what it takes, without the batch.

    Raises:
        InputError: no bound is known for such a layer.

    >>> lipschitz(nn.MaxPool2d(3, stride=2), (1, 9, 9))
    2.0
    """
    of_kind = LAYERS.get(type(layer))
    if of_kind is None:
        known = ", ".join(kind.__name__ for kind in LAYERS)
        said = f"there is no bound for the layer {type(layer).__name__}; a bound needs a Sequential of these: {known}"
        raise InputError(said)
    return of_kind(layer, size)
