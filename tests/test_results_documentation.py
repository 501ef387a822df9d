"""What docs/results.md says of files, columns, keys and ranges is so, of results that the commands just wrote."""

import csv
import math
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import convstab as cs
from convstab.attacks import integrity as of_attacks
from convstab.bounds import tables
from convstab.bounds.instances import Question
from convstab.commands import app
from convstab.commands.results import figures, require
from convstab.commands.results import ledger as of_images
from convstab.commands.results import members as of_ensembles
from convstab.evaluation import integrity as of_evaluations
from convstab.evaluation.protocol import Protocol
from convstab.figures.redraw import RELATIVE
from convstab.files import SUMMARY, read_json
from convstab.files.arrays import read_arrays
from convstab.images import NAME
from convstab.units import COLUMNS as UNITS
from tests.support.in_process import call_in, train_short

TEXT = (Path(__file__).parents[1] / "docs/results.md").read_text(encoding="utf-8")
AT_TIMES = {"seconds", "images_per_second", "model", "level_median", "level_90"}  # not always in a summary
ONLY_WITH_AUTO = {"pilot.json"}
PARTS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", TEXT, flags=re.M | re.S))


def documented(heading: str) -> dict[str, list[str]]:
    """What the table under a heading says of each name."""
    rows = re.findall(r"^\| `([^`]+)` \| (.*) \|$", PARTS[heading], flags=re.MULTILINE)
    found = {name: cells.split(" | ") for name, cells in rows}
    assert len(found) == len(rows) > 0
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of the digits, which are ten classes, with an evaluation and an attack."""
    where = train_short(tmp_path_factory.mktemp("documented"), {"one": []})
    evaluate = ["logger=none", "images=60", "draws=3", "levels=[10,60]", "run=one"]
    call_in(where, app.evaluate, *evaluate, "output=other")
    call_in(where, app.evaluate, *evaluate, "output=evaluation", "compare=[other]")
    call_in(where, app.draws, "dataset=digits", "images=2", "draws=1", "output=draws")
    genetic = ["attack=genetic", "attack.population=8", "attack.tournament=2", "max_queries=100", "images=3"]
    call_in(where, app.attack, "logger=none", *genetic, "run=one", "output=attack")
    call_in(where, figures.main, "evaluation", "--reference", "evaluation")
    return where


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_files_are_those_that_are_written(folder: Path) -> None:
    for kind, command in (("evaluation", "evaluate"), ("attack", "attack")):
        there = {f"{path.name}/" if path.is_dir() else path.name for path in (folder / kind).iterdir()}
        said = {name for name, (of, _) in documented("Files").items() if of in ("both", command)}
        assert there - {"evaluate.log", "attack.log", ".hydra/", ".lock"} == said - ONLY_WITH_AUTO


def test_a_pilot_leaves_the_file_that_is_documented(folder: Path) -> None:
    words = "logger=none", "images=60", "levels=[10]", "run=one", "draws=auto", "output=auto"
    call_in(folder, app.evaluate, *words)
    there = {path.name for path in (folder / "auto").iterdir()}
    assert there >= ONLY_WITH_AUTO <= documented("Files").keys()


MCE = "Relative to another model: mCE"
CSV = [
    ("results.csv", "evaluation/results.csv"),
    ("table.csv", "evaluation/table.csv"),
    (MCE, f"evaluation/figures/{RELATIVE}"),
    ("Two models on the same draws: paired.csv", "evaluation/paired.csv"),
    ("Draws as files: manifest.csv", "draws/manifest.csv"),
]


@pytest.mark.parametrize(("heading", "path"), CSV)
def test_columns_of_csv_files_in_their_order(folder: Path, heading: str, path: str) -> None:
    assert list(documented(heading)) == list(rows_of(folder / path)[0])


@pytest.mark.parametrize(
    ("heading", "kind", "never"),
    [
        ("stability.parquet", "evaluation", {"applied", NAME, *UNITS}),
        ("confusion.parquet", "evaluation", set()),
        ("minimum_noise.parquet", "attack", {*UNITS, *of_attacks.OWN_COLUMNS}),
        ("convergence.parquet", "attack", set()),
    ],
)
def test_columns_of_tables_in_their_order(folder: Path, heading: str, kind: str, never: set[str]) -> None:
    there = pq.read_table(folder / kind / heading).column_names
    assert [name for name in documented(heading) if name not in never] == there


def test_columns_of_questions_and_verdicts() -> None:
    assert list(documented("questions.csv")) == [field.name for field in fields(Question)]
    assert tuple(documented("verdicts.csv")) == tables.HEAD


def test_columns_that_are_not_always_there() -> None:
    by_psnr = Protocol((math.inf, 30.0), by_psnr=True)
    assert set(documented("stability.parquet")) == {*of_evaluations.columns_of(by_psnr, 10), *of_evaluations.OPTIONAL}
    assert set(documented("minimum_noise.parquet")) == {*of_attacks.COLUMNS, *of_attacks.OWN_COLUMNS, *UNITS}
    assert set(documented("convergence.parquet")) == set(of_attacks.HISTORY)


def test_columns_of_the_ledger_in_their_order(folder: Path) -> None:
    call_in(folder, of_images.main, "evaluation", "attack", "--bounds", "--thickness", "--output", "ledger")
    there = pq.read_table(folder / "ledger/ledger.parquet").column_names
    name = read_json(folder / "attack" / SUMMARY)["attack"]
    levels = {"<attack>": [name], "<level>": ["10", "60"], "<sigma>": ["10", "60"]}
    said = [column for column in documented("ledger.parquet") if column not in (NAME, *UNITS)]
    of_each = {
        re.sub("<.*>", place, column) for column in said for mark in levels if mark in column for place in levels[mark]
    }
    always = [column for column in said if "<" not in column]
    assert [name for name in there if name not in of_each] == always
    assert set(there) == {*always, *of_each}


def test_columns_of_margins_in_their_order(folder: Path) -> None:
    call_in(folder, of_images.main, "evaluation", "--output", "of_margins")
    rows, said = rows_of(folder / "of_margins/margins.csv"), documented("margins.csv")
    assert list(rows[0]) == list(said)
    assert [row["label"] for row in rows] == [label for label in ("", *map(str, range(10))) for _ in (10, 60)]
    for name in ("below_zero", "flips"):
        assert said[name][0] == "[0, 1]"
        assert all(0 <= float(row[name]) <= 1 for row in rows if row[name])


def test_columns_of_an_ensemble_and_its_members_in_their_order(tmp_path: Path) -> None:
    where = train_short(tmp_path, {"one": [], "two": ["seed=1"]})
    for run, output in (("[one,two]", "both"), ("one", "of_one"), ("two", "of_two")):
        few = ["logger=none", "images=30", "draws=2", "levels=[60]", f"run={run}", f"output={output}"]
        call_in(where, app.evaluate, *few)
    call_in(where, of_ensembles.main, "both", "of_one", "of_two")
    rows = rows_of(where / "both/members/members.csv")
    said = documented("An ensemble and its members: members.csv")
    always, of_each = ([name for name in said if ("<" in name) is each] for each in (False, True))
    each = [name.replace("<member>", member) for member in ("one", "two") for name in of_each]
    assert list(rows[0]) == [*always, *each]
    for name in always[1:]:
        low, high = (0, 30) if name == "common" else (-1, 1) if "-1" in said[name][0] else (0, 1)
        assert all(low <= float(row[name]) <= high for row in rows if row[name]), name


@pytest.mark.parametrize(("heading", "kind"), [("histogram.npz", "evaluation"), ("noise.npz", "attack")])
def test_arrays_and_their_shapes(folder: Path, heading: str, kind: str) -> None:
    arrays, said = read_arrays(folder / kind / heading), documented(heading)
    assert set(arrays) == set(said)
    letters: dict[str, int] = {"K": 10, "levels": 3}
    for name, (shape, _) in said.items():
        words = [word for word in re.split(r"[(), ]+", shape) if word]
        assert len(words) == arrays[name].ndim, name
        for word, size in zip(words, arrays[name].shape, strict=True):
            assert size == (int(word) if word.isdigit() else letters.setdefault(word, size)), name


@pytest.mark.parametrize(("kind", "command"), [("evaluation", "an evaluation"), ("attack", "an attack")])
def test_keys_of_summaries(folder: Path, kind: str, command: str) -> None:
    there = set(read_json(folder / kind / SUMMARY))
    said = set(documented(f"summary.json of {command}"))
    assert there <= said
    assert said - there <= AT_TIMES


def numbers(folder: Path) -> Iterator[tuple[str, str, Any]]:
    """What is documented with a range, and its values: of tables, CSV files and summaries."""
    for heading, kind in (("stability.parquet", "evaluation"), ("minimum_noise.parquet", "attack")):
        table = pq.read_table(folder / kind / heading)
        yield from ((heading, name, table[name].to_numpy()) for name in table.column_names)
    rows = rows_of(folder / "evaluation/results.csv")
    yield from (("results.csv", name, [float(row[name]) for row in rows]) for name in rows[0] if name not in WORDS)
    for heading, kind in (("summary.json of an evaluation", "evaluation"), ("summary.json of an attack", "attack")):
        for key, value in read_json(folder / kind / SUMMARY).items():
            several = list(value.values()) if isinstance(value, dict) else value
            if key not in ("run", "attack", "intervals_over", "protocol", "training", "made_with"):
                values = np.array(several, float).ravel()
                yield heading, key, values[~np.isnan(values)]  # null: there is nothing to count


WORDS = ("model", "degradation", "quantity")


def test_keys_of_requirements_in_their_order(folder: Path) -> None:
    text = "requirements: [{metric: accuracy, level: clean, at_least: 0.01}]"
    (folder / "r.yaml").write_text(text, encoding="utf-8")
    call_in(folder, require.main, "r.yaml", "evaluation", "--output", "required")
    there = read_json(folder / "required/requirements.json")
    assert list(there["requirements"][0]) == list(documented("requirements.json"))
    assert set(there) == set(re.findall("`([a-z]+)`", PARTS["requirements.json"].partition("\n|")[0]))


def test_values_lie_in_their_ranges(folder: Path) -> None:
    checked = 0
    for heading, name, values in numbers(folder):
        unit = documented(heading)[name][0]
        limits = re.search(r"\[(\d+), (\d+)\]", unit)
        least = 0 if "from 0" in unit or unit == "count" else None
        low, high = map(float, limits.groups()) if limits else (least, None)
        if low is not None:
            assert (np.asarray(values, float) >= low).all(), name
            checked += 1
        if high is not None:
            assert (np.asarray(values, float) <= high + 1e-6).all(), name
    assert checked > 40


def test_the_table_in_python_is_that_of_the_file(folder: Path) -> None:
    result = cs.StabilityResult.read(folder / "evaluation")
    assert ["model", *result.by_level().columns] == list(documented("results.csv"))
    assert result.to_pandas().columns.tolist() == pq.read_table(folder / "evaluation/stability.parquet").column_names
