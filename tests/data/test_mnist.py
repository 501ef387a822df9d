import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from convstab.data import mnist
from convstab.errors import InputError
from tests.support.endless import in_place_of
from tests.support.memory import peak_memory

pytestmark = pytest.mark.usefixtures("offline")

COUNTS = {"train": 30, "test": 20}
RAW = "MNIST/raw"


def idx(values: np.ndarray) -> bytes:
    sizes = struct.pack(f">{values.ndim}i", *values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.astype(np.uint8).tobytes()


def pixels_of(split: str) -> np.ndarray:
    return np.random.default_rng(COUNTS[split]).integers(0, 256, (COUNTS[split], 28, 28))


def write(folder: Path, packed: bool = True) -> dict[str, Path]:
    """A data set in the publisher's layout; label i % 10."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for part, (name, _) in mnist.PARTS.items():
        split, kind = part.split()
        data = idx(pixels_of(split) if kind == "images" else np.arange(COUNTS[split]) % 10)
        paths[part] = folder / (f"{name}.gz" if packed else name)
        paths[part].write_bytes(gzip.compress(data) if packed else data)
    return paths


@pytest.mark.parametrize("folder", [RAW, "."])
@pytest.mark.parametrize("packed", [True, False])
def test_every_layout_gives_the_images(tmp_path: Path, folder: str, packed: bool) -> None:
    write(tmp_path / folder, packed)
    images = mnist.load(tmp_path)
    assert np.array_equal(images.train.pixels.numpy()[:, 0], pixels_of("train"))
    assert np.array_equal(images.test.pixels.numpy()[:, 0], pixels_of("test"))
    assert images.train.pixels.dtype == torch.uint8
    assert images.test.labels.tolist() == [i % 10 for i in range(20)]
    assert images.test.labels.dtype == torch.int64
    assert images.classes == tuple("0123456789")
    assert not images.official


def test_missing_files_are_named(tmp_path: Path) -> None:
    paths = write(tmp_path / RAW)
    paths["test images"].unlink()
    with pytest.raises(InputError, match=r"^mnist is not complete in .* put t10k-images-idx3-ubyte\.gz there$"):
        mnist.load(tmp_path)
    with pytest.raises(InputError, match=r"^mnist is not in .*empty and could not be downloaded \(no connection\)"):
        mnist.load(tmp_path / "empty")


@pytest.mark.parametrize("part", mnist.PARTS)
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("keep", [0, 7, -3])
def test_a_truncated_file_is_named(tmp_path: Path, part: str, packed: bool, keep: int) -> None:
    path = write(tmp_path, packed)[part]
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError) as error:
        mnist.load(tmp_path)
    assert str(error.value).startswith(f"{path} ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("part", "values", "message"),
    [
        ("train labels", np.arange(30) % 11, "label 10: labels are 0 to 9"),
        ("train labels", np.arange(29) % 10, "30 images but 29 labels"),
        ("test labels", np.arange(20) % 9, r"no image of class 9 \(9\)"),
        ("test images", np.zeros((20, 28, 27)), "28 x 27 pixels, not 28 x 28"),
        ("test images", np.zeros((20, 28)), "not an IDX file of bytes in 3 dimensions"),
    ],
)
def test_wrong_values_are_refused(tmp_path: Path, part: str, values: np.ndarray, message: str) -> None:
    write(tmp_path)[part].write_bytes(gzip.compress(idx(values)))
    with pytest.raises(InputError, match=message):
        mnist.load(tmp_path)


def header(*sizes: int) -> bytes:
    return bytes([0, 0, 8, len(sizes)]) + struct.pack(f">{len(sizes)}i", *sizes)


def gzip_of_zeros(start: bytes, gigabytes: int) -> bytes:
    """A small .gz file of a header and gigabytes of zeros: zeros of their own, packed once and repeated."""
    return gzip.compress(start) + (64 * gigabytes) * gzip.compress(bytes(2**24))


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (header(3 * 2**20, 28, 28), "says that it has 3,145,728 images; a file of MNIST has 1 to 60,000"),
        (header(0, 28, 28), "says that it has 0 images"),
        (header(-5, 28, 28), "says that it has -5 images"),
        (header(20, 28, 28), "has more bytes of values, not 15,680"),
        (header(20, 2**31 - 1, 2**31 - 1), "has images of 2147483647 x 2147483647 pixels, not 28 x 28"),
        (b"", "is not an IDX file of bytes in 3 dimensions"),
    ],
)
def test_gigabytes_of_zeros_are_not_unpacked(tmp_path: Path, start: bytes, message: str) -> None:
    path = write(tmp_path)["test images"]
    path.write_bytes(gzip_of_zeros(start, gigabytes=3))
    with pytest.raises(InputError, match=f"^{path} {message}"):
        mnist.load(tmp_path)


@pytest.mark.slow
def test_a_gigabyte_of_zeros_takes_no_memory(tmp_path: Path) -> None:
    path = write(tmp_path)["test images"]
    path.write_bytes(gzip_of_zeros(header(20, 28, 28), gigabytes=1))
    assert path.stat().st_size < 2**22
    assert peak_memory("from convstab.data.mnist import load", f"load(Path({str(tmp_path)!r}))") < 2**28


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("kind", ["pipe", "zeros", "folder"])
def test_what_never_ends_is_refused_in_place_of_a_file(tmp_path: Path, kind: str, packed: bool) -> None:
    path = write(tmp_path / RAW, packed)["test labels"]
    path.unlink()
    in_place_of(path, kind)
    with pytest.raises(InputError, match="t10k-labels-idx1-ubyte") as error:
        mnist.load(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.real_data
def test_the_real_files_are_official() -> None:
    images = mnist.load(Path(os.environ["CONVSTAB_TEST_DATA"]))
    assert (len(images.train), len(images.test)) == (60_000, 10_000)
    assert images.official
    assert images.train.labels[:5].tolist() == [5, 0, 4, 1, 9]  # as on the publisher's page
