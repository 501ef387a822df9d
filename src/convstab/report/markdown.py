"""A report as GitHub Markdown: readable as it is, and rendered."""

import html
import re
from collections.abc import Iterator, Sequence
from math import isnan

from convstab.files.markdown_text import markdown_text
from convstab.ledger import tables
from convstab.report.content import OTHER_IMAGES, ClassRow, Finding, Number, Report, ScoreTable
from convstab.report.formatting import in_percent, points
from convstab.report.inventory import Ran, machines, ran
from convstab.report.ledgers import Joined, said_of
from convstab.report.levels import NOTE, LevelTable, level_tables
from convstab.report.overview import Overview
from convstab.report.requirements import HEAD, SCOPE, Required

INTERVALS = (
    "Intervals are 95 % and over images, or over what a table names: the noisy copies of one image are not "
    "independent. Precision under noise has no interval: which images were taken for a class is not kept."
)
DIFFERENCES = "Differences are ours minus the paper's."
BESIDE = (
    "Beside Aghdam, Heravi and Puig: Analyzing the Stability of Convolutional Neural Networks against Image "
    "Degradation."
)
TO = "\u00a0to\u00a0"  # a cell of numbers should not break
SPECIAL = re.compile(r"([\\`*_{}\[\]|#~$!])")


def as_markdown(report: Report) -> str:
    """The whole report: what it says of the paper's claims, the tables, what was run, and what limits it."""
    parts = [
        f"# {escape(report.title)}",
        *overview(report.findings),
        *(part for finding in report.findings for part in finding_parts(finding)),
        *overviews_parts(report),
        *required_parts(report.required),
        "## Tables",
        f"{INTERVALS} {DIFFERENCES}" if any(scores.paper for scores in report.tables) else INTERVALS,
        *(part for scores in report.tables for part in table_parts(scores)),
        *level_parts(level_tables(report.evidence)),
        *(part for joined in report.ledgers for part in ledger_parts(joined, report)),
        *run_parts(report),
        *listed_under("What was left out", report.remarks),
        *listed_under("Where the paper contradicts itself", report.contradictions),
    ]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Text that Markdown and HTML show as it is, on one line."""
    return SPECIAL.sub(r"\\\1", html.escape(re.sub(r"[ \t\r\n]+", " ", text).strip(), quote=False))


def table(head: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int = 1) -> str:
    """A table whose first columns are text, the others numbers; cells are text as it is."""
    first, *others = ([escape(cell) for cell in row] for row in (head, *rows))
    return markdown_text(first, others, text_columns).rstrip("\n")


def bullets(lines: Sequence[str]) -> str:
    """A list."""
    return "\n".join(f"- {escape(line)}" for line in lines)


def overview(findings: Sequence[Finding]) -> Iterator[str]:
    """The claims with their verdicts; nothing where none was looked at."""
    if not findings:
        return
    yield BESIDE
    yield "## The paper's claims"
    rows = [[found.claim, found.where, found.verdict] for found in findings]
    yield table(["claim of the paper", "where", "our numbers"], rows, text_columns=3)


def overviews_parts(report: Report) -> Iterator[str]:
    """What is said of each evaluation: first of all, or in a section of its own after the findings."""
    if report.findings and report.overviews:
        yield f"## {OTHER_IMAGES}"
    for one in report.overviews:
        yield from overview_parts(one, "###" if report.findings else "##")


def overview_parts(one: Overview, level: str) -> Iterator[str]:
    """What is said of an evaluation; level: of its heading."""
    yield f"{level} {escape(one.name)}"
    yield bullets([f"{answer.question}: {answer.text}" for answer in one.answers])
    yield "Next:"
    yield bullets(one.next)


def finding_parts(finding: Finding) -> Iterator[str]:
    """A claim with what the numbers say."""
    yield f"### {escape(finding.claim)}"
    yield f"{escape(finding.where)}. Our numbers: **{finding.verdict}**."
    yield bullets(finding.text.splitlines())


def required_parts(required: Sequence[Required]) -> Iterator[str]:
    """What was required of the models, and what came of it."""
    if required:
        yield "## Requirements"
        yield escape(SCOPE)
    for one in required:
        yield f"### {escape(one.title)}"
        yield f"{one.counts}."
        rows = [[row.name, row.asked, *row.cells] for row in one.rows]
        yield table(["requirement", "asked", *HEAD], rows, text_columns=2 + len(HEAD))
        yield bullets(one.said)


def table_parts(scores: ScoreTable) -> Iterator[str]:
    """A table beside the paper's."""
    seeds = f", seeds: {', '.join(map(str, scores.source.seeds))}" if scores.source.seeds else ""
    yield f'<a id="{scores.id}"></a>\n\n### {escape(scores.title)}'
    trained = f", augment: {scores.source.augment}{seeds}" if seeds else ", trained elsewhere"
    yield escape(f"{scores.drawn}. {scores.source.model}{trained}.")
    columns = 5 if scores.paper else 3
    head = ["", "ours" if scores.paper else "value", "95 %", "paper", "difference"]
    yield table(head[:columns], [total(*item)[:columns] for item in scores.overall.items()])
    yield class_table(scores)
    if scores.remarks:
        yield bullets(scores.remarks)


def total(name: str, number: Number) -> list[str]:
    """A row of the accuracies."""
    paper = "" if number.paper is None else in_percent(number.paper)
    difference = "" if number.difference is None else points(number.difference)
    return [name, in_percent(number.value), interval(number, scale=100, digits=2), paper, difference]


def class_table(scores: ScoreTable) -> str:
    """Precision and recall of each class, in shares as the paper prints them."""
    head, columns = ["class", "images"], []
    for name in ("precision", "recall"):
        numbers: list[Number] = [getattr(row, name) for row in scores.rows]
        head.append(name)
        columns.append([share(number.value) for number in numbers])
        if any(number.low is not None for number in numbers):
            head.append("95 %")
            columns.append([interval(number) for number in numbers])
        if any(number.paper is not None for number in numbers):
            head += ["paper", "difference"]
            columns.append([printed(number.paper, scores.decimals) for number in numbers])
            columns.append([share_difference(number) for number in numbers])
    return table(
        head, [[*label(row), *cells] for row, cells in zip(scores.rows, zip(*columns, strict=True), strict=True)]
    )


def label(row: ClassRow) -> tuple[str, str]:
    """The class and its number of images."""
    return row.name, f"{row.images:,}"


def share(value: float) -> str:
    """A share with four decimals, as in the paper; "-" where it is not defined."""
    return "-" if isnan(value) else f"{value:.4f}"


def interval(number: Number, scale: int = 1, digits: int = 4) -> str:
    """An interval, empty where it is not known."""
    if number.low is None or number.high is None:
        return ""
    return f"{scale * number.low:.{digits}f}{TO}{scale * number.high:.{digits}f}"


def printed(value: float | None, decimals: int) -> str:
    """A cell of the paper with the decimals that it has there."""
    return "" if value is None else f"{value:.{decimals}f}"


def share_difference(number: Number) -> str:
    """Ours minus the paper's."""
    return "" if number.difference is None or isnan(number.difference) else f"{number.difference:+.4f}"


def level_parts(tables: Sequence[LevelTable]) -> Iterator[str]:
    """What each level does, of each evaluation."""
    if tables:
        yield "## Under each level"
        yield escape(NOTE)
    for one in tables:
        yield f'<a id="{one.id}"></a>\n\n### {escape(one.title)}'
        yield table(one.head, one.rows, text_columns=0)


def ledger_parts(joined: Joined, report: Report) -> Iterator[str]:
    """How far the images of an evaluation are from failing."""
    yield f"### {escape(f'Image by image: {joined.name}')}"
    for one in (tables.distances(joined.ledger), tables.levels(joined.ledger), tables.classes(joined.ledger)):
        if one.rows:
            yield table(one.head, one.rows, one.texts)
    yield bullets(said_of(joined, report.ledgers))


def run_parts(report: Report) -> Iterator[str]:
    """What was run, on what, and by which software and machine."""
    results = ran(report.evidence)
    yield "## What was run"
    files = ["publisher's files"] if any(one.official for one in results) else []
    head = ["kind", "folder", "what", "model", *files, "seeds", "epochs", "seconds", "machine"]
    yield table(head, [run_row(one, bool(files)) for one in results], text_columns=4 + len(files))
    yield bullets(
        [f"{one.folder}: {one.protocol}. Images to train / to validate / to test: {one.images}." for one in results]
    )
    made = [f"Machine {number}: {machine}" for number, machine in enumerate(machines(report.evidence), 1)]
    yield bullets(made or ["Which software and machine made these results was not recorded."])


def run_row(one: Ran, files: bool) -> list[str]:
    """One result in a table; files: whether it says if they are the publisher's."""
    seconds = "" if one.seconds is None else f"{one.seconds:,.0f}"
    machine = "" if one.machine is None else str(one.machine)
    official = [one.official] if files else []
    return [one.kind, one.folder, one.name, one.model, *official, one.seeds, one.epochs, seconds, machine]


def listed_under(heading: str, lines: Sequence[str]) -> Iterator[str]:
    """A section with a list, when there is something to list."""
    if lines:
        yield f"## {heading}"
        yield bullets(lines)
