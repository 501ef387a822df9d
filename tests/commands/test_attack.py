"""The command attack: what train left goes in, verified noise comes out, whatever happens in between."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import torch

from convstab.attacks.result import CONVERGENCE, MINIMUM_NOISE, NOISE, AttackResult
from convstab.commands import app
from convstab.commands.results import figures
from convstab.files import CONFIG, SUMMARY
from convstab.loggers import results
from convstab.runs.directory import FINISHED
from convstab.runs.run import Run, load_run
from tests.support.in_process import Main, call_in, caller, train_short

ROOT = Path(__file__).parents[2]
PLACES = list(range(0, 192, 8))
QUICK = ["logger=none", f"images={PLACES}", "max_queries=400", "slice=5"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short trainings that differ in their seed."""
    return train_short(tmp_path_factory.mktemp("trained"), {"one": ["seed=0"], "two": ["seed=1"]})


@pytest.fixture
def main(trained: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Main:
    """Attack in this process; the exit code and the error stream."""
    return caller(monkeypatch, capfd, trained, app.attack, *QUICK)


@pytest.fixture(scope="module")
def whole(trained: Path) -> Path:
    """An attack that nothing interrupted."""
    call_in(trained, app.attack, *QUICK, "run=one", "output=whole", drawn=True)
    return trained / "whole"


def table(folder: Path) -> pa.Table:
    """All columns but the one that differs from time to time."""
    return pq.ParquetFile(folder / MINIMUM_NOISE).read().drop_columns(["seconds"])


def assert_same(folder: Path, other: Path) -> None:
    assert table(folder).equals(table(other))
    assert (folder / NOISE).read_bytes() == (other / NOISE).read_bytes()


def assert_verified(folder: Path, run: Run) -> int:
    """Classify every noisy image as a user would; the number of successes."""
    rows, arrays = table(folder).to_pydict(), np.load(folder / NOISE)
    clean = run.test.pixels.numpy().astype(np.float32)
    noise = arrays["noise"]
    assert noise.dtype == np.float32
    assert arrays["index"].tolist() == rows["index"] == run.test.ids.tolist()
    noisy = clean + noise
    assert noisy.min() >= 0
    assert noisy.max() <= 255
    with torch.inference_mode():
        predicted = run.model(torch.from_numpy(noisy / 255)).argmax(1)
    fooled = (predicted != run.test.labels).numpy()
    success, attacked = np.array(rows["success"]), np.array(rows["attacked"])
    assert fooled[success].all()
    norms = np.linalg.norm((noisy - clean).reshape(len(noisy), -1) / 255, axis=1)
    np.testing.assert_allclose(np.array(rows["l2"]), norms, rtol=1e-4)
    assert not noise[~attacked].any()
    return int(success.sum())


def test_an_attack_leaves_its_run_directory(whole: Path) -> None:
    assert {path.name for path in whole.iterdir()} >= {MINIMUM_NOISE, NOISE, SUMMARY, "parts", CONFIG}
    assert len(list((whole / "parts").glob("part-*"))) == 5
    numbers = json.loads((whole / SUMMARY).read_text())
    rows = table(whole).to_pydict()
    assert (numbers["run"], numbers["attack"], numbers["images"]) == ("one", "Genetic", 24)
    assert numbers["attacked"] == sum(rows["attacked"])
    assert numbers["success_rate"] == sum(rows["success"]) / sum(rows["attacked"])
    assert max(rows["queries"]) <= 400
    assert not list(whole.rglob("*.tmp"))


def test_the_folder_says_all_that_figures_need(whole: Path, trained: Path) -> None:
    result, run = AttackResult.read(whole), load_run(str(trained / "one"), "runs", images=PLACES)
    assert (result.run, result.attack, result.classes) == ("one", "Genetic", [str(digit) for digit in range(10)])
    np.testing.assert_array_equal(result.pixels, run.test.pixels.numpy())
    np.testing.assert_array_equal(result.rows["label"], run.test.labels.numpy())


@pytest.mark.slow
def test_the_figures_are_redrawn_from_the_tables_to_the_byte(whole: Path, tmp_path: Path) -> None:
    for name in (MINIMUM_NOISE, NOISE, CONVERGENCE, SUMMARY, CONFIG, FINISHED):
        shutil.copy(whole / name, tmp_path)
    figures.main([str(tmp_path)])
    drawn, first = (
        {path.name: path.read_bytes() for path in (folder / "figures").iterdir()} for folder in (tmp_path, whole)
    )
    assert {name.partition(".")[0] for name in drawn} == {"by_class", "convergence", "samples", "survival"}
    assert drawn == first


def test_other_attacks_join_the_figures(whole: Path, main: Main, tmp_path: Path) -> None:
    words = ["run=one", "attack=ddn", "attack.steps=20", f"output={tmp_path}"]
    assert main(*words, f"compare=[{whole}]") == (0, "")
    assert (tmp_path / "figures/against_reference.png").exists()
    assert not (whole / "figures/against_reference.png").exists()
    code, error = main(*words, "run=two", f"output={tmp_path / 'two'}", f"compare=[{whole}]")
    assert (code, len(error.splitlines())) == (2, 1), error
    assert error.startswith("convstab: DDN attacks two, Genetic attacks one; only attacks of one run compare")


def test_what_is_finished_can_be_left_as_it_is(whole: Path, main: Main, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    (tmp_path / "figures/samples.png").unlink()
    words = ["run=one", f"output={tmp_path}", "skip_done=true"]
    assert main(*words) == (0, "")
    assert not (tmp_path / "figures/samples.png").exists()
    next(tmp_path.glob("parts/part-*")).unlink()
    assert main(*words) == (0, "")
    assert (tmp_path / "figures/samples.png").exists()


def test_loggers_are_given_images_of_successes(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables: list[tuple[str, tuple[str, ...], list[list[Any]]]] = []
    monkeypatch.setattr(results, "log_table", lambda _, *table: tables.append(table))
    result = AttackResult.read(whole)
    results.log_attack([], whole, result)
    ((name, columns, rows),) = tables
    assert (name, columns) == ("attack/samples", results.SAMPLE_COLUMNS)
    assert len(rows) == min(results.SAMPLES, result.rows["success"].sum()) > 1
    assert [row[3] for row in rows] == sorted(row[3] for row in rows)
    for index, label, predicted, l2, _, clean, noisy in rows:
        place = PLACES.index(int(index))
        assert result.rows["success"][place]
        assert (label, predicted) == (str(result.rows["label"][place]), str(result.rows["predicted"][place]))
        np.testing.assert_array_equal(np.round(clean * 255), result.pixels[place].transpose(1, 2, 0))
        assert np.linalg.norm(noisy - clean) == pytest.approx(l2, rel=1e-4)
        assert noisy.min() >= 0
        assert noisy.max() <= 1


def test_every_success_fools_the_classifier(whole: Path, trained: Path) -> None:
    assert assert_verified(whole, load_run(str(trained / "one"), "runs", images=PLACES)) > 0


def test_images_that_are_misclassified_when_clean_are_listed_and_not_attacked(whole: Path) -> None:
    rows = table(whole).to_pydict()
    misclassified = [a != b for a, b in zip(rows["label"], rows["clean_predicted"], strict=True)]
    assert sum(misclassified) == json.loads((whole / SUMMARY).read_text())["clean_errors"] > 0
    assert [not attacked for attacked in rows["attacked"]] == misclassified
    assert not any(rows["queries"][row] or rows["success"][row] for row in range(24) if misclassified[row])


def test_shards_are_merged_by_the_last_one(whole: Path, main: Main, tmp_path: Path) -> None:
    for number in (2, 1):
        assert not (tmp_path / MINIMUM_NOISE).exists()
        assert main("run=one", f"output={tmp_path}", f"shard={number}/2") == (0, "")
    assert_same(whole, tmp_path)


def test_a_part_that_is_lost_is_made_again(whole: Path, main: Main, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    (tmp_path / MINIMUM_NOISE).unlink()
    parts = sorted((tmp_path / "parts").glob("part-*"))
    kept = parts[0].stat().st_mtime_ns
    parts[3].unlink()
    assert main("run=one", f"output={tmp_path}") == (0, "")
    assert_same(whole, tmp_path)
    assert parts[0].stat().st_mtime_ns == kept


def test_how_it_is_computed_changes_no_byte(whole: Path, main: Main, tmp_path: Path) -> None:
    assert main("run=one", f"output={tmp_path}", "attack.slots=2", "attack.batch_size=32", "slice=24") == (0, "")
    assert_same(whole, tmp_path)


@pytest.mark.slow
def test_a_killed_attack_goes_on(whole: Path, trained: Path, main: Main, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "attack.py"), *QUICK, "run=one", f"output={tmp_path}"]
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    with subprocess.Popen(command, cwd=trained, env=environment, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and not list(tmp_path.glob("parts/part-*")):
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    assert main("run=one", f"output={tmp_path}") == (0, "")
    assert_same(whole, tmp_path)


def test_an_ensemble_is_attacked_as_one(main: Main, trained: Path) -> None:
    words = ["run=[one,two]", "output=both", "attack=ddn", "attack.steps=20", f"images={PLACES[:12]}"]
    assert main(*words) == (0, "")
    run = load_run([str(trained / "one"), str(trained / "two")], "runs", images=PLACES[:12])
    assert assert_verified(trained / "both", run) > 0


def spoilt(monkeypatch: pytest.MonkeyPatch, misclassified: slice) -> None:
    """Let some images have a label that the classifier does not give."""

    def load(*words: Any) -> Run:
        run = load_run(*words)
        test = run.test
        with torch.inference_mode():
            predicted = run.model(test.pixels.float() / 255).argmax(1)
        test.labels[misclassified] = (predicted[misclassified] + 1) % len(run.test.classes)
        return run

    monkeypatch.setattr("convstab.commands.own.load_run", load)


def test_a_number_of_images_goes_to_the_one_that_completes_it(whole: Path, main: Main, tmp_path: Path) -> None:
    assert main("run=one", f"output={tmp_path}", "images=7", "attack=least_level", "attack.draws=1") == (0, "")
    rows = table(tmp_path).to_pydict()
    assert sum(rows["attacked"]) == 7
    assert rows["attacked"][-1]
    assert rows["index"] == list(range(len(rows["index"])))
    misclassified = [row for row, attacked in enumerate(rows["attacked"]) if not attacked]
    assert [rows["clean_predicted"][row] == rows["label"][row] for row in misclassified] == [False] * len(misclassified)


def test_more_images_than_there_are_mean_all(main: Main, tmp_path: Path) -> None:
    words = ["images=10000", "attack=least_level", "attack.draws=1", "max_queries=40", "slice=200"]
    assert main("run=one", f"output={tmp_path}", *words) == (0, "")
    assert table(tmp_path)["index"].to_pylist() == list(range(200))


def test_the_same_attack_goes_to_the_same_folder(main: Main, trained: Path) -> None:
    def folders() -> set[Path]:
        return set((trained / "runs/attack").glob("*"))

    words = ["run=one", "attack=least_level", "attack.draws=1", "images=[0,8]"]
    assert main(*words) == (0, "")
    (first,) = folders()
    assert first.name.startswith("one-LeastLevel_gaussian-")
    assert main(*words, "shard=1/2", "slice=5") == (0, "")
    assert folders() == {first}
    assert main(*words, "attack.doublings=5") == (0, "")
    assert len(folders()) == 2


def test_the_generations_of_each_image_are_kept(whole: Path) -> None:
    rows, history = table(whole).to_pydict(), pq.ParquetFile(whole / CONVERGENCE).read()
    for index, queries, generations, l2 in zip(
        *(rows[n] for n in ("index", "queries", "generations", "l2")), strict=True
    ):
        book = history.filter(pc.field("index") == index).to_pydict()
        assert book["generation"] == list(range(1, generations + 1))
        if generations:
            assert book["queries"][-1] == queries
            assert book["l2"][-1] == pytest.approx(l2, rel=1e-4)


@pytest.mark.parametrize(
    "words",
    [
        ["genetic"],
        ["paper", "attack.generations=3"],
        ["deepfool", "attack.steps=10"],
        ["ddn", "attack.steps=10"],
        ["carlini_wagner", "attack.steps=10", "attack.searches=2"],
        ["boundary", "attack.steps=20"],
        ["hopskipjump", "attack.steps=2"],
        ["square", "attack.steps=20"],
        ["nes", "attack.steps=2"],
        ["lbfgs", "attack.searches=4"],
        ["least_level", "attack.degradation=jpeg"],
    ],
    ids=lambda words: words[0],
)
def test_a_slice_with_nothing_to_attack_is_listed(
    words: list[str], main: Main, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt(monkeypatch, slice(4))
    code, error = main(
        "run=one", f"output={tmp_path}", f"images={PLACES[:8]}", "slice=4", f"attack={words[0]}", *words[1:]
    )
    assert (code, error) == (0, "")
    rows = table(tmp_path).to_pydict()
    assert len(rows["index"]) == 8
    assert not any(rows["attacked"][:4] + rows["queries"][:4])
    assert any(rows["attacked"][4:])
    assert all((queries > 0) == attacked for queries, attacked in zip(rows["queries"], rows["attacked"], strict=True))


def test_nothing_to_attack_at_all_is_bad_input(main: Main, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoilt(monkeypatch, slice(None))
    code, error = main("run=one", f"output={tmp_path}")
    assert (code, len(error.splitlines())) == (2, 1), error
    assert error.startswith("convstab: there is nothing to attack"), error
    assert not (tmp_path / SUMMARY).exists()


def test_parts_of_another_configuration_are_never_mixed(whole: Path, main: Main) -> None:
    before = (whole / CONFIG).read_bytes()
    for words in (["seed=1"], ["max_queries=500"], ["attack.mutation=0.5"], ["run=two"], ["images=[0,8]"]):
        code, error = main("run=one", f"output={whole}", *words)
        assert (code, len(error.splitlines())) == (2, 1), error
        assert "was made with another" in error
    assert (whole / CONFIG).read_bytes() == before


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["attack.population=1"], "attack.population is 1; it must be a whole number, at least 2"),
        (["attack.scales=[60,2]"], "attack.scales is [60, 2]; it must be two numbers above 0, the lower one first"),
        (["attack=carlini_wagner", "attack.rate=nan"], "attack.rate is nan; it must be a number above 0"),
        (["compare=[one]"], "one does not hold a whole attack: it has no minimum"),
        (["attack.tournament=41"], "attack.tournament is 41"),
        (["attack=paper", "attack.engine=loop"], "attack.engine is loop; it must be vectorised or deap"),
        (["attack.mutation=1.5"], "attack.mutation is 1.5; it must be in [0, 1]"),
        (["attack=ddn", "run=[one,two]", "rule=vote"], "DDN needs gradients"),
        (["images=[3,200]"], "images=[3, 200]: 200 is not a place in the test set; its 200 images are 0 to 199"),
    ],
)
def test_bad_input_ends_in_a_line(words: list[str], line: str, main: Main, tmp_path: Path) -> None:
    code, error = main("run=one", f"output={tmp_path / 'bad'}", *words)
    assert (code, len(error.splitlines())) == (2, 1), error
    assert error.startswith(f"convstab: {line}"), error
    assert not list(tmp_path.rglob("part-*"))
