"""The table of levels in a report: its cells are the numbers of the result, in the page, the text and W&B."""

from dataclasses import replace

import numpy as np
import pytest

import convstab as cs
from convstab.evaluation.paired import paired_difference
from convstab.report import levels, results
from convstab.report.content import Report
from convstab.report.markdown import as_markdown
from convstab.report.overview import overviews
from convstab.report.page import as_html
from convstab.report.results import Evidence
from convstab.report.wandb import unlike
from convstab.statistics.intervals import Estimate
from tests.support.page_examples import evaluation
from tests.support.parsed_page import Parsed


def report() -> Report:
    return Report("title", Evidence([], [evaluation("one"), evaluation("two")], [], []), [], [], [])


def test_the_cells_are_the_numbers_of_the_result() -> None:
    result = evaluation().result
    first, second, _ = levels.level_tables(report().evidence)
    assert (first.id, second.id) == ("levels-0", "levels-1")
    assert first.head[0] == "sigma"
    assert {len(row) for row in first.rows} == {len(first.head)}
    assert [row[0] for row in first.rows] == [f"{level:g}" for level in result.levels]
    for place, row in enumerate(first.rows):
        cells = dict(zip(unlike(first.head), row, strict=True))
        assert cells["accuracy"] == f"{result.accuracy.value[place]:.2%}".replace("%", " %")
        flips = result.flip_probability
        assert cells["flip probability 95 %"] == f"{100 * flips.low[place]:.2f}-{100 * flips.high[place]:.2f}"
        numbers = result.ece, result.brier.value, result.nll, result.aurc
        assert row[-4:] == [f"{column[place]:.4f}" for column in numbers]


def test_page_and_text_show_them() -> None:
    text, page = as_markdown(report()), Parsed(as_html(report()))
    assert text.count("Under each level") == 3  # the section and two tables
    assert {"levels-0", "levels-1", "paired-0"} <= set(page.all("id"))
    assert {"#levels-0", "#levels-1", "#paired-0"} <= set(page.all("href"))
    cells = levels.level_tables(report().evidence)[0].rows[-1]
    assert "".join(cells) in "".join(page.text.split("\n"))
    assert "nan" not in text


def test_results_of_the_same_draws_are_paired_and_others_are_not() -> None:
    one, worse, alien = evaluation("one"), evaluation("worse"), evaluation("alien")
    missed = worse.result.rows | {"correct": worse.result.rows["correct"] * (worse.result.rows["level"] < 20)}
    worse = replace(worse, result=replace(worse.result, rows=missed))
    alien = replace(alien, result=replace(alien.result, protocol=replace(alien.result.protocol, seed=1)))
    found = levels.level_tables(Evidence([], [one, worse, alien, evaluation("same")], [], []))
    (paired,) = (table for table in found if table.id.startswith("paired"))
    assert paired.head == ["sigma", "gtsrb, one model, augment: none (one)", *paired.head[2:]]
    assert [name.startswith("- ") for name in paired.head[2:]] == [True, False, True, False]
    expected = paired_difference(one.result, worse.result)
    assert paired.rows[0][2:4] == ["+0.00", f"{100 * expected.low[0]:+.2f} to {100 * expected.high[0]:+.2f}"]
    assert paired.rows[-1][2] == f"{100 * one.result.accuracy.value[-1]:+.2f}"
    assert {row[4] for row in paired.rows} == {"+0.00"}


def test_columns_of_intervals_are_named_after_their_rates() -> None:
    head = levels.level_tables(report().evidence)[0].head
    assert len(set(unlike(head))) == len(head) > len(set(head))
    assert np.unique(unlike(["a", "95 %"])).tolist() == ["a", "a 95 %"]


def test_each_pair_is_compared_once_for_page_text_and_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[tuple[int, int]]()

    def counted(one: cs.StabilityResult, other: cs.StabilityResult) -> Estimate:
        asked.append((id(one), id(other)))
        return paired_difference(one, other)

    monkeypatch.setattr(results, "paired_difference", counted)
    found = report()
    answers = overviews(found.evidence, [], ["one", "two"])
    told = replace(found, overviews=answers)
    assert "Paired differences" in as_html(told)
    assert "Beside two" in as_markdown(told)
    assert len(asked) == len(set(asked)) == 2  # one way and the other
