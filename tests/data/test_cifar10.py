import io
import os
import pickle
import resource
import struct
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from convstab.data import cifar10
from convstab.data.download import md5_of
from convstab.errors import InputError

pytestmark = pytest.mark.usefixtures("offline")


def batch(first: int, count: int = 20) -> dict[bytes, Any]:
    pixels = np.random.default_rng(first).integers(0, 256, (count, 3072)).astype(np.uint8)
    return {b"labels": [(first + i) % 10 for i in range(count)], b"data": pixels, b"batch_label": b"toy"}


def write(root: Path) -> Path:
    folder = root / cifar10.FOLDER
    folder.mkdir(parents=True)
    for first, name in enumerate((*cifar10.TRAIN, *cifar10.TEST)):
        (folder / name).write_bytes(pickle.dumps(batch(first), protocol=2))
    return folder


def python2_batch(pixels: np.ndarray) -> bytes:
    """What Python 2 and NumPy 1 wrote, opcode by opcode: the publisher's files are of this kind."""
    shape = struct.pack("<BBBH", ord("K"), len(pixels), ord("M"), 3072)
    rebuild = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
    dtype = b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    array = rebuild + b"(K\x01" + shape + b"\x86" + dtype + b"\x89T" + struct.pack("<i", pixels.size)
    labels = b"](" + b"".join(bytes([ord("K"), i % 10]) for i in range(len(pixels))) + b"e"
    return b"\x80\x02}(U\x04data" + array + pixels.tobytes() + b"tbU\x06labels" + labels + b"u."


def test_batches_are_read_in_order(tmp_path: Path) -> None:
    write(tmp_path)
    images = cifar10.load(tmp_path)
    expected = np.concatenate([batch(first)[b"data"] for first in range(5)]).reshape(-1, 3, 32, 32)
    assert np.array_equal(images.train.pixels.numpy(), expected)
    assert images.train.labels.tolist() == [(first + i) % 10 for first in range(5) for i in range(20)]
    assert images.test.pixels.shape == (20, 3, 32, 32)
    assert images.train.pixels.dtype == torch.uint8
    assert images.classes[:2] == ("airplane", "automobile")
    assert images.mirror == {label: label for label in range(10)}
    assert not images.official


def test_the_publishers_python_2_pickles_are_read(tmp_path: Path) -> None:
    pixels = batch(7)[b"data"]
    (write(tmp_path) / "test_batch").write_bytes(python2_batch(pixels))
    images = cifar10.load(tmp_path)
    assert np.array_equal(images.test.pixels.numpy().reshape(-1, 3072), pixels)
    assert images.test.labels.tolist() == [i % 10 for i in range(20)]


def test_the_archive_put_there_by_hand_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "root" / cifar10.ARCHIVE.name
    archive.parent.mkdir()
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(write(tmp_path), cifar10.FOLDER)
    monkeypatch.setattr(cifar10, "ARCHIVE", replace(cifar10.ARCHIVE, md5=md5_of(archive)))
    assert len(cifar10.load(archive.parent).train) == 100


class Runs:
    """Pickles as a call."""

    def __init__(self, function: Callable[..., Any], *args: object) -> None:
        self.call = function, args

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return self.call


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path, protocol: int) -> None:
    mark = tmp_path / "mark"
    evil = batch(0) | {b"labels": Runs(exec, f"open({str(mark)!r}, 'w')")}
    path = write(tmp_path) / "data_batch_3"
    path.write_bytes(pickle.dumps(evil, protocol))
    with pytest.raises(InputError, match=rf"^{path} would run \w+\.\w+ when opened: it is not opened$"):
        cifar10.load(tmp_path)
    assert not mark.exists()


@pytest.mark.parametrize("function", [os.system, io.open, np.load, getattr, pickle.loads, np.lib.format.open_memmap])
def test_the_refused_function_is_named(function: Callable[..., Any]) -> None:
    file = io.BytesIO(pickle.dumps(Runs(function, "x"), protocol=4))
    with pytest.raises(InputError, match=rf"would run [\w.]+\.{function.__name__} when opened"):
        cifar10.ArrayUnpickler(file).load()


def test_codecs_other_than_latin1_are_refused() -> None:
    file = io.BytesIO(b"c_codecs\nencode\n(Vtext\nVrot13\ntR.")
    with pytest.raises(InputError, match="codec rot13"):
        cifar10.ArrayUnpickler(file).load()


def nested(levels: int) -> list[Any]:
    """A list of a few entries that would be an array of 100 to the power of the levels."""
    return [0] * 100 if levels == 1 else [nested(levels - 1)] * 100


BOMBS = {
    "a place in a list of 2**31": (b"\x80\x02Nr\xff\xff\xff\x7f.", "take far more memory"),
    "an array that is not filled in": (
        b"\x80\x02}(U\x04datacnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n"
        b"J\x00\x00\x00\x40M\x00\x0c\x86U\x01BtRU\x06labels](K\x00eu.",
        "has an array without values",
    ),
    "the class itself": (b"\x80\x02cnumpy\nndarray\nJ\x00\x00\x00\x40M\x00\x0c\x86\x85R.", "is not a CIFAR-10 batch"),
    "a list of lists": (pickle.dumps(batch(0) | {b"labels": nested(6)}), "list of other things than whole numbers"),
    "a long text many times": (
        pickle.dumps(batch(0) | {b"labels": [b"x" * 2**20] * 1000}),
        "list of other things than whole numbers",
    ),
    "a text that is encoded many times": (
        b"\x80\x02c_codecs\nencode\nq\x00X\x00\x00\x10\x00" + 2**20 * b"x" + b"q\x01X\x06\x00\x00\x00latin1q\x02"
        + b"\x86R0" + 10_000 * b"h\x00h\x01h\x02\x86R" + b".",
        "take far more memory",
    ),
    "a key of tuples of tuples": (b"\x80\x02}K\x01\x85q\x00" + b"h\x00\x86q\x00" * 20 + b"K\x01s.", "memory or time"),
    "a key of tuples of tuples, doubled": (b"\x80\x02}K\x01\x85" + b"2\x86" * 20 + b"K\x01s.", "memory or time"),
    "a key of tuples of tuples, memoised": (
        b"\x80\x04}\x8c\x01a\x940K\x01\x85\x94" + b"".join(b"h%c\x86\x94" % at for at in range(1, 20)) + b"K\x01s.",
        "memory or time",
    ),
    "a deep key": (b"\x80\x02}K\x01" + b"\x85" * 5000 + b"K\x01s.", "memory or time"),
    "bytes that are not there": (b"\x80\x04\x8e" + (2**40).to_bytes(8, "little") + b"abc.", "is not a CIFAR-10 batch"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_pickle_that_would_take_far_more_memory_is_refused(tmp_path: Path, name: str) -> None:
    content, message = BOMBS[name]
    path = write(tmp_path) / "data_batch_3"
    path.write_bytes(content)
    with limited_memory(), pytest.raises(InputError, match=f"^{path} .*{message}"):
        cifar10.load(tmp_path)


@contextmanager
def limited_memory() -> Iterator[None]:
    """No more than 2 GB beyond what the process has: what asks for more fails, where it would not be refused."""
    has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (has + 2 * 2**30, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def test_a_batch_of_far_too_many_bytes_is_not_read(tmp_path: Path) -> None:
    path = write(tmp_path) / "data_batch_3"
    os.truncate(path, 64 * 2**20 + 1)
    with pytest.raises(InputError, match=f"^{path} has more than 67,108,864 bytes"):
        cifar10.load(tmp_path)


@pytest.mark.parametrize("keep", [0, 1, 50, 30_000, -1])
def test_a_truncated_batch_is_named(tmp_path: Path, keep: int) -> None:
    path = write(tmp_path) / "data_batch_2"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=rf"^{path} is not a CIFAR-10 batch: it is truncated or altered$"):
        cifar10.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({b"labels": [0] * 19}, "20 images but labels of int64"),
        ({b"labels": ["cat"] * 20}, "test_batch has a list of other things than whole numbers"),
        ({b"labels": [2**70] * 20}, "20 images but labels of object"),
        ({b"labels": np.array(["cat"] * 20)}, "20 images but labels of <U3"),
        ({b"labels": [10] * 20}, "label 10: labels are 0 to 9"),
        ({b"labels": [3] * 20}, r"no image of class 0 \(airplane\)"),
        ({b"data": np.zeros((20, 3072))}, r"float64 \(20, 3072\), not uint8"),
        ({b"data": np.zeros((20, 3071), np.uint8)}, r"\(20, 3071\), not uint8"),
        ({b"data": 3}, r"int64 \(\), not uint8"),
    ],
)
def test_wrong_values_are_refused(tmp_path: Path, change: dict[bytes, Any], message: str) -> None:
    path = write(tmp_path) / "test_batch"
    path.write_bytes(pickle.dumps(batch(0) | change, protocol=2))
    with pytest.raises(InputError, match=message) as error:
        cifar10.load(tmp_path)
    assert str(path) in str(error.value)


def test_missing_data_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^cifar10 is not in .* put cifar-10-python\.tar\.gz there$"):
        cifar10.load(tmp_path)
    (write(tmp_path) / "data_batch_4").unlink()
    with pytest.raises(InputError, match=r"data_batch_4 is missing: remove .*cifar-10-batches-py to have it"):
        cifar10.load(tmp_path)


@pytest.mark.real_data
def test_the_real_files_are_complete() -> None:
    images = cifar10.load(Path(os.environ["CONVSTAB_TEST_DATA"]))
    assert images.train.labels.bincount().tolist() == [5000] * 10
    assert images.test.labels.bincount().tolist() == [1000] * 10
