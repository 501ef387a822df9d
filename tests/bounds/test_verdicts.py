"""The answers of a verifier: read as they are written, and held against what an attack found."""

import math
from pathlib import Path

import pytest

from convstab.bounds import tables
from convstab.bounds.instances import Question
from convstab.bounds.verdicts import Answer, check, nearest_counterexample, read_answers
from convstab.errors import InputError

ASKED = [Question(4, 1, 0.5, 1.25), Question(4, 1, 1, 1.25), Question(7, 0, 0.5, math.inf), Question(9, 2, 2, math.nan)]
ASKED += [Question(11, 0, 1, 1.5)]


def answers(folder: Path, *rows: str) -> list[Answer]:
    """What is read of these rows, in which {0} to {3} are the files of the questions."""
    path = folder / "results.csv"
    path.write_text("".join(f"{row}\n" for row in rows).format(*(one.file for one in ASKED)), encoding="utf-8")
    return read_answers(path, ASKED)


@pytest.mark.parametrize(
    ("row", "verdict", "seconds"),
    [
        ("{0},unsat,3.5", "verified", 3.5),
        ("acasxu,model.onnx,./{0},0.1,sat,7", "falsified", 7),
        ("{0},safe-incomplete,2", "verified", 2),
        ("{0},Timeout", "unknown", math.nan),
        ("{0},error_exit_code_1,2", "unknown", 2),
    ],
)
def test_words_of_verifiers(row: str, verdict: str, seconds: float, tmp_path: Path) -> None:
    read = answers(tmp_path, "onnx,vnnlib,result,seconds", row)
    assert [one.question for one in read] == ASKED
    assert read[0].verdict == verdict
    assert read[0].seconds == pytest.approx(seconds, nan_ok=True)
    assert {one.verdict for one in read[1:]} == {"unknown"}  # where there is no row


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["{0},unsat,1", "{1},perhaps,1"], "line 2: perhaps is no result"),
        (["{0},1.5"], "line 1: it must have one result"),
        (["vnnlib/image_5_radius_0.5.vnnlib,unsat,1"], "image_5_radius_0.5.vnnlib is not among the questions"),
        (["{0},unsat,1", "{0},sat,1"], "line 2: image_4_radius_0.5.vnnlib is there twice"),
    ],
)
def test_what_is_no_answer_is_refused_in_a_line(rows: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        answers(tmp_path, *rows)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv cannot be read"):
        read_answers(tmp_path / "nowhere.csv", ASKED)


@pytest.mark.parametrize(
    ("questions", "who", "at"),
    [
        ([Question(4, 1, 1.5, 1.25)], "the attack", "1.25"),
        ([Question(4, 1, 2, math.inf), Question(4, 1, 1, math.inf)], "the verifier", "1"),
    ],
)
def test_a_proof_against_a_counterexample_is_refused(questions: list[Question], who: str, at: str) -> None:
    """Of two questions the nearer one has a counterexample, and the farther one a proof."""
    first, *others = questions
    with pytest.raises(InputError) as error:
        check([Answer(first, "verified", 1), *(Answer(one, "falsified", 1) for one in others)])
    said = f"image 4 is verified within {first.radius:g} grey levels, and {who} has a counterexample at {at}:"
    assert str(error.value).startswith(said)
    assert "\n" not in str(error.value)


def test_proofs_below_counterexamples_pass(tmp_path: Path) -> None:
    """And one of another image is none against it, nor is an attack that found nothing, or was not made."""
    read = answers(tmp_path, "{0},unsat,1", "{1},sat,2", "{2},unsat,3", "{3},unsat,4")
    check(read)
    assert nearest_counterexample(4, read) == (1, "the verifier")
    assert nearest_counterexample(7, read)[0] == nearest_counterexample(9, read)[0] == math.inf


def test_a_table_says_between_what_the_distance_lies(tmp_path: Path) -> None:
    text = tables.as_markdown(answers(tmp_path, "{0},unsat,1", "{1},sat,2", "{2},unsat,3", "{3},unknown"))
    assert "Of 5 questions about 4 images: 2 verified, 1 falsified, 2 unknown." in text
    assert "Of 2 questions the results say no seconds" in text
    assert "For 1 images the verifier has a counterexample nearer than the attack's" in text
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    assert cells[2:] == [
        ["4", "1", "0.5", "1", "1.25", "0.5 to 1"],
        ["7", "0", "0.5", "-", "nothing", "0.5 to beyond"],
        ["9", "2", "0", "-", "-", "0 to beyond"],
        ["11", "0", "0", "-", "1.5", "0 to 1.5"],
    ]
