"""Degradations by the names of their families."""

import inspect
from collections.abc import Mapping
from typing import Any

from convstab.degradations.blur import Defocus, GaussianBlur, MotionBlur
from convstab.degradations.chain import Chain
from convstab.degradations.coloured import Coloured
from convstab.degradations.compression import Jpeg, Quantisation
from convstab.degradations.degradation import Degradation, as_number
from convstab.degradations.gaussian import Gaussian
from convstab.degradations.geometry import Rotation, Scale, Translation
from convstab.degradations.noise import Impulse, Laplace, Speckle, Uniform
from convstab.degradations.photometric import Brightness, Contrast, Exposure, Gamma, Saturation
from convstab.degradations.resolution import Resolution
from convstab.degradations.sensor import Sensor, Shot
from convstab.degradations.weather import Haze, Occlusion
from convstab.errors import InputError

FAMILIES: dict[str, type[Degradation]] = {
    family.name: family
    for family in (
        *(Gaussian, Uniform, Laplace, Coloured, Speckle, Impulse, Shot, Sensor),
        *(GaussianBlur, Defocus, MotionBlur, Resolution, Jpeg, Quantisation),
        *(Brightness, Exposure, Contrast, Gamma, Saturation, Haze, Occlusion),
        *(Translation, Rotation, Scale, Chain),
    )
}


def degradation(name: Any, **settings: Any) -> Degradation:
    """A degradation by the name of its family, with its settings; InputError when there is no such thing.

    >>> degradation("gaussian").unit
    'grey levels'
    """
    if isinstance(name, Degradation):
        return name
    if isinstance(name, Mapping):
        return degradation(**({"name": None} | dict(name)))
    if name not in FAMILIES:
        raise InputError(f"degradation is {name}; it can be {', '.join(sorted(FAMILIES))}")
    family = FAMILIES[name]
    for key in settings:
        if key not in (known := list(inspect.signature(family).parameters)):
            raise InputError(f"degradation {name} takes no {key}; it takes {', '.join(known) or 'no settings'}")
    if family is Chain and "members" in settings:
        settings["members"] = members(settings["members"])
    return family(**settings)


def members(found: Any) -> Any:
    """The members of a chain as degradations with their levels; what is none is left for the chain to refuse."""
    if not isinstance(found, list | tuple):
        return found
    pairs = [member if isinstance(member, list | tuple) and len(member) == 2 else (member, None) for member in found]
    return tuple((degradation(name), as_number(level)) for name, level in pairs)
