"""Which functions of users have to be named again for a result to be loaded, as words of a command."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import Any

from convstab.degradations.own.pixels_only import is_pixels_only
from convstab.errors import InputError
from convstab.runs.configuration import Config, load_config, value


def trust_of(folders: Sequence[Path]) -> str:
    """The word that loading these trainings takes, with a space before it, as a shell takes it; empty: none.

    What a configuration that is damaged would name is left out.
    """
    found: list[str] = []
    for folder in folders:
        with suppress(InputError):
            found += functions_of(load_config(folder))
    return word(found)


def trust_of_draws(settings: Config) -> str:
    """The same for what convstab-draws has written about its files."""
    return word([*images_by(settings), *perturbers(settings.get("protocol"))])


def word(functions: str | Sequence[str] | None) -> str:
    """``trust=`` for a function or some, each once, with a space before it; empty: none."""
    names = list(dict.fromkeys([functions] if isinstance(functions, str) else functions or ()))
    return f" {quote(f'trust={in_hydra(names)}')}" if names else ""


def in_hydra(names: Sequence[str]) -> str:
    """One name, or several as a list, as Hydra reads it."""
    return f"[{','.join(names)}]" if len(names) > 1 else "".join(names)


def functions_of(config: Config) -> Iterator[str]:
    """The functions that make the model and the images of a training, where they are the user's."""
    if value(config, "model.kind") == "python" and (target := value(config, "model.target")):
        yield str(target)
    yield from images_by(config)


def images_by(config: Config) -> Iterator[str]:
    """The function that makes the images, where it is the user's."""
    if target := value(config, "dataset.load.target"):
        yield str(target)


def perturbers(settings: Any) -> Iterator[str]:
    """The perturbers in a degradation, or in the members of a chain, whose code is the user's."""
    if isinstance(settings, Mapping):
        name = settings.get("perturber")
        if isinstance(name, str) and not is_pixels_only(name):
            yield name
        settings = list(settings.values())
    if isinstance(settings, list | tuple):
        for below in settings:
            yield from perturbers(below)
