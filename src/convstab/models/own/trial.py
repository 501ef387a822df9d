"""A module is tried before it is trained: it must give logits of the right classes, and gradients."""

import copy
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn

from convstab.errors import InputError
from convstab.forward.own_model import are_probabilities
from convstab.models.own.wrapper import count, logits_of
from convstab.packages import one_line

TRIED = 2  # images: with one, a batch normalisation has nothing to go by
EVALUATION, TRAINING = False, True


def layout_of(model: nn.Module, shape: Sequence[int], classes: int, name: str) -> torch.memory_format:
    """The memory format in which a module takes images (C, H, W): channels last where it can, which is faster.

    classes: how many logits it must give. name: of the model, for messages.
    Raises InputError when it fails, or gives anything else, in evaluation or in training.
    """
    outputs, layout = list[Any](), torch.channels_last
    with suppress(Exception):  # such as of a module that calls view; what else is wrong shows again below
        outputs = tried(model, shape, layout)
    if not outputs:
        layout = torch.contiguous_format
        try:
            outputs = tried(model, shape, layout)
        except Exception as error:
            channels, height, width = shape
            images = f"images of {count(channels)} and {height}x{width} pixels"
            raise InputError(f"the {name} fails on {images}, which it must take: {one_line(error)}") from error
    for output in outputs:
        check_logits(output, classes, f"the {name}")
    if not outputs[TRAINING].requires_grad:
        raise InputError(f"the {name} gives no gradients, without which it cannot be trained")
    return layout


@torch.inference_mode(False)
@torch.enable_grad()
def tried(model: nn.Module, shape: Sequence[int], layout: torch.memory_format) -> list[Any]:
    """What copies of a module give for a few images of noise, in evaluation and in training."""
    noise = torch.rand(TRIED, *shape, generator=torch.Generator().manual_seed(0))
    images = noise.to(memory_format=layout)
    with torch.random.fork_rng(devices=[]):  # of dropout: the training begins with the numbers that it would have
        own = copy.deepcopy(model).to(memory_format=layout)  # type: ignore[call-overload]
        return [logits_of(own.train(mode)(images)) for mode in (EVALUATION, TRAINING)]


def check_logits(output: Any, classes: int, name: str) -> None:
    """Raise InputError for what are not logits, float (N, K)."""
    if not isinstance(output, Tensor):
        raise InputError(f"{name} returns a {type(output).__name__}; it must return logits, a tensor (N, K)")
    if output.ndim != 2 or len(output) != TRIED:
        shape = tuple(output.shape)
        raise InputError(f"{name} returns {shape} for {TRIED} images; it must return logits (N, K)")
    if output.shape[1] != classes:
        said = f"{name} gives {output.shape[1]} logits for each image; the images have {classes} classes"
        raise InputError(f"{said}, and it must give one for each of them")
    if are_probabilities(output):
        raise InputError(f"{name} gives probabilities; training needs logits: leave out its softmax")
