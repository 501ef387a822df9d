"""The same bits for an image whatever stands beside it.

Sums, differences, products and quotients of tensors, element by element, are rounded alike in batches of any size.
Sums over many elements, powers and logarithms may differ in their last bit: they are taken in double precision, and
what comes out is settled to a multiple of 2^-12 grey levels, far from which no last bit leads.
"""

from collections.abc import Iterator

from torch import Tensor

STEP = 2.0**-12  # grey levels; 255 of them are 20 bits, and float32 holds 24


def settled(values: Tensor) -> Tensor:
    """Grey levels, float64, any shape -> the nearest multiples of 2^-12, float32."""
    return values.mul(1 / STEP).round_().float().mul_(STEP)


def by_level(levels: Tensor) -> Iterator[tuple[float, Tensor]]:
    """Each level that occurs, and which images have it: a mask (N,)."""
    for level in levels.unique().tolist():
        yield level, levels == level


def of_images(levels: Tensor) -> Tensor:
    """One value for each image, (N,) -> (N, 1, 1, 1)."""
    return levels.view(-1, 1, 1, 1)
