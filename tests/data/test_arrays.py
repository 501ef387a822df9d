"""Images as the arrays of an .npz file."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import convstab as cs
from convstab.data.ids import id_of
from convstab.data.own import arrays
from convstab.errors import InputError

chance = np.random.default_rng(0)
PIXELS = chance.integers(0, 256, (30, 8, 6, 3)).astype(np.uint8)  # (N, H, W, C)
LABELS = np.arange(30) % 3


def saved(folder: Path, **content: Any) -> Path:
    np.savez(folder / "x.npz", **content)
    return folder / "x.npz"


@pytest.mark.parametrize("key", ["pixels", "images", "x"])
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32, np.float64])
def test_layouts_and_types(tmp_path: Path, key: str, layout: str, kind: type) -> None:
    pixels: np.ndarray = PIXELS if layout == "NHWC" else PIXELS.transpose(0, 3, 1, 2)
    if kind is np.uint16:
        pixels = pixels.astype(np.uint16) * 257
    elif kind is not np.uint8:
        pixels = (pixels / 255).astype(kind)
    images = cs.arrays(saved(tmp_path, **{key: pixels, "y": LABELS}))
    assert torch.equal(images.pixels, torch.from_numpy(PIXELS).permute(0, 3, 1, 2))
    assert images.labels.tolist() == LABELS.tolist()
    assert images.ids.tolist() == list(range(30))
    assert images.classes == ("0", "1", "2")


def test_grey_images(tmp_path: Path) -> None:
    images = cs.arrays(saved(tmp_path, pixels=PIXELS[..., 0], labels=LABELS, classes=["ant", "bee", "cow"]))
    assert torch.equal(images.pixels[:, 0], torch.from_numpy(PIXELS[..., 0].copy()))
    assert images.classes == ("ant", "bee", "cow")


def test_a_file_without_parts_is_split_by_places(tmp_path: Path) -> None:
    path = saved(tmp_path, pixels=PIXELS, labels=LABELS)
    images = arrays.load(Path("elsewhere"), str(path))
    for part in (images.train, images.test):
        assert torch.equal(part.pixels, torch.from_numpy(PIXELS).permute(0, 3, 1, 2)[part.ids])
        assert torch.equal(part.labels, torch.from_numpy(LABELS)[part.ids])
    assert sorted([*images.train.ids.tolist(), *images.test.ids.tolist()]) == list(range(30))
    longer = saved(tmp_path, pixels=np.repeat(PIXELS, 2, 0), labels=np.tile(LABELS, 2))
    again = arrays.load(Path(), str(longer))
    assert set(images.test.ids.tolist()) <= set(again.test.ids.tolist())
    assert torch.equal(cs.arrays(longer, part="test").ids, again.test.ids)


def test_files_of_medmnist(tmp_path: Path) -> None:
    content: dict[str, Any] = {}
    for part, count in (("train", 18), ("val", 3), ("test", 9)):
        content[f"{part}_images"] = PIXELS[:count] if part != "test" else PIXELS[-count:]
        content[f"{part}_labels"] = LABELS[:count, None].astype(np.uint8)
    path = saved(tmp_path, **content)
    images = arrays.load(tmp_path, "x.npz")
    assert (len(images.train), len(images.test)) == (18, 9)
    assert torch.equal(images.test.pixels, torch.from_numpy(PIXELS[-9:]).permute(0, 3, 1, 2))
    assert images.test.ids.tolist() == list(range(9))
    assert images.train.ids[4] == id_of("train/4")
    assert images.classes == ("0", "1", "2")
    assert len(cs.arrays(path)) == 27


def test_groups_are_not_divided(tmp_path: Path) -> None:
    groups = np.repeat(np.arange(15), 2)
    labels = groups % 3
    images = arrays.load(Path(), str(saved(tmp_path, pixels=PIXELS, labels=labels, groups=groups)))
    assert images.train.groups is not None
    assert images.test.groups is not None
    assert not set(images.train.groups.tolist()) & set(images.test.groups.tolist())
    assert torch.equal(images.test.groups, torch.from_numpy(groups)[images.test.ids])
    content = {"train_x": PIXELS, "test_x": PIXELS, "train_y": labels, "test_y": labels}
    path = saved(tmp_path, **content, train_groups=groups, test_groups=groups + 14)
    with pytest.raises(InputError, match="has images of the group 14 in train and in test"):
        arrays.load(Path(), str(path))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"data": PIXELS, "labels": LABELS}, "has no pixels; its known arrays are labels"),
        ({"pixels": PIXELS}, "has no labels; its known arrays are pixels"),
        ({"test_x": PIXELS, "test_y": LABELS}, "has no train_pixels; its known arrays are test_x, test_y"),
        ({"pixels": PIXELS, "labels": np.eye(3)[LABELS]}, "labels are of the shape"),
        ({"pixels": PIXELS, "labels": LABELS[:9]}, "labels are of the shape"),
        ({"pixels": PIXELS, "labels": LABELS * 2}, "has no image of class 1"),
        ({"pixels": PIXELS, "labels": LABELS * 2**40}, "labels up to"),
        ({"pixels": PIXELS, "labels": LABELS - 1}, "labels hold -1"),
        ({"pixels": PIXELS, "labels": LABELS * 0}, "has one class only"),
        ({"pixels": PIXELS / 100, "labels": LABELS}, "pixels are floats from 0 to 2.55"),
        ({"pixels": PIXELS.astype(int), "labels": LABELS}, "pixels are int64"),
        ({"pixels": np.zeros((30, 8, 8, 8), np.uint8), "labels": LABELS}, "pixels are of the shape"),
        ({"pixels": np.zeros((30, 3, 8, 3), np.uint8), "labels": LABELS}, "pixels are of the shape"),
        ({"pixels": PIXELS, "labels": np.array(["a"] * 30, object)}, "is not an .npz file of plain arrays: labels.npy"),
        ({"pixels": PIXELS, "labels": LABELS, "classes": ["a", "a", "b"]}, "classes hold 'a' twice"),
        ({"pixels": PIXELS, "labels": LABELS, "classes": [1, 2, 3]}, "classes are int64 of the shape"),
    ],
)
def test_arrays_that_are_none(tmp_path: Path, content: dict[str, Any], said: str) -> None:
    path = saved(tmp_path, **content)
    with pytest.raises(InputError, match=said) as error:
        arrays.load(tmp_path, str(path))
    assert "\n" not in str(error.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    with pytest.raises(InputError, match=r"x.npz is not there"):
        cs.arrays(path)
    for content in (b"", b"PK", b"no archive"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"x.npz is not an .npz file"):
            cs.arrays(path)
    saved(tmp_path, pixels=PIXELS, labels=LABELS)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"x.npz is not an .npz file"):
        cs.arrays(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InputError, match=r"x.npz is a folder, a pipe or a device"):
        cs.arrays(path)
