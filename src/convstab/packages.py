"""Packages that few users need, and code of the user's own: loaded where it is wanted, and missed in one line."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from convstab.errors import InputError


def need(module: str, extra: str) -> Any:
    """A module of a package that may not be there; InputError that says how to get it.

    extra: of convstab that brings it, see pyproject.toml.
    """
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ImportError as error:
        why = "" if isinstance(error, ModuleNotFoundError) and error.name == package else f" ({one_line(error)})"
        raise InputError(f"{package} is needed and cannot be loaded{why}: pip install 'convstab[{extra}]'") from error


def found(where: str, name: str, said: str) -> Any:
    """What is called so in a module, which is looked for in the working folder as well; the module's code runs.

    said: the word of the user that names it. Raises InputError when it is not there.
    """
    folder = str(Path.cwd())
    if folder not in sys.path:  # as ``python -m`` has it, and the console scripts do not
        sys.path.append(folder)
    try:
        result: Any = import_module(where)
    except Exception as error:
        raise InputError(f"{said}: {where} cannot be imported from {folder}: {one_line(error)}") from error
    for part in name.split("."):
        try:
            result = getattr(result, part)
        except AttributeError as error:
            raise InputError(f"{said}: {where} has no {name}") from error
        except ImportError as error:  # of a module that loads what it has when it is asked for
            raise InputError(f"{said}: {str(error).partition(chr(10))[0]}") from error
    return result


def made_by(target: Any, options: Mapping[str, Any] | None, example: str, ready: Callable[[Any], bool]) -> Any:
    """What a target is, where that is ready to be used, or makes when it is called with the options; its code runs.

    target: "package.module:name". example: what a target is, for messages.
    Raises InputError when it is not there, cannot be called, or fails.
    """
    if not isinstance(target, str) or not all(part.strip() for part in (*target.partition(":"),)):
        raise InputError(f"target is {target}; it must be {example}")
    where, _, name = target.partition(":")
    made = found(where, name, f"target={target}")
    if ready(made):
        return made
    if not callable(made):
        raise InputError(f"{target} is a {type(made).__name__}; it must be a function, or what it would make")
    try:
        return made(**(options or {}))
    except Exception as error:
        raise InputError(f"{target} fails: {one_line(error)}") from error


def one_line(error: Exception) -> str:
    """What went wrong, as one line of at most 200 characters."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
