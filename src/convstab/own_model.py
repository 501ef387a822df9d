"""Any model of a user as this package takes it: images in [0, 1] -> logits, checked before the work begins."""

import copy
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from convstab.errors import InputError
from convstab.images import Images, to_unit
from convstab.precision import true_float32

TRIED = 16  # images that a model is tried on
TINY = 1e-30  # a probability of 0 is taken for this one
SUM = 1e-3  # rows that sum to 1 within this are probabilities


class Called(nn.Module):
    """A callable that is no module."""

    def __init__(self, call: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.call = call

    def forward(self, images: Tensor) -> Tensor:
        """What the callable gives."""
        return self.call(images)


class Logarithms(nn.Module):
    """A model that gives probabilities, as one that gives logits."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Logits whose softmax is what the model gives."""
        logits: Tensor = self.model(images).clamp_min(TINY).log()
        return logits


def own_model(model: Any, images: Images, device: torch.device) -> tuple[nn.Module, Images]:
    """A copy of a user's model on a device, and the images with as many classes as it knows.

    The model itself stays as it is: its mode, memory format and weights.

    Args:
        model: an nn.Module in evaluation mode, or a callable that works on the device: images in [0, 1], float
            (N, C, H, W) -> logits, float (N, K). Probabilities are taken as well, with a warning.
        images: some images; where they have no class names, the classes are called by their numbers.
        device: where the model is to work.

    Raises:
        InputError: no model, one in training mode, or one whose output does not fit the images.
    """
    if len(images) == 0:
        raise InputError("there are no images; at least one is needed")
    if isinstance(model, nn.Module):
        if model.training:
            raise InputError("the model is in training mode: call model.eval() first")
        model = copy.deepcopy(model)
    elif callable(model):
        model = Called(model).eval()
    else:
        raise InputError(f"the model is a {type(model).__name__}; it must be an nn.Module or another callable")
    model = model.to(device=device, memory_format=torch.channels_last)
    outputs = tried(model, images, device)
    classes = checked_classes(outputs, images)
    if ((outputs >= 0).all() and ((outputs.sum(1) - 1).abs() < SUM).all()).item():
        warnings.warn("the model gives probabilities; their logarithms are taken as logits", stacklevel=3)
        model = Logarithms(model).eval()
    return model, classes


@true_float32()
@torch.inference_mode()
def tried(model: nn.Module, images: Images, device: torch.device) -> Tensor:
    """What a model gives for the first images; InputError when it is not (N, K) of finite numbers."""
    pixels = to_unit(images.pixels[:TRIED].to(device)).contiguous(memory_format=torch.channels_last)
    outputs = model(pixels)
    if not isinstance(outputs, Tensor):
        raise InputError(f"the model returns a {type(outputs).__name__}; it must return logits, a tensor (N, K)")
    if outputs.ndim != 2 or len(outputs) != len(pixels) or outputs.shape[1] < 2:
        shape = tuple(outputs.shape)
        raise InputError(f"the model returns {shape} for {len(pixels)} images; it must return logits (N, K), K >= 2")
    if not outputs.isfinite().all():
        raise InputError("the model returns logits that are infinite or not a number")
    return outputs.float()


def checked_classes(outputs: Tensor, images: Images) -> Images:
    """The images with a name for each class of a model; InputError when it has another number of classes."""
    count, highest = outputs.shape[1], int(images.labels.max())
    if images.classes and len(images.classes) != count:
        raise InputError(
            f"the model gives {count} logits for each image; the images have {len(images.classes)} classes"
        )
    if highest >= count:
        raise InputError(f"labels hold {highest}; the model gives {count} logits, of the classes 0 to {count - 1}")
    return images if images.classes else images.named(tuple(map(str, range(count))))
