"""Which images of GTSRB's test set show the same sign: 421 signs of 30 frames each, rebuilt, not published."""

import csv
import gzip
import io
from collections.abc import Sequence
from importlib.resources import files
from pathlib import PurePath

import numpy as np

from convstab.data.grouping import Integers
from convstab.errors import InputError

IMAGES, SIGNS = 12_630, 421
TABLE = "gtsrb_signs.csv.gz"  # written by benchmarks/signs.py, which also says how far it can be trusted


def signs_of(names: Sequence[str]) -> Integers:
    """The number of the sign that each test image shows, int64 (n,), in [0, 421).

    names: file names of official test images, such as "00000.ppm".
    Raises InputError for a name that is not one of the 12,630.
    """
    table = sign_table()
    try:
        return np.array([table[int(PurePath(name).stem)] for name in names], dtype=np.int64)
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{error.args[0]} is not an image of GTSRB's test set, which are 00000.ppm to 12629.ppm"
        ) from error


def sign_table() -> dict[int, int]:
    """The sign of each test image, by the number that is its file name."""
    content = gzip.decompress((files("convstab.data") / TABLE).read_bytes()).decode()
    return {int(row["image"]): int(row["sign"]) for row in csv.DictReader(io.StringIO(content))}
