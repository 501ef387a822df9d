"""Names of images that hold wherever an image stands: 63-bit hashes of relative paths."""

import unicodedata
from collections.abc import Sequence
from hashlib import blake2b

import torch
from torch import Tensor

from convstab.errors import InputError

BITS = 63  # the highest that an int64 holds without a sign


def id_of(path: str) -> int:
    """The id of an image: its noise depends on it, and on nothing else of the image or of its place.

    path: relative to the folder of the data, with forward slashes. It may be composed or not (Unicode's NFC and NFD).

    >>> id_of("cat/1.png")
    4370155488225444936
    """
    return hashed(path, b"image")


def share_of(path: str) -> float:
    """A number in [0, 1) that depends on the path alone: images below a share of it are tested on.

    Another hash than that of the id: what an image's noise is says nothing about which part it is in.
    """
    return hashed(path, b"split") / float(2**BITS)


def hashed(path: str, use: bytes) -> int:
    """63 bits that look random, another number for each use."""
    content = unicodedata.normalize("NFC", path).encode("utf-8", "surrogateescape")
    return int.from_bytes(blake2b(content, digest_size=8, person=use).digest()) >> 1


def ids_of(paths: Sequence[str]) -> Tensor:
    """The ids of images, int64 (N,); InputError where two paths are one name."""
    found: dict[int, str] = {}
    for path in paths:
        one = id_of(path)
        if found.get(one) == path:
            raise InputError(f"{path} is listed twice")
        if one in found:
            raise InputError(f"{found[one]} and {path} are one name: they differ only in how letters are composed")
        found[one] = path
    return torch.tensor(list(found), dtype=torch.int64)
