"""Square, L2 (Andriushchenko, Croce, Flammarion, Hein, 2020), on a sphere that shrinks."""

import math
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import torch
from torch import Tensor

from convstab.attacks.attack import BatchedAttack
from convstab.attacks.query_counter import CERTAIN, QueryCounter
from convstab.forward.margins import margin
from convstab.validation import Count, Fraction, Positive, Several, Share

DOUBLINGS, MIDDLE = 6, 2  # radii that are tried, each twice the one before; place of the middle one
HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)  # of the share, in ten thousandths of the search
NOTHING = 1e-10  # a norm that is none


@dataclass(frozen=True)
class Square(BatchedAttack):
    """Random search on a sphere around the image: moves the noise of one square into another where the margin sinks.

    The published attack asks whether a given norm suffices; here the sphere shrinks as soon as the image is
    misclassified.

    steps: at most, one query each, for a candidate or for the noise that has just shrunk; where the queries do not
        suffice, the schedule ends with them.
    share: of the pixels in the first square; it halves nine times on the way.
    least: side of the smallest square, at least 2.
    radius: the least of the first sphere, L2 for pixels in [0, 1]; it doubles until the image is misclassified.
    shrink: share by which the radius sinks at first; it falls to 0 in a straight line.
    The squares are the same for all images of a batch, so that all batches can share one random state.
    """

    batch: ClassVar[int] = 16

    steps: Count = 50_000
    share: Share = 0.3
    least: Several = 2
    radius: Positive = 1.0
    shrink: Fraction = 0.02

    def run(self, model: QueryCounter, images: Tensor, labels: Tensor) -> object:
        """Search until the steps or the queries are spent."""
        with torch.no_grad():
            noise, radius = self.start(model, images)
            now, shrunk = torch.zeros_like(radius), torch.ones_like(radius).bool()
            steps = min(self.steps, model.max_queries or self.steps)
            for step in range(steps):
                moved = move(noise, radius, self.side(step / steps, images))
                moved = (images + torch.where(each(shrunk), noise, moved)).clamp_(0, 1) - images
                then = margin(model(images + moved), labels)
                better = shrunk | (then < now)
                noise, now = torch.where(each(better), moved, noise), torch.where(better, then, now)
                shrunk = now < -CERTAIN
                factor = torch.where(shrunk, 1 - self.shrink * (1 - step / steps), 1.0)
                radius = torch.where(shrunk, norms(noise) * factor, radius)
                noise = noise * each(factor)
        return None

    def start(self, model: QueryCounter, images: Tensor) -> tuple[Tensor, Tensor]:
        """Bumps in a chessboard, up to the radius that misclassifies; noise (n, C, H, W), radius (n,).

        Where no radius does, it is a middle one: far out a model may have one class for all.
        """
        pattern, ones = chessboard(images), torch.ones(len(images), device=images.device)
        radii = self.radius * 2.0 ** torch.arange(DOUBLINGS, device=images.device)
        tries = [(images + to_sphere(pattern, radius * ones)).clamp_(0, 1) for radius in radii]
        margins = torch.stack([margin(model(noisy), model.labels) for noisy in tries])
        over = margins < -CERTAIN
        radius = torch.where(over.any(0), radii[over.int().argmax(0)], radii[MIDDLE])
        return to_sphere(pattern, radius), radius

    def side(self, progress: float, images: Tensor) -> int:
        """Side of the square when this share of the search is done."""
        halvings = sum(progress * 10_000 > limit for limit in HALVINGS)
        height, width = images.shape[2:]
        side = round(math.sqrt(self.share * 0.5**halvings * height * width))
        return min(max(side, self.least), height, width)


def move(noise: Tensor, radius: Tensor, side: int) -> Tensor:
    """Noise with the content of one square moved to another one as a bump of either sign; to the sphere."""
    count, channels, height, width = noise.shape
    top, left = (int(torch.randint(0, size - side + 1, ())) for size in (height, width))
    from_top, from_left = (int(torch.randint(0, size - side + 1, ())) for size in (height, width))
    into = (..., slice(top, top + side), slice(left, left + side))
    out_of = (..., slice(from_top, from_top + side), slice(from_left, from_left + side))
    mask = torch.zeros(height, width, device=noise.device)
    mask[into] = mask[out_of] = 1
    spare = (radius.square() - norms(noise).square()).clamp_min(0).view(count, 1, 1, 1) / channels
    budget = ((noise * mask).square().sum((2, 3), keepdim=True) + spare).sqrt()
    shape = unit(bump(side, channels, noise.device) + unit(noise[into]))
    moved = noise.clone()
    moved[out_of] = 0
    moved[into] = shape * budget
    return to_sphere(moved, radius)


def bump(side: int, channels: int, device: torch.device) -> Tensor:
    """Two hills, one up and one down, of norm 1, standing or lying; each channel of either sign, (1, C, side, side)."""
    half = side // 2
    pair = torch.cat([hill(half, side), -hill(side - half, side)])
    pair = pair.t() if torch.rand(()) > 0.5 else pair
    sign = torch.where(torch.rand(1, channels, 1, 1) > 0.5, 1.0, -1.0)
    return unit(pair * sign).to(device)


@cache
def hill(height: int, width: int) -> Tensor:
    """Rings around the centre that fall off with the square of the distance, of norm 1, (height, width)."""
    hill = torch.zeros(height, width)
    for ring in range(max(height, width) // 2 + 1):
        top, left = max(height // 2 - ring, 0), max(width // 2 - ring, 0)
        hill[top : height // 2 + ring + 1, left : width // 2 + ring + 1] += 1 / (ring + 1) ** 2
    return unit(hill)


def chessboard(images: Tensor) -> Tensor:
    """Bumps in squares whose side is a fifth of the image, (1, C, H, W)."""
    channels, height, width = images.shape[1:]
    side = max(min(height, width) // 5, 1)
    board = torch.zeros(1, channels, height, width, device=images.device)
    for top in range(0, height - side + 1, side):
        for left in range(0, width - side + 1, side):
            board[..., top : top + side, left : left + side] = bump(side, channels, images.device)
    return board


def unit(values: Tensor) -> Tensor:
    """Scaled to norm 1 over the pixels of each channel; zeros stay zeros."""
    scaled: Tensor = values / torch.linalg.vector_norm(values, dim=(-2, -1), keepdim=True).clamp_min(NOTHING)
    return scaled


def to_sphere(noise: Tensor, radius: Tensor) -> Tensor:
    """Noise scaled to norms (n,)."""
    return noise * each(radius / norms(noise).clamp_min(NOTHING))


def norms(noise: Tensor) -> Tensor:
    """L2 norms (n,)."""
    lengths: Tensor = torch.linalg.vector_norm(noise, dim=(1, 2, 3))
    return lengths


def each(values: Tensor) -> Tensor:
    """One value for each image, to be broadcast over its pixels."""
    return values.view(-1, 1, 1, 1)
