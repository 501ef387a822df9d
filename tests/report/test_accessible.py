"""The page for those who see little, use no mouse, or print it: contrasts, roles, shadows, heads on each sheet."""

import io
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from convstab.report.page import as_html, asset
from tests.support.ledger_examples import attacked, report
from tests.support.page_browser import Opened, drawn, written

ROOT = Path(__file__).parents[2]
AXE = Path(os.environ.get("CONVSTAB_TEST_AXE", ROOT / "node_modules/axe-core/axe.min.js"))
FIGURES = ("#rates", "#scatter-0", "#attack-0", "#ledger-0")
WRITTEN = ("ink", "faint", "link", "agrees", "disagrees", "mixed")
DRAWN = ("correct", "misclassified", "line-of", "ink")
MARGIN = 13 / 25.4 * 72  # points
WITHIN = "(all) => all.filter((one) => one.querySelector('button, a[href], input, select, [tabindex]')).length"
SERIOUS = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  const grave = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  return grave.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 120)}`));
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(as_html(report(attacked())), tmp_path_factory.mktemp("page"))


def unfolded(page: Any) -> Any:
    """The page with all charts drawn, all sections open, and an image chosen."""
    for figure in FIGURES:
        drawn(page, figure)
    page.locator("details").evaluate_all("(all) => all.forEach((one) => (one.open = true))")
    page.locator("#ledger-0-images tbody tr").nth(2).click()
    return page


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb", as WCAG 2.2 defines it."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours, from 1 to 21, as WCAG 2.2 defines it."""
    dim, bright = sorted((luminance(first), luminance(second)))
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize("style", ["style.css", "dark.css"])
def test_text_and_marks_stand_out(style: str) -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", asset(style)))
    for ground in ("paper", "shade"):
        for name in WRITTEN:
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
        for name in DRAWN:
            assert contrast(colours[name], colours[ground]) >= 3, (name, ground)


def test_nothing_can_be_reached_within_a_picture(opened: Opened) -> None:
    page = unfolded(opened())
    assert page.locator(".modebar-btn").count() > 10  # of the charts
    assert page.locator("[role=img]").evaluate_all(WITHIN) == 0
    assert page.locator("svg.main-svg:not([aria-hidden=true])").count() == 0  # its numbers are said by the labels


@pytest.mark.slow
@pytest.mark.skipif(not AXE.is_file(), reason="no axe-core: npm install axe-core, or CONVSTAB_TEST_AXE=<axe.min.js>")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_no_serious_fault(opened: Opened, width: int, scheme: str) -> None:
    page = unfolded(opened(width=width, color_scheme=scheme))
    page.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
    assert page.evaluate(SERIOUS) == []


def shaded(box: Any) -> tuple[float, float]:
    """Shares of the left and of the right edge of a box that are not white."""
    pixels = np.asarray(Image.open(io.BytesIO(box.screenshot())).convert("L"))
    left, right = ((pixels[:, at] < 250).mean() for at in (1, -2))
    return float(left), float(right)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_shadow_tells_where_a_table_goes_on(opened: Opened, scripts: bool) -> None:
    box = opened(width=390, java_script_enabled=scripts).get_by_role("region", name=re.compile("^evaluation: levels"))
    assert box.evaluate("(box) => box.scrollWidth - box.clientWidth") > 50
    left, right = shaded(box)
    assert (left < 0.3, right > 0.7) == (True, True), (left, right)
    box.evaluate("(box) => (box.scrollLeft = 9999)")
    left, right = shaded(box)
    assert (left > 0.7, right < 0.3) == (True, True), (left, right)


def test_heads_stand_over_their_columns(opened: Opened) -> None:
    table = opened().get_by_role("region", name="evaluation: distances").locator("table")
    align = "(cells) => cells.map((cell) => getComputedStyle(cell).textAlign)"
    assert table.locator("thead th").evaluate_all(align) == ["left", "left", "right", "right", "right"]
    assert table.locator("tbody tr").first.locator("th, td").evaluate_all(align) == ["left", "left"] + 3 * ["right"]


def test_words_of_the_table_of_images_stand_to_the_left_and_numbers_to_the_right(opened: Opened) -> None:
    table = opened().locator("#ledger-0-images")
    align = "(cells) => cells.map((cell) => getComputedStyle(cell).textAlign)"
    for cells in (table.locator("thead th"), table.locator("tbody tr").first.locator("th, td")):
        assert cells.evaluate_all(align)[:4] == ["left", "left", "right", "right"]


@pytest.mark.slow
def test_print_says_nothing_of_what_only_a_screen_can_do(opened: Opened) -> None:
    page = unfolded(opened())
    words = re.compile("is shown first|Choose an image|choose one")
    assert page.get_by_text(words).filter(visible=True).count() == 2
    page.emulate_media(media="print")
    assert page.get_by_text(words).filter(visible=True).count() == 0


@pytest.mark.slow
def test_each_sheet_has_margins_and_a_table_its_head(opened: Opened) -> None:
    pdfium = pytest.importorskip("pypdfium2", reason="pypdfium2, which reads PDF, is not installed")
    page = unfolded(opened())
    body = "document.querySelector('#ledger-0-images tbody')"
    page.evaluate(f"for (let n = 0; n < 3; n++) {body}.append(...[...{body}.rows].map((row) => row.cloneNode(true)))")
    sheets = [sheet.get_textpage() for sheet in pdfium.PdfDocument(page.pdf(format="A4"))]
    said = [" ".join(sheet.get_text_bounded().split()) for sheet in sheets]
    assert all(said)  # none is empty
    begun = [text.startswith("image class clean margin") for text in said]
    assert sum(begun) >= 3
    for sheet in sheets:
        boxes = [sheet.get_charbox(at) for at in range(sheet.count_chars())]
        assert min(box[0] for box in boxes if box[2] > box[0]) >= MARGIN - 1
