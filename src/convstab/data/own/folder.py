"""Your own photographs: a folder with a folder of image files for each class."""

import logging
import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from platformdirs import user_cache_path

from convstab.data.decoding import Form, Resize, Source
from convstab.data.ids import ids_of, share_of
from convstab.data.image_files import decode
from convstab.data.images import ImageSet
from convstab.errors import InputError
from convstab.images import Images, as_names
from convstab.validation import is_number

OnBad = Literal["refuse", "skip"]
Part = Literal["all", "train", "test"]

ENDINGS = (".png", ".jpg", ".jpeg", ".jpe", ".bmp", ".ppm", ".pgm", ".pbm", ".pnm", ".webp", ".tif", ".tiff", ".gif")
PARTS = "train", "test"
LARGEST_PHOTO = 80_000_000  # pixels; Pillow warns of more than 89 million
NAMED = 3  # files that a message names

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class File:
    """An image file: its path below the folder of the data, its label, its group.

    source: where it is, if that is not its path.
    """

    path: str
    label: int
    group: int | None = None
    source: Source | None = None


def load(
    root: Path,
    size: int = 32,
    channels: int = 3,
    resize: Resize = "squash",
    test_share: float = 0.2,
    on_bad: OnBad = "refuse",
    group: str | None = None,
) -> ImageSet:
    """The images below ``root``: ``root/<class>/...``, or ``root/train/<class>/...`` and ``root/test/<class>/...``.

    The sorted names of the folders are the classes. Without ``train`` and ``test``, an image is tested on when the
    hash of its path says so, so that no image changes its part when others come; a class has one of each at least.
    What is hidden or has no ending of an image is left out and counted. Grey, palette, transparent (over white) and
    16-bit images (65,535 is white) become what ``channels`` says; EXIF rotation is applied.

    size, channels, resize: the form that images are brought to, see ``Form``.
    test_share: of the images, in (0, 1]; about so many of each class are tested on; 1: all, and none to train on.
    on_bad: "refuse" an image that cannot be read, or "skip" it, which the log and each table count.
    group: text in the names of files, such as "_" in those of films, "film1_0001.png": images of a class whose paths
        are the same up to where it stands last are a group. None: each image is one of its own.
    Raises InputError when there are no two classes, one of them is empty, or a value is out of range.
    """
    check(test_share, on_bad)
    root = Path(root).expanduser()
    classes, parts = listed(root, test_share, group)
    return image_set("folder", root, classes, parts, Form(size, channels, resize, LARGEST_PHOTO), on_bad)


def folder(
    path: str | os.PathLike[str],
    size: int,
    channels: int = 3,
    resize: Resize = "squash",
    part: Part = "all",
    test_share: float = 0.2,
    on_bad: OnBad = "refuse",
    group: str | None = None,
) -> Images:
    """Image files in a folder for each class, as ``dataset=folder`` of the commands has them.

    Args:
        path: the folder; the folders in it are the classes, or ``train`` and ``test``, each with those of the classes.
        size: pixels of a side that images are resized to, 1 to 1,024.
        channels: 3 (RGB) or 1 (grey).
        resize: "squash": the whole image; "crop": the largest square in its middle.
        part: "train" or "test": the images that ``dataset=folder`` trains or tests on; "all": both.
        test_share: of the images that are tested on, where there are no folders ``train`` and ``test``.
        on_bad: "refuse" an image that cannot be read, or "skip" it.
        group: text in the names of files, such as "_" in those of films, "film1_0001.png": images of a class whose
            paths are the same up to where it stands last are a group, of one part and one unit of every interval.

    Returns:
        The images, which are memory-mapped from arrays that are kept beside the files. Their ids are hashes of their
        paths: an image has the same noise whatever comes or goes beside it.

    Raises:
        InputError: there are no two classes, one is empty, an image cannot be read, a value is out of range.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from PIL import Image
    >>> with TemporaryDirectory() as photos:
    ...     for name in ("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"):
    ...         (Path(photos) / name).parent.mkdir(exist_ok=True)
    ...         Image.new("RGB", (60, 40)).save(Path(photos) / name)
    ...     folder(photos, size=32), folder(photos, size=32, part="test").labels.tolist()
    (Images(4 of 3x32x32, 2 classes), [0, 1])
    """
    check(test_share, on_bad)
    root = Path(path).expanduser()
    classes, parts = listed(root, test_share, group)
    files = of_part(part, parts)
    return images_of(f"folder-{part}", root, classes, files, Form(size, channels, resize, LARGEST_PHOTO), on_bad)


def of_part(part: str, parts: Mapping[str, list[File]]) -> list[File]:
    """The files of a part, or all."""
    check_part(part)
    return [file for name in PARTS if part in (name, "all") for file in parts[name]]


def check_part(part: str) -> None:
    """Raise InputError for a part that there is not."""
    if part not in get_args(Part):
        raise InputError(f"part is {part}; it can be {', '.join(get_args(Part))}")


def check_each_class(source: Path, classes: Sequence[str], train: Images, test: Images) -> None:
    """Raise InputError where a part has no image of a class."""
    for part, images in zip(PARTS, (train, test), strict=True):
        if part == "train" and not len(images):
            continue  # all are tested on
        missing = set(range(len(classes))) - set(images.labels.tolist())
        if missing:
            raise InputError(f"{source} has no {part} images of class {classes[min(missing)]}")


def check(test_share: Any, on_bad: str = "refuse") -> None:
    """Raise InputError for values that no data of one's own can have."""
    if not is_number(test_share) or not 0 < test_share <= 1:
        raise InputError(f"test_share is {test_share}; it must be above 0 and at most 1")
    if on_bad not in get_args(OnBad):
        raise InputError(f"on_bad is {on_bad}; it can be {' or '.join(get_args(OnBad))}")


def listed(root: Path, test_share: float, group: str | None = None) -> tuple[tuple[str, ...], dict[str, list[File]]]:
    """The classes, and the image files of each part."""
    if root == user_cache_path("convstab"):  # what ``ImageData`` has where no folder is given
        raise InputError("dataset=folder needs dataset.root=<folder with a folder of images for each class>")
    if not root.is_dir():
        raise InputError(f"{root} is not a folder: dataset.root=<folder with a folder of images for each class>")
    names = folders_in(root)
    if set(PARTS) <= set(names):
        others = sorted(set(names) - set(PARTS))
        if others:
            log.info("folder: beside train and test, %s is left out", ", ".join(others[:NAMED]))
        classes = sorted({name for part in PARTS for name in folders_in(root / part)}, key=composed)
        check_classes(root, classes)
        parts = {part: files_of(root, classes, f"{part}/") for part in PARTS}
        return names_of(classes), parts if group is None else grouped_parts(root, parts, group)
    classes = sorted(names, key=composed)
    check_classes(root, classes)
    files = files_of(root, classes, "")
    if group is None:
        return names_of(classes), split(files, test_share)
    groups = groups_of(files, group, 1)
    return names_of(classes), split(with_groups(files, groups, numbered(groups)), test_share, groups)


def grouped_parts(root: Path, parts: Mapping[str, list[File]], group: str) -> dict[str, list[File]]:
    """The files of both parts with their groups; InputError where one is in both."""
    groups = {part: groups_of(files, group, 2) for part, files in parts.items()}
    shared = set(groups["train"]) & set(groups["test"])
    if shared:
        raise InputError(f"{root} has images of the group {min(shared)!r:.80} in train and in test")
    numbers = numbered([name for part in PARTS for name in groups[part]])
    return {part: with_groups(files, groups[part], numbers) for part, files in parts.items()}


def groups_of(files: Sequence[File], group: str, above: int) -> list[str]:
    """The name of the group of each file: its class, and its path up to the last ``group`` in it.

    above: folders above the images of a class, which are no part of their names. Raises InputError for a file whose
    name lacks ``group``.
    """
    if not group:
        raise InputError("group is empty; it must be a text in the name of each image, such as _")
    names = []
    for file in files:
        *_, label, path = file.path.split("/", above)
        start, found, _ = path.rpartition(group)
        if not found:
            raise InputError(
                f"group is {group!r:.20}, which is not in {path!r:.80}: it must be in the name of each image"
            )
        names.append(f"{label}/{start}")
    return names


def with_groups(files: Sequence[File], groups: Sequence[str], numbers: Mapping[str, int]) -> list[File]:
    """Files with the numbers of their groups."""
    return [replace(file, group=numbers[name]) for file, name in zip(files, groups, strict=True)]


def numbered(names: Sequence[str]) -> dict[str, int]:
    """A number for each different name, in the order of their first images."""
    return {name: number for number, name in enumerate(dict.fromkeys(names))}


def composed(name: str) -> str:
    """A name as it is composed on most systems: macOS may take it apart."""
    return unicodedata.normalize("NFC", name)


def names_of(classes: Sequence[str]) -> tuple[str, ...]:
    """The names of folders as names of classes."""
    return as_names([composed(name) for name in classes])


def check_classes(root: Path, classes: Sequence[str]) -> None:
    """Raise InputError for fewer than two classes."""
    if not classes:
        raise InputError(f"{root} has no folders: it must have a folder of images for each class")
    if len(classes) == 1:
        half = f", and {classes[0]} needs a test or train beside it" if classes[0] in PARTS else ""
        raise InputError(f"{root} has one class only, {classes[0]}; a classifier needs two folders at least{half}")


def folders_in(place: Path) -> list[str]:
    """The names of the folders in a folder, but for hidden ones."""
    return sorted(entry.name for entry in os.scandir(place) if entry.is_dir() and not hidden(entry.name))


def hidden(name: str) -> bool:
    """Whether a file or folder is none of the data: ours, an editor's, or what macOS leaves."""
    return name.startswith(".") or name == "__MACOSX"


def files_of(root: Path, classes: Sequence[str], below: str) -> list[File]:
    """All image files of the classes, sorted by class and path; InputError for a class that has none."""
    found: list[File] = []
    others: list[str] = []
    for label, name in enumerate(classes):
        count = len(found)
        for place, folders, files in os.walk(root / below / name):
            folders[:] = sorted(one for one in folders if not hidden(one))
            shown = [(Path(place) / one).relative_to(root).as_posix() for one in files if not hidden(one)]
            images = [path for path in shown if os.path.splitext(path)[1].lower() in ENDINGS]  # noqa: PTH122 - is text
            found += [File(path, label) for path in images]
            others += sorted(set(shown) - set(images))
        if len(found) == count:
            raise InputError(f"{root / below / name} has no images: each class needs some, or its folder must go")
        found[count:] = sorted(found[count:], key=lambda file: composed(file.path))
    if others:
        named = ", ".join(others[:NAMED]) + (", ..." if len(others) > NAMED else "")
        log.info("folder: %d files that are no images by their endings are left out: %s", len(others), named)
    return found


def split(files: Sequence[File], test_share: float, groups: Sequence[str] | None = None) -> dict[str, list[File]]:
    """Files whose path has a share below ``test_share`` are tested on; of each class the lowest, never the highest.

    groups: names that go by their own share in place of the paths of their files: a group is not divided.
    Whether an image is tested on depends on its own path, and on others in two cases only: where a class would have
    no test images, or none to train on. Where the share is 1, all are tested on.
    Raises InputError for a class of one image, or of one group.
    """
    if test_share == 1:
        return {"train": [], "test": list(files)}
    shares = [share_of(name) for name in ([file.path for file in files] if groups is None else groups)]
    of_class: dict[int, set[float]] = {}
    for file, share in zip(files, shares, strict=True):
        of_class.setdefault(file.label, set()).add(share)
    lowest, highest = ({pick(those) for those in of_class.values()} for pick in (min, max))
    tested = {share for share in shares if share < test_share} - highest | lowest
    parts: dict[str, list[File]] = {"train": [], "test": []}
    for file, share in zip(files, shares, strict=True):
        if len(of_class[file.label]) < 2:
            kind = "image" if groups is None else "image, or group of images,"
            raise InputError(f"{file.path} is the only {kind} of its class: one to train and one to test are needed")
        parts["test" if share in tested else "train"].append(file)
    return parts


def image_set(
    name: str, root: Path, classes: tuple[str, ...], parts: dict[str, list[File]], form: Form, on_bad: str
) -> ImageSet:
    """The images of both parts, decoded; an image must not be in both."""
    ids_of([file.path for part in PARTS for file in parts[part]])
    train, test = (images_of(f"{name}-{part}", root, classes, parts[part], form, on_bad) for part in PARTS)
    check_each_class(root, classes, train, test)
    counts, sides = (len(train), len(test), len(classes)), form.shape[1:]
    log.info("%s: %d training images, %d test images of %d classes, resized to %d x %d pixels", name, *counts, *sides)
    return ImageSet(train, test, classes, own_ids=True)


def images_of(
    name: str, root: Path, classes: tuple[str, ...], files: Sequence[File], form: Form, on_bad: str
) -> Images:
    """Image files as images, whose ids are those of their paths."""
    if not files:
        return Images(torch.empty(0, *form.shape, dtype=torch.uint8), torch.empty(0, dtype=torch.int64), classes)
    ids = ids_of([file.path for file in files])
    paths = [file.source or root / file.path for file in files]
    pixels, readable = decode(root, name, paths, form, skip=on_bad == "skip")
    if not readable.all():
        bad = [str(path) for path, good in zip(paths, readable, strict=True) if not good]
        named = ", ".join(bad[:NAMED]) + (", ..." if len(bad) > NAMED else "")
        log.warning("%s: %d of %d images cannot be read and are skipped: %s", name, len(bad), len(paths), named)
    good = torch.from_numpy(readable.copy())
    labels = torch.tensor([file.label for file in files], dtype=torch.int64)[good]
    groups = None
    if files and files[0].group is not None:
        groups = torch.tensor([file.group for file in files], dtype=torch.int64)[good]
    kept = [file.path for file, read in zip(files, readable, strict=True) if read]
    return Images(
        torch.from_numpy(pixels), labels, classes, ids[good], groups, unread=len(paths) - len(kept), names=kept
    )
