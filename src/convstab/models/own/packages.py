"""Packages that few users need: each an extra, and a missing one says in a line what to install."""

from importlib import import_module
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


def one_line(error: Exception) -> str:
    """What went wrong, as one line of at most 200 characters."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
