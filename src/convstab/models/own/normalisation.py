"""Mean and standard deviation of the images that a model has learnt: said, or the model's own, and never guessed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from convstab.errors import InputError
from convstab.validation import is_number

NONE = "none"  # said of a model that normalises inside
Given = float | Sequence[float] | str | None


@dataclass(frozen=True)
class Normalisation:
    """(image - mean) / std, for images in [0, 1]: a number for each channel, or one for all."""

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    @property
    def identity(self) -> bool:
        """Whether it changes nothing."""
        return not any(self.mean) and all(value == 1 for value in self.std)


def normalisation_of(
    mean: Given,
    std: Given,
    own: Normalisation | None = None,
    name: str = "model",
    usual: Normalisation | None = None,
) -> Normalisation:
    """What a user says, else the model's own; InputError where neither is there.

    mean, std: numbers in the unit of images in [0, 1]; "none": the model normalises inside; None: not said.
    usual: that of other weights of the architecture, which the message names.
    """
    if NONE in (mean, std):
        if any(value not in (None, NONE) for value in (mean, std)):
            raise InputError(f"mean is {mean} and std {std}; mean=none says that the model normalises inside")
        return Normalisation()
    if mean is None and std is None:
        if own is not None:
            return own
        said = f"how are images normalised for the {name}? Say mean=[...] std=[...], of its training images in [0, 1]"
        said = f"{said}, or mean=none where it takes images in [0, 1] as they are"
        also = f" (usual for it: mean={list(usual.mean)} std={list(usual.std)})" if usual is not None else ""
        raise InputError(said + also)
    if mean is None or std is None:
        raise InputError(f"{'std' if mean is None else 'mean'} is given alone; mean and std are needed both")
    means, stds = as_numbers("mean", mean), as_numbers("std", std)
    if len(means) != len(stds):
        raise InputError(f"mean has {len(means)} numbers and std {len(stds)}; both need one for each channel")
    if not all(0 <= value <= 1 for value in means):
        raise InputError(f"mean is {mean}; it is of images in [0, 1]: divide that of images in [0, 255] by 255")
    if not all(0 < value <= 1 for value in stds):
        raise InputError(f"std is {std}; it is of images in [0, 1], above 0: divide that of images in [0, 255] by 255")
    return Normalisation(means, stds)


def as_numbers(name: str, values: Any) -> tuple[float, ...]:
    """One number or several; InputError for anything else."""
    found = list(values) if isinstance(values, Sequence) and not isinstance(values, str) else [values]
    found = values.flatten().tolist() if hasattr(values, "flatten") else found  # a tensor or an array
    if not found or not all(map(is_number, found)):
        raise InputError(f"{name} is {values}; it must be numbers, one for each channel, or none")
    return tuple(map(float, found))


def own_normalisation(model: nn.Module) -> Normalisation | None:
    """What a module says of itself: those of convstab normalise inside, those of timm have a configuration."""
    if getattr(model, "normalises", False) is True:
        return Normalisation()
    config = getattr(model, "pretrained_cfg", None)
    if isinstance(config, Mapping) and {"mean", "std"} <= config.keys():
        return Normalisation(as_numbers("mean", config["mean"]), as_numbers("std", config["std"]))
    return None
