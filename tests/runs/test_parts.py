"""Parts: kills, damage, a full disk, shards and other configurations."""

import errno
import random
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from convstab.errors import InputError
from convstab.files import write_bytes
from convstab.files.arrays import arrays_to_bytes, bytes_to_arrays
from convstab.files.tables import read_table, write_table
from convstab.runs.parts import Part, Parts
from convstab.runs.shard import Shard

IMAGES, SIZE, FINGERPRINT = 23, 4, {"draws": 150, "levels": (0.0, 1.5), "weights": "ab12"}
ONE = Shard()


def make(images: range) -> Part:
    """Two rows per image and an array per image, as an attack has, and totals, as an evaluation has."""
    rng = [np.random.default_rng(i) for i in images]
    columns = {
        "index": np.repeat(list(images), 2),
        "score": np.concatenate([r.random(2) for r in rng]),
        "noise": [r.random(5, np.float32) for r in rng for _ in range(2)],
    }
    return Part(
        pa.table(columns), {"count": np.array([len(images), sum(images)]), "cube": np.ones((2, 3, 4), np.int64)}
    )


def work(folder: Path, shard: Shard = ONE, **other: Any) -> Parts:
    parts = Parts(folder, IMAGES, FINGERPRINT | other, SIZE)
    for number in parts.todo(shard):
        parts.write(number, make(parts.slices[number]))
    return parts


def merged(parts: Parts) -> tuple[pa.Table, dict[str, Any]]:
    part = parts.merge()
    assert part is not None
    return part.rows, part.totals


def test_merged_is_as_if_made_at_once(tmp_path: Path) -> None:
    rows, totals = merged(work(tmp_path))
    expected = make(range(IMAGES))
    assert rows.equals(expected.rows)
    assert totals["count"].tolist() == expected.totals["count"].tolist()
    assert (totals["cube"] == 6).all()


@pytest.mark.parametrize("of", [2, 7])
def test_shards_give_the_same_bytes_in_any_order(tmp_path: Path, of: int) -> None:
    write_table(tmp_path / "one.parquet", merged(work(tmp_path / "one"))[0])
    for number in random.Random(of).sample(range(1, of + 1), of):
        parts = work(tmp_path / "many", Shard(number, of))
    write_table(tmp_path / "many.parquet", merged(parts)[0])
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "many.parquet").read_bytes()
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "many" / path.name).read_bytes()


def test_a_shard_is_every_nth_slice_and_alone_not_enough(tmp_path: Path) -> None:
    parts = work(tmp_path, Shard(2, 3))
    assert parts.missing() == [0, 2, 3, 5]
    assert parts.merge() is None


def test_finished_parts_are_skipped(tmp_path: Path) -> None:
    parts = work(tmp_path)
    parts.path(3).unlink()
    assert list(parts.todo(ONE)) == [3]


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "noise"])
def test_a_damaged_part_is_made_again(tmp_path: Path, damage: str) -> None:
    path = work(tmp_path).path(2)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[20] ^= 1  # in the first data page
    path.write_bytes({"empty": b"", "cut": whole[:-9], "flipped": bytes(flipped), "noise": b"x" * 500}[damage])
    parts = Parts(tmp_path, IMAGES, FINGERPRINT, SIZE)
    assert parts.merge() is None
    assert list(parts.todo(ONE)) == [2]
    assert merged(work(tmp_path))[0].equals(make(range(IMAGES)).rows)
    assert path.read_bytes() == whole


def change(table: pa.Table, how: str) -> pa.Table:
    """Another table with the same numbers: of a writer that counts its checksum anew."""
    match how:
        case "rows":
            return table.slice(1)
        case "name":
            return table.rename_columns([name.replace("score", "scores") for name in table.column_names])
        case "type":
            return table.set_column(1, "score", table["score"].cast(pa.float32()))
        case "list":
            return table.set_column(2, "noise", table["noise"].cast(pa.list_(pa.float64())))
    return table


@pytest.mark.parametrize("how", ["place", "rows", "name", "type", "list"])
def test_a_part_is_bound_to_its_slice_and_layout(how: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    parts = work(tmp_path)
    table, metadata = read_table(parts.path(2))
    write_table(parts.path(3 if how == "place" else 2), change(table, how), metadata)
    wrong = 3 if how == "place" else 2
    assert parts.merge() is None
    assert f"{parts.path(wrong)} is not the part of slice {wrong}, or has other rows" in caplog.text
    assert list(parts.todo(ONE)) == [wrong]
    assert merged(work(tmp_path))[0].equals(make(range(IMAGES)).rows)


@pytest.mark.parametrize("other", [{"draws": 10}, {"weights": "cd34"}, {"seed": 0}, {"levels": (0.0,)}])
def test_parts_of_another_configuration_are_refused(tmp_path: Path, other: dict[str, Any]) -> None:
    before = {path: path.read_bytes() for path in work(tmp_path).folder.iterdir()}
    (name,) = other
    with pytest.raises(InputError, match=f"another {name}"):
        work(tmp_path, **other)
    with pytest.raises(InputError, match="another images"):
        Parts(tmp_path, IMAGES + 1, FINGERPRINT, SIZE)
    with pytest.raises(InputError, match="another slice size"):
        Parts(tmp_path, IMAGES, FINGERPRINT, SIZE + 1)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_shards_that_began_together_on_different_machines_are_not_merged(tmp_path: Path) -> None:
    ours, theirs = (Parts(tmp_path, IMAGES, FINGERPRINT | {"hardware": name}, SIZE) for name in ("AVX2", "AVX512"))
    for number, images in enumerate(ours.slices):
        (theirs if number % 2 else ours).write(number, make(images))
    for parts in (ours, theirs):
        with pytest.raises(InputError, match="was made with another hardware: AVX"):
            parts.merge()


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    write_table(tmp_path / "part-00000.parquet", pa.table({"x": [1]}))
    with pytest.raises(InputError, match="another draws"):
        work(tmp_path)


@pytest.mark.parametrize("moment", ["write_bytes", "replace"])
def test_a_full_disk_leaves_finished_parts_valid(tmp_path: Path, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    original, calls = getattr(Path, moment), [0]

    def full(self: Path, argument: Any) -> Any:
        calls[0] += 1
        if calls[0] == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(self, argument)

    monkeypatch.setattr(Path, moment, full)
    with pytest.raises(OSError, match=r"the disk is full.*part-00002.parquet"):
        work(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["part-00000.parquet", "part-00001.parquet"]
    assert merged(work(tmp_path))[0].equals(make(range(IMAGES)).rows)


def test_two_may_finish_at_once(tmp_path: Path) -> None:
    parts = work(tmp_path)
    leftover = tmp_path / ".part-00001.parquet.abc.tmp"
    leftover.write_bytes(b"half")
    assert merged(parts)[0].equals(merged(Parts(tmp_path, IMAGES, FINGERPRINT, SIZE))[0])
    assert not leftover.exists()


def test_a_writer_that_comes_too_late_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bytes(tmp_path / "file", b"first")
    monkeypatch.setattr(Path, "replace", lambda self, _: self.unlink() or self.stat())  # cleared away by a merge
    write_bytes(tmp_path / "file", b"second")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"first"]


WORKER = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.runs import test_parts as t
parts = t.Parts(Path(sys.argv[1]), t.IMAGES, t.FINGERPRINT, t.SIZE)
print("ready", flush=True)
for number in parts.todo(t.ONE):
    parts.write(number, t.make(parts.slices[number]))
    time.sleep(0.02)
"""


def kill_and_resume(folder: Path, seconds: float) -> None:
    command = [sys.executable, "-c", WORKER, str(folder), str(Path(__file__).parents[2])]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
    assert merged(work(folder))[0].equals(make(range(IMAGES)).rows)
    assert [path for path in folder.iterdir() if path.suffix == ".tmp"] == []


def test_a_killed_worker_is_resumed(tmp_path: Path) -> None:
    kill_and_resume(tmp_path, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_a_worker_killed_at_random_is_resumed(tmp_path: Path, seed: int) -> None:
    kill_and_resume(tmp_path, random.Random(seed).uniform(0, 0.2))


@pytest.mark.parametrize(("text", "shard"), [("1/1", Shard(1, 1)), ("2/7", Shard(2, 7)), (" 7/7 ", Shard(7, 7))])
def test_shards_are_read(text: str, shard: Shard) -> None:
    assert Shard.parse(text) == shard


@pytest.mark.parametrize("text", ["0/2", "3/2", "1/0", "1", "a/b", "-1/2", "1/2/3", ""])
def test_other_shards_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="i/n"):
        Shard.parse(text)


def test_arrays_survive_and_give_the_same_bytes() -> None:
    arrays: dict[str, Any] = {"x": np.arange(5), "y": np.ones((2, 3), np.float32)}
    content = arrays_to_bytes(arrays)
    assert content == arrays_to_bytes(arrays)
    assert all(np.array_equal(arrays[name], array) for name, array in bytes_to_arrays(content).items())


@pytest.mark.parametrize(
    ("classes", "images"),
    [(300, 640), pytest.param(1000, 50_000, marks=pytest.mark.endurance)],
    ids=["few", "ImageNet"],
)
def test_merging_many_classes_takes_hardly_more_memory_than_the_result(
    tmp_path: Path, classes: int, images: int
) -> None:
    levels, size, random = 13, 64, np.random.default_rng(0)
    parts = Parts(tmp_path, images, FINGERPRINT, size)
    shapes = {"confusion": (levels, classes, classes), "histogram": (classes, 2, 120, 50)}
    dense = {name: np.zeros(shape, np.int64) for name, shape in shapes.items()}
    for number, rows in enumerate(parts.slices):
        for total in dense.values():  # a draw of each image under each level, anywhere
            total.fill(0)
            total.reshape(-1)[random.integers(0, total.size, levels * len(rows))] = 1
        columns = {"index": np.repeat(list(rows), levels), "psnr": random.random(levels * len(rows))}
        parts.write(number, Part(pa.table(columns), dense))
    del dense
    result_bytes = 8 * sum(int(np.prod(shape)) for shape in shapes.values())
    tracemalloc.start()
    arrow = pa.default_memory_pool().bytes_allocated()
    rows, totals = merged(parts)
    peak = tracemalloc.get_traced_memory()[1] + pa.default_memory_pool().bytes_allocated() - arrow
    tracemalloc.stop()
    assert rows.num_rows == images * levels
    assert totals["confusion"].sum() <= images * levels  # two draws in one cell were written once
    assert peak < result_bytes + min(2**30, result_bytes)
