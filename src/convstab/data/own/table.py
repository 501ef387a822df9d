"""Your own images in a list: a CSV file with a path and a label for each, and a group and a part if it has them."""

import csv
import os
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from convstab.data.decoding import Form, Resize
from convstab.data.images import ImageSet, in_data
from convstab.data.own.folder import (
    LARGEST_PHOTO,
    PARTS,
    File,
    OnBad,
    Part,
    check,
    image_set,
    images_of,
    numbered,
    of_part,
    split,
)
from convstab.errors import InputError
from convstab.files.seals import regular
from convstab.images import Images, as_names

COLUMNS = ("path", "label")
LONGEST_LIST = 256 * 2**20  # bytes; a line has some 50
TRAINED_ON = ("train", "training")
TESTED_ON = ("test", "testing")
LEFT_OUT = ("val", "valid", "validation", "dev")

Row = dict[str, str]


def load(
    root: Path,
    path: str,
    size: int = 32,
    channels: int = 3,
    resize: Resize = "squash",
    test_share: float = 0.2,
    on_bad: OnBad = "refuse",
) -> ImageSet:
    """The images that a CSV file lists, with the columns path, label and, as they are known, group and split.

    Paths are relative to the CSV file. Labels are names, or whole numbers from 0 without a gap. Images of one group
    (frames of one film, slices of one patient) are not independent: they are of one part, and one unit of every
    interval. split is train or test (rows of val are left out); without it, the hash of a path, or of a group, decides.

    path: of the CSV file, in ``root`` or in the current folder. The other values: see ``folder.load``.
    Raises InputError for a list that is not such, for an image that cannot be read, or a value that is out of range.
    """
    check(test_share, on_bad)
    place = in_data(root, path)
    classes, parts = listed(place, test_share)
    return image_set("table", place.parent, classes, parts, Form(size, channels, resize, LARGEST_PHOTO), on_bad)


def table(
    path: str | os.PathLike[str],
    size: int,
    channels: int = 3,
    resize: Resize = "squash",
    part: Part = "all",
    test_share: float = 0.2,
    on_bad: OnBad = "refuse",
) -> Images:
    r"""Image files that a CSV file lists, as ``dataset=table`` of the commands has them.

    Args:
        path: of the CSV file: columns path (relative to it), label (a name, or a number from 0), group and split.
        size: pixels of a side that images are resized to, 1 to 1,024.
        channels: 3 (RGB) or 1 (grey).
        resize: "squash": the whole image; "crop": the largest square in its middle.
        part: "train" or "test": the images that ``dataset=table`` trains or tests on; "all": both.
        test_share: of the images that are tested on, where there is no column split.
        on_bad: "refuse" an image that cannot be read, or "skip" it.

    Returns:
        The images; their ids are hashes of their paths, their groups those of the list.

    Raises:
        InputError: a list that is not such, an image that cannot be read, a value out of range.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> with TemporaryDirectory() as data:
    ...     for name in "abcd":
    ...         Image.new("L", (60, 40)).save(Path(data) / f"{name}.png")
    ...     rows = "path,label,split", "a.png,cat,train", "b.png,dog,train", "c.png,cat,test", "d.png,dog,test"
    ...     _ = (Path(data) / "images.csv").write_text("\n".join(rows))
    ...     table(Path(data) / "images.csv", size=32, part="test")
    Images(2 of 3x32x32, 2 classes)
    """
    check(test_share, on_bad)
    place = Path(path).expanduser()
    classes, parts = listed(place, test_share)
    files = of_part(part, parts)
    return images_of(f"table-{part}", place.parent, classes, files, Form(size, channels, resize, LARGEST_PHOTO), on_bad)


def listed(place: Path, test_share: float) -> tuple[tuple[str, ...], dict[str, list[File]]]:
    """The classes, and the image files of each part."""
    columns, rows = read(place)
    classes, label_of = labelled(place, [row["label"] for row in rows])
    groups = numbered([row["group"] for row in rows]) if "group" in columns else None
    files = [
        File(path_of(place, row), label_of(row["label"]), None if groups is None else groups[row["group"]])
        for row in rows
    ]
    if "split" not in columns:
        names = None if groups is None else [row["group"] for row in rows]
        return classes, split(files, test_share, names)
    parts: dict[str, list[File]] = {name: [] for name in PARTS}
    for row, file in zip(rows, files, strict=True):
        found = part_of(place, row["split"])
        if found:
            parts[found].append(file)
    if groups is not None:
        refuse_shared(place, parts, groups)
    return classes, parts


def refuse_shared(place: Path, parts: Mapping[str, Sequence[File]], groups: Mapping[str, int]) -> None:
    """Raise InputError where images of one group are in both parts."""
    shared = {file.group for file in parts["train"]} & {file.group for file in parts["test"]}
    if shared:
        name = next(name for name, number in groups.items() if number in shared)
        raise InputError(f"{place} has images of the group {name!r:.80} in train and in test")


def read(place: Path) -> tuple[Sequence[str], list[Row]]:
    """The columns and rows of a CSV file."""
    try:
        if regular(place) > LONGEST_LIST:
            raise InputError(f"{place} has more than {LONGEST_LIST:,} bytes: it is not a list of images")
        with place.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True, skipinitialspace=True)
            columns, rows = [name.strip() for name in reader.fieldnames or ()], []
            reader.fieldnames = columns
            for row in reader:
                if None in row or None in row.values():
                    raise InputError(f"{place}, line {reader.line_num}: there must be {len(columns)} values")
                rows.append({name: value.strip() for name, value in row.items()})
    except FileNotFoundError as error:
        raise InputError(f"{place} is not there; it must be a CSV file with the columns path and label") from error
    except (OSError, UnicodeError, csv.Error) as error:
        raise InputError(f"{place} cannot be read as a CSV file ({error})") from error
    lacking = [name for name in COLUMNS if name not in columns]
    if lacking or len(set(columns)) < len(columns):
        raise InputError(
            f"{place} has the columns {', '.join(columns)[:80]}; it must have path and label, and can have group, split"
        )
    if not rows:
        raise InputError(f"{place} lists no images")
    return columns, rows


def labelled(place: Path, labels: Sequence[str]) -> tuple[tuple[str, ...], Callable[[str], int]]:
    """The classes, sorted, and what gives the label of a name; or the numbers of the list, as they are."""
    found = set(labels)
    if len(found) < 2:
        raise InputError(f"{place} has one class only, {min(found)!r:.80}; a classifier needs two at least")
    if all(label.isascii() and label.isdigit() and len(label) < 10 for label in found):
        numbers = {int(label) for label in found}
        empty = set(range(max(numbers) + 1)) - numbers if max(numbers) < len(labels) else {0}
        if empty:
            raise InputError(f"{place} has no image of class {min(empty)}: labels are 0 to K - 1, or names")
        return tuple(str(number) for number in sorted(numbers)), int
    names = as_names(sorted({unicodedata.normalize("NFC", label) for label in found}))
    places = {name: number for number, name in enumerate(names)}
    return names, lambda label: places[unicodedata.normalize("NFC", label)]


def path_of(place: Path, row: Row) -> str:
    """The path of an image, with forward slashes; InputError for none."""
    path = row["path"]
    if not path or "\0" in path:
        raise InputError(f"{place} has an image whose path is {path!r:.80}")
    return path


def part_of(place: Path, name: str) -> str:
    """The part that a row is of, empty where it is left out."""
    for part, words in zip((*PARTS, ""), (TRAINED_ON, TESTED_ON, LEFT_OUT), strict=True):
        if name.lower() in words:
            return part
    raise InputError(f"{place} has the split {name!r:.80}; it can be train, test or val")
