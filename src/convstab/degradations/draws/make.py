"""Which copies are made how, and those of one image."""

from collections.abc import Sequence

import torch
from torch import Tensor

from convstab.degradations.degradation import Degradation
from convstab.degradations.draws.copies import Copies, FloatCopies
from convstab.degradations.draws.grey import DeviceCopies, GreyCopies
from convstab.degradations.gaussian import Gaussian
from convstab.generators.draws import DrawRange
from convstab.images import as_images, row_length, to_unit


def copies_of(
    degradation: Degradation,
    levels: Tensor,
    pixels: Tensor,
    index: Sequence[int],
    seed: int = 0,
    clip: bool = True,
    rounding: bool = True,
    keys: Sequence[float] | None = None,
) -> Copies:
    """What makes the draws of a few images, on their device.

    levels: of the degradation for each image, float64 (n, levels); NaN: as the image is. pixels: uint8 (n, C, H, W).
    index: their ids. keys: of the levels, which key the random numbers; None: each is the same for all images, and
    its own key. Gaussian noise is then drawn in whole grey levels, where it is clipped and rounded: docs/noise.md.
    """
    if keys is None and clip and rounding and type(degradation) is Gaussian:
        return (GreyCopies if pixels.device.type == "cpu" else DeviceCopies)(levels[0].tolist(), pixels, index, seed)
    named = levels[0].tolist() if keys is None else keys
    return FloatCopies(degradation, levels, named, pixels, index, seed, clip, rounding)


def degraded_copies(
    pixels: Tensor,
    degradation: Degradation,
    level: float,
    draws: int,
    image: int,
    seed: int = 0,
    clip: bool = True,
    rounding: bool = True,
    key: float | None = None,
    first: int = 0,
) -> Tensor:
    """``draws`` degraded copies of one image, float32 (draws, C, H, W), channels last, in [0, 1] if clipped.

    pixels: uint8 (C, H, W). image: its id. key: of the random numbers; None: the level. first: draw.
    Paper: section 4, tolerance against noise.
    Raises InputError for a level out of range, or an image that the family cannot degrade.
    """
    (checked,) = degradation.check([level])
    levels = torch.tensor([[checked]], dtype=torch.float64, device=pixels.device)
    keys = None if key is None else [key]
    copies = copies_of(degradation, levels, pixels[None], [int(image)], int(seed), clip, rounding, keys)
    rows = torch.zeros(draws, row_length(pixels.numel()), dtype=copies.dtype, device=pixels.device)
    copies.fill(rows, [DrawRange(0, 0, 0, int(first), draws)])
    return to_unit(as_images(rows, tuple(pixels.shape)))
