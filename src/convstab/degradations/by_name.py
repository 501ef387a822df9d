"""Degradations by the names of their families."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from convstab.degradations.blur import Defocus, GaussianBlur, MotionBlur
from convstab.degradations.chain import Chain
from convstab.degradations.coloured import Coloured
from convstab.degradations.compression import Jpeg, Quantisation
from convstab.degradations.degradation import Degradation, as_number
from convstab.degradations.gaussian import Gaussian
from convstab.degradations.geometry import Rotation, Scale, Translation
from convstab.degradations.noise import Impulse, Laplace, Speckle, Uniform
from convstab.degradations.own.nrtk import Nrtk
from convstab.degradations.photometric import Brightness, Contrast, Exposure, Gamma, Saturation
from convstab.degradations.resolution import Resolution
from convstab.degradations.sensor import Sensor, Shot
from convstab.degradations.weather import Haze, Occlusion
from convstab.errors import InputError
from convstab.validation import or_meant

FAMILIES: dict[str, type[Degradation]] = {
    family.name: family
    for family in (
        *(Gaussian, Uniform, Laplace, Coloured, Speckle, Impulse, Shot, Sensor),
        *(GaussianBlur, Defocus, MotionBlur, Resolution, Jpeg, Quantisation),
        *(Brightness, Exposure, Contrast, Gamma, Saturation, Haze, Occlusion),
        *(Translation, Rotation, Scale, Chain),
    )
}

OF_OTHERS: dict[str, type[Degradation]] = {Nrtk.name: Nrtk}  # which are nothing before they are told what to run
NAMES = {**FAMILIES, **OF_OTHERS}.keys()


def degradation(name: Any, **settings: Any) -> Degradation:
    """A degradation by the name of its family, with its settings; InputError when there is no such thing.

    Code that it names is that of the user, and runs; see ``recorded`` for what is found in a file.

    >>> degradation("gaussian").unit
    'grey levels'
    """
    return made(name, settings, None)


def recorded(settings: Any, trust: Sequence[str] = ()) -> Degradation:
    """A degradation as a result or a run says it, which may come from anywhere: it runs no code but convstab's own.

    trust: dotted names of perturbers whose code may run.
    Raises InputError as ``degradation`` does; and, once images are to be degraded, for code that is not named here.
    """
    return made(settings, {}, tuple(trust))


def made(name: Any, settings: dict[str, Any], trust: tuple[str, ...] | None) -> Degradation:
    """A degradation; trust: None: a user says it."""
    if isinstance(name, Degradation):
        return name
    if isinstance(name, Mapping):
        return made(name.get("name"), {key: value for key, value in name.items() if key != "name"}, trust)
    known = FAMILIES | OF_OTHERS
    if name not in known:
        raise InputError(f"degradation is {name}; it can be {', '.join(sorted(known))}{or_meant(name, known)}")
    family = known[name]
    for key in settings:
        if key not in (taken := [field.name for field in fields(family) if field.init]):
            raise InputError(
                f"degradation {name} takes no {key}; it takes {', '.join(taken) or 'no settings'}{or_meant(key, taken)}"
            )
    if family is Chain and "members" in settings:
        settings = settings | {"members": members(settings["members"], trust)}
    return family(**settings) if trust is None or family is not Nrtk else Nrtk.recorded(trust, **settings)


def members(found: Any, trust: tuple[str, ...] | None) -> Any:
    """The members of a chain as degradations with their levels; what is none is left for the chain to refuse."""
    if not isinstance(found, list | tuple):
        return found
    pairs = [member if isinstance(member, list | tuple) and len(member) == 2 else (member, None) for member in found]
    return tuple((made(name, {}, trust), as_number(level)) for name, level in pairs)
