"""Images that a CSV file lists."""

from pathlib import Path

import pytest
import torch
from PIL import Image

import convstab as cs
from convstab.data.ids import id_of
from convstab.data.own import table
from convstab.errors import InputError

GREY = {"ant": 50, "bee": 100, "cow": 150}


def write(folder: Path, lines: list[str], header: str = "path,label") -> Path:
    path = folder / "images.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    for name, grey in GREY.items():
        for number in range(8):
            Image.new("L", (9, 7), grey).save(tmp_path / f"files/{name}{number}.png")
    return tmp_path


def rows(end: str = "") -> list[str]:
    return [f"files/{name}{number}.png,{name}{end}" for name in GREY for number in range(8)]


def check(images: cs.Images) -> None:
    expected = torch.tensor(list(GREY.values()), dtype=torch.uint8)[images.labels]
    assert torch.equal(images.pixels[:, 0, 0, 0], expected)


def test_paths_are_relative_to_the_list_and_names_are_sorted(folder: Path) -> None:
    images = table.load(Path("elsewhere"), str(write(folder, rows()[::-1])), size=4, channels=1)
    assert images.classes == tuple(GREY)
    assert images.own_ids
    check(images.train)
    check(images.test)
    ids = [*images.train.ids.tolist(), *images.test.ids.tolist()]
    assert sorted(ids) == sorted(id_of(row.split(",")[0]) for row in rows())


def test_a_list_may_lie_in_the_folder_of_the_data(folder: Path) -> None:
    write(folder, rows())
    assert len(table.load(folder, "images.csv", size=4).train) > 0


def test_numbers_are_labels(folder: Path) -> None:
    names = list(GREY)
    lines = [f"{path},{names.index(name)}" for path, name in (row.split(",") for row in rows())]
    images = cs.table(write(folder, lines), size=4)
    assert images.classes == ("0", "1", "2")
    check(images)


def test_a_list_says_the_parts(folder: Path) -> None:
    parts = ["train", "Test", "val", "training"]
    lines = [f"{row},{parts[place % 4]}" for place, row in enumerate(rows())]
    images = table.load(folder, str(write(folder, lines, "path,label,split")), size=4)
    assert (len(images.train), len(images.test)) == (12, 6)
    assert images.test.ids.tolist() == [id_of(row.split(",")[0]) for row in rows()[1::4]]


def test_groups_are_kept_and_not_divided(folder: Path) -> None:
    lines = [f"{row},film {row[6:9]} {place // 2 % 4}" for place, row in enumerate(rows())]
    images = table.load(folder, str(write(folder, lines, "path, label, group")), size=4)
    groups = {part: getattr(images, part).groups for part in ("train", "test")}
    assert not set(groups["train"].tolist()) & set(groups["test"].tolist())
    for found in groups.values():
        assert found.unique(return_counts=True)[1].tolist() == [2] * len(found.unique())
    assert images.test.units.images_each(len(images.test)) == 2


@pytest.mark.parametrize(
    ("lines", "header", "said"),
    [
        (["files/ant0.png,ant"], "file,label", "has the columns file, label; it must have path and label"),
        ([], "path,label", "lists no images"),
        (["files/ant0.png,ant"], "path,label", "has one class only, 'ant'"),
        (["files/ant0.png,0", "files/ant1.png,2"], "path,label", "has no image of class"),
        (["files/ant0.png,0", "files/ant1.png,999999999"], "path,label", "has no image of class"),
        (["files/ant0.png,ant,1", "files/bee0.png,bee"], "path,label", "line 2: there must be 2 values"),
        (["files/ant0.png,ant,x", "files/bee0.png,bee,x"], "path,label,split", "has the split 'x'; it can be"),
        ([",ant", "files/bee0.png,bee"], "path,label", "has an image whose path is ''"),
        (
            ["files/ant0.png,ant,g,train", "files/bee0.png,bee,g,test"],
            "path,label,group,split",
            "has images of the group 'g' in train and in test",
        ),
    ],
)
def test_lists_that_are_none(folder: Path, lines: list[str], header: str, said: str) -> None:
    path = write(folder, lines, header)
    with pytest.raises(InputError, match=rf"^{path}.*{said}") as error:
        table.load(folder, str(path))
    assert "\n" not in str(error.value)


def test_files_that_are_none(folder: Path) -> None:
    with pytest.raises(InputError, match=r"none.csv is not there; it must be a CSV file with the columns path and lab"):
        table.load(folder, "none.csv")
    (folder / "images.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"images.csv cannot be read as a CSV file"):
        table.load(folder, "images.csv")
    with pytest.raises(InputError, match=r"files is a folder, a pipe or a device"):
        table.load(folder, "files")
    path = write(folder, [*rows(), "files/none.png,ant"])
    with pytest.raises(InputError, match=r"images of table-(train|test) are missing, the first is .*none.png"):
        table.load(folder, str(path))
    assert len(cs.table(path, size=4, on_bad="skip")) == 24
    path = write(folder, [*rows(), rows()[0]])
    with pytest.raises(InputError, match=r"files/ant0.png is listed twice"):
        cs.table(path, size=4)
    path = write(folder, [*(f"{row},train" for row in rows()), f"{rows()[0]},test"], "path,label,split")
    with pytest.raises(InputError, match=r"files/ant0.png is listed twice"):
        table.load(folder, str(path))


def test_the_images_of_python_are_those_of_the_commands(folder: Path) -> None:
    path = write(folder, rows())
    images = table.load(folder, str(path), size=4)
    for part in ("train", "test"):
        found = cs.table(path, size=4, part=part)
        assert torch.equal(found.ids, getattr(images, part).ids)
        assert torch.equal(found.pixels, getattr(images, part).pixels)
