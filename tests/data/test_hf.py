"""Data sets of Hugging Face: the same images as those of a folder, their parts, names and columns."""

import io
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import convstab as cs
from convstab.data import decoding, image_files
from convstab.data.ids import id_of
from convstab.data.module import ImageData
from convstab.data.own import folder
from convstab.data.own import hf as own_hf
from convstab.data.own.rows import Columns, rows_of
from convstab.errors import InputError
from convstab.runs.configuration import fetching_nothing
from tests.support.hf_datasets import INSTALLED, hf, png, rows

__all__ = ["hf"]

NAMES = ["ant", "bee"]
TRAIN, TEST = range(8), range(8, 14)


def saved(hf: Any, path: Path, splits: dict[str, list[dict[str, Any]]], **more: Any) -> Path:
    features = hf.Features({"image": hf.Image(), "label": hf.ClassLabel(names=NAMES)} | more)
    made = {name: hf.Dataset.from_list(found, features=features) for name, found in splits.items()}
    hf.DatasetDict(made).save_to_disk(str(path))
    return path


def load(path: Path, **words: Any) -> Any:
    return own_hf.load(path.parent, path.name, **{"size": 12} | words)


def as_folder(path: Path, splits: dict[str, range]) -> Path:
    for split, seeds in splits.items():
        for seed in seeds:
            file = path / split / NAMES[seed % 2] / f"{seed}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(png(seed))
    return path


def pixels_by_label(images: cs.Images) -> set[tuple[int, bytes]]:
    return {(int(label), one.numpy().tobytes()) for label, one in zip(images.labels, images.pixels, strict=True)}


def test_images_are_those_of_the_same_files_in_a_folder(hf: Any, tmp_path: Path) -> None:
    found = load(saved(hf, tmp_path / "d", {"train": rows(TRAIN), "test": rows(TEST), "validation": rows([20, 21])}))
    theirs = folder.load(as_folder(tmp_path / "f", {"train": TRAIN, "test": TEST}), size=12)
    assert found.classes == theirs.classes == ("ant", "bee")
    assert found.own_ids
    for ours, other, seeds in ((found.train, theirs.train, TRAIN), (found.test, theirs.test, TEST)):
        assert ours.labels.tolist() == [seed % 2 for seed in seeds]
        assert pixels_by_label(ours) == pixels_by_label(other)
    assert found.test.ids.tolist() == [id_of(f"test/{seed}.png") for seed in TEST]


def test_a_folder_of_images_has_the_ids_of_a_folder(hf: Any, tmp_path: Path) -> None:
    place = as_folder(tmp_path / "f", {"train": TRAIN, "test": TEST})
    found, theirs = load(place), folder.load(place, size=12)
    for ours, other in ((found.train, theirs.train), (found.test, theirs.test)):
        assert dict(zip(ours.ids.tolist(), ours.labels.tolist(), strict=True)) == dict(
            zip(other.ids.tolist(), other.labels.tolist(), strict=True)
        )
        assert torch.equal(ours.pixels[ours.ids.argsort()], other.pixels[other.ids.argsort()])


@pytest.mark.skipif(not INSTALLED, reason="datasets is not installed")
def test_files_of_parquet_are_what_they_were_made_of(hf: Any, tmp_path: Path) -> None:
    expected = load(saved(hf, tmp_path / "d", {"train": rows(TRAIN), "test": rows(TEST)}))
    for name, data in hf.load_from_disk(str(tmp_path / "d")).items():
        (tmp_path / "p/one").mkdir(parents=True, exist_ok=True)
        data.to_parquet(str(tmp_path / f"p/one/{name}-00000-of-00001.parquet"))
    (tmp_path / "p/one/README.md").write_text("---\nconfigs: [{config_name: a, data_files: 'https://x.test/a'}]\n---\n")
    for found in (load(tmp_path / "p", subset="one"), load(tmp_path / "p/one")):
        assert torch.equal(found.test.pixels, expected.test.pixels)
        assert torch.equal(found.train.ids, expected.train.ids)
        assert found.classes == expected.classes


def test_an_image_is_named_by_its_path_or_its_bytes_and_others_move_it_not(hf: Any, tmp_path: Path) -> None:
    few = rows([0, 1]) + rows([2, 3], path=False)
    more = rows([5]) + rows([7], path=False) + few + rows([2], path=False)
    twice = [row | {"image": row["image"] | {"path": "x.png"}} for row in rows([8, 9])]
    ids = [
        load(saved(hf, tmp_path / name, {"test": found})).test.ids.tolist()
        for name, found in (("a", few), ("b", more), ("c", [*few, *twice]))
    ]
    assert ids[0][:2] == [id_of("test/0.png"), id_of("test/1.png")]
    assert ids[1][2:6] == ids[2][:4] == ids[0]
    assert len({*ids[1]}) == 7  # the one with the bytes of another is its second
    assert len({*ids[2]}) == 6
    alone = load(saved(hf, tmp_path / "d", {"test": rows([8, 9], path=False)})).test.ids.tolist()
    assert ids[2][4:] == alone  # a path of two images names neither


def test_without_a_split_to_test_on_the_hash_of_a_name_decides(hf: Any, tmp_path: Path) -> None:
    few = load(saved(hf, tmp_path / "a", {"train": rows(range(40)), "validation": rows([50, 51])}))
    more = load(saved(hf, tmp_path / "b", {"train": rows(range(60))}))
    assert len(few.train) + len(few.test) == 40
    assert set(few.test.ids.tolist()) <= set(more.test.ids.tolist())
    assert 0 < len(few.test) < 20
    alone = hf.Dataset.from_list(
        rows(range(40)), features=hf.Features({"image": hf.Image(), "label": hf.ClassLabel(names=NAMES)})
    )
    alone.save_to_disk(str(tmp_path / "c"))
    assert len(load(tmp_path / "c", test_share=0.5).test) > 8


def test_groups_are_of_one_part_and_one_unit(hf: Any, tmp_path: Path) -> None:
    place = saved(
        hf, tmp_path / "a", {"train": rows(range(40), film=lambda seed: f"f{seed // 4}")}, film=hf.Value("string")
    )
    found = load(place, group="film", test_share=0.4)
    train, test = (set(part.groups.tolist()) for part in (found.train, found.test))
    assert not train & test
    assert len(train | test) == 10
    splits = {"train": rows(TRAIN, film=lambda _: 1), "test": rows(TEST, film=lambda _: 1)}
    with pytest.raises(InputError, match=r"has images of the group '1' in train and in test$"):
        load(saved(hf, tmp_path / "b", splits, film=hf.Value("int64")), group="film")


def test_other_names_of_splits_and_one_to_test_on_alone(hf: Any, tmp_path: Path) -> None:
    place = saved(hf, tmp_path / "a", {"train": rows(TRAIN), "validation": rows(TEST), "extra": rows([30, 31])})
    found = load(place, test_split="validation", train_split="extra")
    assert (len(found.train), len(found.test)) == (2, 6)
    only = load(saved(hf, tmp_path / "b", {"test": rows(TEST)}))
    assert (len(only.train), len(only.test)) == (0, 6)
    data = ImageData(lambda _: only, 4)
    assert data.shape == (3, 12, 12)
    with pytest.raises(InputError, match=r"^the data set has no images to train on: it has test images only$"):
        data.setup()


def test_labels_may_be_texts_or_numbers(hf: Any, tmp_path: Path) -> None:
    found = rows(TEST, kind=lambda seed: ["dog", "cat"][seed % 2], number=lambda seed: seed % 2)
    place = saved(hf, tmp_path / "a", {"test": found}, kind=hf.Value("string"), number=hf.Value("int64"))
    texts, numbers = load(place, label="kind"), load(place, label="number")
    assert (texts.classes, texts.test.labels.tolist()) == (("cat", "dog"), [1, 0] * 3)
    assert (numbers.classes, numbers.test.labels.tolist()) == (("0", "1"), [0, 1] * 3)


def test_images_of_all_kinds_are_brought_to_one_form(hf: Any, tmp_path: Path) -> None:
    turned = Image.new("RGB", (30, 20))
    turned.putpixel((0, 0), (255, 255, 255))
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    turned.save(file, "PNG", exif=exif)
    deep = io.BytesIO()
    Image.new("I;16", (9, 9), 65_535).save(deep, "PNG")
    images = [file.getvalue(), deep.getvalue(), png(1, mode="L"), png(2, form="JPEG")]
    found = [{"image": {"bytes": one, "path": None}, "label": number % 2} for number, one in enumerate(images)]
    test = load(saved(hf, tmp_path / "a", {"test": found}), size=64, channels=1).test
    assert test.pixels.shape == (4, 1, 64, 64)
    assert test.pixels[1].unique().tolist() == [255]
    assert test.pixels[0, 0, 0, -1] > 50  # the white corner is on the upper right
    assert test.pixels[0, 0, 0, 0] == 0


def test_decoded_images_are_kept_and_made_again_when_one_has_changed(
    hf: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = saved(hf, tmp_path / "a", {"test": rows(TEST)})
    first, read = load(place).test, decoding.read
    asked: list[str] = []

    def asking(source: Any, form: Any) -> Any:
        asked.append(str(source))
        return read(source, form)

    monkeypatch.setattr(image_files, "read", asking)
    assert torch.equal(load(place).test.pixels, first.pixels)
    assert asked == []
    assert list((place / ".convstab").glob("hf-test-12-*.npy"))
    changed = rows(TEST)
    changed[2]["image"]["bytes"] = png(99)
    again = load(saved(hf, tmp_path / "b", {"test": changed})).test
    (tmp_path / "b").rename(tmp_path / "c")
    for file in (place / ".convstab").glob("*.npy"):
        file.rename(tmp_path / "c/.convstab" / file.name)
    assert torch.equal(load(tmp_path / "c").test.pixels, again.pixels)
    assert (again.pixels != first.pixels).flatten(1).any(1).tolist() == [False, False, True, False, False, False]


def test_what_cannot_be_read_is_refused_or_left_out(hf: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = rows(TEST)
    found[3]["image"]["bytes"] = b"none"
    place = saved(hf, tmp_path / "a", {"test": found})
    with pytest.raises(InputError, match=r"a, test, row 3 is not a readable image"):
        load(place)
    assert load(place, on_bad="skip").test.labels.tolist() == [0, 1, 0, 0, 1]
    assert "1 of 6 images cannot be read and are skipped" in caplog.text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda row: row | {"label": -1}, r"row 2 has no label: -1$"),
        (lambda row: row | {"label": None}, r"row 2 has no label: None$"),
        (lambda row: row | {"image": None}, r"row 2 has no image$"),
        (
            lambda row: row | {"image": {"bytes": None, "path": "https://x.test/a.png"}},
            r"https://x.test/a.png, which is not",
        ),
    ],
)
def test_rows_that_lack_something_are_named(hf: Any, tmp_path: Path, change: Any, said: str) -> None:
    found = rows(TEST)
    found[2] = change(found[2])
    features = hf.Features({"image": hf.Image(decode=False), "label": hf.ClassLabel(names=NAMES)})
    data = hf.Dataset.from_list(found, features=features)
    with pytest.raises(InputError, match=said):
        rows_of(hf, tmp_path, "test", data, Columns("image", "label", None))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"image": "picture"}, r"a, test has no column picture; it has image, label, other, text$"),
        ({"image": "text"}, r"a, test: the column text is .*; it must be an Image$"),
        ({}, r"a, test has 2 columns of the type Image, image, other: say image=$"),
        ({"image": "image", "group": "film"}, r"a, test has no column film; it has"),
        ({"image": "image", "test_split": "x"}, r"a has no split x; it has test$"),
        (
            {"image": "image", "test_split": "test", "train_split": "test"},
            "test is the split to train and to test on; leave",
        ),
        ({"image": "image", "size": 0}, r"dataset.size=0 must be at least 1"),
        ({"image": "image", "on_bad": "x"}, r"on_bad is x; it can be refuse or skip$"),
        ({"image": "image", "subset": "x"}, r"x is not a folder$"),
    ],
)
def test_mistakes_are_refused_in_one_line(hf: Any, tmp_path: Path, words: dict[str, Any], said: str) -> None:
    found = [row | {"other": row["image"], "text": "a"} for row in rows(TEST)]
    place = saved(hf, tmp_path / "a", {"test": found}, other=hf.Image(), text=hf.Value("string"))
    with pytest.raises(InputError, match=said) as refused:
        load(place, **words)
    assert "\n" not in str(refused.value)


def test_there_must_be_a_column_of_classes_or_one_that_is_said(hf: Any, tmp_path: Path) -> None:
    features = hf.Features({"image": hf.Image(), "label": hf.Value("int64")})
    hf.Dataset.from_list(rows(TEST), features=features).save_to_disk(str(tmp_path / "a"))
    with pytest.raises(InputError, match=r"all has no column of the type ClassLabel; it has image, label: say label=$"):
        load(tmp_path / "a")
    assert load(tmp_path / "a", label="label").classes == ("0", "1")


def test_a_class_without_images_and_splits_of_no_known_name_are_refused(hf: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no test images of class bee$"):
        load(saved(hf, tmp_path / "a", {"train": rows(TRAIN), "test": rows([8, 10])}))
    with pytest.raises(InputError, match=r"has the splits x, y: say test_split=, and train_split= to train$"):
        load(saved(hf, tmp_path / "b", {"x": rows(TRAIN), "y": rows(TEST)}))
    with pytest.raises(
        InputError, match=r"^dataset=hf needs dataset.load.name=<folder, or id of the hub>; it is None$"
    ):
        own_hf.load(tmp_path, None)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^no such place is not a folder, and no id of the hub, such as org/flowers$"):
        own_hf.load(tmp_path, "no such place")
    both = {"train": ["ant", "bee"], "test": ["bee", "ant"]}
    features = {name: hf.Features({"image": hf.Image(), "label": hf.ClassLabel(names=both[name])}) for name in both}
    made = {name: hf.Dataset.from_list(rows(TEST), features=features[name]) for name in both}
    hf.DatasetDict(made).save_to_disk(str(tmp_path / "c"))
    with pytest.raises(InputError, match=r"c has other classes to train and to test on$"):
        load(tmp_path / "c")
    one = hf.Features({"image": hf.Image(), "label": hf.ClassLabel(names=["ant"])})
    hf.Dataset.from_list(rows([8, 10]), features=one).save_to_disk(str(tmp_path / "d"))
    with pytest.raises(InputError, match=r"d has one class only, 'ant'; a classifier needs two at least$"):
        load(tmp_path / "d")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty cannot be loaded|empty has the splits"):
        load(tmp_path / "empty")


def test_the_hub_is_asked_where_that_is_said_and_no_code_is_trusted(
    hf: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("the network was asked"))
    monkeypatch.setattr(hf.config, "HF_HUB_OFFLINE", False)
    with pytest.raises(InputError, match=r"^hf: org/flowers cannot be loaded: .*; dataset.load.download=true"):
        own_hf.load(tmp_path, "org/flowers")
    asked: list[Any] = []

    def load_dataset(*words: Any, **more: Any) -> Any:
        asked.append((words, more, hf.config.HF_HUB_OFFLINE))
        features = hf.Features({"image": hf.Image(), "label": hf.ClassLabel(names=NAMES)})
        return hf.DatasetDict({"test": hf.Dataset.from_list(rows(TEST), features=features)})

    monkeypatch.setattr(hf, "load_dataset", load_dataset)
    monkeypatch.setattr(own_hf, "user_cache_path", lambda name: tmp_path / name)
    assert hf.config.HF_HUB_OFFLINE is False
    assert len(own_hf.load(tmp_path, "org/flowers", subset="small", download=True).test) == 6
    assert len(own_hf.load(tmp_path, "org/flowers").test) == 6
    assert asked == [(("org/flowers", "small"), {}, False), (("org/flowers", None), {}, True)]
    assert hf.config.HF_HUB_OFFLINE is False
    assert (tmp_path / "convstab/hf/org--flowers/small/.convstab").is_dir()


def test_what_a_file_says_fetches_nothing() -> None:
    load = {"_target_": "convstab.data.own.hf.load", "download": True, "size": 3}
    assert fetching_nothing({"load": load, "root": None}) == {"load": load | {"download": False}, "root": None}
    assert load["download"]
    assert fetching_nothing({"load": {"size": 3}}) == {"load": {"size": 3}}


def test_a_dataset_in_python(hf: Any, tmp_path: Path) -> None:
    place = saved(hf, tmp_path / "a", {"test": rows(TEST)})
    data = hf.load_from_disk(str(place))["test"]
    images = cs.as_images(data)
    assert images.classes == ("ant", "bee")
    assert images.labels.tolist() == [0, 1] * 3
    assert images.pixels.shape == (6, 3, 20, 30)
    assert images.ids.tolist() == [id_of(f"{data.split or 'all'}/{seed}.png") for seed in TEST]
    assert cs.as_images(data, classes=("x", "y")).classes == ("x", "y")
    with pytest.raises(InputError, match="it must be a Dataset with a length"):
        cs.as_images({"test": data})


def test_without_the_package_a_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(
        InputError, match=r"^datasets is needed and cannot be loaded.*pip install 'convstab\[datasets\]'$"
    ):
        own_hf.load(tmp_path, "org/flowers")
