"""Predictions in a table: names or numbers, never both; probabilities or logits, and what is neither."""

from pathlib import Path

import pytest

from convstab.errors import InputError
from convstab.files.predictions import read_predictions

FILES = ["a.png", "b.png", "c.png", "d.png"]
NUMBERS = ("1", "2", "3")  # names of classes that look like numbers


def table(path: Path, head: str, rows: list[str]) -> Path:
    place = path / "out.csv"
    place.write_text("\n".join([f"file,{head}", *(f"{file},{row}" for file, row in zip(FILES, rows, strict=True))]))
    return place


@pytest.mark.parametrize(
    ("rows", "expected", "said"),
    [
        (["0", "1", "2", "1"], [0, 1, 2, 1], "taken for numbers"),
        (["1", "2", "3", "2"], [0, 1, 2, 1], "taken for names"),
        (["1", "2", "1", "2"], [0, 1, 0, 1], "taken for names"),
    ],
)
def test_a_column_has_names_or_numbers(
    rows: list[str], expected: list[int], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logits, scored = read_predictions(table(tmp_path, "prediction", rows), FILES, NUMBERS)
    assert (logits.argmax(1).tolist(), scored) == (expected, False)
    assert said in capsys.readouterr().out


def test_names_and_numbers_are_not_mixed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="predicts '0', which is no class"):
        read_predictions(table(tmp_path, "prediction", ["0", "3", "1", "2"]), FILES, NUMBERS)
    with pytest.raises(InputError, match="predicts 'cat ', which is no class"):
        read_predictions(table(tmp_path, "prediction", ["dog", "cat ", "dog", "cat"]), FILES, ("cat", "dog"))


@pytest.mark.parametrize("between", [";", "\t"])
def test_columns_may_stand_apart_by_other_signs_and_numbers_be_those_of_pandas(between: str, tmp_path: Path) -> None:
    place = table(tmp_path, "prediction", ["0.0", "1.0", "1.0", "0.0"])
    place.write_text(place.read_text().replace(",", between))
    logits, _ = read_predictions(place, FILES, ("cat", "dog"))
    assert logits.argmax(1).tolist() == [0, 1, 1, 0]


def test_files_of_another_folder_are_named_beside_those_of_the_manifest(tmp_path: Path) -> None:
    place, wanted = table(tmp_path, "prediction", ["cat"] * 4), [f"images/{file}" for file in FILES]
    with pytest.raises(InputError, match=r"lacks 4 of 4 files, such as images/a.png; it lists a.png, which the man"):
        read_predictions(place, wanted, ("cat", "dog"))


def test_a_prediction_beside_scores_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has the column prediction and scores, such as cat; leave one of them out"):
        read_predictions(table(tmp_path, "prediction,cat,dog", ["cat,0.5,0.5"] * 4), FILES, ("cat", "dog"))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["30,70", "20,80", "99,1", "50,50"], "100.0 % of the rows of scores are percentages"),
        (["0.3,0.7", "0.2,0.8", "0.9,0.1", "1.2,0.8"], "75.0 % of the rows of scores are probabilities"),
    ],
)
def test_scores_that_are_nearly_probabilities_are_refused(rows: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        read_predictions(table(tmp_path, "cat,dog", rows), FILES, ("cat", "dog"))


def test_logits_that_sum_to_one_by_chance_are_logits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logits, scored = read_predictions(
        table(tmp_path, "cat,dog", ["-1,2", "3,-2", "0.5,0.5", "4,1"]), FILES, ("cat", "dog")
    )
    assert scored
    assert logits.tolist() == [[-1, 2], [3, -2], [0.5, 0.5], [4, 1]]
    assert "taken for logits" in capsys.readouterr().out
