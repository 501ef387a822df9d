"""A report for Weights & Biases: its tables, numbers and page, ready to be put into a report there."""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, fields
from math import isnan
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger

from convstab.loggers.tracker import log_numbers, log_page, log_table
from convstab.report.content import Number, Report, ScoreTable
from convstab.report.inventory import Ran, machines, ran
from convstab.report.levels import level_tables

BESIDE = ("", " low", " high", " paper", " difference")


def log_report(loggers: Sequence[Logger], report: Report, page: Path) -> None:
    """Give the loggers the findings, every table and its accuracies, what was run, the remarks, and the HTML page."""
    findings = [[found.claim, found.where, found.verdict, found.text] for found in report.findings]
    log_table(loggers, "report/findings", ["claim", "where", "verdict", "text"], findings)
    log_table(loggers, "report/accuracies", ["table", "measure", *columns_of("value")], list(totals(report.tables)))
    for scores in report.tables:
        head = ["class", "images", *columns_of("precision"), *columns_of("recall")]
        log_table(loggers, f"report/{scores.id}", head, class_rows(scores))
        log_numbers(loggers, f"report/{scores.id}", numbers_of(scores))
    for one in level_tables(report.evidence):
        log_table(loggers, f"report/{one.id}", unlike(one.head), one.rows)
    runs = [list(astuple(one)) for one in ran(report.evidence)]
    log_table(loggers, "report/runs", [field.name for field in fields(Ran)], runs)
    log_table(loggers, "report/machines", ["number", "machine"], list(enumerate(machines(report.evidence), 1)))
    log_table(loggers, "report/remarks", ["remark"], [[remark] for remark in report.remarks])
    log_table(loggers, "report/contradictions", ["contradiction"], [[line] for line in report.contradictions])
    log_page(loggers, "report/page", page)


def unlike(head: Sequence[str]) -> list[str]:
    """Names of columns of which none is there twice: an interval is named after what it is of."""
    return [f"{head[place - 1]} {name}" if name == "95 %" else name for place, name in enumerate(head)]


def columns_of(name: str) -> list[str]:
    """The columns that a number takes."""
    return [name + part for part in BESIDE]


def cells(number: Number) -> list[float | None]:
    """A number as cells; None where there is nothing: a table of W&B has no NaN."""
    values = [number.value, number.low, number.high, number.paper, number.difference]
    return [None if value is None or isnan(value) else value for value in values]


def class_rows(scores: ScoreTable) -> list[list[Any]]:
    """The rows of a table."""
    return [[row.name, row.images, *cells(row.precision), *cells(row.recall)] for row in scores.rows]


def totals(tables: Sequence[ScoreTable]) -> Iterator[list[Any]]:
    """The accuracies of all tables."""
    for scores in tables:
        for name, number in scores.overall.items():
            yield [scores.title, name, *cells(number)]


def numbers_of(scores: ScoreTable) -> dict[str, float]:
    """The accuracies of a table with their intervals and the paper's, by name, without those that are not there."""
    named = (
        (label, value)
        for name, number in scores.overall.items()
        for label, value in zip(columns_of(name), cells(number), strict=True)
    )
    return {label: value for label, value in named if value is not None}
