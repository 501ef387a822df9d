"""A checksum inside each file: any bit that changes is noticed, whatever the format."""

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import yaml

from convstab.errors import InputError
from convstab.files import read_json, write_json
from convstab.files.arrays import arrays_to_bytes, bytes_to_arrays, read_arrays, write_arrays
from convstab.files.seals import SEAL, DamagedError, is_sealed, map_sealed, read_sealed, seal_in_place, sealed
from convstab.files.tables import read_table, write_table
from convstab.runs.checkpoints import load_checkpoint, write_checkpoint
from convstab.runs.configuration import load_config, write_config

VALUES = {"a": 1, "b": ["ä", None, 2.5], "c": {"d": True}}
ARRAYS = {"x": np.arange(6.0).reshape(2, 3), "names": np.array(["one", "two"])}
TABLE = pa.table({"x": [1, 2, 3], "y": ["a", "b", None]})

FORMS: dict[str, tuple[Callable[[Path], Any], Callable[[Path], Any]]] = {
    "values.json": (lambda path: write_json(path, VALUES), read_json),
    "config.yaml": (lambda path: write_config(path.parent, VALUES), lambda path: load_config(path.parent)),
    "arrays.npz": (lambda path: write_arrays(path, ARRAYS), lambda path: read_arrays(path)["x"].tolist()),
    "table.parquet": (
        lambda path: write_table(path, TABLE, {b"k": b"v"}),
        lambda path: read_table(path)[0].to_pydict(),
    ),
    "weights.ckpt": (lambda path: write_checkpoint(path, {"w": torch.arange(3)}), load_checkpoint),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_bit_that_changes_is_noticed(name: str, tmp_path: Path) -> None:
    write, read = FORMS[name]
    path = tmp_path / name
    write(path)
    assert read(path)
    whole = path.read_bytes()
    for place in np.random.default_rng(0).integers(0, 8 * len(whole), 200).tolist():
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << place % 8
        path.write_bytes(changed)
        with pytest.raises(InputError, match=f"{path.name}"):
            read(path)


@pytest.mark.parametrize("name", FORMS)
def test_the_same_content_gives_the_same_bytes_without_leftovers(name: str, tmp_path: Path) -> None:
    write, _ = FORMS[name]
    write(tmp_path / name)
    first = (tmp_path / name).read_bytes()
    write(tmp_path / name)
    assert (tmp_path / name).read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_others_can_read_what_is_sealed(tmp_path: Path) -> None:
    """The checksum is where no reader of the format minds it."""
    for name, (write, _) in FORMS.items():
        write(tmp_path / name)
    assert yaml.safe_load((tmp_path / "config.yaml").read_text()) == VALUES
    np.testing.assert_array_equal(np.load(tmp_path / "arrays.npz")["x"], ARRAYS["x"])
    assert pq.read_table(tmp_path / "table.parquet").to_pydict() == TABLE.to_pydict()
    assert torch.load(tmp_path / "weights.ckpt", weights_only=True)["w"].tolist() == [0, 1, 2]


def test_the_last_checksum_is_the_one_that_counts() -> None:
    assert is_sealed(sealed(f"{SEAL} a class may be called so\n{SEAL}\n".encode()))
    assert not is_sealed(b"")
    assert not is_sealed(SEAL.encode())


@pytest.mark.parametrize("name", FORMS)
def test_a_pipe_is_refused_and_not_waited_for(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match="is a folder, a pipe or a device"):
        FORMS[name][1](tmp_path / name)


def test_a_file_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(sealed(f"a: {'x' * 2**20} # {SEAL}\n".encode()))
    with pytest.raises(DamagedError, match="such a file has at most 1,048,576"):
        read_sealed(tmp_path / "config.yaml", limit=2**20)
    with pytest.raises(InputError, match="at most 1,048,576"):
        load_config(tmp_path)


def test_aliases_that_grow_without_end_are_refused(tmp_path: Path) -> None:
    levels = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10))]
    (tmp_path / "config.yaml").write_bytes(sealed("\n".join([*levels, f"# {SEAL}\n"]).encode()))
    with pytest.raises(InputError, match="it has aliases"):
        load_config(tmp_path)


def test_nothing_is_looked_up_in_the_environment(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(sealed(f"a: [{{b: '${{oc.env:HOME}}'}}] # {SEAL}\n".encode()))
    with pytest.raises(InputError, match=r"a\[0\]\.b is \$\{oc.env:HOME\}; .* plain values"):
        load_config(tmp_path)


def bomb(header: dict[str, Any] | None = None, zeros: int = 0) -> bytes:
    """An archive with one array whose header says what it likes."""
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, header or {"descr": "|u1", "fortran_order": False, "shape": (zeros,)})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w") as member:
        member.write(content.getvalue())
        for _ in range(zeros // 2**24):
            member.write(bytes(2**24))
    return packed.getvalue()


def test_a_header_that_asks_for_terabytes_is_refused() -> None:
    with pytest.raises(ValueError, match="is not int64 of the shape"):
        bytes_to_arrays(bomb({"descr": "<i8", "fortran_order": False, "shape": (2**40,)}))


def test_zeros_that_unpack_to_gigabytes_are_refused() -> None:
    content = bomb(zeros=640 * 2**20)
    assert len(content) < 2**20
    with pytest.raises(ValueError, match=r"bytes that would unpack to 671,0"):
        bytes_to_arrays(content)


def test_objects_are_not_unpickled() -> None:
    with pytest.raises(ValueError, match="is not object of the shape"):
        bytes_to_arrays(bomb({"descr": "|O", "fortran_order": False, "shape": (1,)}))


def test_arrays_come_back(tmp_path: Path) -> None:
    for name, array in bytes_to_arrays(arrays_to_bytes(ARRAYS)).items():
        np.testing.assert_array_equal(array, ARRAYS[name])
        assert array.dtype == ARRAYS[name].dtype


def test_a_mapped_file_has_the_same_seal_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(bytes(range(256)) * 100 + SEAL.encode())
    whole = sealed(path.read_bytes())
    seal_in_place(path)
    assert path.read_bytes() == whole
    content = map_sealed(path)
    content[0] = 77
    assert (content[:], path.read_bytes()) == (b"M" + whole[1:], whole)


def test_a_mapped_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    whole = sealed(bytes(10_000) + SEAL.encode())
    flipped = whole[:5000] + b"\x10" + whole[5001:]
    for damaged in (flipped, whole[:-1], whole[1:], whole + b"x", bytes(10_000), b""):
        path.write_bytes(damaged)
        with pytest.raises(DamagedError, match=r"large\.bin is damaged"):
            map_sealed(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InputError, match="is a folder, a pipe or a device"):
        map_sealed(path)
