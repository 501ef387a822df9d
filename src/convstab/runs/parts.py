"""The test set in slices, one file each: what is resumed after a kill, shared among workers, and merged."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from convstab.errors import InputError
from convstab.files.arrays import arrays_to_bytes, bytes_to_arrays
from convstab.files.seals import DamagedError
from convstab.files.tables import read_table, write_table
from convstab.runs.shard import Shard

FINGERPRINT, PLACE, TOTALS = b"convstab.fingerprint", b"convstab.place", b"convstab.totals"
log = logging.getLogger(__name__)
DAMAGES = pa.ArrowException, OSError, ValueError, KeyError, TypeError
Totals = dict[str, NDArray[Any]]
AT, COUNT, SHAPE = ".at", ".count", ".shape"  # of an array in a part: where it is not 0, what it is there, its shape


@dataclass(frozen=True)
class Part:
    """The result of a slice of the test set, or of all of it.

    rows: what concatenates, in the order of the test set: any number of rows per image, any columns; one that a slice
        does not have is null there.
    totals: arrays that add up, element by element; integers, so that the order does not matter.
    """

    rows: pa.Table
    totals: Totals = field(default_factory=dict)


class Parts:
    """The files of one result in one folder.

    Any number of processes may work in the folder at once: a part appears whole or not at all, and two that make the
    same part make the same bytes.

    folder: made with the first part.
    images: number of images in the test set, of which ``size`` make a slice.
    fingerprint: plain values that name everything the result depends on: weights, data, options, layout of the rows.
    Raises InputError when the folder holds a part with another fingerprint.
    """

    def __init__(self, folder: Path, images: int, fingerprint: Mapping[str, Any], size: int = 64) -> None:
        if images < 1 or size < 1:
            raise InputError(f"images is {images} and the slice size {size}; both must be at least 1")
        self.folder = folder
        self.slices = [range(start, min(start + size, images)) for start in range(0, images, size)]
        known = {**fingerprint, "images": images, "slice size": size}
        self.fingerprint = json.loads(json.dumps(known, sort_keys=True))  # the same bytes in whatever order
        for path in sorted(folder.glob("part-*.parquet")):
            if self.seems_other(path):
                with suppress(DamagedError, FileNotFoundError):  # it is made again
                    self.check(path, read_table(path)[1])

    def todo(self, shard: Shard) -> Iterator[int]:
        """The numbers of the slices of a shard (every n-th) that have no part, or a damaged one."""
        for number in range(shard.number - 1, len(self.slices), shard.of):
            if self.read(number) is None:
                yield number

    def write(self, number: int, part: Part) -> None:
        """Keep the result of a slice. Raises OSError when the disk is full; earlier parts stay valid."""
        metadata: dict[bytes, bytes | str] = {
            FINGERPRINT: json.dumps(self.fingerprint),
            PLACE: self.place(number, part.rows),
            TOTALS: arrays_to_bytes(sparse(part.totals)),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        write_table(self.path(number), part.rows, metadata)

    def merge(self) -> Part | None:
        """All parts as one, or None while some are missing or damaged; one part is in memory at a time.

        Two processes may merge at once. Leftovers of killed writers are removed. Raises InputError when another start
        has written a part with another fingerprint since this one began: a shard on another kind of machine.
        """
        tables, totals = list[pa.Table](), Totals()
        for number in range(len(self.slices)):
            stored = self.read(number)
            if stored is None:
                return None
            tables.append(stored[0])
            add(stored[1], totals)
        for leftover in self.folder.glob(".part-*.tmp"):
            leftover.unlink(missing_ok=True)
        return Part(pa.concat_tables(tables, promote_options="default").combine_chunks(), totals)

    def missing(self) -> list[int]:
        """The numbers of the slices whose part is not there."""
        return [number for number in range(len(self.slices)) if not self.path(number).exists()]

    def awaited(self, shard: Shard) -> str:
        """What a shard says that has nothing left to do while others are at work."""
        missing, result = len(self.missing()), self.folder.parent
        return f"shard {shard.number} of {shard.of} is done, {missing} parts are missing: {result}"

    def path(self, number: int) -> Path:
        """The file of a slice."""
        return self.folder / f"part-{number:05d}.parquet"

    def read(self, number: int) -> tuple[pa.Table, Totals] | None:
        """The rows of a slice's part and its totals as ``sparse`` makes them, or None when it is missing or damaged.

        A damaged part is spoken of: it is made again. Raises InputError for one of another configuration.
        """
        path = self.path(number)
        try:
            table, metadata = read_table(path)
            self.check(path, metadata)
            if metadata.get(PLACE) != self.place(number, table).encode():
                raise DamagedError(f"{path} is not the part of slice {number}, or has other rows than it was made with")
            return table, totals_of(path, metadata)
        except FileNotFoundError:
            return None
        except DamagedError as error:  # cut off by a full disk or a crash, or copied from elsewhere
            log.warning("%s; it is made again", error)
            return None

    def place(self, number: int, rows: pa.Table) -> str:
        """What binds a part to its slice and its layout: which images, how many rows, the columns and their types."""
        images = self.slices[number]
        columns = {field.name: type_name(field.type) for field in rows.schema}
        return json.dumps({"images": [images.start, images.stop], "rows": len(rows), "columns": columns})

    def check(self, path: Path, metadata: Mapping[bytes, bytes]) -> None:
        """Raise InputError when a part is of another configuration."""
        name = self.other_name(metadata)
        if name is not None:
            there = json.loads(metadata.get(FINGERPRINT, b"{}"))
            raise InputError(
                f"{path} was made with another {name}: {there.get(name)} there, {self.fingerprint.get(name)} now; "
                "choose another output folder, or delete this one"
            )

    def seems_other(self, path: Path) -> bool:
        """Whether a part says that it is of another configuration, damaged as it may be; its rows are not read."""
        with suppress(*DAMAGES):
            return self.other_name(pq.read_metadata(path).metadata or {}) is not None
        return False

    def other_name(self, metadata: Mapping[bytes, bytes]) -> str | None:
        """What the fingerprint of a part says otherwise than ours, or None."""
        there = json.loads(metadata.get(FINGERPRINT, b"{}"))
        if not isinstance(there, dict):
            raise DamagedError("the fingerprint of a part is not a mapping")
        names = sorted(self.fingerprint.keys() | there.keys())
        return next((name for name in names if there.get(name) != self.fingerprint.get(name)), None)


def type_name(kind: pa.DataType) -> str:
    """The name of a type, which Parquet gives back as it was: it does not know lists of a fixed size."""
    return f"list of {kind.value_type}" if hasattr(kind, "value_type") else str(kind)


def totals_of(path: Path, metadata: Mapping[bytes, bytes]) -> Totals:
    """The totals in the metadata of a part, as ``sparse`` made them; DamagedError when they are not."""
    try:
        totals = bytes_to_arrays(metadata.get(TOTALS, b""))
        for name in totals:
            at, _, shape = (totals[name.rpartition(".")[0] + what] for what in (AT, COUNT, SHAPE))
            if at.dtype.kind != "i" or (at.size and not 0 <= at.min() <= at.max() < np.prod(shape, dtype=object)):
                raise ValueError(f"{name} has no such shape")
    except (ValueError, KeyError) as error:
        raise DamagedError(f"{path} is damaged: {error}") from error
    return totals


def sparse(totals: Totals) -> Totals:
    """Arrays by what is not 0 in them: of 1,000 classes a slice of the test set knows few."""
    found: Totals = {}
    for name, total in totals.items():
        at = np.flatnonzero(total)
        found |= {name + AT: at, name + COUNT: total.reshape(-1)[at], name + SHAPE: np.array(total.shape)}
    return found


def add(part: Totals, totals: Totals) -> None:
    """Add what ``sparse`` has made to the totals, in place; those that are not there yet begin at 0."""
    for name in (key.removesuffix(SHAPE) for key in part if key.endswith(SHAPE)):
        counts = part[name + COUNT]
        total = totals.setdefault(name, np.zeros(part[name + SHAPE], counts.dtype))
        total.reshape(-1)[part[name + AT]] += counts


def share_done(folder: Path) -> tuple[int, int | None]:
    """How many parts a folder has, and how many it will have; None where no part says it."""
    paths = sorted(folder.glob("part-*.parquet"))
    for path in paths:
        with suppress(*DAMAGES, ZeroDivisionError, AttributeError):
            fingerprint = json.loads(pq.read_metadata(path).metadata[FINGERPRINT])
            return len(paths), -(-fingerprint["images"] // fingerprint["slice size"])
    return len(paths), None


def folder_name(name: str, fingerprint: Mapping[str, Any]) -> str:
    """A name that is the same whenever the result will be: a second start finds the parts of the first."""
    content = json.dumps(fingerprint, sort_keys=True)
    return f"{name[:100]}-{sha256(content.encode()).hexdigest()[:8]}"
