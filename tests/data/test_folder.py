"""Photographs in a folder for each class."""

import logging
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import convstab as cs
from convstab.data import image_files
from convstab.data.ids import id_of
from convstab.data.module import ImageData
from convstab.data.own import folder
from convstab.errors import InputError

# the most memory that is not a part of a file: only swapping would free it
ANONYMOUS = """
import re, sys, threading
from pathlib import Path
import convstab as cs
import convstab.data.own.folder
def now():
    return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before, most, ended = now(), [], threading.Event()
def watch():
    while not ended.wait(0.01):
        most.append(now())
watcher = threading.Thread(target=watch)
watcher.start()
assert len(cs.folder(sys.argv[1], size=1024)) == 102
ended.set()
watcher.join()
print(before, max(most))
"""
COLOURS = {"cat": (200, 10, 10), "dog": (10, 200, 10), "emu": (10, 10, 200)}


def photograph(path: Path, colour: tuple[int, int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (9, 7), colour).save(path)


def fill(root: Path, count: int = 20, below: str = "") -> Path:
    for name, colour in COLOURS.items():
        for number in range(count):
            photograph(root / below / name / f"{number}.png", colour)
    return root


def test_images_have_the_paths_of_their_files(tmp_path: Path) -> None:
    root = fill(tmp_path / "photos", 3)
    (root / "cat/1.png").write_bytes(b"no image")
    images = cs.folder(root, size=8, on_bad="skip")
    assert images.names is not None
    assert "cat/1.png" not in images.names
    assert [id_of(name) for name in images.names] == images.ids.tolist()
    some = images.part(torch.tensor([5, 2])).part(slice(1, 2))
    assert some.names is not None
    assert (some.names.tolist(), some.ids.tolist()) == ([images.names[2]], [id_of(images.names[2])])


def test_a_name_that_is_no_text_for_a_file_is_made_one() -> None:
    pixels = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    assert cs.Images(pixels, [0], names=["a\udcff.png"]).name_column(2)["name"].tolist() == ["a?.png"] * 2
    for wrong in (["a", "b"], [1]):
        with pytest.raises(InputError, match="names must be 1 texts"):
            cs.Images(pixels, [0], names=wrong)  # type: ignore[arg-type]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return fill(tmp_path / "photos")


def parts(root: Path) -> dict[int, str]:
    """The part of each image by its id."""
    images = folder.load(root, size=4)
    return dict.fromkeys(images.train.ids.tolist(), "train") | dict.fromkeys(images.test.ids.tolist(), "test")


def test_folders_are_classes_and_images_have_their_colours(root: Path) -> None:
    images = folder.load(root, size=4)
    assert images.classes == ("cat", "dog", "emu")
    assert images.own_ids
    assert len(images.train) + len(images.test) == 60
    for part in (images.train, images.test):
        expected = torch.tensor(list(COLOURS.values()), dtype=torch.uint8)[part.labels]
        assert torch.equal(part.pixels, expected[:, :, None, None].expand(-1, -1, 4, 4))


def test_an_id_is_that_of_the_path(root: Path) -> None:
    images = folder.load(root, size=4)
    expected = {id_of(f"{name}/{number}.png"): label for label, name in enumerate(COLOURS) for number in range(20)}
    for part in (images.train, images.test):
        assert {one: expected[one] for one in part.ids.tolist()} == dict(
            zip(part.ids.tolist(), part.labels.tolist(), strict=True)
        )


def test_images_that_come_move_no_other(root: Path) -> None:
    before = parts(root)
    for number in range(20, 200):
        photograph(root / "cat" / f"{number}.png", COLOURS["cat"])
    photograph(root / "dog/a/first.png", COLOURS["dog"])
    after = parts(root)
    assert {image: after[image] for image in before} == before
    assert len(after) == 60 + 181


def test_about_a_share_of_each_class_is_tested_on(tmp_path: Path) -> None:
    files = [folder.File(f"{label}/{number}", label) for label in range(3) for number in range(1000)]
    test = folder.split(files, 0.3)["test"]
    counts = np.bincount([file.label for file in test])
    assert np.abs(counts - 300).max() < 75  # 5 standard deviations


@pytest.mark.parametrize("share", [1e-9, 1 - 1e-9])
def test_each_class_has_an_image_of_each_part(share: float) -> None:
    files = [folder.File(f"{label}/{number}", label) for label in range(50) for number in range(2)]
    for part in folder.split(files, share).values():
        assert sorted(file.label for file in part) == list(range(50))


@pytest.mark.parametrize("group", [None, "."])
def test_all_may_be_tested_on(root: Path, group: str | None) -> None:
    images = folder.load(root, size=4, test_share=1, group=group)
    assert (len(images.train), len(images.test)) == (0, 60)
    assert torch.equal(images.test.ids.sort()[0], cs.folder(root, size=4).ids.sort()[0])
    assert len(cs.folder(root, size=4, test_share=1, part="train")) == 0


def test_train_and_test_folders_are_the_parts(tmp_path: Path) -> None:
    fill(fill(tmp_path, 5, "train"), 3, "test")
    images = folder.load(tmp_path, size=4)
    assert (images.train.labels.bincount().tolist(), images.test.labels.bincount().tolist()) == ([5] * 3, [3] * 3)
    assert images.test.ids[0] == id_of("test/cat/0.png")


def test_a_class_that_only_one_part_has_is_named(tmp_path: Path) -> None:
    fill(fill(tmp_path, 2, "train"), 2, "test")
    photograph(tmp_path / "test/yak/0.png", (0, 0, 0))
    with pytest.raises(InputError, match=rf"^{tmp_path}/train/yak has no images: each class needs some"):
        folder.load(tmp_path)


def test_it_says_how_many_and_of_which_size(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("car", "van"):
        for number in range(3):
            photograph(tmp_path / name / f"{number}.png", (0, 0, 0))
    with caplog.at_level(logging.INFO):
        folder.load(tmp_path, size=24)
    line = r"folder: \d training images, \d test images of 2 classes, resized to 24 x 24 pixels"
    assert [said for said in caplog.messages if re.fullmatch(line, said)]


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for name in ("car", "train"):
        for number in range(3):
            photograph(tmp_path / name / f"{number}.png", (0, 0, 0))
    assert folder.load(tmp_path).classes == ("car", "train")


def test_folders_without_images(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"^{tmp_path}/none is not a folder: dataset.root="):
        folder.load(tmp_path / "none")
    with pytest.raises(InputError, match=rf"^{tmp_path} has no folders: it must have a folder of images for each cl"):
        folder.load(tmp_path)
    photograph(tmp_path / "cat/1.png", (0, 0, 0))
    with pytest.raises(InputError, match=rf"^{tmp_path} has one class only, cat; a classifier needs two"):
        folder.load(tmp_path)
    (tmp_path / "dog").mkdir()
    with pytest.raises(InputError, match=rf"^{tmp_path}/dog has no images: each class needs some"):
        folder.load(tmp_path)
    photograph(tmp_path / "dog/1.png", (0, 0, 0))
    with pytest.raises(InputError, match=r"^cat/1.png is the only image of its class"):
        folder.load(tmp_path)


def test_a_train_folder_alone_is_explained(tmp_path: Path) -> None:
    fill(tmp_path, 2, "train")
    with pytest.raises(InputError, match=r"has one class only, train; .*, and train needs a test or train beside it$"):
        folder.load(tmp_path)


def test_without_a_folder_the_option_is_named() -> None:
    with pytest.raises(InputError, match=r"^dataset=folder needs dataset.root="):
        _ = ImageData(folder.load, 4).images


def test_what_is_no_image_is_left_out_and_counted(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = folder.load(root, size=4)
    (root / "cat/notes.txt").write_text("mine")
    (root / "dog/Thumbs.db").write_bytes(b"x")
    (root / "dog/.DS_Store").write_bytes(b"x")
    (root / "dog/._1.png").write_bytes(b"x")
    (root / "labels.csv").write_text("x")
    (root / "__MACOSX/cat").mkdir(parents=True)
    with caplog.at_level(logging.INFO):
        after = folder.load(root, size=4)
    assert torch.equal(before.test.ids, after.test.ids)
    said = "folder: 2 files that are no images by their endings are left out: cat/notes.txt, dog/Thumbs.db"
    assert said in caplog.messages


@pytest.mark.parametrize("content", [b"", b"no image", b"P6\n90000 90000\n255\n", None, "link"])
def test_what_cannot_be_read_is_named_or_skipped_and_counted(
    root: Path, content: bytes | str | None, caplog: pytest.LogCaptureFixture
) -> None:
    before = parts(root)
    bad = root / "cat/bad.ppm"
    if content is None:
        os.mkfifo(bad)
    elif isinstance(content, str):
        bad.symlink_to("nowhere")
    else:
        bad.write_bytes(content)
    with pytest.raises(InputError, match=rf"^{bad} (is|has) ") as error:
        folder.load(root, size=4)
    assert "\n" not in str(error.value)
    images = folder.load(root, size=4, on_bad="skip")
    assert {**dict.fromkeys(images.train.ids.tolist(), "train"), **dict.fromkeys(images.test.ids.tolist(), "test")} == (
        before
    )
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(said) == 1
    assert said[0].endswith(f"images cannot be read and are skipped: {bad}")
    with pytest.raises(InputError, match=rf"^{bad} (is|has) "):  # now that an array without it is kept
        folder.load(root, size=4)


def test_a_class_of_which_nothing_can_be_read_is_named(root: Path) -> None:
    for path in (root / "emu").iterdir():
        path.write_bytes(b"")
    with pytest.raises(InputError, match=rf"^{root} has no train images of class emu$"):
        folder.load(root, size=4, on_bad="skip")


def test_images_after_a_skipped_one_keep_their_labels_and_pixels(root: Path) -> None:
    (root / "cat/0.png").write_bytes(b"")
    for _ in range(2):  # decoded, and from the cache
        images = cs.folder(root, size=4, on_bad="skip")
        assert len(images) == 59
        expected = torch.tensor(list(COLOURS.values()), dtype=torch.uint8)[images.labels]
        assert torch.equal(images.pixels[:, :, 0, 0], expected)
        assert id_of("cat/0.png") not in images.ids.tolist()


def test_names_that_differ_in_their_composition(tmp_path: Path) -> None:
    apart = unicodedata.normalize("NFD", "é")
    for name in (apart, "z"):
        for number in range(2):
            photograph(tmp_path / name / f"{number}.png", (0, 0, 0))
    assert folder.load(tmp_path).classes == ("z", "é")


def test_the_next_start_reads_what_was_kept(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = folder.load(root, size=4)
    monkeypatch.setattr(image_files, "_pieces", lambda *_: pytest.fail("decoded again"))
    assert torch.equal(folder.load(root, size=4).train.pixels, first.train.pixels)


def test_a_folder_that_cannot_be_written_has_its_arrays_elsewhere(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / ".convstab").touch()  # as good as a folder that may only be read, for which root has no eyes
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = folder.load(root, size=4)
    assert len(list((tmp_path / "cache/convstab/decoded").rglob("*.npy"))) == 2
    monkeypatch.setattr(image_files, "_pieces", lambda *_: pytest.fail("decoded again"))
    assert torch.equal(folder.load(root, size=4).train.pixels, first.train.pixels)


@pytest.mark.slow
def test_arrays_are_written_in_pieces(tmp_path: Path) -> None:
    """300 MB of pixels."""
    for name, colour in COLOURS.items():
        photograph(tmp_path / "photos" / name / "0.png", colour)
        for number in range(1, 34):
            os.link(tmp_path / "photos" / name / "0.png", tmp_path / "photos" / name / f"{number}.png")
    command = [sys.executable, "-c", ANONYMOUS, str(tmp_path / "photos")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    before, most = map(int, done.stdout.split())
    assert most - before < 2**18  # KiB


def test_the_images_of_python_are_those_of_the_commands(root: Path) -> None:
    images = folder.load(root, size=4)
    for part in ("train", "test"):
        expected, found = getattr(images, part), cs.folder(root, size=4, part=part)
        assert torch.equal(found.ids, expected.ids)
        assert torch.equal(found.pixels, expected.pixels)
    every = cs.folder(root, size=4)
    assert sorted(every.ids.tolist()) == sorted([*images.train.ids.tolist(), *images.test.ids.tolist()])
    assert every.classes == images.classes
    with pytest.raises(InputError, match="part is val; it can be all, train, test"):
        cs.folder(root, size=4, part="val")  # type: ignore[arg-type]


def films(root: Path, below: tuple[str, ...] = ("",), count: int = 12) -> Path:
    """Of each class some films of three frames, in the parts that are given by turns."""
    for name, colour in COLOURS.items():
        for film in range(count):
            for frame in range(3):
                photograph(root / below[film % len(below)] / name / f"a_{film}_{frame}.png", colour)
    return root


@pytest.mark.parametrize("below", [("",), ("train", "test")])
def test_frames_of_a_film_are_a_group(tmp_path: Path, below: tuple[str, ...]) -> None:
    root = films(tmp_path / "films", below)
    images = folder.load(root, size=4, group="_")
    ids = {
        id_of(path.relative_to(root).as_posix()): (path.parent.name, path.name.rpartition("_")[0])
        for path in root.rglob("*.png")
    }
    found: dict[int, set[tuple[str, str]]] = {}
    for part in (images.train, images.test):
        assert part.groups is not None
        for one, group in zip(part.ids.tolist(), part.groups.tolist(), strict=True):
            found.setdefault(group, set()).add(ids[one])
        assert len(part.groups.unique()) * 3 == len(part)  # no film is divided
    assert len(found) == 36  # groups of the test images have numbers of their own
    assert all(len(films) == 1 for films in found.values())


def test_a_group_is_in_the_name_of_an_image_not_of_its_class(tmp_path: Path) -> None:
    for name in ("stop_sign/1.png", "stop_sign/2.png", "yield/1.png", "yield/2.png"):
        photograph(tmp_path / name, (1, 2, 3))
    with pytest.raises(InputError, match=r"group is '_', which is not in '1\.png'"):
        folder.load(tmp_path, size=4, group="_")


def test_folders_below_a_class_may_be_groups(tmp_path: Path) -> None:
    for name in ("a/x/1.png", "a/x/2.png", "a/y/1.png", "b/x/1.png", "b/z/1.png"):
        photograph(tmp_path / name, (1, 2, 3))
    images = cs.folder(tmp_path, size=4, group="/")
    assert images.groups is not None
    assert len(images.groups.unique()) == 4


def test_a_film_in_both_parts_is_named(tmp_path: Path) -> None:
    films(tmp_path, ("train", "test"), count=2)
    photograph(tmp_path / "test/cat/a_0_9.png", COLOURS["cat"])
    with pytest.raises(InputError, match="has images of the group 'cat/a_0' in train and in test"):
        folder.load(tmp_path, size=4, group="_")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"group": ""}, "group is empty; it must be a text in the name of each image"),
        ({"test_share": 0}, "test_share is 0; it must be above 0 and at most 1"),
        ({"test_share": 1.1}, "test_share is 1.1; it must be above 0 and at most 1"),
        ({"on_bad": "warn"}, "on_bad is warn; it can be refuse or skip"),
    ],
)
def test_values_out_of_range(root: Path, options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        folder.load(root, **options)  # type: ignore[arg-type]
