"""The least distance at which a model can decide otherwise: a lower bound, certain and loose."""

import copy
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from convstab.bounds.lipschitz import pairs
from convstab.images import GREY_LEVELS, Images
from convstab.statistics.intervals import Floats

ROUNDING = 2.0**-16  # of the greatest logit: 256 times the rounding of one operation in float32
TOGETHER = 256  # images in a forward pass


def lower_bounds(model: nn.Module, images: Images, progress: Callable[[int], object] | None = None) -> Floats:
    """L2 distance in grey levels within which a model decides for the label, (N,); 0 where it does not for the image.

    For each other class, the margin divided by how fast it can shrink (``pairs``); the least of them. The logits of
    the image are computed in float64. The bound is proven for the model in exact arithmetic, up to the rounding of
    float64. A forward pass in float32 is rounded more: from each margin ``ROUNDING`` times the greatest logit is
    taken off, which is a tolerance, not a proof.

    Args:
        model: as ``pairs`` takes it; on the CPU.
        images: uint8 pixels and labels.
        progress: told how many images are done; None: no one.

    Raises:
        InputError: a layer for which no bound is known.

    Source: Tsuzuku, Sato and Sugiyama, NeurIPS 2018, with the pair of classes in place of sqrt(2).

    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3)).eval()
    >>> lower_bounds(model, Images(torch.rand(4, 1, 4, 4), torch.zeros(4, dtype=torch.int64))).shape
    (4,)
    """
    exact, (_, *size) = copy.deepcopy(model).double().eval(), images.pixels.shape
    apart = pairs(exact, tuple(size))
    found = []
    for some, labels in zip(images.pixels.split(TOGETHER), images.labels.split(TOGETHER), strict=True):
        found.append(nearest(exact_logits(exact, some), labels, apart).numpy())
        if progress is not None:
            progress(len(some))
    return np.concatenate(found)


@torch.inference_mode()
def exact_logits(model: nn.Module, pixels: Tensor) -> Tensor:
    """float64 logits of grey levels, by a model in float64."""
    logits: Tensor = model(pixels.double() / GREY_LEVELS)
    return logits.double()


def nearest(logits: Tensor, labels: Tensor, apart: Tensor) -> Tensor:
    """The bound in grey levels of images with these logits, (N,). apart: see ``pairs``."""
    ahead = logits.gather(1, labels[:, None]) - logits - ROUNDING * logits.abs().amax(1, keepdim=True)
    distance = torch.where(ahead > 0, ahead / apart[labels], 0.0)
    distance = distance.scatter(1, labels[:, None], torch.inf)  # never to the label itself
    return GREY_LEVELS * distance.amin(1).clamp_min(0)
