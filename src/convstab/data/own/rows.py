"""Rows of a data set of Hugging Face: its columns by their types, and the image files that are in it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from convstab.data.decoding import Encoded, Source
from convstab.errors import InputError
from convstab.images import as_names

WHOLE = "all"  # the one split of a data set that has none


class Columns(NamedTuple):
    """The names of the columns; group: None: there is none."""

    image: str
    label: str
    group: str | None


@dataclass(frozen=True)
class Row:
    """An image file, its label and group as they stand there. name: from which its id is made."""

    name: str
    label: Any
    group: Any
    source: Source


def columns_of(
    library: Any,
    features: Mapping[str, Any],
    what: str,
    image: str | None = None,
    label: str | None = None,
    group: str | None = None,
) -> Columns:
    """The columns that are said, or else the one of each type; InputError where there is none, or several."""
    for said in (image, label, group):
        if said is not None and said not in features:
            raise InputError(f"{what} has no column {said}; it has {', '.join(features)}")
    if image is not None and not isinstance(features[image], library.Image):
        raise InputError(f"{what}: the column {image} is {features[image]}; it must be an Image")
    first = image or only(features, library.Image, "image", what)
    return Columns(first, label or only(features, library.ClassLabel, "label", what), group)


def only(features: Mapping[str, Any], kind: type, word: str, what: str) -> str:
    """The one column of a type."""
    found = [name for name, feature in features.items() if isinstance(feature, kind)]
    if len(found) != 1:
        those = f"{len(found)} columns of the type {kind.__name__}, {', '.join(found)}" if found else "no column"
        of = "" if found else f" of the type {kind.__name__}; it has {', '.join(features)}"
        raise InputError(f"{what} has {those}{of}: say {word}=")
    return found[0]


def class_names(library: Any, feature: Any) -> tuple[str, ...] | None:
    """The names of the classes; None: labels are texts or numbers of their own."""
    return as_names(list(feature.names)) if isinstance(feature, library.ClassLabel) else None


def rows_of(library: Any, place: Path | None, split: str, table: Any, columns: Columns) -> list[Row]:
    """The rows of a split, which must have an image, a label, and a group where there are groups.

    An image that is a file in the folder is named by its path below it. One within another file is named by its split,
    and the path that is told of it where no other image of the split has it, or else the SHA-256 of its bytes, with a
    number for each but the first of several that are the same.

    place: the folder; None: there is none.
    """
    wanted = [column for column in columns if column is not None]
    plain = table.select_columns(wanted).cast_column(columns.image, library.Image(decode=False))
    rows, told = [], []
    for number, values in enumerate(plain):
        where = f"{place or 'the data set'}, {split}, row {number}"
        label, group = values[columns.label], values[columns.group] if columns.group else None
        if label is None or (isinstance(label, int) and label < 0):
            raise InputError(f"{where} has no label: {label}")
        if columns.group and group is None:
            raise InputError(f"{where} has no {columns.group}")
        path, source = file_of(values[columns.image], place, where, partial(bytes_of, plain, number, columns.image))
        rows.append(Row(path or "", label, group, source))
        told.append(path)
    if not rows:
        raise InputError(f"{place or 'the data set'}, {split} has no images")
    return named(rows, split, Counter(told), place)


def named(rows: list[Row], split: str, told: Mapping[str | None, int], place: Path | None) -> list[Row]:
    """The rows with the names of their images."""
    seen, done = Counter[str](), []
    for row in rows:
        if isinstance(row.source, Path):
            assert place is not None
            done.append(replace(row, name=row.source.relative_to(place.resolve()).as_posix()))
            continue
        name = row.name if row.name and told[row.name] == 1 else row.source.digest
        before = seen[name]
        seen[name] += 1
        done.append(replace(row, name=f"{split}/{name}" + (f"#{before}" if before else "")))
    return done


def file_of(image: Any, place: Path | None, where: str, content: Any) -> tuple[str | None, Source]:
    """The path that is told of an image, and where its file is; InputError where there is none here."""
    told, data = (None, None) if image is None else (image.get("path"), image.get("bytes"))
    if data is not None:
        return told, Encoded(where, sha256(data).hexdigest(), content)
    if told is None:
        raise InputError(f"{where} has no image")
    file = Path(told)
    if not file.is_file():
        raise InputError(f"{where}: its image is {told}, which is not a file here")
    if place is not None and file.resolve().is_relative_to(place.resolve()):
        return told, file.resolve()
    return file.name, Encoded(where, sha256(file.read_bytes()).hexdigest(), file.read_bytes)


def bytes_of(plain: Any, number: int, image: str) -> bytes:
    """The encoded image of a row."""
    return bytes(plain[number][image]["bytes"])
