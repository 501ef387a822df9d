"""Files that appear whole or not at all, so that a kill leaves nothing half-written."""

import errno
import io
import json
import math
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from convstab.errors import InputError

CONFIG, METRICS, SUMMARY, FIGURES = "config.yaml", "metrics.json", "summary.json", "figures"  # in run directories
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
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
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


def arrays_to_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Named arrays as the bytes of a compressed .npz file; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # names are given by this package
    return buffer.getvalue()


def bytes_to_arrays(content: bytes) -> dict[str, NDArray[Any]]:
    """The reverse of ``arrays_to_bytes``; checksums are verified, nothing is unpickled. ValueError if damaged."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return dict(arrays)
    except (EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"not the bytes of an .npz file: {error}") from error


def as_frame(columns: Mapping[str, NDArray[Any]]) -> Any:
    """A pandas DataFrame of columns; InputError where pandas is not installed."""
    try:
        return pa.table(dict(columns)).to_pandas()
    except ModuleNotFoundError as error:
        raise InputError("to_pandas needs pandas: pip install pandas") from error


def write_table(path: Path, table: pa.Table, metadata: Mapping[bytes, bytes | str] | None = None) -> None:
    """Write a Parquet file with checksums, at once or not at all."""
    sink = pa.BufferOutputStream()
    options = {"compression": "zstd", "write_page_checksum": True}
    with pq.ParquetWriter(sink, table.schema, store_schema=False, **options) as writer:  # a schema doubles the metadata
        writer.write_table(table)
        writer.add_key_value_metadata(dict(metadata or {}))
    write_bytes(path, sink.getvalue())
