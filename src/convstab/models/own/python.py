"""A model that a function or class of the user's own makes: "mypkg.nets:build"."""

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import nn

from convstab.errors import InputError
from convstab.models.own.packages import one_line

AS = "package.module:function, such as mypkg.nets:build"


def made_by(target: Any, options: Mapping[str, Any] | None = None) -> nn.Module:
    """The module that a target makes, in evaluation mode; it is looked for in the working folder as well.

    target: "package.module:name"; of a function or class that is called with the options, or of a module. It is the
        user's own code, which runs.
    Raises InputError when it is not there, fails or makes something else.
    """
    if not isinstance(target, str) or not all(part.strip() for part in (*target.partition(":"),)):
        raise InputError(f"target is {target}; it must be {AS}")
    where, _, name = target.partition(":")
    found = find(where, name, target)
    if not isinstance(found, nn.Module):
        if not callable(found):
            raise InputError(f"{target} is a {type(found).__name__}; it must make an nn.Module, or be one")
        try:
            found = found(**(options or {}))
        except Exception as error:
            raise InputError(f"{target} fails: {one_line(error)}") from error
    if not isinstance(found, nn.Module):
        raise InputError(f"{target} makes a {type(found).__name__}; it must make an nn.Module")
    return found.eval()


def find(where: str, name: str, target: str) -> Any:
    """What is called so in a module; InputError when either is not there."""
    folder = str(Path.cwd())
    if folder not in sys.path:  # as ``python -m`` has it, and the console scripts do not
        sys.path.append(folder)
    try:
        found: Any = import_module(where)
    except Exception as error:
        raise InputError(f"target={target}: {where} cannot be imported from {folder}: {one_line(error)}") from error
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            raise InputError(f"target={target}: {where} has no {name}") from error
    return found
