"""What the tables of an ensemble say is what was found, and what is not defined is a dash or an empty cell."""

import csv
import io

import numpy as np

from convstab.members.members import Members
from convstab.members.tables import as_csv, as_markdown
from tests.support.made_up_members import evaluation, named


def cells(text: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]


def made(rule: str = "vote", draws: int = 10) -> Members:
    """Two members and an ensemble; the second level is failed by none."""
    first, second = np.ones((40, 3), int), np.ones((40, 3), int)
    first[:, 1:], second[:, 1:] = draws, draws
    first[:10, 2], second[:5, 2] = 0, draws // 2
    return Members(evaluation(first, draws), named([evaluation(first, draws), evaluation(second, draws)]), rule)


def test_a_row_for_each_level() -> None:
    head, _, clean, mild, worst, flips, _, no_flips, some = cells(as_markdown(made()))
    assert [row[0] for row in (clean, mild, worst, no_flips, some)] == ["0", "10", "20", "10", "20"]
    assert dict(zip(head, worst, strict=True))["members: mean"] == "84.38 %"  # of 75 and 93.75 %
    assert worst[1:7] == ["84.38 %", "75.00 %", "93.75 %", "75.00 %", "-9.38", worst[6]]
    assert worst[7] == "-18.75"
    assert no_flips[5] == "-"
    assert some[1:5] == ["15.62 %", "6.25 %", "25.00 %", "25.00 %"]
    assert flips[5] == "correlation (95 %)"
    assert some[5].endswith("(-)")  # ten images that fail tell no interval


def test_what_is_not_defined_is_an_empty_cell() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(made()))))
    assert [row["correlation"] for row in rows[:2]] == ["", ""]
    assert float(rows[2]["correlation"]) > 0
    assert rows[2]["correlation_low"] == ""
    alone = list(csv.DictReader(io.StringIO(as_csv(made(draws=1)))))
    assert [row["independent"] for row in alone] == ["0", "", ""]
    assert [row["beyond"] for row in alone] == ["0", "", ""]
    assert [row["common"] for row in rows] == ["40", "40", "40"]


def test_two_members_and_three_classes_may_win_with_one_vote() -> None:
    row = list(csv.DictReader(io.StringIO(as_csv(made()))))[2]
    vote, least = (float(row[name]) for name in ("independent", "independent_least"))
    assert vote == 0.25  # five images that the first fails, five that it fails and the second at times
    assert least == 5 * 0.5 / 40  # both fail
    assert float(row["independent_to"]) > vote > float(row["independent_from"])


def test_the_words_say_how_the_draws_are_shared() -> None:
    assert "by at most 10.0 % of the way" in as_markdown(made())
    assert "averages logits, which is not a vote" in as_markdown(made("logits"))
