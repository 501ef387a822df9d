"""Models that are elsewhere: the draws as files, and what is predicted for them as an evaluation like any other."""

import csv
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import convstab as cs
from convstab.commands import app
from convstab.data import digits
from convstab.evaluation.confidence import SQUARE_UNIT
from convstab.files import read_json, write_json
from convstab.runs import directory
from tests.support.in_process import Main, call, call_in, caller

PROTOCOL = ("levels=[8,60]", "draws=3", "images=20", "seed=5")


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, its evaluation, and the same draws as files."""
    folder = tmp_path_factory.mktemp("elsewhere")
    call_in(folder, app.train, "trainer.max_epochs=2", "dataset.images=300", "logger=none", "output=run")
    call_in(folder, app.evaluate, "run=run", "dataset=digits", *PROTOCOL, "logger=none", "output=evaluation")
    call_in(folder, app.draws, "dataset=digits", *PROTOCOL, "output=draws")
    return folder


@pytest.fixture
def importing(there: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Main:
    return caller(monkeypatch, capfd, there, app.predictions, "logger=none")


def manifest(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def predictions(there: Path, draws: str = "draws") -> dict[str, list[float]]:
    """The logits that the model of the run gives for the files, as another program would read them."""
    files = [row["file"] for row in manifest(there / draws)]
    pixels = np.stack([np.asarray(Image.open(there / draws / file)) for file in files])
    with torch.inference_mode():
        logits = cs.load_run(there / "run").model(torch.from_numpy(pixels)[:, None] / 255)
    return dict(zip(files, logits.tolist(), strict=True))


def write(path: Path, head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return f"path={path}"


def test_the_files_are_the_draws_of_an_evaluation(there: Path) -> None:
    rows = manifest(there / "draws")
    assert len(rows) == 20 * (1 + 2 * 3)
    protocol, test = cs.StabilityResult.read(there / "evaluation").protocol, digits.load(there).test
    for row in rows:
        pixels, clean = np.asarray(Image.open(there / "draws" / row["file"])), test.pixels[int(row["image"])]
        assert (int(row["label"]), row["class"]) == (int(test.labels[int(row["image"])]), row["label"])
        level, draw = float(row["level"]), int(row["draw"])
        copies = protocol.copies(clean, level, draw + 1, int(row["id"]), level)
        assert np.array_equal(pixels, copies[draw, 0].mul(255).round())
        assert level or np.array_equal(pixels, clean[0])
        error = np.square(pixels - clean[0].numpy().astype(float)).mean()
        assert float(row["psnr"]) == pytest.approx(10 * np.log10(255**2 / error) if level else np.inf, abs=1e-3)


@pytest.mark.parametrize("scores", ["logits", "probabilities"])
def test_predictions_make_the_evaluation_that_the_model_here_makes(
    scores: str, there: Path, importing: Main, tmp_path: Path
) -> None:
    found = predictions(there)
    if scores == "probabilities":
        found = {file: torch.tensor(row).softmax(0).tolist() for file, row in found.items()}
    rows = [[file, *row] for file, row in found.items()]
    random.Random(0).shuffle(rows)
    path = write(tmp_path / "camera.csv", ["file", *map(str, range(10))], rows)
    assert importing(path, "draws=draws", f"output={tmp_path / 'made'}") == (0, "")
    here, made = (cs.StabilityResult.read(folder) for folder in (there / "evaluation", tmp_path / "made"))
    for name, column in here.rows.items():
        power, atol = (2, 4 / SQUARE_UNIT) if name == "margin_sd" else (1, 1e-6)  # sums of squares are in whole units
        np.testing.assert_allclose(made.rows[name] ** power, column**power, rtol=1e-4, atol=atol, err_msg=name)
    np.testing.assert_array_equal(made.confusion, here.confusion)
    np.testing.assert_allclose(made.ece, here.ece, atol=1e-5)
    assert directory.finished(tmp_path / "made") == "evaluate"
    assert read_json(tmp_path / "made/summary.json")["run"] == "camera"


def test_copies_and_predictions_say_how_far_they_are(
    there: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(there)
    assert call(monkeypatch, app.draws, "dataset=digits", *PROTOCOL, f"output={tmp_path / 'copies'}") == 0
    assert "\nimages 20/20, " in f"\n{capfd.readouterr().out}"
    rows = [[file, 0] for file in predictions(there)]
    path = write(tmp_path / "camera.csv", ["file", "prediction"], rows)
    assert call(monkeypatch, app.predictions, "logger=none", path, "draws=draws", f"output={tmp_path / 'made'}") == 0
    assert "\ndraws 140/140, " in f"\n{capfd.readouterr().out}"  # of 20 images: one clean, 3 of each of two levels


def test_of_decisions_alone_nothing_is_said_about_confidence(there: Path, importing: Main, tmp_path: Path) -> None:
    decisions = [[file, int(np.argmax(row))] for file, row in predictions(there).items()]
    path = write(tmp_path / "decisions.csv", ["file", "prediction"], decisions)
    assert importing(path, "draws=draws", f"output={tmp_path / 'made'}", "name=camera") == (0, "")
    here, made = (cs.StabilityResult.read(folder) for folder in (there / "evaluation", tmp_path / "made"))
    np.testing.assert_array_equal(made.confusion, here.confusion)
    np.testing.assert_array_equal(made.flip_probability.value, here.flip_probability.value)
    for values in (made.ece, made.aurc, made.accuracy_at(), made.brier.value, made.nll):
        assert np.isnan(values).all()
    assert made.top5 is None
    summary = read_json(tmp_path / "made/summary.json")
    assert (summary["ece"], summary["protocol"]["score"]) == ([None] * 3, "none")
    figures = {path.name for path in (tmp_path / "made/figures").iterdir()}
    assert "curves.png" in figures
    assert not figures & {"scatter_0.png", "calibration.png"}
    call_in(there, app_report, str(tmp_path / "made"), "--output", str(tmp_path))
    assert "Score against PSNR" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def app_report() -> None:
    from convstab.commands.results.report import main  # noqa: PLC0415 - what reads sys.argv

    main()


def test_what_an_image_cannot_have_is_left_out(there: Path, importing: Main, tmp_path: Path) -> None:
    words = ["dataset=digits", "degradation=jpeg", "psnr=[30,20]", "images=[0,224,449]", f"output={tmp_path / 'jpeg'}"]
    call_in(there, app.draws, *words)
    files = [row["file"] for row in manifest(tmp_path / "jpeg")]
    assert len(files) < 3 * 3
    path = write(tmp_path / "p.csv", ["file", "prediction"], [[file, 2] for file in files])
    assert importing(path, f"draws={tmp_path / 'jpeg'}", f"output={tmp_path / 'made'}") == (0, "")
    made = cs.StabilityResult.read(tmp_path / "made")
    assert made.rows["draws"].sum() == len(files)
    assert made.confusion.sum() == made.confusion[:, :, 2].sum() == len(files)


def test_the_order_of_the_manifest_does_not_matter(there: Path, importing: Main, tmp_path: Path) -> None:
    draws = tmp_path / "draws"
    draws.mkdir()
    (draws / "draws.json").write_bytes((there / "draws/draws.json").read_bytes())
    rows = manifest(there / "draws")
    turned = sorted(rows, key=lambda row: (row["psnr"], row["file"]))
    write(draws / "manifest.csv", list(rows[0]), [list(row.values()) for row in turned])
    path = write(tmp_path / "p.csv", ["file", "prediction"], [[row["file"], row["label"]] for row in rows])
    assert importing(path, f"draws={draws}", f"output={tmp_path / 'made'}") == (0, "")
    assert (cs.StabilityResult.read(tmp_path / "made").accuracy.value == 1).all()


def test_probabilities_may_be_rounded_and_what_is_neither_is_refused(
    there: Path, importing: Main, tmp_path: Path
) -> None:
    rows = [[file, *torch.tensor(row).softmax(0).numpy().round(2).tolist()] for file, row in predictions(there).items()]
    assert any(abs(sum(row[1:]) - 1) > 0.005 for row in rows)
    path = write(tmp_path / "p.csv", ["file", *map(str, range(10))], rows)
    assert importing(path, "draws=draws", f"output={tmp_path / 'made'}") == (0, "")
    here, made = (cs.StabilityResult.read(folder) for folder in (there / "evaluation", tmp_path / "made"))
    np.testing.assert_allclose(made.rows["score_mean"], here.rows["score_mean"], atol=0.02)
    path = write(tmp_path / "q.csv", ["file", *map(str, range(10))], [[file, *[0.3] * 10] for file, *_ in rows])
    code, error = importing(path, "draws=draws", f"output={tmp_path / 'other'}")
    assert (code, "has scores in [0, 1] that sum to 3 for a file" in error) == (2, True)


def test_a_folder_is_completed_and_never_mixed(
    there: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    draw = caller(monkeypatch, capfd, tmp_path, app.draws, "dataset=digits", "images=3", "output=out", "draws=2")
    assert draw("levels=[9]") == (0, "")
    files = sorted(Path("out/images").rglob("*.png"))
    kept, gone = files[0], files[3]
    content = gone.read_bytes()
    gone.unlink()
    kept.write_bytes(b"mine")
    Path("out/manifest.csv").unlink()
    assert draw("levels=[9]") == (0, "")
    assert (gone.read_bytes(), kept.read_bytes()) == (content, b"mine")
    code, error = draw("levels=[10]")
    assert (code, error) == (2, "convstab: out holds other draws, by its draws.json; choose another output=\n")
    Path("out/images").rename("out/moved")
    assert draw("levels=[9]", "skip_done=true") == (0, "")
    assert not Path("out/images").exists()


def test_names_of_files_tell_all_levels_apart(there: Path, tmp_path: Path) -> None:
    levels = "levels=[0.1,1.0000001,1.0000002,40]"
    call_in(there, app.draws, "dataset=digits", "images=[0]", levels, "draws=1", f"output={tmp_path / 'out'}")
    names = sorted(path.name for path in (tmp_path / "out").rglob("*.png"))
    assert names == ["0.1_000.png", "1.0000001_000.png", "1.0000002_000.png", "40_000.png", "clean.png"]


Rows = list[list[Any]]
MISTAKES: dict[str, tuple[Callable[[Rows], Rows | None], str]] = {
    "no file": (lambda _: None, "cannot be read as a CSV table"),
    "a column is called otherwise": (lambda rows: [["name", "prediction"], *rows], "has no column file; it has name"),
    "no predictions": (
        lambda rows: [["file", "class"], *rows],
        "neither a column prediction nor one for each class: 0",
    ),
    "a file is missing": (lambda rows: [["file", "prediction"], *rows[1:]], "lacks 1 of 140 files, such as images/"),
    "a file is there twice": (lambda rows: [["file", "prediction"], *rows, rows[3]], "twice; it must list each file"),
    "a file is not known": (
        lambda rows: [["file", "prediction"], *rows, ["x.png", 1]],
        "lists x.png, which the manifest does not",
    ),
    "a column is there twice": (
        lambda rows: [["file", "prediction", "file"], *([*row, row[0]] for row in rows)],
        "has two columns file",
    ),
    "a class is not known": (lambda rows: [["file", "prediction"], *rows[1:], [rows[0][0], "cat"]], "predicts 'cat'"),
    "a score is no number": (
        lambda rows: [["file", *range(10)], *([file, *["?"] * 10] for file, _ in rows)],
        "column 0: could not convert string to float",
    ),
    "a score is not finite": (
        lambda rows: [["file", *range(10)], *([file, *["nan"] * 10] for file, _ in rows)],
        "column 0 holds scores that are infinite or not numbers",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_table_that_does_not_fit_is_refused(mistake: str, there: Path, importing: Main, tmp_path: Path) -> None:
    make, said = MISTAKES[mistake]
    table = make([[row["file"], 0] for row in manifest(there / "draws")])
    path = f"path={tmp_path / 'none.csv'}" if table is None else write(tmp_path / "p.csv", table[0], table[1:])
    code, error = importing(path, "draws=draws", f"output={tmp_path / 'made'}")
    assert (code, len(error.splitlines())) == (2, 1)
    assert said in error
    assert not (tmp_path / "made").exists()


def test_draws_of_other_images_or_of_other_code_are_refused(there: Path, importing: Main, tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", ["file", "prediction"], [[row["file"], 0] for row in manifest(there / "draws")])
    settings = read_json(there / "draws/draws.json")
    (tmp_path / "draws").mkdir()
    (tmp_path / "draws/manifest.csv").write_bytes((there / "draws/manifest.csv").read_bytes())
    system = {"dataset": settings["dataset"] | {"load": {"_target_": "os.system", "command": "touch hacked"}}}
    for change, said in (
        ({"data": "0" * 64}, "are no longer those that"),
        (system, "dataset.load._target_ is os.system; a run names nothing but convstab's own"),
        ({"protocol": {}}, "is not what convstab-draws writes"),
        ({"dataset": {}}, "is not what convstab writes: dataset._target_"),
        ({"images": "all"}, "is not what convstab writes: images"),
        ({"dataset": settings["dataset"] | {"root": "${oc.env:HOME}"}}, "dataset.root is ${oc.env:HOME}"),
    ):
        write_json(tmp_path / "draws/draws.json", settings | change)
        code, error = importing(path, f"draws={tmp_path / 'draws'}", f"output={tmp_path / 'made'}")
        assert (code, len(error.splitlines())) == (2, 1), error
        assert said in error
    assert not (there / "hacked").exists()
    code, error = importing(path, f"draws={tmp_path}")
    assert (
        error == f"convstab: draws={tmp_path} has no draws.json; it must be a folder that convstab-draws has written\n"
    )
