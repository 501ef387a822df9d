"""CIFAR-10: 50,000 training and 10,000 test photographs of ten kinds of things."""

import io
import pickle
import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch

from convstab.data.archives import Archive, check_labels, provide
from convstab.data.download import md5_of
from convstab.data.images import ImageSet
from convstab.errors import InputError
from convstab.files.seals import regular
from convstab.images import Images

FOLDER = "cifar-10-batches-py"
ARCHIVE = Archive("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a", FOLDER)
TRAIN = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
}
TEST = {"test_batch": "40351d587109b95175f43aff81a1287e"}
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
MIRROR = {label: label for label in range(len(CLASSES))}
MOST = 64 * 2**20  # bytes of a batch; the publisher's have half as many
FEW = 16  # objects of a batch whose content is filled in after they are made; each array is one
TOO_MUCH = "would take far more memory or time than a CIFAR-10 batch when opened: it is not opened"
SHAPE = (3, 32, 32)  # a row of a batch: all red values, all green, all blue


def load(root: Path) -> ImageSet:
    """CIFAR-10 as (N, 3, 32, 32) uint8, RGB, in the publisher's order, from ``root`` or downloaded to it.

    Takes the Python batches in ``root/cifar-10-batches-py``, or the archive in ``root``.
    Raises InputError when the data is not there and cannot be downloaded, when a file is damaged, or when a
    batch would create anything but numbers, text, containers and arrays (a pickle can run any code).
    Source: Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.
    """
    provide("cifar10", root, [ARCHIVE])
    folder = root / FOLDER
    train, test = _images(folder, TRAIN), _images(folder, TEST)
    official = all(md5_of(folder / name) == md5 for name, md5 in (TRAIN | TEST).items())
    return ImageSet(train, test, CLASSES, MIRROR, official)


def _images(folder: Path, names: dict[str, str]) -> Images:
    batches = [_read_batch(folder / name) for name in names]
    pixels = np.concatenate([data for data, _ in batches]).reshape(-1, *SHAPE)
    labels = np.concatenate([labels for _, labels in batches])
    check_labels(labels, len(pixels), CLASSES, " and ".join((str(folder / min(names)), *sorted(names)[1:])))
    return Images(torch.from_numpy(pixels), torch.from_numpy(labels))


def _read_batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """One batch file -> uint8 (n, 3072) and int64 (n,)."""
    if not path.is_file():
        raise InputError(f"{path} is missing: remove {path.parent} to have it unpacked or downloaded again")
    if regular(path) > MOST:
        raise InputError(f"{path} has more than {MOST:,} bytes: it is not a CIFAR-10 batch")
    try:
        content = path.read_bytes()
        _refuse_excess(content)
        batch = ArrayUnpickler(io.BytesIO(content)).load()
        data, labels = _array(batch[b"data"]), _array(batch[b"labels"])
    except InputError as error:
        raise InputError(f"{path} {error}") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error
    except Exception as error:  # a damaged pickle can raise anything
        raise InputError(f"{path} is not a CIFAR-10 batch: it is truncated or altered") from error
    if data.dtype != np.uint8 or data.shape[1:] != (np.prod(SHAPE),):
        raise InputError(f"{path} has data of {data.dtype} {data.shape}, not uint8 (n, 3072)")
    if labels.shape != data.shape[:1] or labels.dtype.kind not in "iu":
        raise InputError(f"{path} has {len(data)} images but labels of {labels.dtype} {labels.shape}")
    return data, labels.astype(np.int64)


def _array(values: Any) -> np.ndarray:
    """An array, or a list of numbers as one: of anything else, a short list may make an array of any size."""
    if isinstance(values, list) and not all(isinstance(value, int) for value in values):
        raise InputError("has a list of other things than whole numbers: it is not a CIFAR-10 batch")
    return np.asarray(values)


TUPLES = "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_TUPLE"
MANY = 1000  # tuples in each other


def _refuse_excess(content: bytes) -> None:
    """Raise InputError for a pickle that would take far more memory or time than its size lets expect."""
    highest = filled = memoised = tuples = 0
    kept, last = set[int](), ""  # places of tuples
    for opcode, argument, _ in pickletools.genops(io.BytesIO(content)):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            place = memoised if argument is None else int(argument)
            highest = max(highest, place)  # of a list that is made as long as this
            memoised += 1
            kept |= {place} if last in TUPLES else set()
        filled += opcode.name == "BUILD"
        tuples += (opcode.name in TUPLES) - (opcode.name == "REDUCE")  # which uses one up
        again = opcode.name == "DUP" or (opcode.name in ("GET", "BINGET", "LONG_BINGET") and int(argument or 0) in kept)
        if highest > len(content) or filled > FEW or tuples > MANY or again:  # a tuple of tuples takes ages to be a key
            raise InputError(TOO_MUCH)
        last = opcode.name


class ArrayUnpickler(pickle.Unpickler):
    """Reads numbers, text, containers and NumPy arrays from a pickle, and refuses everything else.

    Byte strings of Python 2 stay bytes. Raises InputError naming the class or function that was refused.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, encoding="bytes")
        self.encoded = 0

    def find_class(self, module: str, name: str) -> Any:
        """The few functions that rebuild an array, and what they are given."""
        if (module, name) == ("_codecs", "encode"):
            return self.encode
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise InputError(f"would run {module}.{name} when opened: it is not opened") from None

    def encode(self, text: str, encoding: str) -> bytes:
        """What pickle calls for the bytes of an array in its older protocols; other codecs could do anything."""
        if encoding != "latin1":
            raise InputError(f"would run the codec {encoding} when opened: it is not opened")
        self.encoded += len(text)
        if self.encoded > MOST:  # one text can be encoded again and again
            raise InputError(TOO_MUCH)
        return text.encode("latin1")


def _rebuild(kind: str, shape: tuple[int, ...], code: bytes) -> np.ndarray:
    """The empty array whose shape and bytes are filled in later; any other would be as large as it likes, unfilled."""
    if (kind, shape, code) != (ARRAY, (0,), b"b"):
        raise InputError("has an array without values: it is not a CIFAR-10 batch")
    return _NEW(np.ndarray, shape, code)


ARRAY = "ndarray"  # in place of the class, which could be called
_NEW: Callable[..., np.ndarray] = np.zeros(0).__reduce__()[0]  # type: ignore[assignment]  # moved with NumPy 2
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): ARRAY,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _rebuild,
    ("numpy._core.multiarray", "_reconstruct"): _rebuild,
}
