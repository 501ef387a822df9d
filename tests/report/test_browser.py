"""The page in a browser: its charts and tables answer, it reaches nothing, and without scripts it can be read."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from convstab.report.page import as_html
from tests.support.page_browser import MEAN, POSITION, Opened, drawn, facts, traces, written
from tests.support.page_examples import CLASSES, EVIL, report

CORRECT, MISCLASSIFIED, RING = 4, 5, 6  # traces of the scatter, after the four of the density


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(as_html(report()), tmp_path_factory.mktemp("page"))


def names(table: Any) -> list[str]:
    return list(table.locator("tbody th").all_text_contents())


def test_tables_sort_both_ways_by_mouse_and_keyboard(opened: Opened) -> None:
    page = opened()
    table = page.locator("#table-table-2 table.sortable")
    head = table.locator("thead tr:last-child th").nth(3)  # recall, ours
    ascending = [CLASSES[label] for label in (3, 1, 0, 2)]
    head.locator("button").click()
    assert (head.get_attribute("aria-sort"), names(table)) == ("ascending", ascending)
    head.locator("button").click()
    assert (head.get_attribute("aria-sort"), names(table)) == ("descending", ascending[::-1])
    number = table.locator("thead tr:last-child th").first
    number.locator("button").focus()
    page.keyboard.press("Enter")
    assert (number.get_attribute("aria-sort"), head.get_attribute("aria-sort")) == ("ascending", "none")
    assert names(table) == CLASSES
    page.keyboard.press("Space")
    assert names(table) == CLASSES[::-1]


@pytest.mark.slow
def test_what_is_not_known_is_sorted_last(opened: Opened) -> None:
    table = opened().locator("#table-other table.sortable")
    button = table.locator("thead tr:last-child th button").nth(3)
    button.click()
    assert names(table)[-1] == CLASSES[1]
    button.click()
    assert names(table)[-1] == CLASSES[1]


@pytest.mark.slow
def test_class_and_sigma_choose_what_is_drawn(opened: Opened) -> None:
    page = opened()
    figure = drawn(page, "#scatter-0")
    figure.get_by_role("combobox", name="Class").select_option("0")
    first = traces(page, "#scatter-0")
    assert len(first[CORRECT][0]) + len(first[MISCLASSIFIED][0]) == 10 * 3
    figure.get_by_label("Sigma (grey levels)").select_option(label="60")
    strongest = traces(page, "#scatter-0")
    assert len(strongest[CORRECT][0]) + len(strongest[MISCLASSIFIED][0]) == 10
    assert max(strongest[CORRECT][0] + strongest[MISCLASSIFIED][0]) < 20  # dB
    recall = traces(page, "#scatter-0", 1)
    figure.get_by_role("combobox", name="Class").select_option("2")
    assert traces(page, "#scatter-0") != strongest
    assert traces(page, "#scatter-0", 1) != recall
    assert facts(figure)["Label"] == "yield"
    assert facts(figure)["Degradation"] == "sigma 60 grey levels"


def test_a_dot_shows_its_images_when_pointed_at(opened: Opened) -> None:
    page = opened()
    figure = drawn(page, "#scatter-0")
    figure.get_by_role("combobox", name="Class").select_option("0")
    figure.get_by_label("Sigma (grey levels)").select_option(label="20")
    psnr, score = (values[-1] for values in traces(page, "#scatter-0")[CORRECT])
    chosen = page.evaluate("(at) => document.querySelector('#scatter-0 .chart').data[at].customdata.at(-1)", CORRECT)
    last = len(traces(page, "#scatter-0")[CORRECT][0]) - 1
    page.mouse.move(*page.evaluate(POSITION, ["#scatter-0", CORRECT, last]))
    page.wait_for_function("(x) => document.querySelector('#scatter-0 .chart').data.at(-1).x[0] === x", arg=psnr)
    said = facts(figure)
    assert (said["PSNR"], said["Score"][:5]) == (f"{psnr:.2f} dB", f"{score:.3f}")
    assert (said["Label"], said["Predicted"]) == (EVIL, f"{EVIL} (correct)")
    row = chosen // 3  # three sigmas
    clean, noisy = (figure.locator(f"canvas[data-role={name}]").evaluate(MEAN) for name in ("clean", "degraded"))
    assert clean[:2] == pytest.approx([0, 6 * row], abs=12)
    assert noisy[:2] == pytest.approx([255, 6 * row], abs=12)


@pytest.mark.slow
def test_dots_can_be_chosen_from_the_keyboard(opened: Opened) -> None:
    page = opened()
    figure = drawn(page, "#scatter-0")
    figure.locator(".chart").first.focus()
    seen = []
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowLeft", "End"):
        page.keyboard.press(key)
        seen.append(float(facts(figure)["PSNR"].removesuffix(" dB")))
    assert seen[0] <= seen[1] <= seen[2]
    assert seen[3] == seen[1]
    assert seen[4] == pytest.approx(max(max(xs) for xs, _ in traces(page, "#scatter-0")[CORRECT:RING]), abs=0.01)


def test_the_class_that_suffers_most_is_shown_first(opened: Opened) -> None:
    figure = drawn(opened(), "#scatter-0")
    shares = [float(text.rsplit("(", 1)[1].split()[0]) for text in figure.locator("option").all_text_contents()[:4]]
    assert figure.get_by_role("combobox", name="Class").input_value() == str(shares.index(max(shares)))
    assert shares.index(max(shares)) > 0


def test_a_table_is_saved_as_csv_with_what_stands_above_its_columns(opened: Opened) -> None:
    page = opened()
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("^Save Table 2: models under noise: classes")).click()
    assert download.value.suggested_filename == "table_2_models_under_noise_classes.csv"
    with Path(download.value.path()).open(newline="") as file:
        head, *rows = csv.reader(file)
    assert head[:5] == ["No.", "Class", "Images", "Recall: Ours", "Recall: 95 % interval"]
    assert [row[1] for row in rows] == CLASSES
    assert [row[3] for row in rows] == ["75.00", "20.00", "90.00", "10.00"]


@pytest.mark.slow
def test_a_chart_is_saved_as_png(opened: Opened) -> None:
    page = opened()
    figure = drawn(page, "#rates")
    figure.locator(".chart").first.hover()
    with page.expect_download() as download:
        figure.locator(".modebar-btn").nth(3).click()
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")


def test_an_attack_shows_image_noise_and_both(opened: Opened) -> None:
    page = opened()
    figure = drawn(page, "#attack-0")
    assert traces(page, "#attack-0")[0] == [[0, 2, 3, 4, 9], [100, 80, 60, pytest.approx(40), pytest.approx(20)]]
    page.mouse.move(*page.evaluate(POSITION, ["#attack-0", 1, 2]))
    page.wait_for_function("() => document.querySelector('#attack-0 .chart').data.at(-1).x[0] === 4")
    assert facts(figure)["L2 norm"].startswith("4.00")
    assert facts(figure)["Predicted"].startswith(EVIL)  # of image 3, whose label is the last class
    assert "noise, times 0.8; grey: no change" in (figure.locator("[data-role=below-noise]").text_content() or "")
    figure.get_by_label("Measure").select_option("psnr")
    assert traces(page, "#attack-0")[1][0] == [38, 37, 36, 31]


def test_all_charts_are_drawn_and_a_class_stays_text(opened: Opened) -> None:
    page = opened()
    for figure in ("#rates", "#scatter-0", "#attack-0", "#differences-table-2"):
        assert drawn(page, figure).locator("svg.main-svg").count() >= 1
        assert not page.locator(f"{figure} .still").is_visible()
    labels = page.locator("#differences-table-2 .ytick").all_text_contents()
    assert labels[0] == EVIL
    assert labels[1] == "stop & go"
    assert EVIL in page.locator("#scatter-0 option").first.text_content()


def test_charts_far_below_are_drawn_before_they_are_scrolled_to(opened: Opened) -> None:
    page = opened()
    figures = page.locator("figure.report-figure").count()
    page.wait_for_function("n => document.querySelectorAll('figure[data-ready=yes]').length === n", arg=figures)
    assert figures > 3
    assert page.evaluate("scrollY") == 0


@pytest.mark.slow
def test_dark_mode_changes_the_page_and_its_charts(opened: Opened) -> None:
    def looks(page: Any) -> tuple[str, str]:
        drawn(page, "#rates")
        ink = page.evaluate("document.querySelector('#rates .chart').layout.font.color")
        return page.evaluate("getComputedStyle(document.body).backgroundColor"), ink

    light, dark = opened(color_scheme="light"), opened(color_scheme="dark")
    bright, dim = looks(light), looks(dark)
    assert bright[0] != dim[0]
    assert bright[1] != dim[1]
    light.get_by_role("button", name="Dark mode").click()
    dark.get_by_role("button", name="Light mode").click()
    assert (looks(light), looks(dark)) == (dim, bright)


def test_without_scripts_text_tables_and_pictures_are_there(opened: Opened) -> None:
    page = opened(java_script_enabled=False)
    assert page.get_by_text("The first sentence.").is_visible()
    assert page.locator("#table-table-2 tbody tr").count() == 2 + 4
    assert page.locator("#scatter-0 .still img").is_visible()
    assert not page.locator("#scatter-0 .live").is_visible()
    assert not page.locator("#theme").is_visible()
    sizes = [image.bounding_box()["width"] for image in page.locator(".still img").all()]
    assert len(sizes) == 4
    assert min(sizes) > 200


def test_images_and_words_of_an_attack_are_readable_on_a_narrow_screen(opened: Opened) -> None:
    page = opened(width=390, java_script_enabled=False)
    gallery = page.locator("#attack-0 .gallery")
    assert [gallery.locator("li").nth(place).locator("span").all_text_contents()[0][:5] for place in range(3)] == [
        "clean",
        "noise",
        "noisy",
    ]
    assert min(image.bounding_box()["width"] for image in gallery.locator("img").all()) > 90
    sizes = gallery.locator("span").evaluate_all(
        "(all) => all.map((one) => parseFloat(getComputedStyle(one).fontSize))"
    )
    assert min(sizes) >= 12
    assert gallery.evaluate("(box) => box.scrollWidth <= box.clientWidth")


def test_pictures_are_dark_in_the_dark_and_white_on_paper(opened: Opened) -> None:
    page = opened(java_script_enabled=False, color_scheme="dark")
    picture = page.locator("#rates .still img").first
    assert max(corner(picture)) < 40
    assert page.locator("#attack-0 .gallery img").first.evaluate("(one) => getComputedStyle(one).filter") == "none"
    page.emulate_media(media="print", color_scheme="dark")
    assert min(corner(picture)) > 250


def corner(picture: Any) -> tuple[int, ...]:
    """The colour of a picture near its upper left corner, as the screen has it."""
    with Image.open(io.BytesIO(picture.screenshot())) as shown:
        return tuple(shown.convert("RGB").crop((4, 4, 5, 5)).tobytes())


@pytest.mark.slow
def test_print_shows_pictures_in_place_of_charts(opened: Opened) -> None:
    page = opened()
    drawn(page, "#scatter-0")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("#scatter-0 .still img").is_visible()
    assert not page.locator("#scatter-0 .live").is_visible()
    assert page.get_by_text("at most 1,200 of a class").is_visible()  # what only the picture shows
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.parametrize("scripts", [pytest.param(True, marks=pytest.mark.slow), False])
def test_a_narrow_screen_does_not_scroll_sideways(opened: Opened, scripts: bool) -> None:
    page = opened(width=360, java_script_enabled=scripts)
    if scripts:
        for figure in ("#rates", "#scatter-0", "#attack-0", "#differences-table-2"):
            drawn(page, figure)
    page.evaluate("window.scrollTo(500, 0)")
    assert page.evaluate("[document.documentElement.scrollWidth, window.scrollX]") == [360, 0]


@pytest.mark.slow
def test_the_first_stop_of_the_keyboard_leads_to_the_content(opened: Opened) -> None:
    page = opened()
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    assert skip.bounding_box()["x"] >= 0
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


@pytest.mark.slow
def test_a_dot_can_be_tapped(opened: Opened) -> None:
    page = opened(width=390, has_touch=True, is_mobile=True)
    drawn(page, "#attack-0")
    page.evaluate("document.querySelector('#attack-0 .chart').scrollIntoView({ block: 'center', behavior: 'instant' })")
    page.touchscreen.tap(*page.evaluate(POSITION, ["#attack-0", 1, 3]))
    page.wait_for_function("() => document.querySelector('#attack-0 .chart').data.at(-1).x[0] === 9")


@pytest.mark.slow
@pytest.mark.parametrize("scripts", [True, False])
def test_what_is_folded_is_printed(opened: Opened, scripts: bool) -> None:
    pdfium = pytest.importorskip("pypdfium2", reason="pypdfium2, which reads PDF, is not installed")
    page = opened(java_script_enabled=scripts)
    rule = page.get_by_text("The second one.")
    assert rule.is_visible() == (not scripts)  # which fold it
    sheets = pdfium.PdfDocument(page.pdf(format="A4"))
    assert "The second one." in " ".join(sheet.get_textpage().get_text_bounded() for sheet in sheets)


def test_a_finding_is_unfolded_by_the_keyboard(opened: Opened) -> None:
    page = opened()
    assert not page.get_by_text("The second one.").is_visible()
    page.locator("#finding-1 summary").focus()
    page.keyboard.press("Enter")
    assert page.get_by_text("The second one.").is_visible()
