"""What is measured before the parts in a folder are made: the first process that begins there settles it for all."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Generic, TypeVar

from convstab.errors import InputError
from convstab.files import read_json, write_json
from convstab.files.seals import DamagedError
from convstab.files.tables import read_table
from convstab.runs.directory import PARTS
from convstab.runs.parts import FINGERPRINT
from convstab.validation import is_whole

Value = TypeVar("Value")


@dataclass(frozen=True)
class Measured(Generic[Value]):
    """A measured setting of an evaluation, in a file of its own.

    name: of the setting in the file, and in the fingerprint of the parts. file: its name. words: what it names. read:
    the value from plain JSON, None for what is none. bound: whether it holds for what was asked then, and nothing else.
    """

    name: str
    file: str
    words: str
    read: Callable[[Any], Value | None]
    bound: bool = False

    def settled(self, folder: Path, asked: str = "") -> Value | None:
        """The value, None where nothing is settled; where the file is gone or damaged, that of a part.

        asked: a digest of what it is measured for. Raises InputError for a damaged file without parts that say it, and
        for one that was made for something else.
        """
        path = folder / self.file
        try:
            there = read_json(path)
            found = self.read(there.get(self.name))
        except FileNotFoundError:
            return self.of_parts(folder)
        except DamagedError as error:
            known = self.of_parts(folder)
            if known is None:
                raise InputError(f"{error}; delete it") from error
            return known
        if found is None:
            raise InputError(f"{path} names no {self.words}; delete it")
        if self.bound and there.get("asked") != asked:
            raise InputError(f"{path} was made for another configuration; delete it, or choose another output=")
        return found

    def of_parts(self, folder: Path) -> Value | None:
        """The value that a part in the folder has, None where no part can be read."""
        for path in sorted((folder / PARTS).glob("part-*.parquet")):
            with suppress(DamagedError, FileNotFoundError, ValueError, KeyError, AttributeError):
                return self.read(json.loads(read_table(path)[1][FINGERPRINT]).get(self.name))
        return None

    def settle(self, folder: Path, value: Value, asked: str = "") -> Value:
        """Settle it, unless another process was first; what is settled."""
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=f".{self.name}-") as place:
            path = Path(place, self.file)
            write_json(path, {self.name: value} | ({"asked": asked} if self.bound else {}))
            link(path, folder / self.file)
        return self.settled(folder, asked) or value


def as_counts(value: Any) -> tuple[int, ...] | None:
    """Draws of each level, at least 1 of each; None for anything else."""
    right = isinstance(value, list) and len(value) > 0 and all(is_whole(count, 1) for count in value)
    return tuple(value) if right else None


FORWARD = Measured("forward", "forward.json", "forward pass", lambda value: value if isinstance(value, str) else None)
DRAWS = Measured("draws", "pilot.json", "draws of each level", as_counts, bound=True)
MEASURED: tuple[Measured[Any], ...] = FORWARD, DRAWS


def link(path: Path, target: Path) -> None:
    """Give a file a second name, unless there is one of that name; a file system without such names gets a copy."""
    try:
        os.link(path, target)
    except FileExistsError:
        return
    except OSError:
        with suppress(FileExistsError), target.open("xb") as file:
            file.write(path.read_bytes())
