"""The report as Markdown, as a renderer of GitHub's kind shows it."""

import html
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markdown_it import MarkdownIt

from convstab.paper.claims import findings
from convstab.paper.tables import tables
from convstab.report.content import Finding, Report
from convstab.report.markdown import as_markdown, escape
from tests.support.made_up_evidence import evaluation, evidence, failing, training

NASTY = [
    "a|b",
    "<script>alert(1)</script>",
    "*x* _y_",
    "[link](u)",
    "`code`",
    "$z$",
    "two\nlines",
    "\\",
    "&amp;",
    "~~g~~",
]


def report(*results: Any, **more: Any) -> Report:
    """A report on these results."""
    found = evidence(*results)
    values: dict[str, Any] = {"title": "Title", "tables": tables(found), "findings": [], "remarks": []}
    return Report(evidence=found, **(values | more))


def noisy(**more: Any) -> Any:
    """An evaluation of 100 images of which 20 fail under noise."""
    return evaluation(failing(100, [0.0] + [0.2] * 12), **more)


def rendered(text: str) -> str:
    """As HTML."""
    return str(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))


def tables_of(text: str) -> list[list[list[str]]]:
    """The cells of each table as a reader sees them."""
    tables = re.findall(r"<table>.*?</table>", rendered(text), re.DOTALL)
    rows = [re.findall(r"<tr>(.*?)</tr>", one, re.DOTALL) for one in tables]
    return [
        [[html.unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in of] for of in rows
    ]


def section(text: str, heading: str) -> str:
    """What follows a heading, up to the next one of its kind."""
    level = heading.split(" ", maxsplit=1)[0]
    return text.split(f"\n{heading}\n", 1)[1].split(f"\n{level} ", 1)[0]


def test_names_show_as_they_are_and_do_nothing() -> None:
    confusion = 90 * np.eye(10, dtype=int) + 1
    text = as_markdown(report(training(confusion, "mnist", names=NASTY), title="<b>|title"))
    assert "<script" not in text
    assert "<h1>&lt;b&gt;|title</h1>" in rendered(text)
    classes = next(table for table in tables_of(text) if table[0][0] == "class")
    assert [row[0] for row in classes[1:]] == [" ".join(name.split()) for name in NASTY]


@pytest.mark.parametrize("name", NASTY)
def test_escaped_text_is_that_text(name: str) -> None:
    shown = rendered(f"text {escape(name)}").removeprefix("<p>").strip().removesuffix("</p>")
    assert html.unescape(shown) == f"text {' '.join(name.split())}"


def test_every_row_has_the_cells_of_its_head() -> None:
    results = [noisy(official=False), training(90 * np.eye(10, dtype=int) + 1), noisy(dataset="digits")]
    text = as_markdown(report(*results, findings=findings(evidence(*results)), remarks=["one"]))
    tables = tables_of(text)
    assert len(tables) == 1 + 2 * 3 + 2 + 1 + 1  # claims; accuracies and classes of each table; levels; pairs; runs
    for table in tables:
        assert len({len(row) for row in table}) == 1
        assert len(table) > 1


def test_ours_the_papers_and_the_difference_stand_side_by_side() -> None:
    text = section(as_markdown(report(noisy())), "## Tables")
    assert "### Table 3: one model under noise, MNIST" in text
    overall, classes = tables_of(text)
    accuracy, interval = overall[1], overall[1][2].split("\u00a0to\u00a0")
    assert [accuracy[0], accuracy[1], *accuracy[3:]] == ["accuracy", "80.00 %", "98.51 %", "-18.51 points"]
    assert float(interval[0]) < 80 < float(interval[1])
    assert classes[0] == [
        "class",
        "images",
        *["precision", "paper", "difference"],
        *["recall", "95 %", "paper", "difference"],
    ]
    row = dict(
        zip(
            ["class", "images", "precision", "p", "d", "recall", "95 %", "paper", "difference"], classes[1], strict=True
        )
    )
    assert (row["class"], row["images"], row["recall"], row["paper"]) == ("class 0", "10", "0.8000", "0.99")
    assert row["difference"] == "-0.1900"


def test_columns_without_a_number_are_left_out() -> None:
    text = section(as_markdown(report(noisy(dataset="digits"))), "## Tables")
    _, classes = tables_of(text)
    assert classes[0] == ["class", "images", "precision", "recall", "95 %"]
    clean = tables_of(section(as_markdown(report(training(90 * np.eye(10, dtype=int) + 1))), "## Tables"))[1]
    assert clean[0].count("95 %") == 2


def test_gtsrb_has_the_papers_four_decimals() -> None:
    text = as_markdown(report(evaluation(failing(86, [0.0] + [0.5] * 12), "gtsrb", classes=43)))
    assert tables_of(section(text, "## Tables"))[1][1][3] == "0.9198"


def test_a_class_without_images_has_no_number() -> None:
    text = as_markdown(report(evaluation(np.ones((4, 2)), levels=(0, 10), labels=[0, 1, 2, 3])))
    last = tables_of(section(text, "## Tables"))[1][-1]
    assert last == ["class 9", "0", "-", "0.98", "", "-", "", "0.97", ""]
    assert "nan" not in text


def test_a_finding_has_its_verdict_its_place_and_a_line_for_each_result() -> None:
    finding = Finding("Claim_one.", "Section 4", "mixed", "1 %.", "MNIST: 1 % (of *all*)\nrule: <each>")
    text = as_markdown(report(findings=[finding]))
    assert tables_of(text)[0][1] == ["Claim_one.", "Section 4", "mixed"]
    shown = rendered(section(text, "### Claim\\_one."))
    assert "Section 4. Our numbers: <strong>mixed</strong>." in shown
    assert re.findall(r"<li>(.*?)</li>", shown)[:2] == ["MNIST: 1 % (of *all*)", "rule: &lt;each&gt;"]


def test_what_was_run_is_told() -> None:
    values = {"folder": Path("/somewhere/runs/net_1"), "seeds": [4], "epochs": 7, "made_with": {"torch": "2.9"}}
    other = noisy(folder=Path("/somewhere/runs/other"), official=None, made_with={})
    text = section(as_markdown(report(noisy(**values, official=False), other)), "## What was run")
    first, second = (dict(zip(tables_of(text)[0][0], row, strict=True)) for row in tables_of(text)[0][1:])
    assert (first["folder"], first["model"], first["seeds"], first["epochs"]) == ("net_1", "LeNet", "4", "7")
    assert (first["publisher's files"], second["publisher's files"]) == ("no", "not recorded")
    assert (first["machine"], second["machine"]) == ("1", "")
    assert "Machine 1: torch 2.9" in text
    assert "150 draws of each image" in text
    assert "60,000" in text
    assert "/somewhere" not in as_markdown(report(noisy(**values)))


def test_of_images_without_a_publisher_and_models_trained_elsewhere_nothing_is_said_that_is_not_known() -> None:
    text = as_markdown(report(noisy(dataset="photos", seeds=[], official=False)))
    (row,) = tables_of(section(text, "## What was run"))[0][1:]
    head = tables_of(section(text, "## What was run"))[0][0]
    assert "publisher's files" not in head
    assert dict(zip(head, row, strict=True))["seeds"] == "not recorded"
    assert "seeds:" not in text
    assert "augment:" not in text
    assert "timm, trained elsewhere." in text
    assert row[2] == "photos, timm"
    assert tables_of(section(text, "### timm under noise, photos"))[0][0] == ["", "value", "95 %"]
    assert "paper" not in text.lower()
    assert "publisher" not in text.lower()


def test_remarks_of_tables_and_of_the_report_are_there() -> None:
    made = report(noisy(draws=10), remarks=["left out: runs/half"], contradictions=["It says *both*."])
    text = as_markdown(made)
    for remark in (*made.tables[0].remarks, "left out: runs/half"):
        assert f"<li>{html.escape(remark, quote=False)}</li>" in rendered(text)
    left_out = section(text, "## What was left out")
    assert "runs/half" in left_out
    assert "both" not in left_out
    assert "<li>It says *both*.</li>" in rendered(section(text, "## Where the paper contradicts itself"))


def test_a_report_without_results_is_readable() -> None:
    text = as_markdown(report())
    assert "claims" not in text
    assert "Aghdam" not in text
    assert "was not recorded" in text
    assert "## What was left out" not in text
    assert "contradicts" not in text


def test_each_table_can_be_linked_to() -> None:
    made = report(noisy(folder=Path("a")), noisy(folder=Path("b")))
    text = as_markdown(made)
    for scores in made.tables:
        assert text.count(f'<a id="{scores.id}"></a>') == 1
