"""The page without a browser: one file, everything escaped, and the numbers of the results in it."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from attack_examples import example
from convstab.report import charts, page, pictures
from convstab.report.content import Report
from convstab.report.evidence import Evidence
from page_examples import CLASSES, EVIL, IMAGES, attacked, evaluation, evidence, report, result, sheet, training


class Parsed(HTMLParser):
    """The elements of a page: names and attributes, text of scripts, and the text that is seen."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[str | None, str]] = []
        self.text, self.inside = "", ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside = tag
        if tag == "script":
            self.scripts.append((dict(attrs).get("type"), ""))

    def handle_endtag(self, _: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            kind, before = self.scripts[-1]
            self.scripts[-1] = (kind, before + data)
        elif self.inside != "style":
            self.text += data

    def all(self, attribute: str) -> list[str]:
        return [values[attribute] or "" for _, values in self.elements if attribute in values]


@pytest.fixture(scope="module")
def html() -> str:
    return page.as_html(report())


@pytest.fixture(scope="module")
def parsed(html: str) -> Parsed:
    return Parsed(html)


def data_of(parsed: Parsed) -> list[dict[str, Any]]:
    """What the scripts of each figure are given: rates, scatter, attack, differences."""
    return [json.loads(text) for kind, text in parsed.scripts if kind == "application/json"]


def test_a_name_that_is_a_script_is_text_everywhere(html: str, parsed: Parsed) -> None:
    assert EVIL not in html
    assert parsed.text.count(EVIL) >= 6  # title, heading, finding, rows, choices, remark
    assert data_of(parsed)[1]["classes"] == CLASSES
    assert sum(kind is None for kind, _ in parsed.scripts) == 2  # Plotly and ours
    assert not {name for _, values in parsed.elements for name in values if name.startswith("on")}


def test_the_page_needs_no_other_file(parsed: Parsed) -> None:
    sources = parsed.all("src") + parsed.all("href") + parsed.all("srcset") + parsed.all("action")
    assert sources
    assert [source for source in sources if not source.startswith(("data:image/webp;", "#"))] == []
    assert not [tag for tag, _ in parsed.elements if tag in ("link", "iframe", "object", "base", "form")]


def test_only_the_scripts_of_the_page_may_run_and_nothing_may_be_reached(parsed: Parsed) -> None:
    (policy,) = [values["content"] or "" for _, values in parsed.elements if values.get("http-equiv")]
    digests = [
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for kind, text in parsed.scripts if not kind
    ]
    assert re.findall(r"sha256-([^']+)'", policy) == digests
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy


def test_links_lead_somewhere_and_ids_are_unique(parsed: Parsed) -> None:
    ids = parsed.all("id")
    assert len(set(ids)) == len(ids)
    assert {link[1:] for link in parsed.all("href")} <= set(ids)


def test_sheets_may_be_called_what_parts_of_the_page_are(html: str) -> None:
    twisted = Parsed(page.as_html(report(sheets=[sheet("rates"), sheet("glance"), sheet("scatter-0")])))
    assert len(set(twisted.all("id"))) == len(twisted.all("id"))


def test_pictures_have_words_and_a_size(parsed: Parsed) -> None:
    images = [values for tag, values in parsed.elements if tag == "img"]
    assert len(images) == 5  # rates, scatter, survival, gallery, differences
    assert all(values["alt"] and values["width"] and values["height"] for values in images)


def test_tables_show_ours_the_papers_and_the_difference(parsed: Parsed) -> None:
    text = " ".join(parsed.text.split())
    assert "accuracy93.2392.00 to 94.0095.15\u22121.92" in text.replace(" accuracy ", "accuracy")
    assert "75.0065.00 to 85.0050+25.00" in text  # the paper prints two digits: 0.50 is 50
    assert "not known" in text
    assert "nan" not in text.lower()


def test_what_was_run_is_said(parsed: Parsed) -> None:
    text = " ".join(parsed.text.split())
    for part in ("200 / 20 / 40", "sigma 0, 1, 20, 60 grey levels", "10 draws of each image", "torch 2.9, device cpu"):
        assert part in text
    assert "attack Genetic on 5 of 5 images" in text
    assert "/results" not in text  # folders as seen from the one that all are in
    assert "The first sentence." in text
    assert "half is half-finished" in text


def test_the_digits_are_those_of_the_paper() -> None:
    assert page.digits(sheet()) == 0
    finer = sheet()
    finer.rows[0] = replace(finer.rows[0], recall=replace(finer.rows[0].recall, paper=0.9198))
    assert page.digits(finer) == 2


def test_json_cannot_be_ended_from_within() -> None:
    nasty = {"</script><!--": "&lt; \u2028 ]]>"}
    text = page.as_json(nasty)
    assert not set("<>&") & set(text)
    assert json.loads(text) == nasty


def test_the_density_counts_all_draws_with_noise(parsed: Parsed) -> None:
    of, shown = result(), data_of(parsed)[1]
    for label, outcomes in enumerate(shown["density"]):
        for outcome, (distances, counts) in enumerate(outcomes):
            grid = np.zeros(of.histogram[0, 0].size, int)
            grid[np.cumsum(distances, dtype=int)] = counts
            assert (grid == of.histogram[label, outcome].ravel()).all()
    assert sum(sum(counts) for outcomes in shown["density"] for _, counts in outcomes) == 40 * 10 * 3


def test_each_dot_is_the_draw_that_its_picture_shows() -> None:
    of = evaluation()
    assert of.examples is not None
    points = charts.scatter(of, np.array([1, 5]))["points"]
    row = 3 * of.result.by_image("index")[:, 0].tolist().index(of.examples.index[5]) + 2  # of 3 noisy levels, the last
    noisy = {name: column[of.result.rows["sigma"] > 0] for name, column in of.result.rows.items()}
    last = {name: values[-1] for name, values in points.items()}
    assert last == {
        "image": 1,
        "place": of.examples.index[5],
        "level": 3,
        "label": noisy["label"][row],
        "predicted": noisy["sample_prediction"][row],
        "psnr": pytest.approx(noisy["sample_psnr"][row], abs=0.01),
        "score": pytest.approx(noisy["sample_score"][row], abs=1e-4),
    }


def test_the_recall_of_a_class_is_that_of_its_images() -> None:
    of = evaluation()
    recall = charts.scatter(of, np.zeros(0, np.int64))["recall"][2]
    assert recall["sigmas"] == [0, 1, 20, 60]
    np.testing.assert_allclose(recall["value"], of.result.rates[of.result.labels == 2].mean(0), atol=1e-5)


def test_an_attack_is_shown_from_the_least_noise_to_the_greatest() -> None:
    of = attacked()
    rows, images = pictures.attacked_versions(of.result)
    shown = charts.attack(of, rows, pictures.scale(of.result.noise[rows]))
    assert rows.tolist() == [0, 1, 3, 2]
    assert shown["l2"] == shown["points"]["l2"] == [2, 3, 4, 9]
    assert shown["psnr"] == [38, 37, 36, 31]
    assert shown["attacked"] == 5
    noise = images[:, 1].astype(int) - 128
    assert (np.abs(noise).max((1, 2, 3)) == 127).all()
    assert (np.sign(noise)[np.abs(noise) > 1] == np.sign(of.result.noise[rows])[np.abs(noise) > 1]).all()
    assert (images[:, 0] == of.result.pixels[rows]).all()


def test_pictures_are_thinned_evenly_and_every_class_keeps_one() -> None:
    random = np.random.default_rng(0)
    tiles = [(random.integers(0, 256, (40, 3, 3, 16, 16), dtype=np.uint8), np.repeat(np.arange(4), 10))] * 2
    whole = pictures.mosaics(tiles, budget=10**9)
    needed = sum(len(mosaic.uri) for mosaic in whole)
    half = pictures.mosaics(tiles, budget=needed // 2)
    assert [len(mosaic.rows) for mosaic in whole] == [40, 40]
    assert half[0].rows.tolist() == [ten + place for ten in (0, 10, 20, 30) for place in (0, 3, 6, 9)]  # 0.5 with room
    assert sum(len(mosaic.uri) for mosaic in half) <= needed // 2
    assert [mosaic.rows.tolist() for mosaic in pictures.mosaics(tiles, budget=1)] == [[0, 10, 20, 30]] * 2


def test_a_mosaic_is_never_higher_than_its_format_allows() -> None:
    images = np.zeros((300, 1, 1, 64, 64), np.uint8)
    (mosaic,) = pictures.mosaics([(images, np.arange(300))], budget=10**9)
    assert len(mosaic.rows) == 16_383 // 64


def test_seven_evaluations_of_large_images_stay_below_ten_megabytes() -> None:
    of = evaluation()
    assert of.examples is not None
    random = np.random.default_rng(0)
    large = random.integers(0, 256, (40, 4, 3, 96, 96), dtype=np.uint8)  # noise alone, which no format makes small
    heavy = replace(of, examples=replace(of.examples, clean=large[:, 0], noisy=large[:, 1:]))
    assert (
        7 * len(pictures.mosaics([(large, np.zeros(40, np.int64))])[0].uri) > 7_000_000
    )  # so that not all of them fit
    html = page.as_html(bare(evaluations=[heavy] * 7))
    assert len(html.encode()) < 10_000_000
    assert "of the 40 images that the folder keeps" in html
    assert "40 of the 40 images" not in html


def bare(**parts: Any) -> Report:
    """A report without findings and tables."""
    nothing: dict[str, Any] = {"trainings": [], "evaluations": [], "attacks": [], "remarks": []}
    return Report("bare", Evidence(**nothing | parts), [], [], [])


def test_a_report_may_have_little_to_say() -> None:
    text = Parsed(page.as_html(bare(trainings=[training()]))).text
    for part in ("no result fits a claim", "No result has classes", "Nothing that was found was left out"):
        assert part in text


def test_an_evaluation_without_images_says_so() -> None:
    of = Parsed(page.as_html(bare(evaluations=[replace(evaluation(), examples=None)])))
    assert "keeps no images" in of.text
    assert data_of(of)[1]["mosaic"] is None
    assert data_of(of)[1]["points"]["psnr"] == []


def test_attacks_without_success_or_without_images_to_attack() -> None:
    failed = attacked(l2=(None, None))
    spared = replace(
        failed, result=example([1, 2], classes=CLASSES, channels=3, attacked=[False, False], success=[False, False])
    )
    of = Parsed(page.as_html(bare(attacks=[failed, spared])))
    assert data_of(of) == []
    assert "0 of 2 images were attacked" in of.text
    assert "There is nothing to draw" in of.text
    assert len([tag for tag, _ in of.elements if tag == "img"]) == 1  # what failed has its survival


def test_results_of_one_name_are_told_apart_by_folder() -> None:
    both = [evaluation("seeds/a"), evaluation("seeds/b")]
    text = Parsed(page.as_html(bare(evaluations=both))).text
    assert "augment: none (a)" in text
    assert "augment: none (b)" in text


def test_what_is_not_recorded_is_said() -> None:
    unknown = evaluation(images=dict.fromkeys(IMAGES), official=None, epochs=None, made_with={})
    text = Parsed(page.as_html(bare(evaluations=[unknown]))).text
    assert "not recorded / not recorded / not recorded" in " ".join(text.split())


def test_the_evidence_of_the_examples_is_whole() -> None:
    of = evidence()
    rates = of.evaluations[0].result.rates.mean(0)
    assert 0.3 < rates[-1] < rates[-2] < rates[0] == 1  # the tests need right and wrong draws
