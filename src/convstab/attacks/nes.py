"""Gradients estimated from scores by natural evolution strategies (Ilyas, Engstrom, Athalye, Lin, 2018), in L2."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from convstab.attacks.attack import BatchedAttack
from convstab.attacks.query_counter import CERTAIN, OutOfQueries, QueryCounter
from convstab.images import GREY_LEVELS
from convstab.validation import Count, Fraction, Positive, Share

FLAT = 1e-3  # logits; noise that lowers the lead by less is taken to need this much
BEYOND = 2e-4  # share of the clean lead by which noise goes beyond the boundary
LEAST, NOTHING = 1e-4, 1e-12  # radians of a turn; a norm that is none
FIRST = (0.03, 20.0)  # shortest and longest noise of the first step, L2 for pixels in [0, 1]


class Way(NamedTuple):
    """Where a descent stands: noise and averaged gradient (1, C, H, W), turn in radians, norm at the boundary."""

    noise: Tensor
    gradient: Tensor
    turn: float
    norm: float


@dataclass(frozen=True)
class NES(BatchedAttack):
    """Turns the noise, as long as to the boundary of one class, against the gradient of the lead over that class.

    The gradient is averaged over antithetic pairs of small normal noise. The published attack asks whether a given norm
    suffices; here each step tries several turns and takes the one with the least norm at the boundary, as the lead of
    the label predicts it. The nearest classes, by the gradient at the clean image, are tried first; the best one gets
    the other steps.

    steps: at most; where the queries do not suffice, the plan is made for as many as they suffice for.
    pairs: of noisy images for one gradient. sigma: of their noise, in grey levels. momentum: of the gradient.
    turns: tried in each step. turn: the first one, in radians; it follows what was taken.
    targets: classes that are tried at most. trial: share of the steps for each.
    tile: side of the squares of pixels that change together. coarse: share of the other steps
        before pixels change alone.
    """

    steps: Count = 1000
    pairs: Count = 50
    sigma: Positive = 5.0
    momentum: Share = 0.5
    turns: Count = 6
    turn: Positive = 0.5
    targets: Count = 3
    trial: Fraction = 0.1
    tile: Count = 2
    coarse: Share = 0.5

    def run(self, model: QueryCounter, images: Tensor, labels: Tensor) -> object:
        """Try the nearest classes, then descend to the best."""
        with torch.no_grad():
            steps = self.planned(model.max_queries)
            descents = self.nearest(model, images, int(labels))
            trial = int(self.trial * steps) if len(descents) > 1 else 0
            start = Way(torch.zeros_like(images), torch.zeros_like(images), self.turn, math.inf)
            tried = [(descent(start, trial, self.tile), descent) for descent in descents]
            way, descent = min(tried, key=lambda pair: pair[0].norm)
            rest = steps - trial * len(descents)
            way = descent(way, round(self.coarse * rest), self.tile)
            descent(way, rest - round(self.coarse * rest), 1)
        if steps < self.steps:
            raise OutOfQueries  # the plan was cut to what could be paid
        return None

    def planned(self, max_queries: int | None) -> int:
        """Steps that the queries suffice for, at least one."""
        if max_queries is None:
            return self.steps
        first, each = 1 + 2 * self.pairs, 2 * self.pairs + self.turns + 1
        return max(min(self.steps, (max_queries - first) // each), 1)

    def nearest(self, model: QueryCounter, images: Tensor, label: int) -> list["Descent"]:
        """A descent to each of the classes whose boundary is nearest if the classifier were linear."""
        logits = model(images)
        slopes, draws = self.slopes(model, images, self.tile)
        slopes = slopes[:, label : label + 1] - slopes
        gradients = torch.einsum("pk,pchw->kchw", slopes, draws)
        leads = logits[0, label] - logits[0]
        distance = leads / gradients.flatten(1).norm(dim=1).clamp_min(NOTHING)
        distance[label] = torch.inf
        order = distance.argsort(stable=True)[: min(self.targets, len(leads) - 1)].tolist()
        return [Descent(self, model, images, label, target, leads[target]) for target in order]

    def slopes(self, model: QueryCounter, image: Tensor, tile: int) -> tuple[Tensor, Tensor]:
        """Changes of the logits (pairs, K) along normal noise, and that noise (pairs, C, H, W)."""
        channels, height, width = image.shape[1:]
        sizes = height // tile + 2, width // tile + 2
        draws = torch.randn(self.pairs, channels, *sizes, device=image.device)
        draws = draws.repeat_interleave(tile, 2).repeat_interleave(tile, 3)
        top, left = torch.randint(0, tile, (2,)).tolist()
        draws = draws[:, :, top : top + height, left : left + width]
        small = self.sigma / GREY_LEVELS * draws
        there, back = model(torch.cat([image + small, image - small])).chunk(2)
        return there - back, draws


@dataclass(frozen=True)
class Descent:
    """The search along the boundary between the label and one other class.

    image: (1, C, H, W). clean: lead of the label over the target in the clean image, in logits.
    """

    attack: NES
    model: QueryCounter
    image: Tensor
    label: int
    target: int
    clean: Tensor

    def __call__(self, way: Way, steps: int, tile: int) -> Way:
        """Take so many steps."""
        for _ in range(steps):
            way = self.step(way, tile)
        return way

    def step(self, way: Way, tile: int) -> Way:
        """Estimate the gradient, turn against it, and go to where the boundary is predicted."""
        slopes, draws = self.attack.slopes(self.model, self.image + way.noise, tile)
        gradient = torch.einsum("p,pchw->chw", slopes[:, self.label] - slopes[:, self.target], draws)[None]
        momentum = self.attack.momentum
        gradient = momentum * way.gradient + (1 - momentum) * direction(gradient)
        turns, tries = self.tries(way, gradient)
        tries = (self.image + tries).clamp_(0, 1) - self.image
        logits = self.model(self.image + tries)
        reach = self.reach(logits[:, self.label] - logits[:, self.target])
        norms = tries.flatten(1).norm(dim=1) * reach
        best = int(norms.argmin())
        found = (self.image + tries[best] * reach[best].clamp(0.5, 2)).clamp_(0, 1) - self.image
        return Way(found, gradient, max(float(turns[best]), LEAST), float(norms[best]))

    def tries(self, way: Way, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Noise turned by several angles, and not at all, with the turn that each suggests for the next step."""
        count, device, length = self.attack.turns, gradient.device, way.noise.norm()
        if length == 0:
            low, high = FIRST
            lengths = torch.logspace(0, 1, count + 1, base=high / low, device=device) * low
            return torch.full_like(lengths, way.turn), -lengths.view(-1, 1, 1, 1) * direction(gradient)
        across = gradient - (gradient * way.noise).sum() / length.square() * way.noise
        turns = way.turn * torch.logspace(-1, 1, count, base=3, device=device)
        angles = torch.cat([torch.zeros(1, device=device), turns]).view(-1, 1, 1, 1)
        turned = way.noise - angles * length * direction(across)
        suggested = torch.cat([torch.tensor([0.6 * way.turn], device=device), turns])
        return suggested, turned * (length / turned.flatten(1).norm(dim=1).view(-1, 1, 1, 1))

    def reach(self, lead: Tensor) -> Tensor:
        """What noise is to be multiplied with to end just beyond the boundary, from the lead that is left."""
        return (self.clean * (1 + BEYOND) + 2 * CERTAIN) / (self.clean - lead).clamp_min(FLAT)


def direction(values: Tensor) -> Tensor:
    """Scaled to norm 1; zeros stay zeros."""
    unit: Tensor = values / values.norm().clamp_min(NOTHING)
    return unit
