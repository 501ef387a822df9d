"""Values that were read, as what they must be: a dataclass or a TypedDict says it, pydantic checks it."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from convstab.files.seals import DamagedError

Shape = TypeVar("Shape")


def shaped(kind: type[Shape], values: Mapping[str, Any], path: Path) -> Shape:
    """Values as an instance of a dataclass, or as they are for a TypedDict, without conversion.

    Raises DamagedError, with the first key that does not fit, in words that name the file.
    """
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415  # a tenth of a second, and --help needs none

    strict = not is_dataclass(kind)  # pydantic would take nothing but an instance
    try:
        found: Shape = TypeAdapter(kind).validate_python(dict(values), strict=strict)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        said = f"{first['msg'][0].lower()}{first['msg'][1:]}"
        raise DamagedError(f"{path} is not what convstab writes: {key}: {said}") from error
    return found
