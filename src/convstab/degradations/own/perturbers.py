"""Perturbers of NRTK's interface: their classes by name, what they take, and an image as one of them makes it."""

import inspect
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from convstab.errors import InputError
from convstab.packages import found, need, one_line

EXAMPLE = "nrtk.impls.perturb_image.photometric.noise.GaussianNoisePerturber"
AS = f"the dotted name of a class, such as {EXAMPLE}"
SEEDS = "seed", "rng"  # what the argument is called that a perturber's random numbers begin with
GIVEN = "self", "image", "boxes"

Pixels = NDArray[np.uint8]
State = tuple[Any, ...]
Arguments = Mapping[str, inspect.Parameter]


def perturber_of(name: str) -> type:
    """The class of a perturber by its dotted name; its module's code runs.

    Raises InputError where NRTK or the class is not there, or the class is none of its interface.
    """
    interface = need("nrtk.interfaces", "nrtk").PerturbImage
    where, _, own = name.rpartition(".")
    kind = found(where, own, f"perturber={name}")
    if not (isinstance(kind, type) and issubclass(kind, interface)):
        raise InputError(f"perturber={name} is no class of PerturbImage, the interface of NRTK for images")
    return kind


@cache
def version_of(name: str) -> str | None:
    """The version of the package that a class is of; None: it has none."""
    try:
        return version(name.partition(".")[0])
    except PackageNotFoundError:
        return None


@cache
def arguments(kind: type, method: str) -> Arguments:
    """What a method takes by name beside the image, with what those of the bases take that it hands on to them."""
    taken: dict[str, inspect.Parameter] = {}
    for one in kind.__mro__:
        if one is object or method not in vars(one):
            continue
        parameters = inspect.signature(vars(one)[method]).parameters.values()
        named = [each for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
        taken |= {each.name: each for each in named if each.name not in (*GIVEN, *taken)}
        if all(each.kind != each.VAR_KEYWORD for each in parameters):
            break
    return taken


def taken_by(kind: type) -> Arguments:
    """What the constructor takes, and what ``perturb`` does beside it."""
    return dict(arguments(kind, "perturb")) | dict(arguments(kind, "__init__"))


def seed_of(kind: type) -> str | None:
    """What the seed is called; None: a perturber has none."""
    return next((name for name in SEEDS if name in arguments(kind, "__init__")), None)


def is_whole(parameter: inspect.Parameter) -> bool:
    """Whether an argument takes whole numbers only, by what is written beside it, or by its default."""
    written = parameter.annotation
    if written is parameter.empty:
        return type(parameter.default) is int
    words = written if isinstance(written, str) else getattr(written, "__name__", str(written))
    return "int" in words.replace("|", " ").split() and "float" not in words


def made(kind: type, values: Mapping[str, Any]) -> Any:
    """A perturber; InputError for values that its constructor does not take."""
    own = arguments(kind, "__init__")
    try:
        return kind(**{name: value for name, value in values.items() if name in own})
    except Exception as error:
        raise InputError(f"{kind.__name__} refuses it: {one_line(error)}") from error


def perturbed(kind: type, values: Mapping[str, Any], image: Pixels) -> Pixels:
    """An image as a new perturber makes it, uint8 (H, W) or (H, W, C); InputError where that is no such image."""
    perturber, own = made(kind, values), arguments(kind, "__init__")
    more = {name: value for name, value in values.items() if name not in own}
    try:
        result = perturber.perturb(image=image.copy(), **more)
    except Exception as error:
        raise InputError(f"{kind.__name__} fails: {one_line(error)}") from error
    pixels = result[0] if isinstance(result, tuple) else result
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape != image.shape:
        is_array = isinstance(pixels, np.ndarray)
        said = f"{pixels.dtype} {pixels.shape}" if is_array else f"a {type(pixels).__name__}"
        raise InputError(f"{kind.__name__} gives {said} for an image of uint8 {image.shape}; it must give such a one")
    return pixels


def try_again(kind: type, values: Mapping[str, Any], image: Pixels, before: Pixels, state: tuple[Any, ...]) -> None:
    """Raise InputError where a perturber makes another image of the same one, or takes numbers that all code shares.

    before: what it made. state: the ``global_state`` before that.
    """
    again = perturbed(kind, values, image)
    if state != global_state():
        raise InputError(f"{kind.__name__} draws from a global random generator, so that nobody can repeat its images")
    if not np.array_equal(before, again):
        hint = "" if seed_of(kind) else f": it is random, and takes no {' or '.join(SEEDS)}"
        raise InputError(f"{kind.__name__} makes two different images of one{hint}")


def global_state() -> State:
    """Where the generators of NumPy and PyTorch stand that all code of a process shares."""
    name, numbers, *place = np.random.get_state()  # noqa: NPY002  # it is only looked at
    return name, np.asarray(numbers).tobytes(), place, torch.get_rng_state().numpy().tobytes()
