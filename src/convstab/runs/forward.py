"""Which forward pass makes the parts in a folder: the first process that begins there settles it for all."""

import os
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from convstab.errors import InputError
from convstab.files import read_json, write_json

FORWARD = "forward.json"


def settled(folder: Path) -> str | None:
    """The name of the forward pass, None where nothing is settled; InputError for a damaged file."""
    path = folder / FORWARD
    try:
        found = read_json(path)
    except FileNotFoundError:
        return None
    if not isinstance(found.get("forward"), str):
        raise InputError(f"{path} is damaged; delete it, and the parts beside it")
    return str(found["forward"])


def settle(folder: Path, name: str) -> str:
    """Settle it, unless another process was first; what is settled."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".forward-") as place:
        path = Path(place, FORWARD)
        write_json(path, {"forward": name})
        with suppress(FileExistsError):
            os.link(path, folder / FORWARD)
    return settled(folder) or name
