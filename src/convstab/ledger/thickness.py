"""How thick the boundary is between an image and its least perturbation: over what length the model is undecided."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from convstab.attacks.result import AttackResult
from convstab.attacks.verification import as_input, classify, noisy_grey
from convstab.errors import InputError
from convstab.forward.device import device_of
from convstab.forward.own_model import own_model
from convstab.images import Images
from convstab.ledger.least import OTHER_MODEL
from convstab.statistics.intervals import Floats

ALPHA, BETA = 0.0, 0.75  # as Yang et al. have them
STEPS = 128  # of a segment
NEAREST_ONE = 1 - 2.0**-53  # the greatest difference of two probabilities that has a finite atanh


def boundary_thickness(
    model: Any,
    attack: AttackResult,
    *,
    alpha: float = ALPHA,
    beta: float = BETA,
    device: str | torch.device | None = None,
    progress: Callable[[int], object] | None = None,
) -> Floats:
    """Length of the way from each image to its least perturbation on which the model is undecided, (n,).

    The length on which alpha < p_y - p_a < beta, where p_y is the softmax probability of the label and p_a that of the
    class that the attack ended in. It is at most the L2 norm of the perturbation. Between two of 129 points of the way
    atanh(p_y - p_a) is taken as a line, which it is where a linear model has two classes: there nothing is approximate.

    Args:
        model: that was attacked, as ``convstab.attack`` takes it; or ``run.model`` of ``convstab.load_run``.
        attack: what was found for it.
        alpha: the model is undecided above it, from -1.
        beta: and below it, up to 1.
        device: cpu, cuda, cuda:1 ...; None: the best there is.
        progress: told of each perturbation that is done; None: no one.

    Returns:
        L2 in grey levels, 255 times that of pixels in [0, 1]; NaN where the attack did not succeed.

    Raises:
        InputError: alpha is not below beta, or the attack is on another model.

    Source: Yang, Khanna, Yu, Gholami, Keutzer, Gonzalez, Ramchandran and Mahoney, NeurIPS 2020, definition 1, for one
    image; their other end is an attack of a fixed size on another class, ours is the least perturbation.

    >>> import torch, convstab as cs
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 2)).eval()
    >>> found = cs.attack(model, cs.Images(torch.rand(8, 1, 4, 4), torch.arange(8) % 2), "ddn", steps=20)
    >>> thickness = boundary_thickness(model, found)
    >>> bool((thickness[found.rows["success"]] <= 255 * found.norms[found.rows["success"]] + 1e-3).all())
    True
    """
    if not -1 <= alpha < beta <= 1:
        raise InputError(f"alpha is {alpha:g} and beta {beta:g}; they must be from -1 to 1, alpha below beta")
    rows, target = attack.rows, device_of(device)
    thickness = np.full(len(rows["index"]), np.nan)
    success = np.flatnonzero(rows["attacked"] & rows["success"])
    if not len(success):
        return thickness
    pixels, labels = torch.from_numpy(attack.pixels[success]), torch.from_numpy(rows["label"][success])
    own, _ = own_model(model, Images(pixels, labels, classes=tuple(attack.classes)), target)
    ends = torch.tensor([alpha, beta], dtype=torch.float64).atanh()
    for place, way in zip(success, ways(own, attack, success, target), strict=True):
        label, reached = rows["label"][place], rows["predicted"][place]
        if abs(way[0, rows["clean_predicted"][place]].item() - rows["clean_score"][place]) > OTHER_MODEL:
            raise InputError(
                f"{attack.attack} attacks another model: confidence in image {rows['index'][place]} is off"
            )
        ahead = (way[:, label] - way[:, reached]).clamp(-NEAREST_ONE, NEAREST_ONE).atanh()
        length = np.linalg.norm(attack.noise[place].astype(np.float64))
        thickness[place] = length * between(ahead, *ends.tolist())
        if progress is not None:
            progress(1)
    return thickness


def ways(model: nn.Module, attack: AttackResult, places: Any, device: torch.device) -> Iterator[Tensor]:
    """Probabilities of the classes along the way of each of some images, float64 (129, K), on the CPU."""
    times = torch.linspace(0, 1, STEPS + 1, device=device)[:, None, None, None]
    for place in places:  # one at a time: a way is a batch
        pixels, noise = (torch.tensor(values[place], device=device) for values in (attack.pixels, attack.noise))
        logits = classify(model, as_input(noisy_grey(pixels[None], times * noise)))
        yield logits.double().softmax(1).cpu()


def between(values: Tensor, low: float, high: float) -> float:
    """Share of a way, told at points of equal distance, (n,), on which the line through them is between two values."""
    least, greatest = torch.minimum(values[:-1], values[1:]), torch.maximum(values[:-1], values[1:])
    rise = greatest - least
    inside = greatest.clamp(low, high) - least.clamp(low, high)
    level = ((values[:-1] > low) & (values[:-1] < high)).double()  # of a piece that does not rise
    return float(torch.where(rise > 0, inside / rise.clamp_min(torch.finfo(rise.dtype).tiny), level).mean())
