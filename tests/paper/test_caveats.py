"""What limits a comparison with the paper, as it is remarked below a table."""

from typing import Any

import pytest

from convstab.degradations.gaussian import PAPER_SIGMAS
from convstab.paper import TABLES
from tests.support.made_up_evidence import confusion, evaluation, noisy, only, training


def test_the_same_as_the_paper_has_no_remark_but_those_on_the_paper() -> None:
    scores = only(evaluation(noisy(10_000), "mnist"))
    assert scores.remarks == [*next(one for one in TABLES if one.name == "Table 3").remarks]


@pytest.mark.parametrize(
    ("dataset", "more", "said"),
    [
        ("mnist", {"official": False}, "not the publisher's files"),
        ("mnist", {"official": None}, "not recorded whether"),
        ("mnist", {"members": 3, "seeds": [0, 1, 2]}, "3 models here, 5 in the paper"),
        ("mnist", {"model": "CifarQuick"}, "The model is CifarQuick"),
        ("mnist", {"augment": "Jitter"}, "augmentation Jitter"),
        ("mnist", {"images": {"train": 54_000, "validation": 6_000}}, "6,000 more were kept for validation"),
        ("mnist", {"images": {"train": 900, "validation": 100}}, "the full set has 60,000"),
        ("mnist", {"images": {"train": None, "validation": None}}, "training images is not recorded"),
        ("mnist", {"images": {"train": "various", "validation": 0}}, "on different numbers of images; the full set"),
        ("mnist", {"images": {"train": 60_000, "validation": "various"}}, "on different numbers of images"),
        ("mnist", {"draws": 10}, "10 noisy copies of each image under each sigma, 150 in the paper"),
        ("mnist", {"protocol": {"clip": True, "rounding": False}}, "not 8-bit images"),
        ("mnist", {"protocol": {"clip": False, "rounding": True}}, "not 8-bit images"),
        ("mnist", {}, "100 test images here; the whole test set has 10,000"),
        ("gtsrb", {"augment": "none"}, "without jitter"),
        ("gtsrb", {"augment": "GaussianNoise", "noisy": True}, "without jitter"),
        ("gtsrb", {"augment": "Jitter + GaussianNoise", "noisy": True}, "not with 15 noisy copies"),
        ("gtsrb", {}, "jitter is an approximation"),
        ("gtsrb", {}, "The printed 93.23 % stands beside the balanced accuracy"),
        ("gtsrb", {}, "weighted by the official test counts, 93.44 %"),
        ("gtsrb", {"members": 5, "seeds": [0, 1, 2, 3, 4]}, "95.15 %, is neither"),
    ],
)
def test_what_limits_the_comparison_is_said_once(dataset: str, more: dict[str, Any], said: str) -> None:
    classes = 43 if dataset == "gtsrb" else 10
    scores = only(evaluation(noisy(classes * 10), dataset, classes=classes, **more))
    assert scores.paper is not None
    assert sum(said in remark for remark in scores.remarks) == 1


def test_other_sigmas_are_said() -> None:
    scores = only(evaluation(noisy(levels=3), levels=(0, 5, 20)))
    assert any(remark.startswith("Sigma is 5 and 20 here, and 1, 2, 4") for remark in scores.remarks)
    assert scores.drawn == "150 noisy copies of each of 100 test images under each sigma of 5 and 20"
    assert not any("Sigma is" in remark for remark in only(evaluation(noisy())).remarks)
    assert len(PAPER_SIGMAS) == 12


@pytest.mark.parametrize(
    ("dataset", "more", "said"),
    [
        ("digits", {}, "The paper has no results for digits"),
        ("mnist", {"noisy": True}, "no table of one model trained on noise for noisy MNIST images"),
        ("gtsrb", {"noisy": True, "members": 5}, "no table of 5 models trained on noise for noisy GTSRB images"),
    ],
)
def test_without_a_table_of_the_paper_nothing_is_compared(dataset: str, more: dict[str, Any], said: str) -> None:
    scores = only(evaluation(noisy(), dataset, **more))
    assert scores.paper is None
    assert said in scores.remarks[0]
    numbers = [*scores.overall.values(), *(row.recall for row in scores.rows), *(row.precision for row in scores.rows)]
    assert {number.paper for number in numbers} == {None}
    assert {number.difference for number in numbers} == {None}


def test_of_images_that_have_no_publisher_the_paper_is_not_talked_about() -> None:
    own, trained = evaluation(noisy(), "photos", official=False, seeds=[]), training(confusion(10), "photos")
    for found, title in ((own, "timm under noise, photos"), (trained, "one model on clean images, photos")):
        scores = only(found)
        assert (scores.remarks, scores.title) == ([], title)


def test_clean_gtsrb_has_no_table_and_unofficial_files_are_said_all_the_same() -> None:
    scores = only(training(confusion(43), "gtsrb", official=False))
    assert scores.paper is None
    assert "Aghdam et al. 2015" in scores.remarks[0]
    assert any("not the publisher's files" in remark for remark in scores.remarks)
