"""The page without a browser: one file, everything escaped, and the numbers of the results in it."""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from convstab.paper.tables import tables
from convstab.report import mosaics, page
from convstab.report.content import Number, Report, ScoreTable
from convstab.report.figures import worst
from convstab.report.results import Evidence
from tests.support.attack_examples import example
from tests.support.made_up_evidence import evaluation as made_up
from tests.support.page_examples import CLASSES, EVIL, IMAGES, attacked, evaluation, evidence, report, scores, training
from tests.support.parsed_page import Parsed


@pytest.fixture(scope="module")
def html() -> str:
    return page.as_html(report())


@pytest.fixture(scope="module")
def parsed(html: str) -> Parsed:
    return Parsed(html)


SECTIONS = ("glance", "findings")


def data_of(parsed: Parsed) -> list[dict[str, Any]]:
    """What the scripts of each figure are given: rates, scatter, attack, differences."""
    return [json.loads(text) for kind, text in parsed.scripts if kind == "application/json"]


def unpacked(parsed: Parsed) -> str:
    """Plotly, as the page holds it."""
    (packed,) = [text for kind, text in parsed.scripts if kind == "application/gzip"]
    assert not set(packed) & set("<>&")
    return gzip.decompress(base64.b85decode(packed.translate(str.maketrans(",.:", "<>&")))).decode()


def test_a_name_that_is_a_script_is_text_everywhere(html: str, parsed: Parsed) -> None:
    assert EVIL not in html
    assert parsed.text.count(EVIL) >= 6  # title, heading, finding, rows, choices, remark
    assert data_of(parsed)[1]["classes"] == CLASSES
    assert sum(kind is None for kind, _ in parsed.scripts) == 1  # ours, which unpacks Plotly
    assert "plotly.js (cartesian - minified) v4.1.1" in unpacked(parsed)[:100]
    assert not {name for _, values in parsed.elements for name in values if name.startswith("on")}


def test_the_page_needs_no_other_file(parsed: Parsed) -> None:
    sources = parsed.all("src") + parsed.all("href") + parsed.all("srcset") + parsed.all("action")
    assert sources
    assert [source for source in sources if not source.startswith(("data:image/webp;", "#"))] == []
    assert not [tag for tag, _ in parsed.elements if tag in ("link", "iframe", "object", "base", "form")]


def test_only_the_scripts_of_the_page_may_run_and_nothing_may_be_reached(parsed: Parsed) -> None:
    (policy,) = [values["content"] or "" for _, values in parsed.elements if values.get("http-equiv")]
    run = [unpacked(parsed), *(text for kind, text in parsed.scripts if not kind)]
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in run]
    assert re.findall(r"sha256-([^']+)'", policy) == digests
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy


def test_links_lead_somewhere_and_ids_are_unique(parsed: Parsed) -> None:
    ids = parsed.all("id")
    assert len(set(ids)) == len(ids)
    assert {link[1:] for link in parsed.all("href")} <= set(ids)


def test_tables_may_be_called_what_parts_of_the_page_are(html: str) -> None:
    twisted = Parsed(page.as_html(report(tables=[scores("rates"), scores("glance"), scores("scatter-0")])))
    assert len(set(twisted.all("id"))) == len(twisted.all("id"))


def test_pictures_have_words_and_a_size(parsed: Parsed) -> None:
    images = [values for tag, values in parsed.elements if tag == "img"]
    assert len(images) == 4 + 3 * 4  # rates, scatter, survival, differences; 4 images in a gallery, each in 3 versions
    assert all(values["alt"] and values["width"] and values["height"] for values in images)


def test_tables_show_ours_the_papers_and_the_difference(parsed: Parsed) -> None:
    text = " ".join(parsed.text.split())
    assert "accuracy93.2392.00 to 94.0095.15\u22121.92" in text.replace(" accuracy ", "accuracy")
    assert "75.0065.00 to 85.0050+25.00" in text  # the paper prints two digits: 0.50 is 50
    assert "balanced accuracy90.00\u2013\u2013\u2013" in text  # no interval, and the paper prints none
    assert "not known" not in text
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
    assert "75.0065.00 to 85.0050.00+25.00" in Parsed(page.as_html(bare(tables=[replace(scores(), decimals=4)]))).text


def test_a_table_that_the_paper_lacks_has_no_columns_for_it() -> None:
    unknown = scores("other", None)
    unknown.rows[1] = replace(unknown.rows[1], recall=Number(float("nan"), float("nan"), float("nan")))
    of = Parsed(page.as_html(bare(tables=[unknown])))
    assert ["Paper" in of.text.split(), "Difference" in of.text.split()] == [False, False]
    assert "stop & go10\u2013\u201350.00" in "".join(of.text.splitlines())


def test_what_was_left_out_and_what_the_paper_contradicts_itself_in_stand_apart(parsed: Parsed) -> None:
    left_out, contradictions = parsed.text.split("What was left out")[-1].split("Where the paper contradicts itself")
    assert left_out.strip() == "half is half-finished and not used"
    assert contradictions.strip() == f"The paper says {EVIL} and not"
    without = Parsed(page.as_html(bare()))
    assert "Nothing that was found was left out." in without.text
    assert "contradicts itself" not in without.text


def test_a_finding_is_one_sentence_with_its_number_and_the_rest_is_folded(html: str) -> None:
    glance, finding = (re.split(r"</?section", html.partition(f'<section id="{of}">')[2])[0] for of in SECTIONS)
    seen, folded, rest = re.split(r"<details open data-folded>|</details>", finding)
    assert "It fails at 7.25 %." in glance
    assert "It fails at 7.25 %." in seen
    assert all(text in folded and text not in seen + rest + glance for text in ("The first sentence.", "The second"))


def test_json_cannot_be_ended_from_within() -> None:
    nasty = {"</script><!--": "&lt; \u2028 ]]>"}
    text = page.as_json(nasty)
    assert not set("<>&") & set(text)
    assert json.loads(text) == nasty


@pytest.mark.slow
def test_seven_evaluations_of_large_images_stay_below_three_megabytes() -> None:
    of = evaluation()
    assert of.examples is not None
    random = np.random.default_rng(0)
    large = random.integers(0, 256, (40, 4, 3, 96, 96), dtype=np.uint8)  # noise alone, which no format makes small
    heavy = replace(of, examples=replace(of.examples, clean=large[:, 0], degraded=large[:, 1:]))
    whole = mosaics.mosaics([(large, np.zeros(40, np.int64))], budget=10**9)[0]
    assert 7 * len(whole.uri) > 5_300_000  # so that not all of them fit beside the 0.6 MB of Plotly
    html = page.as_html(bare(evaluations=[heavy] * 7))
    assert len(html.encode()) < 3_000_000
    assert "of the 40 images that the folder keeps" in html
    assert "40 of the 40 images" not in html


def bare(tables: Sequence[ScoreTable] = (), **parts: Any) -> Report:
    """A report without findings."""
    nothing: dict[str, Any] = {"trainings": [], "evaluations": [], "attacks": [], "remarks": []}
    return Report("bare", Evidence(**nothing | parts), list(tables), [], [])


def test_a_report_may_have_little_to_say() -> None:
    text = Parsed(page.as_html(bare(trainings=[training()]))).text
    assert "At a glance" not in text
    for part in ("No result has classes", "Nothing that was found was left out"):
        assert part in text


def test_an_evaluation_without_images_says_so() -> None:
    of = Parsed(page.as_html(bare(evaluations=[replace(evaluation(), examples=None)])))
    assert "the same convstab-evaluate command again, without skip_done, adds them" in of.text
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


def test_the_page_says_how_many_searches_a_limit_cut_off() -> None:
    result = example([1, 2, 3, 4], classes=CLASSES, channels=3, ended=["stall", "queries", "steps", "generations"])
    cut, whole = replace(attacked(), result=result), attacked()
    assert "ended 50 % of the searches, not their own rule" in Parsed(page.as_html(bare(attacks=[cut]))).text
    assert "not their own rule" not in Parsed(page.as_html(bare(attacks=[whole]))).text


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
    assert 0.3 < rates[-1] < rates[-2] < rates[0] == 1  # the tests need correct and misclassified draws


def test_of_images_that_have_no_publisher_the_page_speaks_of_no_paper(parsed: Parsed) -> None:
    own = evaluation("own", dataset="photos", seeds=[], official=False)
    found = Evidence([], [own], [], [])
    shown = Parsed(page.as_html(Report("Mine", found, tables(found), [], []))).text
    assert "photos, Aghdam" in shown
    assert "Value" in shown
    for word in ("paper", "publisher"):  # cells stand without a space between them
        assert word not in shown.lower(), word
    assert "Ours" not in shown
    assert "ours minus the paper's" in parsed.text
    assert "Publisher's files" in parsed.text


def test_a_class_of_few_images_is_not_shown_first_where_others_have_enough() -> None:
    labels = [0] * 5 + [1] * 6 + [2]
    result = made_up(np.ones((12, 13)), classes=3, labels=labels).result
    assert worst(result, np.array([0.1, 0.2, 0.9])) == 1
    assert worst(result, np.array([0.3, 0.2, 0.9])) == 0
    few = made_up(np.ones((6, 13)), classes=3, labels=[0, 0, 1, 1, 2, 2]).result
    assert worst(few, np.array([0.1, np.nan, 0.9])) == 2
