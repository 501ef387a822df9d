"""Requirements on a page: each with its evidence, none of a result that is there no more, and no more than that."""

import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from convstab.files import REQUIREMENTS, write_json
from convstab.report.markdown import as_markdown
from convstab.report.overview import REQUIRE, Overview
from convstab.report.page import as_html
from convstab.report.requirements import HEAD, NONE, OUTDATED, Required, required, with_requirements
from convstab.report.results import Evaluation, Evidence
from convstab.requirements.record import Line, Record
from convstab.runs.results import fingerprint
from tests.support.ledger_examples import attacked
from tests.support.page_examples import EVIL, evaluation, evidence, report
from tests.support.parsed_page import Parsed

LINE = Line(
    *("clean", "share of correct draws", "pass", 0.985, 0.957, 0.997, "", "200 images", 4000, 0.00123, 1.0, "../one"),
    remarks=["a remark"],
)


def result(folder: Path, rows: str = "a", run: str = "m") -> Evaluation:
    """A finished evaluation in a folder, as far as it is known by that."""
    folder.mkdir(exist_ok=True, parents=True)
    write_json(folder / "finished.json", {"command": "evaluate", "files": {"stability.parquet": rows}})
    write_json(folder / "summary.json", {"run": run})
    made = evaluation()
    return replace(made, source=replace(made.source, folder=folder), summary=made.summary | {"run": run})


def record(folder: Path, results: dict[str, str], *lines: Line) -> None:
    """What convstab-require leaves."""
    folder.mkdir(exist_ok=True)
    write_json(folder / REQUIREMENTS, asdict(Record("r.yaml", "m", 0.95, list(lines), results)))


def found(*results: Evaluation, given: Path) -> tuple[list[Required], list[str]]:
    """What a report on results finds in a folder that it is given."""
    return required(Evidence([], list(results), [], []), [given])


def test_a_row_has_what_was_asked_and_the_evidence(tmp_path: Path) -> None:
    one = result(tmp_path / "one")
    failed = replace(LINE, name="worst", verdict="fail", of="stop", draws=0)
    record(tmp_path / "held", {"../one": fingerprint(tmp_path / "one")}, LINE, failed)
    ((held,), left_out) = found(one, given=tmp_path / "held")
    cells = ("pass", "98.50%", "95.70-99.70", "200 images", "4,000", "0.0012", "1", "one")
    assert (held.rows[0].name, held.rows[0].asked, held.rows[0].cells) == ("clean", "share of correct draws", cells)
    assert held.rows[1].cells[:5] == ("fail", "98.50% (stop)", "95.70-99.70", "200 images", NONE)
    assert (held.counts, held.title, held.results, left_out) == ("1 pass, 1 fail", "r.yaml: m", [one], [])
    assert len(cells) == len(HEAD)
    assert "Holm's method for 2 requirements" in held.said[0]
    assert "ISO/IEC 24029-3" in held.said[1]
    assert held.said[2] == "clean: a remark."


def test_a_result_that_was_changed_has_no_verdict(tmp_path: Path) -> None:
    results = [result(tmp_path / "one"), result(tmp_path / "two", rows="b")]
    prints = {f"../{name}": fingerprint(tmp_path / name) for name in ("one", "two")}
    record(tmp_path / "held", prints, LINE, replace(LINE, result="../two"))
    result(tmp_path / "two", rows="c")
    ((held,), _) = found(*results, given=tmp_path)
    assert held.rows[1].cells == (OUTDATED, *[NONE] * 6, "two")
    assert held.counts == "1 pass, 1 out of date"
    assert held.said[0] == "two is not the result that was held against r.yaml: ask convstab-require again."


def test_the_model_is_part_of_what_a_result_is_known_by(tmp_path: Path) -> None:
    result(tmp_path / "one")
    before = fingerprint(tmp_path / "one")
    result(tmp_path / "one", run="other")
    assert fingerprint(tmp_path / "one") != before


def test_a_result_that_has_moved_is_found_again(tmp_path: Path) -> None:
    one, copy = result(tmp_path / "new" / "place"), result(tmp_path / "copy")
    record(tmp_path / "held", {"../one": fingerprint(one.source.folder)}, LINE)
    ((held,), _) = found(one, given=tmp_path / "held")
    assert held.rows[0].cells[:1] + held.rows[0].cells[-1:] == ("pass", "place")
    for folder in ("new/place", "copy"):  # each is itself, though both are alike
        record(
            tmp_path / "held", {f"../{folder}": fingerprint(one.source.folder)}, replace(LINE, result=f"../{folder}")
        )
        ((held,), _) = found(one, copy, given=tmp_path / "held")
        assert held.rows[0].cells[-1] == folder


@pytest.mark.parametrize(
    ("change", "verdict"), [("", "pass"), ("gone", "pass"), ("changed", OUTDATED), ("begun", OUTDATED)]
)
def test_a_result_that_is_not_on_the_page_is_looked_at_all_the_same(tmp_path: Path, change: str, verdict: str) -> None:
    one, other = result(tmp_path / "one"), tmp_path / "other"
    result(other, rows="b")
    prints = {f"../{folder.name}": fingerprint(folder) for folder in (tmp_path / "one", other)}
    record(tmp_path / "held", prints, LINE, replace(LINE, result="../other"))
    if change == "changed":
        result(other, rows="c")
    elif change:
        (other / "finished.json").unlink()
    if change == "gone":
        (other / "summary.json").unlink()
        other.rmdir()
    ((held,), _) = found(one, given=tmp_path / "held")
    assert [row.verdict for row in held.rows] == ["pass", verdict]
    assert held.rows[1].cells[-1] == "other, not on this page"


def test_requirements_of_other_results_are_not_shown(tmp_path: Path) -> None:
    one = result(tmp_path / "one")
    record(tmp_path / "held", {"../other": "f"}, replace(LINE, result="../other"))
    said = f"held/{REQUIREMENTS} is about no result of this page and not used"
    assert found(one, given=tmp_path / "held") == ([], [said])
    assert found(one, given=tmp_path / "one") == ([], [])  # it only lies beside them


def test_the_file_of_another_program_is_named_where_it_was_given_only(tmp_path: Path) -> None:
    one = result(tmp_path / "one")
    (tmp_path / "held").mkdir()
    (tmp_path / "held" / REQUIREMENTS).write_text("{}", encoding="utf-8")
    assert found(one, given=tmp_path / "one") == ([], [])
    held, (said,) = found(one, given=tmp_path)
    assert held == []
    assert said.startswith(f"{tmp_path / 'held' / REQUIREMENTS} is damaged, or ")
    assert said.endswith("; it is not used")


def test_what_lies_beside_a_result_is_found_once(tmp_path: Path) -> None:
    one = result(tmp_path / "one")
    record(tmp_path / "held", {"../one": fingerprint(tmp_path / "one")}, LINE)
    for given in (tmp_path / "one", tmp_path):
        assert len(found(one, given=given)[0]) == 1


def test_the_overview_of_the_model_says_how_many_pass(tmp_path: Path) -> None:
    one, other = result(tmp_path / "one"), result(tmp_path / "other", rows="b", run="n")
    record(tmp_path / "held", {"../one": fingerprint(tmp_path / "one")}, LINE, replace(LINE, verdict="undecided"))
    held, _ = found(one, other, given=tmp_path)
    before = Overview("name", [], ["look", REQUIRE])
    after = with_requirements(before, one, held)
    (answer,) = after.answers
    assert (answer.question, answer.text) == ("Requirements", "1 pass, 1 undecided (r.yaml: m).")
    assert (answer.shown, after.next) == ("requirements", ["look"])
    assert with_requirements(before, other, held) == before


def test_each_evaluation_of_a_model_says_what_was_held_against_it(tmp_path: Path) -> None:
    one, other = result(tmp_path / "one"), result(tmp_path / "other", rows="b")
    record(tmp_path / "held", {"../one": fingerprint(tmp_path / "one")}, LINE)
    held, _ = found(one, other, given=tmp_path)
    before = Overview("name", [], [REQUIRE])
    assert [len(with_requirements(before, evaluation, held).answers) for evaluation in (one, other)] == [1, 0]
    of_attacks = [replace(required, results=[replace(attacked(), summary=one.summary)]) for required in held]
    assert [len(with_requirements(before, evaluation, of_attacks).answers) for evaluation in (one, other)] == [1, 1]


def test_what_passed_before_is_not_said_of_another_model_in_its_folder(tmp_path: Path) -> None:
    kept, gone = result(tmp_path / "kept"), tmp_path / "gone"
    result(gone, rows="b")
    prints = {f"../{name}": fingerprint(tmp_path / name) for name in ("kept", "gone")}
    record(tmp_path / "held", prints, replace(LINE, result="../kept"), replace(LINE, result="../gone"))
    new = result(gone, rows="c", run="n")
    before = Overview("name", [], [REQUIRE])
    for shown in ((new,), (new, kept)):
        held, _ = found(*shown, given=tmp_path)
        after = with_requirements(before, new, held)
        assert [answer.text for answer in after.answers] == [
            "out of date (r.yaml: m): another result stood in this folder then; ask convstab-require again."
        ]
        assert after.next == [REQUIRE]
    assert with_requirements(before, kept, held).answers[0].text == "1 pass, 1 out of date (r.yaml: m)."


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The section in the page, and in the text, of a requirement whose name is a script."""
    folder = tmp_path_factory.mktemp("shown")
    one = result(folder / "one")
    record(folder / "held", {"../one": fingerprint(folder / "one")}, replace(LINE, name=EVIL, asked=f"{EVIL} | b"))
    whole = report(evidence=replace(evidence(), evaluations=[one]), required=found(one, given=folder)[0])
    page, text = as_html(whole), as_markdown(whole)
    return re.findall('<section id="requirements">.*?</section>', page, re.S)[0], section(text)


def section(text: str) -> str:
    """The requirements in a text."""
    return text.partition("## Requirements\n")[2].partition("\n## ")[0]


def test_page_and_text_have_the_same_row(both: tuple[str, str]) -> None:
    page, text = both
    assert EVIL not in page + text
    for cell in ("pass", "98.50%", "95.70-99.70", "4,000", "0.0012"):
        assert f">{cell}<" in page
        assert f"| {cell} |" in text
    assert f"{EVIL} | b" in Parsed(page).text
    assert "| " + " | ".join(("requirement", "asked", *HEAD)) + " |" in text
    cells = ("pass", "98.50%", "95.70-99.70", "200 images", "4,000", "0.0012", "1")
    assert f" | {' | '.join(cells)} | " in text
    assert re.findall(r"<td[^>]*>([^<]*)</td>", page)[-len(HEAD) + 1 : -1] == list(cells[1:])
    assert [name for name in HEAD if f">{name}<" not in page] == []


def test_it_is_evidence_and_no_more(both: tuple[str, str]) -> None:
    for told in both:
        assert "evidence for or against each requirement" in told
        assert not re.search("conform|complian|certified", told, flags=re.I)


def test_without_requirements_there_is_no_section() -> None:
    whole: Any = report()
    assert "requirements" not in as_html(whole).partition("<script")[0].partition("</style>")[2]
    assert "Requirements" not in as_markdown(whole)
