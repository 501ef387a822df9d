"""A checksum inside each file: whatever changes a bit of it is noticed before anything reads the content.

A writer leaves room for the checksum where its format allows text that no reader minds: a key of JSON, a comment of
YAML or of a zip archive, the metadata of Parquet. ``sealed`` fills it in: the SHA-256 of all bytes of the file, with
zeros in its own place.
"""

import mmap
import re
import stat
import struct
from hashlib import sha256
from pathlib import Path

from convstab.errors import InputError

TAG = b"convstab-sha256-"
DIGITS = 64
SEAL = (TAG + DIGITS * b"0").decode()  # the room for a checksum
HEX = re.compile(rb"[0-9a-f]{64}")
ZIP_END = struct.Struct("<4s4H2LH")  # the last record of a zip archive without a comment


class DamagedError(InputError):
    """A file is not as it was written."""


def sealed(content: bytes) -> bytes:
    """Content that has room for a checksum, with the checksum in it."""
    at = content.rindex(SEAL.encode()) + len(TAG)
    return content[:at] + digest(content, at) + content[at + DIGITS :]


def sealed_zip(content: bytes) -> bytes:
    """A zip archive without a comment (an .npz file, a checkpoint), with a checksum as its comment."""
    assert content[-ZIP_END.size :].startswith(b"PK\5\6"), "not a zip archive without a comment"
    return sealed(content[:-2] + struct.pack("<H", len(SEAL)) + SEAL.encode())


def read_sealed(path: Path, limit: int | None = None) -> bytes:
    """The bytes of a file that ``sealed`` has made, at most so many.

    Raises DamagedError when they are not as they were written, InputError for what is not a regular file, and
    FileNotFoundError and other OSErrors as they come.
    """
    size = regular(path)
    if limit is not None and size > limit:
        raise DamagedError(f"{path} has {size:,} bytes; such a file has at most {limit:,}")
    content = path.read_bytes()
    if not is_sealed(content):
        raise DamagedError(f"{path} is damaged, or was changed or written by something else: its checksum does not fit")
    return content


def seal_in_place(path: Path) -> None:
    """Fill in the checksum of a file that ends with ``SEAL``, which is mapped: it may be larger than memory."""
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
        at = len(content) - DIGITS
        content[at:] = digest(content, at)


def map_sealed(path: Path) -> mmap.mmap:
    """A sealed file mapped into memory; what is written there changes copies of its pages, not the file.

    Raises what ``read_sealed`` does.
    """
    if not regular(path):
        raise DamagedError(f"{path} is damaged: it is empty")
    with path.open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    if not is_sealed(content):
        raise DamagedError(f"{path} is damaged: its checksum does not fit")
    return content


def is_sealed(content: bytes | mmap.mmap) -> bool:
    """Whether content has a checksum and is what the checksum was made of."""
    at = content.rfind(TAG) + len(TAG)
    found = content[at : at + DIGITS]
    return at >= len(TAG) and HEX.fullmatch(found) is not None and found == digest(content, at)


def digest(content: bytes | mmap.mmap, at: int) -> bytes:
    """The checksum of content in which it has its place from here on."""
    view = memoryview(content)
    found = sha256(view[:at])
    found.update(DIGITS * b"0")
    found.update(view[at + DIGITS :])
    return found.hexdigest().encode()


def regular(path: Path) -> int:
    """The size of a regular file in bytes; InputError for a pipe or a device, which may never end."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{path} is a folder, a pipe or a device, not a file")
    return found.st_size
