"""Files that appear whole or not at all, so that a kill leaves nothing half-written."""

import errno
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from convstab.errors import InputError


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Write a file at once or not at all; InputError when the disk is full."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, FileNotFoundError) and path.exists():
            return  # another process finished everything, this file too, and cleared up
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InputError(f"the disk is full: {path} was not written; what is finished stays valid") from error
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, at once or not at all."""
    write_bytes(path, text.encode())


def read_json(path: Path) -> dict[str, Any]:
    """The mapping that a JSON file of a result holds; InputError when it is damaged."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is damaged: {error}") from error
    if not isinstance(values, dict):
        raise InputError(f"{path} is damaged: it holds no names")
    return values


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a mapping as JSON, at once or not at all."""
    write_text(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")
