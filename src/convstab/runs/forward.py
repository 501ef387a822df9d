"""Which forward pass makes the parts in a folder: the first process that begins there settles it for all."""

import json
import os
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from convstab.errors import InputError
from convstab.files import read_json, write_json
from convstab.files.seals import DamagedError
from convstab.files.tables import read_table
from convstab.runs.directory import PARTS
from convstab.runs.parts import FINGERPRINT

FORWARD = "forward.json"


def settled(folder: Path) -> str | None:
    """The name of the forward pass, None where nothing is settled; where the file is gone or damaged, that of a part.

    Raises InputError for a damaged file without parts that say it.
    """
    path = folder / FORWARD
    try:
        found = read_json(path).get("forward")
    except FileNotFoundError:
        return of_parts(folder)
    except DamagedError as error:
        known = of_parts(folder)
        if known is None:
            raise InputError(f"{error}; delete it") from error
        return known
    if not isinstance(found, str):
        raise InputError(f"{path} names no forward pass; delete it")
    return found


def of_parts(folder: Path) -> str | None:
    """The name that a part in the folder has, None where no part can be read."""
    for path in sorted((folder / PARTS).glob("part-*.parquet")):
        with suppress(DamagedError, FileNotFoundError, ValueError, KeyError, AttributeError):
            found = json.loads(read_table(path)[1][FINGERPRINT]).get("forward")
            return None if found is None else str(found)
    return None


def settle(folder: Path, name: str) -> str:
    """Settle it, unless another process was first; what is settled."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".forward-") as place:
        path = Path(place, FORWARD)
        write_json(path, {"forward": name})
        link(path, folder / FORWARD)
    return settled(folder) or name


def link(path: Path, target: Path) -> None:
    """Give a file a second name, unless there is one of that name; a file system without such names gets a copy."""
    try:
        os.link(path, target)
    except FileExistsError:
        return
    except OSError:
        with suppress(FileExistsError), target.open("xb") as file:
            file.write(path.read_bytes())
