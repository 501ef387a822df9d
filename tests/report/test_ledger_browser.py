"""The account of single images on the page: in a browser, and as it is without scripts."""

import pytest

from convstab.report.markdown import as_markdown
from convstab.report.page import as_html
from tests.support.ledger_examples import attacked, report
from tests.support.page_browser import Opened, drawn, facts, traces, written
from tests.support.page_examples import EVIL
from tests.support.parsed_page import Parsed

FIGURE = "#ledger-0"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(as_html(report(attacked())), tmp_path_factory.mktemp("page"))


def test_a_row_opens_the_curve_of_its_image(opened: Opened) -> None:
    page, shown = opened(), report(attacked()).ledgers[0]
    figure, table = drawn(page, FIGURE), page.locator(f"{FIGURE}-images")
    index = shown.ledger.rows["index"][shown.rows]
    assert facts(figure)["Image"] == f"id {index[0]}"
    before = traces(page, FIGURE)[-1]
    assert before[1] == pytest.approx((100 * shown.ledger.by_level("flips")[shown.rows[0]]).tolist(), abs=0.01)
    table.locator("tbody tr").nth(9).click()
    assert facts(figure)["Image"] == f"id {index[9]}"
    assert traces(page, FIGURE)[-1][1] == pytest.approx(
        (100 * shown.ledger.by_level("flips")[shown.rows[9]]).tolist(), abs=0.01
    )
    assert facts(figure)["Class"] in ("one", EVIL)
    pressed = table.locator("button[aria-pressed=true]").all_text_contents()
    assert pressed == [str(index[9])]


def test_a_sorted_table_still_opens_the_image_of_the_row(opened: Opened) -> None:
    page = opened()
    figure, table = drawn(page, FIGURE), page.locator(f"{FIGURE}-images")
    table.locator("thead button").nth(3).click()  # least perturbation
    shown = [float(text) for text in table.locator("tbody tr td:nth-child(4)").all_text_contents()]
    assert shown == sorted(shown)
    last = table.locator("tbody tr").last
    last.locator("button").focus()
    page.keyboard.press("Enter")
    assert facts(figure)["Image"] == f"id {last.locator('th').text_content()}"


def test_rows_can_be_searched(opened: Opened) -> None:
    page = opened()
    drawn(page, FIGURE)
    table = page.locator(f"{FIGURE}-images")
    shown = [text for text in table.locator("tbody tr").all_text_contents() if "<script>" in text]
    page.get_by_label("Search the rows of evaluation: images").fill("<SCRIPT>")
    assert table.locator("tbody tr:visible").count() == len(shown) < 36
    page.get_by_label("Search the rows of evaluation: images").fill("")
    assert table.locator("tbody tr:visible").count() == 36


def test_without_scripts_the_tables_and_pictures_are_there(opened: Opened) -> None:
    page = opened(java_script_enabled=False)
    assert page.locator(f"{FIGURE}-images tbody tr").count() == 36
    assert page.locator(f"{FIGURE} .still img").count() == 2
    assert page.locator("#account-ledger-0").get_by_text("flat-boundary law").first.is_visible()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_does_not_scroll_sideways(opened: Opened, scheme: str) -> None:
    page = opened(width=360, color_scheme=scheme)
    drawn(page, FIGURE)
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_a_page_without_ledgers_has_no_such_section() -> None:
    bare = Parsed(as_html(report()))
    assert "Image by image" in bare.text  # an evaluation alone has one
    nothing = report()
    nothing.ledgers.clear()
    assert "Image by image" not in Parsed(as_html(nothing)).text


def test_the_text_says_the_same() -> None:
    text = as_markdown(report(attacked()))
    assert "### Image by image: evaluation" in text
    assert "| DDN | upper bound | 36 |" in text
    assert "90.00 % of 40 images are correct when clean" in text
