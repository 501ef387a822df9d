"""The forward pass of a folder is settled once."""

import errno
import os
from pathlib import Path

import pytest

from convstab.errors import InputError
from convstab.files import write_json
from convstab.runs.settled import FORWARD


def test_the_first_settles_it_for_all(tmp_path: Path) -> None:
    folder = tmp_path / "result"
    assert FORWARD.settled(folder) is None
    assert FORWARD.settle(folder, "float32") == "float32"
    assert FORWARD.settle(folder, "bfloat16 compiled") == "float32"
    assert FORWARD.settled(folder) == "float32"
    assert [path.name for path in folder.iterdir()] == [FORWARD.file]


def test_a_file_system_without_links_has_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(source: Path, target: Path) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "link", refused)
    assert FORWARD.settle(tmp_path, "float32") == "float32"
    assert FORWARD.settle(tmp_path, "bfloat16") == "float32"
    assert [path.name for path in tmp_path.iterdir()] == [FORWARD.file]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    write_json(tmp_path / FORWARD.file, {"forward": 3})
    with pytest.raises(InputError, match=r"forward\.json names no forward pass; delete it$"):
        FORWARD.settled(tmp_path)
    (tmp_path / FORWARD.file).write_text("nothing")
    with pytest.raises(InputError, match=r"forward\.json.+; delete it$"):
        FORWARD.settled(tmp_path)
