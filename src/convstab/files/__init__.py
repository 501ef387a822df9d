"""Files that appear whole or not at all, so that a kill leaves nothing half-written."""

import errno
import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout

from convstab.errors import InputError
from convstab.files.seals import SEAL, DamagedError, read_sealed, sealed

CONFIG, METRICS, SUMMARY, FIGURES = "config.yaml", "metrics.json", "summary.json", "figures"  # in run directories
STEP, PAGE, TEXT = "step.json", "report.html", "report.md"  # of a step of a reproduction; of a report
REQUIREMENTS = "requirements.json"  # of what results were held against
COPIES, MANIFEST = "draws.json", "manifest.csv"  # of degraded copies: what they are, written first, and which, last
CHECKSUM = "checksum"  # key of every JSON file
LONGEST_TEXT = 256 * 2**20  # bytes of a JSON file: the confusion of 5,000 classes takes some 100 MB
BEST, LAST = "checkpoints/best.ckpt", "checkpoints/last.ckpt"
LEFTOVER = re.compile(r"\..+\.[0-9a-f]{32}\.tmp")  # names of temporary files


def choices(group: str) -> dict[str, Traversable]:
    """The files of a group of conf/, by their names without the ending."""
    files = (resources.files("convstab.conf") / group).iterdir()
    return {file.name.removesuffix(".yaml"): file for file in files if file.name.endswith(".yaml")}


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Write a file at once or not at all; OSError that names it when the disk is full."""
    temporary = temporary_path(path)
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if not isinstance(error, OSError):
            raise
        if isinstance(error, FileNotFoundError) and path.exists():
            return  # another process finished everything, this file too, and cleared up
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            said = "the disk is full; what is finished stays valid, but this was not written"
            raise OSError(error.errno, said, str(path)) from error
        raise


def temporary_path(path: Path) -> Path:
    """A hidden name beside a file, which no other writer of it takes."""
    return path.with_name(f".{path.name}.{uuid4().hex}.tmp")


@contextmanager
def alone(folder: Path, who: str) -> Iterator[None]:
    """Have a folder to oneself, and make it; InputError when another process is at work there.

    The system frees the folder of a process that ends, however it ends.

    who: is at work, for example "training".
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        said = f"another {who} is at work in {folder}: wait for it, stop it, or choose another output="
        raise InputError(said) from error
    try:
        clear(folder)
        yield
    finally:
        lock.release()


def clear(folder: Path, before: float = math.inf) -> None:
    """Remove what writers left in a folder that were killed; before: a time since when others may be writing."""
    for path in folder.rglob(".*.tmp"):
        with suppress(OSError):
            if LEFTOVER.fullmatch(path.name) and path.stat().st_mtime < before:
                path.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, at once or not at all."""
    write_bytes(path, text.encode())


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a mapping as JSON with a checksum, at once or not at all."""
    text = json.dumps({**values, CHECKSUM: SEAL}, indent=2, ensure_ascii=False)
    write_bytes(path, sealed(f"{text}\n".encode()))


def read_json(path: Path) -> dict[str, Any]:
    """The mapping that ``write_json`` wrote; DamagedError when it is not as it was written.

    Raises FileNotFoundError and other OSErrors as they come.
    """
    content = read_sealed(path, LONGEST_TEXT)
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{path} is damaged: {error}") from error
    if not isinstance(values, dict):
        raise DamagedError(f"{path} is damaged: it holds no names")
    values.pop(CHECKSUM, None)
    return values
