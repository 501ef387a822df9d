"""The user's own images go through train, evaluate and attack."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import convstab as cs
from convstab.commands import app
from convstab.data.ids import id_of
from convstab.errors import InputError
from tests.models import own_nets
from tests.models.own_nets import photographs
from tests.support.hf_datasets import library
from tests.support.in_process import call, call_in

SHORT = ("trainer.max_epochs=1", "logger=none", "output=run", "model=lenet")
MADE = "tests.models.own_nets:photographs"
EVALUATE = ("run=run", "levels=[30]", "draws=2", "logger=none")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photographs, and a run that was trained on them."""
    folder = tmp_path_factory.mktemp("own")
    chance = np.random.default_rng(0)
    for name, grey in (("ant", 60), ("bee", 180)):
        (folder / "photos" / name).mkdir(parents=True)
        for number in range(40):
            pixels = chance.normal(grey, 40, (20, 30, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"photos/{name}/{number}.png")
    call_in(folder, app.train, "dataset=folder", "dataset.root=photos", "dataset.load.size=28", *SHORT)
    return folder


def test_a_class_folder_is_trained_evaluated_and_attacked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    run = cs.load_run("run")
    assert run.test.classes == ("ant", "bee")
    expected = cs.folder("photos", size=28, part="test")
    assert torch.equal(run.test.ids, expected.ids)
    assert torch.equal(run.test.pixels, expected.pixels)
    assert call(monkeypatch, app.evaluate, *EVALUATE, "output=evaluation") == 0
    words = ["run=run", "attack=least_level", "images=4", "logger=none", "output=attack"]
    assert call(monkeypatch, app.attack, *words) == 0
    result, found = cs.StabilityResult.read(Path("evaluation")), cs.AttackResult.read(Path("attack"))
    assert result.by_image("index")[:, 0].tolist() == expected.ids.tolist()
    assert set(found.rows["index"].tolist()) <= set(expected.ids.tolist())


def test_the_noise_of_an_image_is_the_same_when_others_are_gone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    shutil.copytree("photos", "fewer", ignore=shutil.ignore_patterns("1*.png", ".convstab"))
    words = EVALUATE[0], "levels=[60]", "draws=3", "logger=none"
    assert call(monkeypatch, app.evaluate, *words, "output=all") == 0
    assert call(monkeypatch, app.evaluate, *words, "dataset.root=fewer", "output=some") == 0
    every, some = (cs.StabilityResult.read(Path(name)).rows for name in ("all", "some"))
    kept = np.isin(every["index"], some["index"])
    assert 0 < kept.sum() < len(kept)
    for name in ("index", "label", "correct", "psnr_mean", "score_mean"):
        assert np.array_equal(every[name][kept], some[name])


def test_places_choose_images_by_their_order(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    every, some = cs.load_run("run").test, cs.load_run("run", images=[3, 1]).test
    assert some.ids.tolist() == every.ids[[1, 3]].tolist()


def test_the_data_sets_of_the_paper_keep_their_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, app.train, *SHORT, "dataset.images=100") == 0
    assert cs.load_run("run").test.ids.tolist() == list(range(100))


def test_runs_of_two_folders_are_no_ensemble(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    shutil.copytree("photos", "others", ignore=shutil.ignore_patterns(".convstab"))
    words = "dataset=folder", "dataset.root=others", "dataset.load.size=28", *SHORT[:2], SHORT[3], "output=other"
    assert call(monkeypatch, app.train, *words) == 0
    with pytest.raises(InputError, match="were trained on different data sets and cannot be an ensemble"):
        cs.load_run(["run", "other"])


def test_a_list_and_arrays_are_trained_on(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paths = sorted((folder / "photos").glob("*/*.png"))
    lines = [f"{path},{path.parent.name}" for path in paths]
    Path("images.csv").write_text("\n".join(["path,label", *lines]))
    words = "dataset=table", "dataset.load.path=images.csv", "dataset.load.size=28", *SHORT
    assert call(monkeypatch, app.train, *words) == 0
    assert set(cs.load_run("run").test.ids.tolist()) <= {id_of(str(path)) for path in paths}
    pixels = np.stack([np.asarray(Image.open(path).resize((28, 28))) for path in paths])
    np.savez("x.npz", pixels=pixels, labels=np.arange(80) // 40)
    of_arrays = "dataset=arrays", "dataset.load.path=x.npz", *SHORT[:2], SHORT[3], "output=of_arrays"
    assert call(monkeypatch, app.train, *of_arrays) == 0
    test = cs.load_run("of_arrays").test
    assert torch.equal(test.pixels, torch.from_numpy(pixels).permute(0, 3, 1, 2)[test.ids])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dataset=folder"], "dataset=folder needs dataset.root=<folder"),
        (["dataset=folder", "dataset.root=none"], "none is not a folder"),
        (["dataset=table"], "dataset.load.path is null; it must be the path of a file"),
        (["dataset=table", "dataset.load.path=none.csv"], "none.csv is not there"),
        (["dataset=arrays", "dataset.load.path=none.npz"], "none.npz is not there"),
        (["dataset=folder", "dataset.load.resize=fit"], "dataset.load.resize is fit; it must be squash or crop"),
        (["dataset=folder", "dataset.load.channels=4"], r"dataset.load.channels is 4; it must be 3 (RGB) or 1 (grey)"),
        (["dataset=folder", "dataset.load.test_share=2"], "dataset.load.test_share is 2; it must be a number above 0"),
        (["dataset=folder", "dataset.load.on_bad=x"], "dataset.load.on_bad is x; it must be refuse or skip"),
    ],
)
def test_mistakes_are_one_line(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, app.train, *words, *SHORT) == 2
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run that was trained on the images of a function."""
    folder = tmp_path_factory.mktemp("made")
    call_in(folder, app.train, "dataset=python", f"dataset.load.target={MADE}", *SHORT)
    return folder


def test_images_of_a_function_are_trained_and_evaluated_on(
    made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(made)
    assert cs.load_run("run", trust=MADE).training["dataset"] == f"python {MADE}"
    assert call(monkeypatch, app.evaluate, *EVALUATE, f"trust={MADE}", "output=evaluation") == 0
    assert "has no effect" not in capsys.readouterr().out
    expected = photographs()["test"]
    result = cs.StabilityResult.read(Path("evaluation"))
    assert result.by_image("index")[:, 0].tolist() == expected.ids.tolist()
    assert result.labels.tolist() == expected.labels.tolist()


def test_a_function_that_is_not_trusted_is_not_called(
    made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The images of a run or of draws are data, and so is what they say of a function."""
    monkeypatch.chdir(made)
    words = ["dataset=python", f"dataset.load.target={MADE}", "images=4", "draws=1", "levels=[30]"]
    assert call(monkeypatch, app.draws, *words, "output=draws") == 0
    rows = Path("draws/manifest.csv").read_text().splitlines()
    files = [row.split(",")[0] for row in rows[1:]]
    Path("out.csv").write_text("\n".join(["file,prediction", *(f"{file},dark" for file in files)]))
    called = []
    monkeypatch.setattr(own_nets, "photographs", lambda: called.append(1))
    said = f"its images are made by {MADE}, which is code that loading them would run"
    for command, *words in ((app.evaluate, *EVALUATE), (app.predictions, "path=out.csv", "draws=draws", "logger=none")):
        for trust in ([], ["trust=nets:build"]):
            assert call(monkeypatch, command, *words, *trust, "output=refused") == 2
            assert said in capsys.readouterr().err
    assert not called
    monkeypatch.undo()
    monkeypatch.chdir(made)
    words = ["path=out.csv", "draws=draws", "logger=none", f"trust={MADE}", "output=imported"]
    assert call(monkeypatch, app.predictions, *words) == 0


def test_a_training_needs_images_to_train_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(own_nets, "photographs", lambda: photographs()["test"])
    assert call(monkeypatch, app.train, "dataset=python", f"dataset.load.target={MADE}", *SHORT) == 2
    assert "the data set has no images to train on" in capsys.readouterr().err


def test_images_that_cannot_be_read_are_counted_in_every_table(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    shutil.copytree("photos", "damaged", ignore=shutil.ignore_patterns(".convstab"))
    tested = set(cs.folder("photos", size=28, part="test").ids.tolist())
    path = next(
        path for path in sorted(Path("damaged").rglob("*.png")) if id_of(f"{path.parent.name}/{path.name}") in tested
    )
    path.write_bytes(b"nothing")
    data = ["dataset=folder", "dataset.root=damaged", "dataset.load.size=28", "dataset.load.on_bad=skip", "run=run"]
    assert call(monkeypatch, app.evaluate, *data, *EVALUATE[1:], "output=few", "report=true") == 0
    said = "over images (1 more could not be read)"
    assert said in capsys.readouterr().out
    result = cs.StabilityResult.read("few")
    assert said in result.table()
    assert set(result.rows["unread"].tolist()) == {1}
    for name in ("table.md", "report.md"):
        assert "1 more could not be read" in Path("few", name).read_text()
    words = [*data, "attack=least_level", "images=2", "logger=none", "output=few_attacked"]
    assert call(monkeypatch, app.attack, *words) == 0
    assert "Left out, since they could not be read: 1." in cs.AttackResult.read("few_attacked").table()
    assert cs.folder("damaged", size=28, on_bad="skip").unread == 1


@pytest.mark.slow
def test_a_data_set_of_hugging_face_is_trained_evaluated_attacked_and_drawn(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    for part, numbers in (("train", range(30)), ("test", range(30, 40))):
        for name in ("ant", "bee"):
            Path("photos", part, name).mkdir(parents=True)
            for number in numbers:
                shutil.copy(folder / f"photos/{name}/{number}.png", Path("photos", part, name))
    words = "dataset=hf", "dataset.load.name=photos", "dataset.load.size=28"
    assert call(monkeypatch, app.train, *words, "dataset.load.download=true", *SHORT) == 0
    expected = cs.folder("photos", size=28, part="test")
    run = cs.load_run("run")
    assert dict(zip(run.test.ids.tolist(), run.test.labels.tolist(), strict=True)) == dict(
        zip(expected.ids.tolist(), expected.labels.tolist(), strict=True)
    )
    assert call(monkeypatch, app.evaluate, *EVALUATE, "output=here") == 0
    assert call(monkeypatch, app.evaluate, *EVALUATE, *words, "output=there") == 0
    here, there = (cs.StabilityResult.read(name).rows for name in ("here", "there"))
    assert np.array_equal(here["correct"], there["correct"])
    assert call(monkeypatch, app.attack, "run=run", "attack=ddn", "images=4", "logger=none", "output=attack") == 0
    assert call(monkeypatch, app.draws, *words, "images=2", "draws=1", "levels=[9]", "output=draws") == 0
    assert len(list(Path("draws/images").rglob("*.png"))) == 4
    Path("photos/test/bee/30.png").unlink()
    Path("moved").mkdir()
    Path("photos").rename("moved/photos")
    assert call(monkeypatch, app.evaluate, *EVALUATE, "dataset.root=moved", "output=fewer") == 0
    assert len(np.unique(cs.StabilityResult.read("fewer").rows["index"])) == 19
