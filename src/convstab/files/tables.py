"""Parquet files with checksums, and columns as a pandas DataFrame."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from convstab.errors import InputError
from convstab.files import write_bytes
from convstab.files.seals import SEAL, DamagedError, read_sealed, sealed

CHECKSUM = b"convstab.checksum"
Ranges = Mapping[str, tuple[Any, Any]]  # the lowest and the highest value of columns


def write_table(path: Path, table: pa.Table, metadata: Mapping[bytes, bytes | str] | None = None) -> None:
    """Write a Parquet file with a checksum, at once or not at all."""
    sink = pa.BufferOutputStream()
    options = {"compression": "zstd", "write_page_checksum": True}
    with pq.ParquetWriter(sink, table.schema, store_schema=False, **options) as writer:  # a schema doubles the metadata
        writer.write_table(table)
        writer.add_key_value_metadata({**(metadata or {}), CHECKSUM: SEAL})
    write_bytes(path, sealed(sink.getvalue().to_pybytes()))


def read_table(path: Path) -> tuple[pa.Table, dict[bytes, bytes]]:
    """A table and the metadata of its file; DamagedError when they are not as they were written.

    Raises FileNotFoundError and other OSErrors as they come.
    """
    content = read_sealed(path)
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        return file.read(use_threads=False), dict(file.metadata.metadata or {})
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        raise DamagedError(f"{path} is damaged: {' '.join(str(error).split())}") from error


def columns(table: pa.Table) -> dict[str, NDArray[Any]]:
    """The columns of a table as arrays."""
    return {name: table[name].to_numpy() for name in table.column_names}


def as_frame(values: Mapping[str, NDArray[Any]]) -> Any:
    """A pandas DataFrame of columns; InputError where pandas is not installed."""
    try:
        return pa.table({name: np.asarray(column) for name, column in values.items()}).to_pandas()
    except ModuleNotFoundError as error:
        raise InputError("a table for pandas needs it: pip install pandas") from error


def check_columns(rows: Mapping[str, NDArray[Any]], needed: Mapping[str, str], optional: Mapping[str, str]) -> None:
    """Raise ValueError for a column that is missing, unknown, or of another kind: with nulls, for example."""
    for name in needed.keys() - rows.keys():
        raise ValueError(f"there is no column {name}")
    for name, column in rows.items():
        if name not in {*needed, *optional}:
            raise ValueError(f"nothing is known of the column {name}")
        texts = column.dtype.kind != "O" or all(type(value) is str for value in column)
        if column.dtype.kind not in needed.get(name, optional.get(name, "")) or not texts:
            raise ValueError(f"the column {name} is of {column.dtype}, or has nulls")


def check_ranges(rows: Mapping[str, NDArray[Any]], ranges: Ranges) -> None:
    """Raise ValueError for a column with a value outside its lowest and highest, or with one that is not a number."""
    for name, (low, high) in ranges.items():
        if name in rows and not ((low <= rows[name]) & (rows[name] <= high)).all():  # NaN fails every comparison
            raise ValueError(f"the column {name} has values that cannot be")
