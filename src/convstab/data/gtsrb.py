"""GTSRB: German traffic signs of 43 kinds, 39,209 training and 12,630 test images."""

import csv
import logging
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePath, PureWindowsPath

import numpy as np
import torch

from convstab.data import signs
from convstab.data.archives import OFFICIAL_MARK, Archive, check_labels, provide
from convstab.data.image_files import decoded
from convstab.data.images import ImageSet
from convstab.errors import InputError
from convstab.files.seals import regular
from convstab.images import Images
from convstab.units import FramesAlike

URL = "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/"
FINAL, SMALL, TEST = "GTSRB/Final_Training", "GTSRB/Training", "GTSRB/Final_Test"
TRUTH = "GT-final_test.csv"
TRUTH_FOLDERS = (".", "GTSRB", f"{TEST}/Images")
FINAL_ARCHIVE = Archive(f"{URL}GTSRB_Final_Training_Images.zip", "f33fd80ac59bff73c82d25ab499e03a3", FINAL)
SMALL_ARCHIVE = Archive(f"{URL}GTSRB-Training_fixed.zip", "513f3c79a4c5141765e10e952eaa2478", SMALL)
TEST_ARCHIVE = Archive(f"{URL}GTSRB_Final_Test_Images.zip", "c7e4e6327067d32654124b0fe9e82185", TEST)
TRUTH_ARCHIVE = Archive(f"{URL}GTSRB_Final_Test_GT.zip", "fe31e9c9270bbcd7b84b7f21a9d9d9e5", TRUTH)

# Speed limits are in km/h, which the names leave out: a slash would split the names of metrics.
# fmt: off
CLASSES = (
    "speed limit 20", "speed limit 30", "speed limit 50", "speed limit 60", "speed limit 70",
    "speed limit 80", "end of speed limit 80", "speed limit 100", "speed limit 120", "no passing",
    "no passing for trucks", "right-of-way at next intersection", "priority road", "yield", "stop",
    "no vehicles", "no trucks", "no entry", "general caution", "dangerous curve left",
    "dangerous curve right", "double curve", "bumpy road", "slippery road", "road narrows on the right",
    "road work", "traffic signals", "pedestrians", "children crossing", "bicycles crossing",
    "beware of ice or snow", "wild animals crossing", "end of all limits", "turn right ahead",
    "turn left ahead", "ahead only", "go straight or right", "go straight or left", "keep right",
    "keep left", "roundabout", "end of no passing", "end of no passing for trucks",
)
# fmt: on
# Not mirrored: digits and text; vehicles, people and animals, which face one way; the roundabout, which turns
# one way; the bars of the "end of" signs, which lean one way; a double curve and a narrowing road, whose
# counterparts are not among the 43.
SYMMETRIC = (11, 12, 13, 15, 17, 18, 22, 26, 30, 35)
PAIRS = ((19, 20), (33, 34), (36, 37), (38, 39))
MIRROR = {k: k for k in SYMMETRIC} | dict(PAIRS) | {b: a for a, b in PAIRS}
LARGEST_SIDE = 1024  # pixels that images may be resized to
LONGEST_LIST = 16 * 2**20  # bytes of a GT-*.csv; the longest has some 400,000
COLUMNS = ("Filename", "ClassId")
# The test set has 30 frames of each of 421 signs, in an order that does not tell which. Where ``signs`` does not know
# it, either: the greatest correlation of any sigma that benchmarks/frames.py measured on validation tracks.
FRAMES_OF_A_SIGN = FramesAlike(size=30, correlation=0.79)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listing:
    """The image files of one part of the set, with labels (N,), and track ids (N,) where it has tracks."""

    part: str
    paths: list[Path]
    labels: np.ndarray
    tracks: np.ndarray | None = None


def load(root: Path, size: int = 48, train: str = "auto") -> ImageSet:
    """GTSRB as (N, 3, size, size) uint8, RGB, from ``root``, torchvision's ``root/gtsrb``, or downloaded.

    The whole image, border included, resized with Pillow's antialiased bicubic filter. The decoded arrays are
    kept beside the data and memory-mapped next time, as long as no file changes. Training groups are tracks;
    those of the official test set are its rebuilt signs, see ``signs``; those of another one are not known, see
    ``FRAMES_OF_A_SIGN``.

    train: "final" is the 39,209-image set (the paper's), "small" the 26,640-image set (torchvision's), "auto"
        the final one unless only the small one is there.
    official: only when both image folders were unpacked here from archives with the official MD5 sums.
    Raises InputError when data is missing and cannot be downloaded, when a file that a GT-*.csv names is
    missing or corrupt, when a class is empty, or when a value is out of range.
    Source: Stallkamp, Schlipsing, Salmen and Igel, Man vs. computer, Neural Networks 32, 2012.
    """
    if not 1 <= size <= LARGEST_SIDE:
        raise InputError(f"dataset.size={size} must be at least 1 pixel and at most {LARGEST_SIDE:,}")
    base = root / "gtsrb" if (root / "gtsrb" / "GTSRB").is_dir() else root
    chosen = _training_archive(base, train)
    provide("gtsrb", base, [chosen, TEST_ARCHIVE, TRUTH_ARCHIVE], lambda archive: _is_there(base, archive))
    train_files = _training_files(base / chosen.holds, final=chosen is FINAL_ARCHIVE)
    test_files = _test_files(base)
    official = all((base / folder / OFFICIAL_MARK).exists() for folder in (chosen.holds, TEST))
    image_set = ImageSet(_images(base, train_files, size), _images(base, test_files, size), CLASSES, MIRROR, official)
    log.info(
        "gtsrb: %d training images, %d test images (%s training set)",
        len(train_files.paths),
        len(test_files.paths),
        train_files.part,
    )
    return image_set


def _training_archive(base: Path, train: str) -> Archive:
    if train not in ("auto", "final", "small"):
        raise InputError(f"dataset.train={train} must be auto, final or small")
    small, final = (
        (base / archive.holds).is_dir() or (base / archive.name).is_file() for archive in (SMALL_ARCHIVE, FINAL_ARCHIVE)
    )
    return SMALL_ARCHIVE if train == "small" or (train == "auto" and small and not final) else FINAL_ARCHIVE


def _is_there(base: Path, archive: Archive) -> bool:
    return _truth(base) is not None if archive is TRUTH_ARCHIVE else (base / archive.holds).is_dir()


def _truth(base: Path) -> Path | None:
    return next((path for folder in TRUTH_FOLDERS if (path := base / folder / TRUTH).is_file()), None)


def _training_files(folder: Path, final: bool) -> Listing:
    """A folder for each class, with a list of its images; a track is a class and a file-name prefix."""
    paths: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(CLASSES):
        of_class = folder / ("Images" if final else ".") / f"{label:05d}"
        rows = _read_csv(of_class / f"GT-{label:05d}.csv")
        if not rows:
            raise InputError(f"{of_class} has no image of class {label} ({name})")
        if any(found != label for _, found in rows):
            raise InputError(f"{of_class / f'GT-{label:05d}.csv'} has labels other than {label}, its folder's")
        paths += [of_class / file for file, _ in rows]
        labels += [label] * len(rows)
    prefixes = [(label, path.name.partition("_")[0]) for label, path in zip(labels, paths, strict=True)]
    numbers = {track: number for number, track in enumerate(dict.fromkeys(prefixes))}
    tracks = np.array([numbers[track] for track in prefixes])
    return Listing("final" if final else "small", paths, np.array(labels), tracks)


def _test_files(base: Path) -> Listing:
    path = _truth(base) or base / TRUTH
    rows = _read_csv(path)
    labels = np.array([label for _, label in rows], dtype=np.int64)
    check_labels(labels, len(rows), CLASSES, path)
    return Listing("test", [base / TEST / "Images" / file for file, _ in rows], labels)


def _read_csv(path: Path) -> list[tuple[str, int]]:
    """File name and label of each row of a GT-*.csv."""
    try:
        if regular(path) > LONGEST_LIST:
            raise InputError(f"{path} has more than {LONGEST_LIST:,} bytes: it is not a list of images")
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, delimiter=";", strict=True)
            columns, rows = reader.fieldnames or (), list(reader)
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing: the data is incomplete; remove its folder to start afresh") from error
    except (OSError, UnicodeError, csv.Error) as error:
        raise InputError(f"{path} is not a list with Filename and ClassId in each row ({error})") from error
    if not set(COLUMNS) <= set(columns):
        raise InputError(f"{path} is not a list with Filename and ClassId in each row")
    found = [(_file_name(path, row), _label(path, row)) for row in rows]
    twice = next((name for name, count in Counter(name for name, _ in found).items() if count > 1), None)
    if twice is not None:
        raise InputError(f"{path} has the image {twice} twice")
    return found


def _file_name(path: Path, row: dict[str, str]) -> str:
    """The name of an image, which is in the folder of its list."""
    if None in row or any(row.get(column) is None for column in COLUMNS):
        raise InputError(f"{path} is not a list with Filename and ClassId in each row")
    name = row["Filename"]
    if not name.isprintable() or not name == PurePath(name).name == PureWindowsPath(name).name or name in ("", ".."):
        raise InputError(f"{path} names the image {name[:80]!r}, which is not the name of a file in its folder")
    return name


def _label(path: Path, row: dict[str, str]) -> int:
    text = row["ClassId"]
    if re.fullmatch(r"\s*[+-]?[0-9]+\s*", text) is None:
        raise InputError(f"{path} is not a list with Filename and ClassId in each row: {text[:80]!r} is not a class")
    label = int(text) if len(text) < 80 else -1
    if not 0 <= label < len(CLASSES):
        raise InputError(f"{path} has the label {text.strip()[:80]}: labels are 0 to {len(CLASSES) - 1}")
    return label


def _images(base: Path, files: Listing, size: int) -> Images:
    pixels = torch.from_numpy(decoded(base, f"gtsrb-{files.part}", files.paths, size))
    groups = _test_signs(files) if files.tracks is None else files.tracks
    labels = torch.from_numpy(files.labels)
    if groups is None:
        return Images(pixels, labels, alike=FRAMES_OF_A_SIGN)
    return Images(pixels, labels, groups=torch.from_numpy(groups))


def _test_signs(files: Listing) -> np.ndarray | None:
    """The sign of each test image; None unless they are all of the official ones and each sign is of one class."""
    if len(files.paths) != signs.IMAGES:
        return None
    found = signs.signs_of([path.name for path in files.paths])
    kinds = np.unique(np.stack([found, files.labels]), axis=1)
    return found if kinds.shape[1] == signs.SIGNS else None
