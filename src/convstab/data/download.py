"""Downloads that go on where they were broken off, and are verified."""

import hashlib
import time
from pathlib import Path

import requests

from convstab.errors import InputError
from convstab.files.seals import regular
from convstab.progress.bar import bar_aside

TRIES = 3
PAUSE = 1.0  # seconds before the first retry, doubled for the next
TIMEOUT = (10.0, 30.0)  # seconds to connect, seconds without a byte
CHUNK = 1 << 16  # bytes; what a broken connection loses at most


def download(url: str, md5: str, path: Path) -> None:
    """Download ``url`` to ``path`` through ``<path>.part``, which a later call continues.

    Raises requests.RequestException when the network fails (the part stays), OSError when the disk does, and
    InputError when the MD5 sum is wrong (the part is deleted).
    """
    part = path.with_name(path.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    if not (part.exists() and md5_of(part) == md5):  # a complete part needs no network
        _receive_patiently(url, part)
        verify(part, md5, "the download was cut short or altered and is deleted; start again", delete=True)
    part.replace(path)


def md5_of(path: Path) -> str:
    """The MD5 sum of a file, in hexadecimal; InputError for a pipe or a device."""
    regular(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def verify(path: Path, md5: str, advice: str, delete: bool = False) -> None:
    """Raise InputError, with advice, unless the file has this MD5 sum."""
    found = md5_of(path)
    if found != md5:
        if delete:
            path.unlink()
        raise InputError(f"{path} has the MD5 sum {found}, not {md5}: {advice}")


def reason(error: requests.RequestException) -> str:
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
        with part.open("ab" if have else "wb") as file, bar_aside(in_bytes=True) as bar:
            task = bar.add_task(url.rsplit("/", 1)[-1], completed=have, total=total)
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                bar.advance(task, len(chunk))
