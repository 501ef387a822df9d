"""What is written of verdicts: Markdown that hides nothing and breaks on no name, and JUnit XML that is read back."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from markdown_it import MarkdownIt

from convstab.requirements import parsing
from convstab.requirements.assessment import Assessed
from convstab.requirements.junit import as_junit
from convstab.requirements.markdown import HEAD, cells, document, provenance, table
from convstab.runs.own import trained_elsewhere
from convstab.runs.results import Results
from tests.support.attack_examples import example
from tests.support.requirement_examples import alike, evaluation, held

STRANGE = 'a | b <img src=x> & "c"\n`d`\x00\x1b[2J \ud800'
WANTED = [
    {"metric": "accuracy", "level": 8, "at_least": 0.9, "name": "passes"},
    {"metric": "accuracy", "level": 30, "at_least": 0.9, "name": STRANGE},
    {"metric": "flip_rate", "level": "all", "at_most": 0.5},
    {"metric": "least_noise_psnr", "share": 0.8, "at_most": 39, "attack": "ddn", "name": "not to be said"},
]
RESULTS = evaluation(alike(40, 100, level=2)), example([1.0] * 26 + [0.5] * 4, attack="DDN")


@pytest.fixture(scope="module")
def assessed() -> list[Assessed]:
    found = held(WANTED, *RESULTS)
    assert [one.verdict for one in found] == ["pass", "fail", "pass", "undecided"]
    return found


@pytest.fixture(scope="module")
def page(assessed: list[Assessed]) -> str:
    return written(assessed)


def written(assessed: list[Assessed]) -> str:
    """The page about them."""
    evaluations, attacks = {Path("a"): RESULTS[0]}, {Path("b"): RESULTS[1]}
    summaries = {Path("a"): {"run": "one", "training": {"dataset": "digits"}, "made_with": {"torch": "2.9"}}}
    return document(parsing.parsed({"requirements": WANTED}), assessed, Results(evaluations, attacks, summaries))


def rows_of(text: str) -> list[list[str]]:
    """The cells of a table, as a reader of Markdown sees them."""
    tokens = MarkdownIt().enable("table").parse(text)
    cells = [token.content for token in tokens if token.type == "inline"]
    return [cells[start : start + len(HEAD)] for start in range(0, len(cells), len(HEAD))]


def test_the_table_has_a_row_for_each_requirement_whatever_its_name(assessed: list[Assessed]) -> None:
    head, *rows = rows_of(table(assessed))
    assert head == list(HEAD)
    assert [row[-2] for row in rows] == ["pass", "fail", "pass", "undecided"]
    assert [row[-1] for row in rows] == ["a", "a", "a", "b"]
    assert (rows[0][1], rows[1][1], rows[3][1]) == ("100.00%", "60.00%", "86.67%")
    assert rows[1][2] == "49.72-69.67"  # of 60 among 100, as in the tables of Clopper and Pearson
    assert rows[0][3] == "100 images"
    assert "<img" not in table(assessed)


def test_of_each_class_the_worst_is_named() -> None:
    (one,) = held(
        "{metric: recall, class: each, level: 8, at_least: 0.5}",
        evaluation(alike(3, 30), labels=[0] * 10 + [1, 2] * 10),
    )
    assert rows_of(table([one]))[1][1] == "70.00% (stop)"


def test_the_page_has_the_headings_and_no_more_than_evidence(page: str) -> None:
    headings = re.findall("^#+ (.*)$", page, flags=re.M)
    assert headings == [
        "Evidence for robustness requirements",
        *("Scope", "System and data under test", "Robustness properties", "Statistical method", "Results", "Limits"),
    ]
    assert "evidence for" in page
    assert "ISO/IEC 24029-3" in page
    assert not re.search("conform|complian|certified", page, flags=re.I)


def test_the_page_says_what_was_tested_and_how(page: str, assessed: list[Assessed]) -> None:
    for said in (
        "a: evaluation; gaussian, sigma 0, 8, 30 (grey levels), 10 draws each, seed 0; 100 images, 3 classes",
        "model one, trained on digits; torch 2.9",
        "b: attack DDN; seed 0; 30 of 30 images, those that are correct when clean",
        "passes: share of correct draws, level: 8: at least 0.9",
        "at most 39 dB, for a share of at least 0.8 of the images attacked",
        "for all 4 requirements",
        "p if not met is at most 0.05",
        "2 pass, 1 fail, 1 undecided.",
        "not to be said: an attack finds an upper bound of the least noise",
    ):
        assert said in page
    assert table(assessed) in page


def test_a_name_neither_moves_the_terminal_nor_breaks_the_page(page: str, assessed: list[Assessed]) -> None:
    assert "\x1b" not in page
    assert page.encode().decode() == page
    assert "a \\| b &lt;img src=x&gt; &amp;" in table(assessed)


def test_the_columns_say_which_assumption_a_p_value_is_under(assessed: list[Assessed]) -> None:
    """A pass is unlikely luck of a model that does not meet the requirement; it is likely for one that does."""
    rows = {one.verdict: dict(zip(HEAD, cells(one), strict=True)) for one in assessed}
    passed, failed = rows["pass"], rows["fail"]
    assert float(passed["p if not met"]) <= 0.05 < float(passed["p if met"])
    assert float(failed["p if met"]) <= 0.05 < float(failed["p if not met"])


def test_the_precision_of_an_evaluation_is_named() -> None:
    made: Any = SimpleNamespace(summaries={"a": {"run": "one", "made_with": {"forward": "bfloat16 compiled"}}})
    assert provenance(made, "a").endswith(", classified in bfloat16 compiled")


def test_docs_define_each_column() -> None:
    text = (Path(__file__).parents[2] / "docs" / "requirements.md").read_text(encoding="utf-8")
    table = text.partition("| column | what it is |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `([^`]+)` \|", table, flags=re.M) == list(HEAD)


def test_the_xml_counts_failures_and_skips_what_is_undecided(assessed: list[Assessed]) -> None:
    text = as_junit(assessed)
    suite = Xml.fromstring(text.encode())
    counts = {name: suite.get(name) for name in ("tests", "failures", "skipped", "errors")}
    assert counts == {"tests": "4", "failures": "1", "skipped": "1", "errors": "0"}
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases][::3] == ["passes", "not to be said"]
    assert [[child.tag for child in case] for case in cases] == [
        ["system-out"],
        ["failure", "system-out"],
        ["system-out"],
        ["skipped", "system-out"],
    ]
    message = cases[3][0].get("message")
    assert message is not None
    assert message.startswith("measured: 86.67%; 95 %: 69.28-96.24; over: 30 images; p if not met: ")
    assert message.endswith("verdict: undecided; evidence: b")


def test_a_name_is_kept_in_the_xml_but_for_what_no_xml_can_hold(assessed: list[Assessed]) -> None:
    name = Xml.fromstring(as_junit(assessed).encode()).findall("testcase")[1].get("name")
    assert name == 'a | b <img src=x> & "c"\n`d`\ufffd\ufffd[2J \ufffd'


def test_a_folder_may_be_called_anything(assessed: list[Assessed]) -> None:
    one = replace(assessed[0], evidence=replace(assessed[0].evidence, folder=Path("x|\x01<y>")))
    assert rows_of(table([one]))[1][-1].startswith("x")
    assert "evidence: x|\ufffd<y>" in str(Xml.fromstring(as_junit([one]).encode())[0][0].text)


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"dataset": "gtsrb", "seeds": [3]}, "model m, trained on gtsrb"),
        (trained_elsewhere("signs", "net", 60, official=False), "model m, tested on signs; training not known"),
        ({"dataset": "signs (trained on gtsrb)", "seeds": [3]}, "model m, tested on signs (trained on gtsrb)"),
    ],
)
def test_a_model_is_not_said_to_have_learnt_what_it_was_tested_on(training: dict[str, object], said: str) -> None:
    results = Results({}, {}, {Path("a"): {"run": "m", "training": training}})
    assert provenance(results, Path("a")) == said
