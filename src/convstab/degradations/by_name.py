"""Degradations by the names of their families."""

import inspect
from collections.abc import Mapping
from typing import Any

from convstab.degradations.degradation import Degradation
from convstab.degradations.gaussian import Gaussian
from convstab.degradations.noise import Impulse, Laplace, Speckle, Uniform
from convstab.degradations.sensor import Sensor, Shot
from convstab.errors import InputError

FAMILIES: dict[str, type[Degradation]] = {
    family.name: family
    for family in (
        *(Gaussian, Uniform, Laplace, Speckle, Impulse),
        *(Shot, Sensor),
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
    return family(**settings)
