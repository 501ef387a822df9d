"""A user's model, whatever it is, made ready to be asked: tried on a few images, on its device, in float32."""

import copy
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from convstab.errors import InputError
from convstab.images import Images, to_unit
from convstab.precision import true_float32

TRIED = 16  # images that a model is tried on
TINY = 1e-30  # a probability of 0 is taken for this one
SUM = 1e-3  # rows that sum to 1 within this are probabilities


class Foreign(nn.Module):
    """A user's model as it is: hidden from what would change its memory format, and given images as it takes them.

    model: on the device, in float32. layout: of the images that it takes.
    """

    def __init__(self, model: Callable[[Tensor], Tensor], layout: torch.memory_format) -> None:
        super().__init__()
        self.hidden, self.layout = (model,), layout  # in a tuple it is no part of this module
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """What the model gives."""
        return self.hidden[0](images.contiguous(memory_format=self.layout))


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
    """A user's model on a device, ready to be asked, and the images with as many classes as it knows.

    A module is copied and stays as it is: its mode, memory format, type and weights. A callable is called as it is.

    Args:
        model: an nn.Module in evaluation mode, or a callable that works on the device: images in [0, 1], float
            (N, C, H, W) -> logits, float (N, K). Probabilities are taken as well, with a warning.
        images: some images; where they have no class names, the classes are called by their numbers.
        device: where the model is to work.

    Raises:
        InputError: no model, one in training mode, or one whose output does not fit the images.
    """
    if not isinstance(images, Images):
        raise InputError(f"images are a {type(images).__name__}; they must be convstab.Images(pixels, labels)")
    if len(images) == 0:
        raise InputError("there are no images; at least one is needed")
    if not callable(model):
        raise InputError(f"the model is a {type(model).__name__}; it must be an nn.Module or another callable")
    if any(module.training for module in modules_of(model)):
        raise InputError("the model is in training mode: call model.eval() first")
    own, outputs = fitting(model, images, device)
    classes = checked_classes(outputs, images)
    if are_probabilities(outputs):
        warnings.warn("the model gives probabilities; their logarithms are taken as logits", stacklevel=3)
        own = Logarithms(own).eval()
    return own, classes


def are_probabilities(outputs: Tensor) -> bool:
    """Whether what a model gives, (N, K), is probabilities: no number is negative, and each row sums to 1."""
    return bool(((outputs >= 0).all() and ((outputs.sum(1) - 1).abs() < SUM).all()).item())


def modules_of(model: Any) -> list[nn.Module]:
    """A module, or the modules that a callable is bound to, closes over or names."""
    if isinstance(model, nn.Module):
        return [model]
    found = [getattr(model, "__self__", None), getattr(model, "func", None)]  # of a method, of functools.partial
    for cell in getattr(model, "__closure__", None) or ():
        with suppress(ValueError):  # an empty one
            found.append(cell.cell_contents)
    known, code = getattr(model, "__globals__", {}), getattr(model, "__code__", None)
    found += [known[name] for name in code.co_names if name in known] if code else []
    return [module for module in found if isinstance(module, nn.Module)]


def fitting(model: Any, images: Images, device: torch.device) -> tuple[nn.Module, Tensor]:
    """The model, and what it gives for a few images: channels last, which is faster, where it can take them so."""
    if isinstance(model, nn.Module):
        with suppress(Exception):  # such as one that calls view; what else is wrong shows again below
            own = copied(model, device, torch.channels_last)
            return own, tried(own, images, device)
    own = copied(model, device, torch.contiguous_format)
    try:
        return own, tried(own, images, device)
    except InputError:
        raise
    except Exception as error:
        said = f"the model fails on images of the shape {tuple(images.pixels.shape[1:])}, floats in [0, 1]"
        raise InputError(f"{said}: {type(error).__name__}: {' '.join(str(error).split())[:300]}") from error


def copied(model: Any, device: torch.device, layout: torch.memory_format) -> Foreign:
    """A copy of a module on the device, in float32, in evaluation mode; or a callable as it is."""
    if not isinstance(model, nn.Module):
        return Foreign(model, layout)
    try:
        own = copy.deepcopy(model).float()
    except RuntimeError as error:
        line = " ".join(str(error).split())
        raise InputError(
            f"the model cannot be copied ({line}); give a callable: lambda images: model(images)"
        ) from error
    return Foreign(own.to(device=device, memory_format=layout), layout)  # type: ignore[call-overload]


@true_float32()
@torch.inference_mode()
def tried(model: nn.Module, images: Images, device: torch.device) -> Tensor:
    """What a model gives for the first images; InputError when it is not (N, K) of finite numbers."""
    pixels = to_unit(images.pixels[:TRIED].to(device))
    outputs = model(pixels)
    if not isinstance(outputs, Tensor):
        raise InputError(f"the model returns a {type(outputs).__name__}; it must return logits, a tensor (N, K)")
    if outputs.ndim != 2 or len(outputs) != len(pixels) or outputs.shape[1] < 2:
        shape = tuple(outputs.shape)
        raise InputError(f"the model returns {shape} for {len(pixels)} images; it must return logits (N, K), K >= 2")
    if not outputs.isfinite().all():
        raise InputError("the model returns logits that are infinite or not a number")
    return outputs.float()


def check_gradients(model: nn.Module, images: Images, device: torch.device, attack: str) -> None:
    """Raise InputError when an attack needs gradients and a model gives none."""
    pixels = to_unit(images.pixels[:1].to(device)).requires_grad_()
    if not model(pixels).requires_grad:
        others = "nes, square, hopskipjump, boundary, genetic, paper and least_level need none"
        raise InputError(f"{attack} needs gradients, and the model gives none; {others}")


@contextmanager
def gradients_for_images_only(model: Any) -> Iterator[None]:
    """Gradients are taken, whatever is switched off around, and those of the user's weights are left alone."""
    weights = [weight for module in modules_of(model) for weight in module.parameters() if weight.requires_grad]
    for weight in weights:
        weight.requires_grad_(False)
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        for weight in weights:
            weight.requires_grad_()


def checked_classes(outputs: Tensor, images: Images) -> Images:
    """The images with a name for each class of a model; InputError when it has another number of classes."""
    count, highest = outputs.shape[1], int(images.labels.max())
    if images.classes and len(images.classes) != count:
        raise InputError(
            f"the model gives {count} logits for each image; the images have {len(images.classes)} classes"
        )
    if highest >= count:
        raise InputError(f"labels hold {highest}; the model gives {count} logits, of the classes 0 to {count - 1}")
    return images if images.classes else replace(images, classes=tuple(map(str, range(count))))
