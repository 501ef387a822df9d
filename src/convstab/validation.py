"""What users give is checked before the work begins: the values of an attack, and a model.

A field of an attack says in its annotation what it can be, and ``check_limits`` holds it to it; ``own_model`` takes any
model.
"""

import copy
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, get_type_hints

import torch
from torch import Tensor, nn

from convstab.errors import InputError
from convstab.images import Images, to_unit
from convstab.precision import true_float32

TRIED = 16  # images that a model is tried on
TINY = 1e-30  # a probability of 0 is taken for this one
SUM = 1e-3  # rows that sum to 1 within this are probabilities


@dataclass(frozen=True)
class Limit:
    """holds: whether a value of a field is a right one. words: the same for the user, after "it must be"."""

    holds: Callable[[Any], bool]
    words: str


def check_limits(settings: object) -> None:
    """Raise InputError for the first field of a dataclass whose value its annotation does not allow."""
    for name, hint in get_type_hints(type(settings), include_extras=True).items():
        for limit in getattr(hint, "__metadata__", ()):
            value = getattr(settings, name)
            if not limit.holds(value):
                raise InputError(f"{name} is {value}; it must be {limit.words}")


def is_number(value: Any) -> bool:
    """Whether a value is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def at_least(low: int) -> Limit:
    """Whole numbers from ``low`` on."""
    return Limit(lambda value: is_whole(value, low), f"a whole number, at least {low}")


def is_whole(value: Any, low: int) -> bool:
    """Whether a value is a whole number from ``low`` on; 2.0 is none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= low


def listed(holds: Callable[[Any], bool], words: str) -> Limit:
    """Lists with at least one entry, and right ones only."""
    return Limit(lambda value: isinstance(value, list | tuple) and len(value) > 0 and all(map(holds, value)), words)


def is_rising(value: Any) -> bool:
    """Whether a value is a pair of positive numbers, the lower one first."""
    numbers = isinstance(value, list | tuple) and len(value) == 2 and all(map(is_number, value))
    return numbers and 0 < value[0] <= value[1]


POSITIVE = Limit(lambda value: is_number(value) and value > 0, "a number above 0")

Count = Annotated[int, at_least(1)]
Several = Annotated[int, at_least(2)]
CountOrZero = Annotated[int, at_least(0)]
Positive = Annotated[float, POSITIVE]
PositiveOrNone = Annotated[
    float | None, Limit(lambda value: value is None or POSITIVE.holds(value), "above 0, or null")
]
NotNegative = Annotated[float, Limit(lambda value: is_number(value) and value >= 0, "a number, at least 0")]
Share = Annotated[float, Limit(lambda value: is_number(value) and 0 <= value <= 1, "in [0, 1]")]
Fraction = Annotated[float, Limit(lambda value: is_number(value) and 0 < value < 1, "above 0 and below 1")]
Flag = Annotated[bool, Limit(lambda value: isinstance(value, bool), "true or false")]
Sides = Annotated[
    tuple[int, ...], listed(lambda side: is_whole(side, 1), "a list of whole numbers, each at least 1, such as [2]")
]
Crossovers = Annotated[
    tuple[str, ...],
    listed(
        lambda kind: kind in ("arithmetic", "intermediate", "uniform"), "a list of arithmetic, intermediate, uniform"
    ),
]
Engine = Annotated[
    Literal["vectorised", "deap"], Limit(lambda value: value in ("vectorised", "deap"), "vectorised or deap")
]
Range = Annotated[
    tuple[float, float], Limit(is_rising, "two numbers above 0, the lower one first, such as [2.0, 60.0]")
]


def device_of(name: str | None) -> torch.device:
    """The device that is named, or the best there is; InputError when it is not there."""
    name = name or ("cuda" if torch.cuda.is_available() else "cpu")
    if name not in ("cpu", "cuda") or (name == "cuda" and not torch.cuda.is_available()):
        raise InputError(f"device is {name}; it can be cpu, or cuda where there is a GPU")
    return torch.device(name)


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
    return images if images.classes else replace(images, classes=tuple(map(str, range(count))))


def use_threads(count: Any) -> None:
    """Let the model have so many cores in this process, None: as it is; InputError when it is not at least one."""
    if count is None:
        return
    if not isinstance(count, int) or count < 1:
        raise InputError(f"threads is {count}; it must be at least 1, or null for all cores")
    torch.set_num_threads(count)
