"""Named arrays as the bytes of an .npz file, and such files."""

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convstab.files import write_bytes
from convstab.files.seals import DamagedError, read_sealed, sealed_zip

Arrays = dict[str, NDArray[Any]]
UNPACKED = 512 * 2**20  # bytes that any archive may unpack to; a larger one may to so many times its own size:
RATIO = 20


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a compressed .npz file with a checksum, at once or not at all."""
    write_bytes(path, sealed_zip(arrays_to_bytes(arrays)))


def read_arrays(path: Path) -> Arrays:
    """The arrays of an .npz file; DamagedError when they are not as they were written."""
    try:
        return bytes_to_arrays(read_sealed(path))
    except ValueError as error:
        raise error if isinstance(error, DamagedError) else DamagedError(f"{path} is damaged: {error}") from error


def arrays_to_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Named arrays as the bytes of a compressed .npz file; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # names are given by this package
    return buffer.getvalue()


def bytes_to_arrays(content: bytes) -> Arrays:
    """The reverse of ``arrays_to_bytes``; checksums are verified, nothing is unpickled.

    Raises ValueError when it is damaged, or would need far more memory than its size lets expect.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            refuse_bomb(packed, len(content))
            return {member.filename.removesuffix(".npy"): array(packed, member) for member in packed.infolist()}
    except (EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, KeyError) as error:
        raise ValueError(f"not the bytes of an .npz file: {error}") from error


def refuse_bomb(packed: zipfile.ZipFile, size: int) -> None:
    """Raise ValueError when an archive of so many bytes says that it unpacks to more than any of ours does."""
    unpacked = sum(member.file_size for member in packed.infolist())
    if unpacked > UNPACKED + RATIO * size:
        raise ValueError(f"{size:,} bytes that would unpack to {unpacked:,}")


def array(packed: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    """One array; ValueError when its header says another size than the archive does."""
    with packed.open(member) as file:
        content = file.read(member.file_size)
    header = io.BytesIO(content)
    version = np.lib.format.read_magic(header)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(header)
    if dtype.hasobject or np.prod(shape, dtype=object) * dtype.itemsize != len(content) - header.tell():
        raise ValueError(f"{member.filename} is not {dtype} of the shape {shape}")
    found: NDArray[Any] = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    return found
