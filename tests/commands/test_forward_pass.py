"""The command evaluate and its forward pass: asked for, chosen, and kept by all who work on one result."""

import json
from pathlib import Path

import numpy as np
import pytest

from convstab.commands import app
from convstab.evaluation.pilot import forward as choice
from convstab.evaluation.result import STABILITY, StabilityResult
from convstab.files import SUMMARY
from convstab.runs.settled import FORWARD
from tests.support.in_process import Main, caller

QUICK = ["logger=none", "images=30", "draws=2", "levels=[40]", "slice=10", "run=one"]


@pytest.fixture
def main(trained: Path, made: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Main:
    return caller(monkeypatch, capfd, trained, app.evaluate, *QUICK, f"output={made}")


def forward_of(made: Path) -> str:
    return str(json.loads((made / SUMMARY).read_text())["made_with"]["forward"])


def test_little_work_is_done_in_float32(main: Main, made: Path) -> None:
    assert main() == (0, "")
    assert forward_of(made) == FORWARD.settled(made) == "float32"


def test_a_compiled_pass_goes_on_where_it_was_stopped(main: Main, made: Path) -> None:
    words = "precision=bfloat16", "compile=true"
    assert main(*words) == (0, "")
    assert forward_of(made) == FORWARD.settled(made) == "bfloat16 compiled"
    whole = (made / STABILITY).read_bytes()
    (made / "parts" / "part-00001.parquet").unlink()
    (made / STABILITY).unlink()
    assert main(*words, "batch_size=16") == (0, "")
    assert (made / STABILITY).read_bytes() == whole
    exact = StabilityResult.read(made)
    assert main(f"output={made}-32", "precision=float32") == (0, "")
    other = StabilityResult.read(made.with_name("made-32"))
    assert not np.array_equal(exact.rows["score_mean"], other.rows["score_mean"])
    assert np.abs(exact.rows["score_mean"] - other.rows["score_mean"]).max() < 0.02


def test_what_pays_is_chosen_and_said(main: Main, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "PAYS", 0.0)
    monkeypatch.setattr(choice, "calibrate", lambda workers: {"float32": 100.0}.get(workers.forward.name, 200.0))
    monkeypatch.setattr(choice, "COMPARED", 4)  # images: of 90 draws, to compare more takes longer than it saves
    monkeypatch.setattr(choice.Difference, "counts_alike", True)
    code, _ = main()
    assert code == 0
    assert forward_of(made) == "bfloat16 compiled"


def test_what_another_process_has_settled_is_kept(main: Main, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "PAYS", 0.0)
    FORWARD.settle(made, "bfloat16")
    assert main("precision=bfloat16") == (0, "")
    assert forward_of(made) == "bfloat16"
    other = made.with_name("other")
    assert main(f"output={other}", "precision=float32") == (0, "")
    scores, exact = (StabilityResult.read(folder).rows["score_mean"] for folder in (made, other))
    assert not np.array_equal(scores, exact)
    assert np.abs(scores - exact).max() < 0.02


@pytest.mark.parametrize("words", [["precision=float32"], []])
def test_another_forward_pass_than_that_of_the_folder_is_refused(main: Main, made: Path, words: list[str]) -> None:
    FORWARD.settle(made, "bfloat16")
    code, said = main(*words)
    assert code == 2
    asked = "precision=float32 compile=auto" if words else "precision=auto compile=auto"
    begun = f"convstab: {made} was begun in bfloat16, which {asked} does not take; choose another output="
    assert said.strip() == begun


def test_a_damaged_part_is_made_again_in_the_same_forward_pass(main: Main, made: Path) -> None:
    words = "precision=bfloat16", "compile=false"
    assert main(*words) == (0, "")
    whole, part = (made / STABILITY).read_bytes(), made / "parts" / "part-00001.parquet"
    content = bytearray(part.read_bytes())
    content[60] ^= 1
    part.write_bytes(content)
    assert main(*words)[0] == 0
    assert (made / STABILITY).read_bytes() == whole


def test_parts_say_their_forward_pass_where_its_file_is_gone(main: Main, made: Path) -> None:
    words = "precision=bfloat16", "compile=false"
    assert main(*words) == (0, "")
    whole = (made / STABILITY).read_bytes()
    (made / "parts" / "part-00002.parquet").unlink()
    (made / FORWARD.file).unlink()
    assert main(*words) == (0, "")
    assert (made / STABILITY).read_bytes() == whole
    (made / FORWARD.file).write_text("{")
    assert main(*words) == (0, "")
    assert (made / STABILITY).read_bytes() == whole


def test_float32_that_is_to_be_compiled_is_refused(main: Main, made: Path) -> None:
    code, said = main("precision=float32", "compile=true")
    assert code == 2
    assert said.strip() == "convstab: compile=true needs precision=bfloat16 or auto: float32 is not compiled"
    assert not made.exists()
