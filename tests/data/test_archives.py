import hashlib
import io
import os
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import requests

from convstab.data.archives import OFFICIAL_MARK, Archive, check_labels, provide, unpack
from convstab.data.download import CHUNK, TRIES, download, md5_of
from convstab.errors import InputError
from tests.support.endless import in_place_of

CONTENT = np.random.default_rng(0).bytes(300_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


class Publisher(ThreadingHTTPServer):
    """Serves one file under any name; ``cuts`` are the bytes after which it hangs up, one for each answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.content = CONTENT
        self.takes_ranges = True
        self.status = 200
        self.cuts: list[int] = []
        self.ranges: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/file.bin"


class Answer(BaseHTTPRequestHandler):
    server: Publisher

    def do_GET(self) -> None:
        wanted = self.headers["Range"]
        self.server.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.server.takes_ranges else 0
        body = self.server.content[start:]
        if self.server.status != 200 or (start and not body):
            self.send_error(self.server.status if self.server.status != 200 else 416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.cuts.pop(0)] if self.server.cuts else body)

    def log_message(self, *args: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("convstab.data.download.PAUSE", 0.0)
    with Publisher() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def zip_of(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return path


def tar_of(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as packed:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            packed.addfile(info, io.BytesIO(data))
    return path


def names_under(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_download_is_the_file_and_leaves_nothing_else(publisher: Publisher, tmp_path: Path) -> None:
    download(publisher.url, MD5, tmp_path / "new" / "file.bin")
    assert (tmp_path / "new" / "file.bin").read_bytes() == CONTENT
    assert names_under(tmp_path) == {"new/file.bin"}


def test_a_broken_connection_is_taken_up_where_it_broke(publisher: Publisher, tmp_path: Path) -> None:
    publisher.cuts = [2 * CHUNK + 9, CHUNK + 9]
    download(publisher.url, MD5, tmp_path / "file.bin")
    assert publisher.ranges == [None, f"bytes={2 * CHUNK}-", f"bytes={3 * CHUNK}-"]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_part_outlives_a_failed_start_and_the_next_one_continues_it(publisher: Publisher, tmp_path: Path) -> None:
    publisher.cuts = [CHUNK + 9, 9, 9]
    with pytest.raises(requests.RequestException):
        download(publisher.url, MD5, tmp_path / "file.bin")
    assert names_under(tmp_path) == {"file.bin.part"}
    publisher.ranges.clear()
    download(publisher.url, MD5, tmp_path / "file.bin")
    assert publisher.ranges == [f"bytes={CHUNK}-"]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_server_that_ignores_ranges_is_read_from_the_start(publisher: Publisher, tmp_path: Path) -> None:
    publisher.takes_ranges = False
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:1000])
    download(publisher.url, MD5, tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_complete_part_needs_no_network(publisher: Publisher, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    download(publisher.url, MD5, tmp_path / "file.bin")
    assert publisher.ranges == []
    assert names_under(tmp_path) == {"file.bin"}


@pytest.mark.parametrize("start", [b"", CONTENT[:1000], b"other" * 1000, CONTENT + b"too long"])
def test_a_wrong_sum_deletes_the_part(publisher: Publisher, tmp_path: Path, start: bytes) -> None:
    if start:
        (tmp_path / "file.bin.part").write_bytes(start)
    publisher.content = CONTENT[:-1] + b"!"
    with pytest.raises(InputError, match=rf"file\.bin\.part has the MD5 sum .*, not {MD5}: .*deleted") as error:
        download(publisher.url, MD5, tmp_path / "file.bin")
    assert "\n" not in str(error.value)
    assert names_under(tmp_path) == set()


@pytest.mark.parametrize(("status", "requests_made"), [(404, 1), (503, TRIES)])
def test_only_what_may_pass_is_tried_again(
    publisher: Publisher, tmp_path: Path, status: int, requests_made: int
) -> None:
    publisher.status = status
    wanted = [Archive(publisher.url, MD5, "file.bin"), Archive(publisher.url + ".zip", MD5, "other")]
    with pytest.raises(InputError) as error:
        provide("toys", tmp_path, wanted)
    assert str(error.value) == (
        f"toys is not in {tmp_path} and could not be downloaded (HTTP {status}): put file.bin, file.bin.zip there"
    )
    assert len(publisher.ranges) == requests_made


def test_no_network_is_one_line_that_names_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convstab.data.download.PAUSE", 0.0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "here").touch()
    wanted = [Archive(f"http://127.0.0.1:9/{name}", MD5, name) for name in ("here", "a.bin", "b.bin")]
    with pytest.raises(InputError) as error:
        provide("toys", tmp_path, wanted)
    assert str(error.value) == (
        f"toys is not complete in {tmp_path} and could not be downloaded (no connection): put a.bin, b.bin there"
    )


def test_runs_that_start_together_download_once(publisher: Publisher, tmp_path: Path) -> None:
    archive = Archive(publisher.url, MD5, "sub/file.bin")
    runs = [threading.Thread(target=provide, args=("toys", tmp_path, [archive])) for _ in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert publisher.ranges == [None]
    assert (tmp_path / "sub" / "file.bin").read_bytes() == CONTENT


@pytest.mark.parametrize(("name", "pack"), [("toys.zip", zip_of), ("toys.tar.gz", tar_of)])
def test_an_archive_put_there_by_hand_is_unpacked(tmp_path: Path, name: str, pack: object) -> None:
    assert callable(pack)
    pack(tmp_path / name, {"toys/red/1.txt": b"one", "toys/2.txt": b"two", "readme.txt": b"not wanted"})
    archive = Archive(f"http://127.0.0.1:9/{name}", md5_of(tmp_path / name), "toys/red")
    provide("toys", tmp_path, [archive])
    provide("toys", tmp_path, [archive])
    assert (tmp_path / "toys/red" / OFFICIAL_MARK).read_text() == archive.md5
    assert names_under(tmp_path / "toys") == {"red/1.txt", f"red/{OFFICIAL_MARK}"}


@pytest.mark.parametrize("damage", [lambda data: data[:-5], lambda data: data[:20] + b"?" + data[21:]])
def test_an_altered_archive_is_named_and_kept_but_not_used(tmp_path: Path, damage: object) -> None:
    path = zip_of(tmp_path / "toys.zip", {"toys/1.txt": b"one"})
    archive = Archive("http://127.0.0.1:9/toys.zip", md5_of(path), "toys")
    assert callable(damage)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=r"toys\.zip has the MD5 sum .* truncated or altered"):
        provide("toys", tmp_path, [archive])
    assert path.exists()
    assert not (tmp_path / "toys").exists()


def test_a_kill_while_unpacking_leaves_nothing_to_trust(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "toys.zip", {f"toys/{i}.txt": b"toy" for i in range(5)})
    archive = Archive("http://127.0.0.1:9/toys.zip", md5_of(path), "toys")
    dies = (
        "import os, sys, zipfile; from pathlib import Path; from convstab.data import archives\n"
        "extract = zipfile.ZipFile.extract\n"
        "def die(packed, member, folder): extract(packed, member, folder); os.kill(os.getpid(), 9)\n"
        "zipfile.ZipFile.extract = die\n"
        "archives.unpack(Path(sys.argv[1]), 'toys', Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", dies, str(path), str(tmp_path / "toys")]
    assert subprocess.run(command, check=False).returncode == -9
    assert not (tmp_path / "toys").exists()
    assert names_under(tmp_path) == {"toys.zip", ".toys.unpacking/toys/0.txt"}
    provide("toys", tmp_path, [archive])
    assert names_under(tmp_path / "toys") == {*(f"{i}.txt" for i in range(5)), OFFICIAL_MARK}
    assert not list(tmp_path.glob("*.unpacking"))


@pytest.mark.parametrize("name", ["../evil.txt", "toys/../../evil.txt", "/evil.txt", "..\\evil.txt", "C:/evil.txt"])
def test_a_zip_member_that_would_escape_is_refused(tmp_path: Path, name: str) -> None:
    path = zip_of(tmp_path / "toys.zip", {"toys/1.txt": b"one", name: b"evil"})
    with pytest.raises(InputError, match="would leave its folder"):
        unpack(path, "toys", tmp_path / "inner" / "toys")
    assert names_under(tmp_path) == {"toys.zip"}


def test_a_tar_member_that_would_escape_is_refused(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "toys.tar.gz", {"toys/1.txt": b"one", "../evil.txt": b"evil"})
    with pytest.raises(InputError, match=r"toys\.tar\.gz cannot be unpacked .*evil"):
        unpack(path, "toys", tmp_path / "inner" / "toys")
    assert names_under(tmp_path) == {"toys.tar.gz"}


@pytest.mark.parametrize(("name", "pack"), [("toys.zip", zip_of), ("toys.tar.gz", tar_of)])
@pytest.mark.parametrize("keep", [0, 10, 100_000])
def test_a_truncated_archive_is_one_line(tmp_path: Path, name: str, pack: object, keep: int) -> None:
    assert callable(pack)
    path = pack(tmp_path / name, {"toys/1.txt": CONTENT})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=rf"{name} cannot be unpacked") as error:
        unpack(path, "toys", tmp_path / "toys")
    assert "\n" not in str(error.value)
    assert names_under(tmp_path) == {name}


@pytest.mark.parametrize(("name", "pack"), [("toys.zip", zip_of), ("toys.tar.gz", tar_of)])
def test_an_archive_that_would_unpack_to_far_more_than_a_data_set_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, pack: object
) -> None:
    assert callable(pack)
    monkeypatch.setattr("convstab.data.archives.MOST", 1000)
    path = pack(tmp_path / name, {"toys/1.txt": bytes(600), "toys/2.txt": bytes(401)})
    with pytest.raises(InputError, match=rf"{name} would unpack to more than 1,000 bytes: it is not the official"):
        unpack(path, "toys", tmp_path / "toys")
    assert names_under(tmp_path) == {name}
    unpack(pack(tmp_path / name, {"toys/1.txt": bytes(600), "toys/2.txt": bytes(400)}), "toys", tmp_path / "toys")


@pytest.mark.parametrize("kind", ["pipe", "zeros", "folder"])
@pytest.mark.parametrize("name", ["toys.zip", "toys.tar.gz", "toys.bin"])
def test_what_never_ends_is_refused_in_place_of_an_archive(tmp_path: Path, kind: str, name: str) -> None:
    in_place_of(tmp_path / name, kind)
    with pytest.raises(InputError, match=rf"{name} is a folder, a pipe or a device, not a file"):
        provide("toys", tmp_path, [Archive(f"http://127.0.0.1:9/{name}", MD5, name)], lambda _: False)
    if name != "toys.bin":
        with pytest.raises(InputError, match=rf"{name} is a folder, a pipe or a device, not a file"):
            unpack(tmp_path / name, "toys", tmp_path / "toys")


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "toys.zip", {"dolls/1.txt": b"one"})
    with pytest.raises(InputError, match=r"toys\.zip has no toys"):
        unpack(path, "toys", tmp_path / "toys")


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"toys is not in .*cannot be written to .*dataset\.root=<folder>"):
        provide("toys", tmp_path / "file" / "root", [Archive("http://127.0.0.1:9/a", MD5, "a")])


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_folder_without_write_permission_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match=r"cannot be written to \(Permission denied\)"):
        provide("toys", tmp_path, [Archive("http://127.0.0.1:9/a", MD5, "a")])


@pytest.mark.parametrize(
    ("labels", "images", "message"),
    [
        ([0, 1], 3, "s has 3 images but 2 labels"),
        ([0, 2], 2, "s has the label 2: labels are 0 to 1"),
        ([0, -1], 2, "s has the label -1: labels are 0 to 1"),
        ([0, 0], 2, r"s has no image of class 1 \(cat\)"),
    ],
)
def test_labels_are_checked(labels: list[int], images: int, message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}$"):
        check_labels(np.array(labels), images, ("dog", "cat"), "s")
    check_labels(np.array([1, 0, 1]), 3, ("dog", "cat"), "s")
