"""Recombination of a whole generation: children of the best individual, turned to where the margin falls.

A generation is a sample of noisy images with their margins, and its regression says in which direction the margin falls
around it, as the pairs of NES (Ilyas et al., 2018) do, at no query. A population is small beside the genes and shows
the slope along few directions, but each generation shows others: what is learnt adds up, as in SEGA (Hanzely,
Mishchenko, Richtarik, 2018). Length costs norm, so the children only turn.

Shapes: slots (images evolved at once), individuals, genes (pixels of an image).
"""

import torch
from torch import Tensor

FIRST, LEAST = 0.3, 1e-4  # radians: the first turn and the smallest one
NARROWER = 0.9  # what the turn is multiplied with when no child that turned was the best
WIDEST = 3.0  # the widest of the turns that are tried at once, over the middle one; the narrowest is its inverse
NOTHING = 1e-12  # a norm that is none
RIDGE = 0.1  # of the regression, as a share of the mean square of a generation: margins are not quite linear


def learnt(slopes: Tensor, genes: Tensor, margin: Tensor) -> Tensor:
    """What the slopes of the margin are taken for when a generation is seen: changed as little as its margins ask for.

    It is the ridge regression of what the slopes do not explain, which leaves them as they were along all directions in
    which the individuals do not differ.

    slopes: (slots, genes), in logits for a grey level. genes: (slots, individuals, genes).
    margin: (slots, individuals), in logits.
    """
    centred = genes - genes.mean(1, keepdim=True)
    unexplained = margin - margin.mean(1, keepdim=True) - (centred * slopes[:, None]).sum(2)
    products = torch.stack([slot @ slot.T for slot in centred])  # a batched product has other bits for other slots
    squares = products.diagonal(dim1=1, dim2=2)
    squares += RIDGE * squares.mean(1, keepdim=True) + NOTHING
    weights = torch.cholesky_solve(unexplained[..., None], torch.linalg.cholesky_ex(products).L)
    return slopes + (centred * weights).sum(1)


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
