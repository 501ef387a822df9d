"""Published archives: fetched once, verified, unpacked whole or not at all; checks that data sets share."""

import logging
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import requests
from filelock import FileLock
from rich.progress import Progress

from convstab.data.download import download, reason, verify
from convstab.errors import InputError
from convstab.files.seals import regular
from convstab.progress.bar import bar_aside
from convstab.progress.lines import LineAMinute

OWN_FOLDER = ".convstab"  # beside the data: the lock, and arrays made from the data
OFFICIAL_MARK = ".official-md5"  # in a folder that was unpacked from an archive with the official MD5
MOST = 2**30  # bytes that an archive may unpack to; GTSRB's largest has some 300 million
UNPACK_ERRORS = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Archive:
    """One file that a publisher offers.

    holds: what it becomes under the data folder, a path with forward slashes. A ``.zip`` or ``.tar.gz``
        archive is unpacked and has this path inside; any other file is put there as it is.
    """

    url: str
    md5: str
    holds: str

    @property
    def name(self) -> str:
        """The file name that the publisher gave it."""
        return self.url.rsplit("/", 1)[-1]

    @property
    def packed(self) -> bool:
        """Whether it has to be unpacked."""
        return self.name.endswith((".zip", ".tar.gz"))


def provide(
    dataset: str, root: Path, archives: Sequence[Archive], found: Callable[[Archive], bool] | None = None
) -> None:
    """Make what archives hold exist under ``root``: found, unpacked from a file put there, or downloaded.

    found: says whether the content of an archive is there; by default, whether the path that it holds exists.
    Raises InputError when an archive is altered, cannot be downloaded, or the folder cannot be written.
    """
    found = found or (lambda archive: (root / archive.holds).exists())
    try:
        if all(map(found, archives)):
            return
        with locked(root):  # a second run that starts now waits, and then finds the data
            for archive in archives:
                if not found(archive):
                    _obtain(archive, root)
    except requests.RequestException as error:  # before OSError, which is its parent
        lacking = [archive.name for archive in archives if not found(archive)]
        state = "not in" if len(lacking) == len(archives) else "not complete in"
        raise InputError(
            f"{dataset} is {state} {root} and could not be downloaded ({reason(error)}): put {', '.join(lacking)} there"
        ) from error
    except OSError as error:
        raise InputError(
            f"{dataset} is not in {root}, and that folder cannot be written to ({error.strerror or error}): "
            "choose another with dataset.root=<folder>"
        ) from error


@contextmanager
def locked(root: Path) -> Iterator[Path]:
    """Hold the data folder for this process alone; yields the folder beside the data that is ours.

    Raises OSError when the folder cannot be written. The system frees the lock of a process that was killed.
    """
    own = root / OWN_FOLDER
    own.mkdir(parents=True, exist_ok=True)
    with FileLock(own / "lock"):
        yield own


def unpack(archive: Path, member: str, destination: Path, mark: str = "") -> None:
    """Unpack ``member`` of a zip or tar.gz archive to ``destination``, which appears complete or not at all.

    mark: when given and the member is a folder, written into it as OFFICIAL_MARK.
    Raises InputError when the archive is damaged, far too large, or no file, lacks the member, or has one that would
    leave its folder.
    """
    regular(archive)
    work = destination.with_name(f".{destination.name}.unpacking")  # on the same file system: renamed at once
    shutil.rmtree(work, ignore_errors=True)  # left by a start that was killed
    work.mkdir(parents=True)
    try:
        _extract(archive, work)
        made = work / member
        if not made.exists():
            raise InputError(f"{archive} has no {member}: it is not the official archive")
        if mark and made.is_dir():
            (made / OFFICIAL_MARK).write_text(mark)
        made.replace(destination)
    except UNPACK_ERRORS as error:
        raise InputError(f"{archive} cannot be unpacked ({error}): it is damaged; download it again") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def check_labels(labels: np.ndarray, images: int, classes: Sequence[str], source: Path | str) -> None:
    """Raise InputError unless each image has one label in [0, K) and each of the K classes has an image."""
    if len(labels) != images:
        raise InputError(f"{source} has {images} images but {len(labels)} labels")
    wrong = labels[(labels < 0) | (labels >= len(classes))]
    if len(wrong):
        raise InputError(f"{source} has the label {wrong[0]}: labels are 0 to {len(classes) - 1}")
    empty = np.flatnonzero(np.bincount(labels, minlength=len(classes)) == 0)
    if len(empty):
        raise InputError(f"{source} has no image of class {empty[0]} ({classes[empty[0]]})")


def _obtain(archive: Archive, root: Path) -> None:
    """Bring one archive under the folder, from the network unless the user put it there."""
    path = root / (archive.name if archive.packed else archive.holds)
    if path.exists():
        verify(path, archive.md5, "it is truncated or altered; remove it or put the official file there")
    else:
        log.info("downloading %s", archive.url)
        download(archive.url, archive.md5, path)
    if archive.packed:
        log.info("unpacking %s", path)
        unpack(path, archive.holds, root / archive.holds, archive.md5)


def _extract(archive: Path, folder: Path) -> None:
    with bar_aside(in_bytes=True) as bar:
        (_unzip if archive.suffix == ".zip" else _untar)(archive, folder, bar)


def _unzip(archive: Path, folder: Path, bar: Progress | LineAMinute) -> None:
    with zipfile.ZipFile(archive) as packed:
        members = packed.infolist()
        _refuse_bomb(archive, sum(member.file_size for member in members))
        for member in members:
            _refuse_escape(archive, member.filename)
        task = bar.add_task(f"unpacking {archive.name}", total=sum(member.compress_size for member in members))
        for member in members:
            packed.extract(member, folder)
            bar.advance(task, member.compress_size)


def _untar(archive: Path, folder: Path, bar: Progress | LineAMinute) -> None:
    with archive.open("rb") as file, tarfile.open(fileobj=file, mode="r:gz") as packed:
        task = bar.add_task(f"unpacking {archive.name}", total=archive.stat().st_size)

        def told() -> Iterator[tarfile.TarInfo]:
            read = 0
            for member in _small_enough(archive, packed):
                yield member
                bar.advance(task, file.tell() - read)
                read = file.tell()

        packed.extractall(folder, told(), filter="data")


def _small_enough(archive: Path, packed: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The members, until they add up to more than any data set: a tar archive has no list of them."""
    total = 0
    for member in packed:
        total += member.size
        _refuse_bomb(archive, total)
        yield member


def _refuse_bomb(archive: Path, size: int) -> None:
    if size > MOST:
        raise InputError(f"{archive} would unpack to more than {MOST:,} bytes: it is not the official archive")


def _refuse_escape(archive: Path, name: str) -> None:
    """Zipfile would rename such members in silence; an archive that has one is not to be trusted."""
    rooted = PurePosixPath(name).is_absolute() or bool(PureWindowsPath(name).anchor)
    if rooted or ".." in name.replace("\\", "/").split("/"):
        raise InputError(f"{archive} has a member that would leave its folder ({name}): it is not unpacked")
