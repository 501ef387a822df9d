"""Results of the paper's images and of others on one page: the claims, and what is said of the other images."""

from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import nn

import convstab as cs
from convstab.paper.report import report_of
from convstab.report.content import OTHER_IMAGES
from convstab.report.markdown import as_markdown
from convstab.report.page import as_html
from convstab.report.results import Evaluation
from tests.support.made_up_evidence import evidence, source
from tests.support.parsed_page import Parsed


@cache
def result() -> cs.StabilityResult:
    """A random model of ten classes, as MNIST has, under noise."""
    torch.manual_seed(0)
    pixels, labels = torch.randint(0, 256, (40, 1, 8, 8), dtype=torch.uint8), torch.arange(40) % 10
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).eval()
    return cs.evaluate(model, cs.Images(pixels.numpy(), labels.numpy()), levels=[1, 40], draws=3)


def of_paper() -> Evaluation:
    """An evaluation of images that the paper has."""
    return Evaluation(source("mnist"), {}, result(), None)


def mine(model: str = "resnet") -> Evaluation:
    """An evaluation of a model trained elsewhere on images of its user."""
    return replace(of_paper(), source=source("photos", model=model, seeds=[]))


def test_beside_the_papers_images_others_are_told_in_a_section_of_their_own_after_the_findings() -> None:
    report = report_of(evidence(of_paper(), mine()))
    assert len(report.findings) == 7
    assert [one.name for one in report.overviews] == ["photos, resnet"]
    page, html = Parsed(as_html(report)), as_html(report)
    assert html.index('id="findings"') < html.index('id="overview"') < html.index('id="tables"')
    assert "#overview" in page.all("href")
    assert html.count('id="figures-rates"') == 1
    assert html.index('id="figures"') < html.index('id="figures-rates"')
    (one,) = report.overviews
    assert {answer.shown for answer in one.answers} >= {"ran", "levels-1"}  # the second of the tables of levels
    assert {link.removeprefix("#") for link in page.all("href")} - {""} <= set(page.all("id"))
    text = as_markdown(report)
    order = ["## The paper's claims", f"## {OTHER_IMAGES}", "### photos, resnet", "- What was asked: ", "## Tables"]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


@pytest.mark.parametrize(("others", "findings"), [(["resnet", "vit"], 0), ([], 7)])
def test_where_all_images_are_of_one_kind_there_is_no_such_section(others: list[str], findings: int) -> None:
    report = report_of(evidence(*map(mine, others), *([] if others else [of_paper()])))
    assert (len(report.findings), len(report.overviews)) == (findings, len(others))
    html = as_html(report)
    assert 'id="overview"' not in html
    assert '"#overview"' not in html
    assert OTHER_IMAGES not in as_markdown(report)
    assert ('<section id="figures-rates"' in html.partition('id="tables"')[0]) == bool(others)


def test_a_reproduction_on_other_images_says_nothing_of_a_model_alone() -> None:
    report = report_of(evidence(of_paper(), mine()), reproduced=True)
    assert (len(report.findings), report.overviews) == (7, [])
