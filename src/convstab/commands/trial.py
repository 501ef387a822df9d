"""What a configuration gives to constructors of other libraries is tried before a training begins."""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import get_object, instantiate
from torch import nn

from convstab.commands import kinds
from convstab.commands.values import MISSING
from convstab.errors import InputError
from convstab.models.own.kinds import KINDS

STEPS = 10  # of a schedule that is tried


@contextmanager
def values_of(group: str) -> Iterator[None]:
    """What a constructor says of the values that it is given becomes an InputError that names their group."""
    try:
        yield
    except (InstantiationException, ImportError, TypeError, ValueError) as error:
        cause = first_cause(error)
        said = " ".join(str(cause).split())
        raise InputError(said if isinstance(cause, InputError) else f"{group}: {said}") from error


def first_cause(error: BaseException) -> BaseException:
    """What an exception was raised from in the end; an InputError on the way says more than its cause."""
    while error.__cause__ is not None and not isinstance(error, InputError):
        error = error.__cause__
    return error


def check_parts(values: Mapping[str, Any]) -> None:
    """Make each part of a training that needs no data, and drop it; InputError for values that it does not take."""
    with values_of("optimizer"):
        optimizer = instantiate(values["optimizer"])([nn.Parameter(torch.zeros(1))])
    with values_of("schedule"):
        instantiate(values["schedule"])(optimizer, STEPS)
    with values_of("augment"):
        instantiate(values["augment"], _convert_="all")
    with values_of("dataset"):
        inspect.signature(instantiate(values["dataset"], _convert_="all").load).bind(Path())
    with values_of("model"):
        check_given(values["model"])
        check_keys(values["model"])
    for name, callback in values["callbacks"].items():
        with values_of(f"callbacks.{name}"):
            instantiate(callback)
    with values_of("trainer"):
        instantiate(values["trainer"], logger=False, callbacks=[], _convert_="all")


def is_own(model: Any) -> bool:
    """Whether a model is one of the user's: it has a kind, and the architectures of convstab none."""
    return isinstance(model, Mapping) and "kind" in model


def check_given(model: Mapping[str, Any]) -> None:
    """Raise InputError for what an own model cannot be without, and is not given."""
    for key, value in model.items():
        if value == MISSING:
            raise InputError(f"model.{key} is needed; it must be {kinds.OWN[f'model.{key}'].words}")


def check_keys(options: Mapping[str, Any]) -> None:
    """Raise TypeError for a key that no constructor of a class or its bases takes."""
    made = get_object(options["_target_"])
    classes = made.__mro__ if inspect.isclass(made) else [made]
    taken = {name for kind in classes for name in inspect.signature(kind).parameters}
    taken |= set(KINDS.get(options.get("kind", ""), ()))
    for key in options:
        if key not in taken and not key.startswith("_"):
            name = f"a {options['kind']} model" if is_own(options) else made.__name__
            raise TypeError(f"{name} takes no {key}")
