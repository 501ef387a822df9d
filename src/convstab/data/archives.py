"""Published archives: fetched once, verified, unpacked whole or not at all; checks that data sets share."""

import hashlib
import logging
import shutil
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import requests
from filelock import FileLock
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

from convstab.errors import InputError

OWN_FOLDER = ".convstab"  # beside the data: the lock, and arrays made from the data
OFFICIAL_MARK = ".official-md5"  # in a folder that was unpacked from an archive with the official MD5
UNPACK_ERRORS = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
)
TRIES = 3
PAUSE = 1.0  # seconds before the first retry, doubled for the next
TIMEOUT = (10.0, 30.0)  # seconds to connect, seconds without a byte
CHUNK = 1 << 16  # bytes; what a broken connection loses at most

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
            f"{dataset} is {state} {root} and could not be downloaded ({_reason(error)}): "
            f"put {', '.join(lacking)} there"
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


def md5_of(path: Path) -> str:
    """The MD5 sum of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def progress(*columns: ProgressColumn) -> Progress:
    """A progress bar on standard error that vanishes when done; nothing at all where nobody watches."""
    console = Console(stderr=True)
    shown = (TextColumn("{task.description}"), BarColumn(), *columns, TimeRemainingColumn())
    return Progress(*shown, console=console, transient=True, disable=not console.is_terminal)


def download(url: str, md5: str, path: Path) -> None:
    """Download ``url`` to ``path`` through ``<path>.part``, which a later call continues.

    Raises requests.RequestException when the network fails (the part stays), OSError when the disk does, and
    InputError when the MD5 sum is wrong (the part is deleted).
    """
    part = path.with_name(path.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    if not (part.exists() and md5_of(part) == md5):  # a complete part needs no network
        _receive_patiently(url, part)
        _verify(part, md5, "the download was cut short or altered and is deleted; start again", delete=True)
    part.replace(path)


def unpack(archive: Path, member: str, destination: Path, mark: str = "") -> None:
    """Unpack ``member`` of a zip or tar.gz archive to ``destination``, which appears complete or not at all.

    mark: when given and the member is a folder, written into it as OFFICIAL_MARK.
    Raises InputError when the archive is damaged, lacks the member, or has one that would leave its folder.
    """
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
        _verify(path, archive.md5, "it is truncated or altered; remove it or put the official file there")
    else:
        log.info("downloading %s", archive.url)
        download(archive.url, archive.md5, path)
    if archive.packed:
        log.info("unpacking %s", path)
        unpack(path, archive.holds, root / archive.holds, archive.md5)


def _verify(path: Path, md5: str, advice: str, delete: bool = False) -> None:
    found = md5_of(path)
    if found != md5:
        if delete:
            path.unlink()
        raise InputError(f"{path} has the MD5 sum {found}, not {md5}: {advice}")


def _receive_patiently(url: str, part: Path) -> None:
    for attempt in range(TRIES):
        try:
            _receive(url, part)
            return
        except requests.RequestException as error:
            refused = error.response is not None and error.response.status_code < 500  # for good
            if refused or attempt == TRIES - 1:
                raise
            time.sleep(PAUSE * 2**attempt)


def _receive(url: str, part: Path) -> None:
    """Append what is missing of ``url`` to the part file."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}  # a resumed stream must be the file's own bytes
    if have:
        headers["Range"] = f"bytes={have}-"
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if have and response.status_code == 416:  # nothing is left to send; the MD5 sum decides
            return
        response.raise_for_status()
        have = have if response.status_code == 206 else 0  # 200: the server ignores ranges and sends it all
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        with part.open("ab" if have else "wb") as file, progress(DownloadColumn()) as bar:
            task = bar.add_task(url.rsplit("/", 1)[-1], completed=have, total=total)
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                bar.advance(task, len(chunk))


def _reason(error: requests.RequestException) -> str:
    """One short phrase; the library's own messages run over several lines."""
    if error.response is not None:
        return f"HTTP {error.response.status_code}"
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate was not accepted"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy refused"
    if isinstance(error, requests.Timeout):
        return "the server did not answer in time"
    return "no connection" if isinstance(error, requests.ConnectionError) else "the connection broke"


def _extract(archive: Path, folder: Path) -> None:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as packed:
            for name in packed.namelist():
                _refuse_escape(archive, name)
            packed.extractall(folder)  # noqa: S202 - each name was checked
    else:
        with tarfile.open(archive, "r:gz") as packed_tar:
            packed_tar.extractall(folder, filter="data")


def _refuse_escape(archive: Path, name: str) -> None:
    """Zipfile would rename such members in silence; an archive that has one is not to be trusted."""
    rooted = PurePosixPath(name).is_absolute() or bool(PureWindowsPath(name).anchor)
    if rooted or ".." in name.replace("\\", "/").split("/"):
        raise InputError(f"{archive} has a member that would leave its folder ({name}): it is not unpacked")
