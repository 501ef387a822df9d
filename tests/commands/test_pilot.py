"""The command evaluate with draws=auto: told by a pilot once, and kept by all who work on one result."""

import json
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from convstab.commands import app, evaluate
from convstab.evaluation.pilot.draws import Enough
from convstab.evaluation.result import STABILITY, StabilityResult
from convstab.files import SUMMARY, write_json
from convstab.runs.settled import DRAWS
from tests.support.in_process import Main, caller

QUICK = ["logger=none", "images=60", "levels=[8,40]", "slice=20", "run=one", "precision=float32"]
TOLD = (1, 2, 6)


@pytest.fixture
def main(trained: Path, made: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Main:
    return caller(monkeypatch, capfd, trained, app.evaluate, *QUICK, f"output={made}")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Puts a fixed answer in place of the pilot; what it was asked with: how far draws may move an accuracy."""
    found: list[Any] = []

    def stand_in(*given: Any, **_: Any) -> Enough:
        found.append(given[-1])
        return Enough(TOLD, "told")

    monkeypatch.setattr(evaluate, "enough_draws", stand_in)
    return found


def protocol_of(folder: Path) -> Any:
    return json.loads((folder / SUMMARY).read_text())["protocol"]["draws"]


def test_the_pilot_of_the_digits_tells_draws_and_its_result_holds_them(main: Main, made: Path) -> None:
    assert main("draws=auto") == (0, "")
    draws = StabilityResult.read(made).protocol.draws_of
    assert protocol_of(made) == draws == json.loads((made / DRAWS.file).read_text())["draws"]
    assert draws[0] == 1
    assert 2 <= draws[1] <= draws[2] <= 96
    assert "draws alone may move an accuracy by" in (made / "table.md").read_text()


def test_it_is_asked_once(main: Main, made: Path, asked: list[Any]) -> None:
    assert main("draws=auto", "within=0.5", "shard=2/3")[0] == 0
    assert main("draws=auto", "within=0.5", "shard=1/3", "seed=0")[0] == 0
    assert not (made / STABILITY).exists()
    assert main("draws=auto", "within=0.5") == (0, "")
    assert asked == [0.5]
    assert protocol_of(made) == [*TOLD]
    whole = (made / STABILITY).read_bytes()
    (made / "parts" / "part-00001.parquet").unlink()
    (made / DRAWS.file).unlink()
    assert main("draws=auto", "within=0.5") == (0, "")  # the other parts say it
    assert (asked, (made / STABILITY).read_bytes()) == ([0.5], whole)
    assert main("draws=[2,6]", f"output={made}-named") == (0, "")
    assert (made.with_name("made-named") / STABILITY).read_bytes() == whole


def test_what_another_shard_has_settled_meanwhile_is_kept(
    main: Main, made: Path, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the pilot of one shard runs, another one settles draws and forward pass, and writes its parts."""
    other = made.with_name("other")
    assert main("draws=auto", "shard=1/2", f"output={other}")[0] == 0

    def pilot(*_: Any, **__: Any) -> Enough:
        copytree(other, made, dirs_exist_ok=True)
        return Enough((1, 4, 4), "another")

    monkeypatch.setattr(evaluate, "enough_draws", pilot)
    assert main("draws=auto", "shard=2/2") == (0, "")
    assert protocol_of(made) == [*TOLD]


def test_a_pilot_of_another_configuration_is_refused(main: Main, made: Path, asked: list[Any]) -> None:
    made.mkdir()
    assert main("draws=auto", "within=0.5", "shard=1/2")[0] == 0
    for part in (made / "parts").iterdir():
        part.unlink()
    code, said = main("draws=auto", "levels=[10]")
    line = f"{made}/pilot.json was made for another configuration; delete it, or choose another output="
    assert (code, said.strip()) == (2, f"convstab: {line}")


@pytest.mark.parametrize("words", [["draws=auto"], ["draws=auto", "within=0.6"], ["draws=6"]])
def test_what_was_told_for_another_wish_is_refused(main: Main, made: Path, asked: list[Any], words: list[str]) -> None:
    assert main("draws=auto", "within=0.5") == (0, "")
    code, said = main(*words)
    assert code == 2
    assert f"{made}/pilot.json was made for another configuration" in said or "was made with another" in said
    assert asked == [0.5]


def test_a_damaged_file_without_parts_is_named(main: Main, made: Path, asked: list[Any]) -> None:
    made.mkdir()
    write_json(made / DRAWS.file, {"draws": [1, 2, 0], "asked": ""})
    code, said = main("draws=auto")
    assert (code, asked) == (2, [])
    assert said.strip() == f"convstab: {made}/pilot.json names no draws of each level; delete it"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["within=0.5"], "within=0.5 has no effect without draws=auto"),
        (["draws=[2,3,4,5]"], "draws has 4 numbers; it must be one number, or one for each of 3 levels"),
        (["draws=auto", "within=0.0001"], "within=0.0001 points would take more than 6,144 draws of each image"),
    ],
)
def test_bad_input_ends_in_a_line(main: Main, made: Path, words: list[str], line: str) -> None:
    code, said = main(*words)
    assert code == 2
    assert said.strip().startswith(f"convstab: {line}")
    assert len(said.strip().splitlines()) == 1
    assert not (made / "parts").exists()
