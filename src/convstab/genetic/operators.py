"""Genetic operators on the populations of several images at once; random numbers come from each image's own stream.

Shapes: slots (images evolved at once), population, genes (pixels of an image, in the order H, W, C).
"""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from convstab.errors import InputError
from convstab.generators.streams import Streams

REACH = 0.25  # intermediate crossover: how far a child may lie beyond its parents, as a share of their difference
STEEP = 2.0**20  # makes a step of a slope: uniform crossover takes a gene from one parent or from the other


def initialise_uniform(genes: Tensor, streams: Streams, amplitude: float) -> None:
    """Fill populations with noise that is uniform in [-amplitude, amplitude] grey levels."""
    streams.uniform_(genes).mul_(2 * amplitude).sub_(amplitude)


def initialise_scales(genes: Tensor, streams: Streams, low: float, high: float) -> None:
    """Fill populations with normal noise whose sigma rises geometrically from ``low`` to ``high`` grey levels."""
    sigmas = torch.logspace(0, 1, genes.shape[1], base=high / low, device=genes.device).mul_(low)
    streams.normal_(genes).mul_(sigmas[:, None])


def tournament(fitness: Tensor, streams: Streams, size: int) -> Tensor:
    """The winners of as many tournaments as there are individuals, int64 (slots, population).

    fitness: (slots, population), the lower the better. size: individuals drawn, with replacement, for each.
    """
    population = fitness.shape[1]
    drawn = streams.uniform(population, size).mul_(population).long().clamp_(max=population - 1)
    return fitness.argsort(dim=1, stable=True).gather(1, drawn.amin(2))


def take(genes: Tensor, chosen: Tensor, projection: Tensor | None, out: Tensor) -> Tensor:
    """Copy the chosen individuals of each slot to ``out`` (slots, count, genes), scaled by their projection.

    chosen: int64 (slots, count). projection: (slots, population), or None for a copy as it is.
    """
    slots, population, size = genes.shape
    first = torch.arange(slots, device=genes.device)[:, None] * population
    torch.index_select(genes.view(-1, size), 0, (chosen + first).flatten(), out=out.view(-1, size))
    return out if projection is None else out.mul_(projection.gather(1, chosen)[..., None])


class Crossover:
    """Replaces neighbouring individuals x, y by the children y + w (x - y) and x - w (x - y), in place.

    w is one number in [0, 1] for all genes (arithmetic), one in [-0.25, 1.25] for each gene (intermediate), or 0 or 1
    for each gene (uniform). Paper: section 3.

    rate: probability in [0, 1] that a pair mates; else both are copied.
    kinds: of those three; one is drawn for each mating.
    Raises InputError for anything else.
    """

    WEIGHTS: ClassVar = {  # offset, slope, lowest and highest w; the offset of arithmetic is drawn
        "copied": (0.0, 0.0, 0.0, 0.0),
        "arithmetic": (0.0, 0.0, 0.0, 1.0),
        "intermediate": (-REACH, 1 + 2 * REACH, -REACH, 1 + REACH),
        "uniform": (-STEEP / 2, STEEP, 0.0, 1.0),
    }

    def __init__(self, rate: float, kinds: Sequence[str]) -> None:
        check_share("crossover", rate)
        unknown = set(kinds) - (self.WEIGHTS.keys() - {"copied"})
        if unknown or not kinds:
            raise InputError(f"crossovers is {list(kinds)}; it can hold arithmetic, intermediate and uniform")
        self.rate, self.kinds = rate, list(kinds)
        self.weights = torch.tensor([self.WEIGHTS[kind] for kind in ("copied", *kinds)])
        self.arithmetic = torch.tensor([kind == "arithmetic" for kind in ("copied", *kinds)]).float()
        self.buffers: tuple[Tensor, Tensor] | None = None

    def __call__(self, genes: Tensor, streams: Streams) -> None:
        """Mate individuals 0 and 1, 2 and 3, ... of each slot; an odd last one stays as it is."""
        pairs = genes.shape[1] // 2
        x, y = genes[:, 0 : 2 * pairs : 2], genes[:, 1 : 2 * pairs : 2]
        mates, kind, share = streams.uniform(3, pairs).unbind(1)
        kind = kind.mul_(len(self.kinds)).long().clamp_(max=len(self.kinds) - 1) + 1
        kind = torch.where(mates < self.rate, kind, 0)
        offset, slope, low, high = self.weights.to(genes.device)[kind][..., None].unbind(2)
        offset = offset + (self.arithmetic.to(genes.device)[kind] * share)[..., None]

        weight, difference = self.buffers_for(x)
        streams.uniform_(weight)
        torch.addcmul(offset, weight, slope, out=weight).clamp_(low, high)
        weight.mul_(torch.sub(x, y, out=difference))
        y.add_(weight)
        x.sub_(weight)

    def buffers_for(self, half: Tensor) -> tuple[Tensor, Tensor]:
        """Two buffers like half of the populations, kept from generation to generation."""
        if self.buffers is None or self.buffers[0].shape != half.shape:
            self.buffers = torch.empty(half.shape, device=half.device), torch.empty(half.shape, device=half.device)
        return self.buffers


class Mutation:
    """Adds uniform noise to some genes of every individual, in place. Paper: section 3.

    shape: (C, H, W) of an image. share: of the genes that change, in [0, 1].
    tiles: sides of the squares of pixels that change together, taken in turn by the individuals; (1,): single genes.
    Raises InputError for anything else.
    """

    def __init__(self, shape: tuple[int, ...], share: float, tiles: Sequence[int]) -> None:
        check_share("mutation", share)
        if not tiles or not all(1 <= side <= min(shape[1:]) for side in tiles):
            raise InputError(f"tiles is {list(tiles)}; sides of squares are between 1 and {min(shape[1:])} pixels here")
        self.tilings = [Tiling(shape, share, side) for side in tiles] if share else []

    def __call__(self, genes: Tensor, streams: Streams, amplitude: Tensor) -> None:
        """Mutate; amplitude: (slots,), grey levels."""
        for turn, tiling in enumerate(self.tilings):
            mine = genes[:, turn :: len(self.tilings)]
            if mine.shape[1]:
                where, noise = tiling.draw(mine.shape[1], streams)
                mine.scatter_add_(2, where, noise * amplitude[:, None, None])


class Tiling:
    """Squares of pixels of one channel on a grid with a random offset: those drawn never overlap.

    That no gene is hit twice keeps the sum exact on a GPU, whose order of additions is not fixed.
    """

    def __init__(self, shape: tuple[int, ...], share: float, side: int) -> None:
        self.channels, height, self.width = shape
        self.rows, self.columns = max(1, (height - side + 1) // side), max(1, (self.width - side + 1) // side)
        self.slack = torch.tensor([height - self.rows * side + 1, self.width - self.columns * side + 1])
        self.side = side
        count = self.channels * self.rows * self.columns
        self.drawn = max(1, round(share * count))
        edges = torch.arange(self.drawn + 1) * count // self.drawn
        self.first, self.choices = edges[:-1], edges.diff()  # one tile from each of ``drawn`` ranges: all are different
        self.inside = ((torch.arange(side)[:, None] * self.width + torch.arange(side)) * self.channels).flatten()

    def draw(self, individuals: int, streams: Streams) -> tuple[Tensor, Tensor]:
        """Genes, int64, and uniform noise in [-1, 1], both (slots, individuals, count); the noise of a tile is one."""
        uniform = streams.uniform(individuals, 2, self.drawn)
        choices, device = self.choices.to(uniform.device), uniform.device
        tile = torch.minimum((uniform[:, :, 0] * choices).long(), choices - 1) + self.first.to(device)
        offset = torch.minimum(
            (streams.uniform(individuals, 2) * self.slack.to(device)).long(), self.slack.to(device) - 1
        )
        row, column = tile // (self.columns * self.channels), tile // self.channels % self.columns
        pixel = (row * self.side + offset[:, :, :1]) * self.width + column * self.side + offset[:, :, 1:]
        genes = (pixel * self.channels + tile % self.channels)[..., None] + self.inside.to(device)
        noise = uniform[:, :, 1, :, None].mul(2).sub_(1).expand_as(genes)
        return genes.flatten(2), noise.flatten(2)


def check_share(name: str, value: float) -> None:
    """Raise InputError unless a rate lies in [0, 1]."""
    if not 0 <= value <= 1:
        raise InputError(f"{name} is {value}; it must be in [0, 1]")
