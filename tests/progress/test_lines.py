"""How far a long work is, in a log: a line a minute, by a clock that the test turns."""

import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import convstab as cs
from convstab.bounds.lower import lower_bounds
from convstab.data.archives import unpack
from convstab.data.download import download, md5_of
from convstab.data.image_files import decoded
from convstab.ledger.thickness import boundary_thickness
from convstab.progress import lines as progress_lines
from convstab.progress.lines import LineAMinute
from tests.support.half_spaces import half_space

LATE = ["a 1/2, 0.0125/s, about 80 s left", "a 2/2, 0.0125/s"]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on by 45 seconds each time that somebody looks."""
    seconds = count(0.0, 45.0)
    monkeypatch.setattr(progress_lines, "now", lambda: next(seconds))


def test_a_log_has_a_line_a_minute_with_the_time_left() -> None:
    now, lines = [0.0], list[str]()
    with LineAMinute(lambda: now[0], lines.append) as log:
        task = log.add_task("draws", total=600)
        for _ in range(6):
            now[0] += 25
            log.advance(task, 100)
    assert lines == [
        "draws 300/600, 4/s, about 75 s left",
        "draws 600/600, 4/s",
    ]


def test_a_fast_rate_is_a_whole_number() -> None:
    now, lines = [0.0], list[str]()
    with LineAMinute(lambda: now[0], lines.append) as log:
        task = log.add_task("draws", total=600_000)
        now[0] = 100.0
        log.advance(task, 600_000)
    assert lines == ["draws 600,000/600,000, 6,000/s"]


def test_a_log_of_what_has_failed_does_not_say_that_it_is_done() -> None:
    lines = list[str]()
    log = LineAMinute(lambda: 0.0, lines.append)
    log.add_task("draws", total=600)
    log.__exit__(KeyError)
    assert lines == []


def test_what_was_done_before_says_nothing_of_the_speed() -> None:
    now, lines = [0.0], list[str]()
    log = LineAMinute(lambda: now[0], lines.append, size=1e6, unit=" MB")
    task = log.add_task("a.zip", completed=600e6, total=1200e6)
    now[0] = 60.0
    log.advance(task, 120e6)
    assert lines == ["a.zip 720/1,200 MB, 2 MB/s, about 4 min left"]


def test_where_the_end_is_unknown_it_says_how_much_there_is() -> None:
    now, lines = [0.0], list[str]()
    log = LineAMinute(lambda: now[0], lines.append)
    task = log.add_task("a.zip", total=None)
    now[0] = 100.0
    log.advance(task, 50)
    assert lines == ["a.zip 50, 0.5/s"]


@pytest.mark.parametrize(
    ("each", "said"), [(20.0, []), (70.0, ["a 1/2, 0.0143/s, about 70 s left", "a 2/2, 0.0143/s"])]
)
def test_what_takes_less_than_a_minute_need_not_be_said(each: float, said: list[str]) -> None:
    now, lines = [0.0], list[str]()
    with LineAMinute(lambda: now[0], lines.append, always=False) as log:
        task = log.add_task("a", total=2)
        for _ in range(2):
            now[0] += each
            log.advance(task)
    assert lines == said


def pictures(folder: Path, number: int) -> list[Path]:
    """So many images as files."""
    folder.mkdir()
    paths = [folder / f"{name}.png" for name in range(number)]
    for path in paths:
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path)
    return paths


@pytest.mark.usefixtures("slow")
def test_decoding_says_how_far_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    decoded(tmp_path, "signs", pictures(tmp_path / "signs", 9), 8)
    said, first = capsys.readouterr(), "signs 2/9, "
    assert said.err.startswith(first)
    assert " left\n" in said.err
    assert said.out == ""


def test_decoding_for_less_than_a_minute_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    decoded(tmp_path, "signs", pictures(tmp_path / "signs", 9), 8)
    assert capsys.readouterr() == ("", "")


def zipped(path: Path, files: dict[str, bytes]) -> None:
    """Files in a zip archive."""
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)


def tarred(path: Path, files: dict[str, bytes]) -> None:
    """Files in a tar archive."""
    with tarfile.open(path, "w:gz") as packed:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize(("name", "pack"), [("a.zip", zipped), ("a.tar.gz", tarred)])
def test_unpacking_says_how_far_it_is(
    name: str, pack: Callable[[Path, dict[str, bytes]], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = np.random.default_rng(0).bytes(1_000_000)
    pack(tmp_path / name, {f"in/{number}": content for number in range(4)})
    unpack(tmp_path / name, "in", tmp_path / "out")
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first.startswith(f"unpacking {name} 2/4 MB, ")
    assert first.endswith(" left")
    assert last.startswith(f"unpacking {name} 4/4 MB, ")
    assert "left" not in last


@pytest.mark.usefixtures("slow")
def test_a_download_says_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = bytes(4_000_000)
    (tmp_path / "whole").write_bytes(content)
    monkeypatch.setattr("requests.get", lambda *_, **__: Answer(content))
    download("http://nowhere/a.bin", md5_of(tmp_path / "whole"), tmp_path / "a.bin")
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first.startswith("a.bin 2/4 MB, ")
    assert last.startswith("a.bin 4/4 MB, ")


class Answer:
    """A server's, in pieces of a megabyte."""

    status_code = 200

    def __init__(self, content: bytes) -> None:
        self.content, self.headers = content, {"Content-Length": str(len(content))}

    def __enter__(self) -> "Answer":
        return self

    def __exit__(self, *_: object) -> None:
        """Close nothing."""

    def raise_for_status(self) -> None:
        """Nothing is wrong."""

    def iter_content(self, _: int) -> Iterator[bytes]:
        """The pieces."""
        yield from (self.content[start : start + 1_000_000] for start in range(0, len(self.content), 1_000_000))


def test_bounds_and_thickness_tell_of_each_image() -> None:
    model = half_space(192, seed=0)[0]
    pixels = torch.randint(90, 166, (300, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
    images, told = cs.Images(pixels, model(pixels / 255).argmax(1)), list[int]()
    lower_bounds(model, images, told.append)
    assert told == [256, 44]
    attack = cs.attack(model, images.part(slice(0, 5)), "ddn", steps=20)
    told.clear()
    boundary_thickness(model, attack, progress=told.append)
    assert told == [1] * int(attack.rows["success"].sum())
