"""Recombination of a whole generation: children of the best individual, turned to where the margin falls.

A generation is a sample of noisy images with their margins, and its regression says in which direction the margin falls
around it, as the pairs of NES (Ilyas et al., 2018) do, at no query. Length costs norm, so the children only turn.

Shapes: slots (images evolved at once), individuals, genes (pixels of an image).
"""

import torch
from torch import Tensor

FIRST, LEAST = 0.3, 1e-4  # radians: the first turn and the smallest one
NARROWER = 0.9  # what the turn is multiplied with when no child that turned was the best
WIDEST = 3.0  # the widest of the turns that are tried at once, over the middle one; the narrowest is its inverse
NOTHING = 1e-12  # a norm that is none


def slope(genes: Tensor, margin: Tensor) -> Tensor:
    """Unit vectors along which the margin rises in a generation, (slots, genes); zeros where nothing is to be seen.

    genes: (slots, individuals, genes). margin: (slots, individuals), in logits.
    """
    weights = margin - margin.mean(1, keepdim=True)
    centred = genes - genes.mean(1, keepdim=True)
    return unit((weights[..., None] * centred).sum(1))


def tried(turn: Tensor, count: int) -> Tensor:
    """The angles by which ``count`` children turn, (slots, count): radians, in equal ratios around those of a turn."""
    exponents = torch.linspace(-1, 1, count, device=turn.device) if count > 1 else torch.zeros(1, device=turn.device)
    return turn[:, None] * WIDEST**exponents


def followed(turn: Tensor, count: int, winner: Tensor) -> Tensor:
    """The turn of the next generation: that of the child that won, or a smaller one when none of them did.

    turn: (slots,), radians, around which this generation tried. winner: int64 (slots,), which of the ``count``
    children was the best of the generation; any other number: none.
    """
    none = (winner < 0) | (winner >= count)
    won = tried(turn, count).gather(1, winner.clamp(0, count - 1)[:, None])[:, 0]
    return torch.where(none, NARROWER * turn, won).clamp_(min=LEAST)


def turned(noise: Tensor, slopes: Tensor, angles: Tensor) -> Tensor:
    """Noise turned against the slopes, of the same length as before, (slots, count, genes).

    noise, slopes: (slots, genes). angles: (slots, count), radians, small: their tangents are meant.
    """
    along = unit(noise)
    across = unit(slopes - (slopes * along).sum(1, keepdim=True) * along)
    ways = unit(along[:, None] - angles[..., None] * across[:, None])
    length: Tensor = torch.linalg.vector_norm(noise, dim=1)
    return ways * length[:, None, None]


def unit(values: Tensor) -> Tensor:
    """Scaled to norm 1 over the last dimension; zeros stay zeros."""
    scaled: Tensor = values / torch.linalg.vector_norm(values, dim=-1, keepdim=True).clamp_min(NOTHING)
    return scaled
