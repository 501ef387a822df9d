"""Data sets of Hugging Face: a folder that ``datasets`` has saved or can read, or an id of the hub."""

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from platformdirs import user_cache_path

from convstab.data.decoding import Form, Resize
from convstab.data.images import ImageSet, in_data
from convstab.data.own.folder import LARGEST_PHOTO, PARTS, File, OnBad, check, image_set, images_of, numbered, split
from convstab.data.own.rows import WHOLE, Row, class_names, columns_of, rows_of
from convstab.data.own.table import LEFT_OUT, TESTED_ON, TRAINED_ON, labelled, refuse_shared
from convstab.errors import InputError
from convstab.images import Images
from convstab.packages import need, one_line

SAVED = "state.json", "dataset_dict.json"  # in a folder that save_to_disk has written
HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
KINDS = "parquet", "arrow"  # of files, by their ending, that rows are in; else it is image files

log = logging.getLogger(__name__)

Tables = Mapping[str, Any]  # data sets by their splits


def load(
    root: Path,
    name: str,
    subset: str | None = None,
    image: str | None = None,
    label: str | None = None,
    group: str | None = None,
    train_split: str | None = None,
    test_split: str | None = None,
    size: int = 32,
    channels: int = 3,
    resize: Resize = "squash",
    test_share: float = 0.2,
    on_bad: OnBad = "refuse",
    download: bool = False,
) -> ImageSet:
    """Images and labels of a data set of Hugging Face; code that comes with a data set never runs.

    The splits train and test are the parts; others, validation among them, are left out. Without a split test, the hash
    of an image's name, or of its group, decides as ``folder.load`` does; without a split train there is nothing to
    train on.

    name: a folder, in ``root`` or in the current one, that ``save_to_disk`` has written or that holds files of Parquet
        or Arrow, or images; or an id of the hub: what ``datasets`` keeps of it on this machine.
    subset: one of several data sets of a name: a folder in the folder, or its name on the hub.
    image, label, group: columns; None: those of the types Image and ClassLabel, and no groups. A label may also be a
        text, or a number from 0.
    train_split, test_split: other names of the splits.
    download: fetch from the hub what is not there.
    The other values: see ``folder.load``.
    Raises InputError where there is no such data set or column, for an image that cannot be read, or one without a
    label.
    """
    check(test_share, on_bad)
    form = Form(size, channels, resize, LARGEST_PHOTO)
    place, tables = opened(Path(root), name, subset, download)
    used = chosen(place, tables, train_split, test_split)
    classes, parts = listed(place, tables, used, (image, label, group), test_share)
    if "train" in parts:
        return image_set("hf", place, classes, parts, form, on_bad)
    test = images_of("hf-test", place, classes, parts["test"], form, on_bad)
    log.info("hf: %d test images of %d classes, and none to train on", len(test), len(classes))
    none = Images(torch.empty(0, *form.shape, dtype=torch.uint8), torch.empty(0, dtype=torch.int64), classes)
    return ImageSet(none, test, classes, own_ids=True)


def opened(root: Path, name: Any, subset: str | None, download: bool) -> tuple[Path, Tables]:
    """The splits of a data set, and the folder beside which its decoded images are kept."""
    if not isinstance(name, str) or not name.strip():
        raise InputError(f"dataset=hf needs dataset.load.name=<folder, or id of the hub>; it is {name}")
    place = in_data(root, name)
    if not place.is_dir() and not HUB_ID.fullmatch(name):
        raise InputError(f"{name} is not a folder, and no id of the hub, such as org/flowers")
    library = need("datasets", "datasets")
    if place.is_dir():
        place = place if subset is None else place / subset
        return place, read(library, place)
    hint = "" if download else "; dataset.load.download=true (download=True) fetches it from the hub"
    with quiet(library, offline=not download):
        found = tried(lambda: library.load_dataset(name, subset), f"hf: {name}", hint)
    return user_cache_path("convstab") / "hf" / name.replace("/", "--") / (subset or ""), found


def read(library: Any, place: Path) -> Tables:
    """The splits of a data set in a folder: what its files hold, and nothing that a text beside them names."""
    with quiet(library, offline=True):
        if any((place / name).is_file() for name in SAVED):
            found = tried(lambda: library.load_from_disk(str(place)), str(place))
            return found if isinstance(found, Mapping) else {WHOLE: found}
        if not place.is_dir():
            raise InputError(f"{place} is not a folder")
        kind = next((kind for kind in KINDS if next(place.rglob(f"*.{kind}"), None)), "imagefolder")
        found = tried(lambda: library.load_dataset(kind, data_dir=str(place)), str(place))
    assert isinstance(found, Mapping)
    return found


def tried(make: Any, label: str, hint: str = "") -> Any:
    """What a library gives; InputError for what it refuses, with its own words."""
    try:
        return make()
    except Exception as error:  # it has many kinds
        raise InputError(f"{label} cannot be loaded: {one_line(error)}{hint}") from error


@contextmanager
def quiet(library: Any, offline: bool) -> Iterator[None]:
    """Load without the network, where that is not asked for, and then without bars."""
    config, bars = library.config, not library.are_progress_bars_disabled()
    before = config.HF_HUB_OFFLINE
    try:
        if offline:
            config.HF_HUB_OFFLINE = True
            library.disable_progress_bars()
        yield
    finally:
        config.HF_HUB_OFFLINE = before
        if bars:
            library.enable_progress_bars()


def chosen(place: Path, tables: Tables, train_split: str | None, test_split: str | None) -> dict[str, str]:
    """Which split each part is; "all" where one is to be divided."""
    for said in (train_split, test_split):
        if said is not None and said not in tables:
            raise InputError(f"{place} has no split {said}; it has {', '.join(tables)}")
    train, test = (
        said or next((name for name in tables if name.lower() in words), None)
        for said, words in ((train_split, TRAINED_ON), (test_split, TESTED_ON))
    )
    if train is not None and train == test:
        raise InputError(f"{train} is the split to train and to test on; leave one out, and it is divided")
    if train is None and test is None:
        if len(tables) != 1:
            raise InputError(
                f"{place} has the splits {', '.join(tables) or 'none'}: say test_split=, and train_split= to train"
            )
        (train,) = tables
    found = {"train": train, "test": test} if train and test else {"test": test} if test else {"all": train}
    others = [name for name in tables if name not in found.values()]
    if others:
        hint = ": dataset.validation= says a share" if others[0].lower() in LEFT_OUT else ""
        log.info("hf: %s left out%s", ", ".join(others), hint)
    return {part: str(name) for part, name in found.items()}


def listed(
    place: Path, tables: Tables, used: Mapping[str, str], said: tuple[str | None, ...], test_share: float
) -> tuple[tuple[str, ...], dict[str, list[File]]]:
    """The classes, and the images of each part."""
    library = need("datasets", "datasets")
    rows: dict[str, list[Row]] = {}
    names: dict[str, tuple[str, ...] | None] = {}
    for part, name in used.items():
        columns = columns_of(library, tables[name].features, f"{place}, {name}", *said)
        names[part] = class_names(library, tables[name].features[columns.label])
        rows[part] = rows_of(library, place, name, tables[name], columns)
    every = [row for part in used for row in rows[part]]
    if len(set(names.values())) > 1:
        raise InputError(f"{place} has other classes to train and to test on")
    classes, label_of = labels_of(place, next(iter(names.values())), every)
    numbers = None if every[0].group is None else numbered([str(row.group) for row in every])
    files = {part: [file_of(row, label_of, numbers) for row in found] for part, found in rows.items()}
    if "all" in files:
        groups = None if numbers is None else [str(row.group) for row in every]
        return classes, split(files["all"], test_share, groups)
    if numbers is not None and set(PARTS) <= set(files):
        refuse_shared(place, files, numbers)
    return classes, files


def labels_of(
    place: Path, names: tuple[str, ...] | None, rows: Sequence[Row]
) -> tuple[tuple[str, ...], Callable[[str], int]]:
    """The classes, and what makes a number of a label; names: those of the column, None: there are none."""
    if names is None:
        return labelled(place, [str(row.label) for row in rows])
    if len(names) < 2:
        raise InputError(f"{place} has one class only, {names[0]!r:.80}; a classifier needs two at least")
    return names, int


def file_of(row: Row, label_of: Callable[[str], int], numbers: Mapping[str, int] | None) -> File:
    """The file of a row."""
    return File(row.name, label_of(str(row.label)), None if numbers is None else numbers[str(row.group)], row.source)
