"""Tables beside the paper's: which, in what order, with whose numbers, and what is remarked."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import precision_score, recall_score

from convstab.errors import InputError
from convstab.paper import TABLES
from convstab.protocol import PAPER_SIGMAS
from convstab.report.content import Sheet
from convstab.report.sheets import sheets
from made_up_evidence import evaluation, evidence, failing, training

RNG = np.random.default_rng(0)


def confusion(classes: int = 10, images: int = 100, wrong: int = 5) -> Any:
    """So many images of each class, so many of them taken for the next class."""
    return (images - wrong) * np.eye(classes, dtype=int) + wrong * np.roll(np.eye(classes, dtype=int), 1, axis=1)


def noisy(images: int = 100, sigmas: int = 13, fail: float = 0.2) -> Any:
    """Rates of which a share is wrong under all noise, and none without."""
    return failing(images, [0.0] + [fail] * (sigmas - 1))


def only(*results: Any) -> Sheet:
    (sheet,) = sheets(evidence(*results))
    return sheet


def test_the_order_is_the_papers_then_the_others() -> None:
    made = sheets(
        evidence(
            training(confusion(43), "gtsrb"),
            training(confusion(), "mnist"),
            training(confusion(), "digits"),
            evaluation(noisy(), "digits"),
            evaluation(noisy(), "cifar10"),
            evaluation(noisy(86), "gtsrb", classes=43, noisy=True, augment="Jitter + NoisyCopies"),
            evaluation(noisy(86), "gtsrb", classes=43),
            evaluation(noisy(86), "gtsrb", classes=43, members=5, seeds=[0, 1, 2, 3, 4]),
            evaluation(noisy(), "mnist", members=5, seeds=[0, 1, 2, 3, 4]),
        )
    )
    order = ["Table 1", "Table 2", "Table 3", "Table 4", "Table 5", "Table 6", None, None, None]
    assert [sheet.paper for sheet in made] == order
    assert [sheet.source.dataset for sheet in made[-3:]] == ["gtsrb", "digits", "digits"]
    assert len({sheet.id for sheet in made}) == len(made)
    assert made[1].title == "Table 2: one net under noise, GTSRB"


def test_a_clean_test_has_scikit_learns_numbers_and_wilsons_intervals() -> None:
    counts = RNG.integers(1, 40, (10, 10)) + 200 * np.eye(10, dtype=int)
    label, predicted = np.indices((10, 10)).reshape(2, -1).repeat(counts.ravel(), axis=1)
    sheet = only(training(counts, "cifar10"))
    precision, recall = (score(label, predicted, average=None) for score in (precision_score, recall_score))
    np.testing.assert_allclose([row.precision.value for row in sheet.rows], precision)
    np.testing.assert_allclose([row.recall.value for row in sheet.rows], recall)
    right = np.diagonal(counts)
    for kind, trials in (("precision", counts.sum(0)), ("recall", counts.sum(1))):
        for row, hits, of in zip(sheet.rows, right, trials, strict=True):
            expected, number = binomtest(hits, of).proportion_ci(method="wilson"), getattr(row, kind)
            assert (number.low, number.high) == pytest.approx((expected.low, expected.high))
    assert [row.images for row in sheet.rows] == counts.sum(1).tolist()
    assert sheet.overall["accuracy"].value == pytest.approx((label == predicted).mean())
    assert sheet.overall["balanced accuracy"].value == pytest.approx(recall.mean())


def test_the_lowest_seed_is_shown_and_the_others_are_a_remark() -> None:
    trainings = [training(confusion(wrong=wrong), seeds=[seed]) for seed, wrong in ((2, 4), (0, 10), (1, 7))]
    sheet = only(*trainings)
    assert sheet.source.seeds == [0]
    assert sheet.overall["accuracy"].value == pytest.approx(0.9)
    (said,) = [remark for remark in sheet.remarks if "3 nets were trained" in remark]
    for number in ("93.00 %", "3.00 points", "90.00 %", "96.00 %"):  # mean, standard deviation, least, greatest
        assert number in said
    assert len(sheets(evidence(*trainings, training(confusion(), model="Other")))) == 2


def test_noise_is_pooled_and_images_are_the_independent_units() -> None:
    rates = RNG.integers(0, 151, (40, 13)) / 150
    sheet = only(evaluation(rates, "cifar10"))
    pooled = rates[:, 1:].mean(1)
    for label, row in enumerate(sheet.rows):
        mine = pooled[np.arange(40) % 10 == label]
        assert row.recall.value == pytest.approx(mine.mean())
        assert row.images == 4
        assert row.recall.low is not None
        assert row.recall.high is not None
        assert row.recall.high - row.recall.low > 4 * mine.std(ddof=1) / 4**0.5 / 2  # far wider than 7200 draws have
        right, wrong = pooled[np.arange(40) % 10 == label].sum(), (1 - pooled[(np.arange(40) + 1) % 10 == label]).sum()
        assert row.precision.value == pytest.approx(right / (right + wrong))
        assert (row.precision.low, row.precision.high) == (None, None)
    assert sheet.overall["accuracy"].value == pytest.approx(pooled.mean())


def test_the_draws_without_noise_are_not_in_the_table() -> None:
    rates = noisy(fail=0.3)
    rates[:, 0] = 0
    assert only(evaluation(rates)).overall["accuracy"].value == pytest.approx(0.7)


def test_an_evaluation_without_noise_is_a_clean_test() -> None:
    sheet = only(evaluation(failing(100, [0.1]), sigmas=[0]))
    assert (sheet.paper, sheet.drawn) == ("Table 1", "100 clean test images")
    assert sheet.overall["accuracy"].value == pytest.approx(0.9)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"{table.name} {table.dataset}")
def test_each_number_stands_beside_the_papers(table: Any) -> None:
    classes = len(table.classes)
    kind = {"members": table.nets, "noisy": table.noisy_training, "seeds": list(range(table.nets))}
    if table.noise:
        sheet = only(evaluation(noisy(2 * classes), table.dataset, classes=classes, **kind))
    else:
        sheet = only(training(confusion(classes), table.dataset))
    assert (sheet.paper, sheet.source.dataset) == (table.name, table.dataset)
    assert tuple(row.precision.paper for row in sheet.rows) == table.precision
    assert tuple(row.recall.paper for row in sheet.rows) == table.recall
    plain, balanced = sheet.overall["accuracy"].paper, sheet.overall["balanced accuracy"].paper
    expected = {
        "gtsrb": (table.weighted_recall, table.accuracy),
        "cifar10": (table.accuracy, table.accuracy),
        "mnist": (table.accuracy, None),
    }
    assert (plain, balanced) == expected[table.dataset]
    difference = sheet.rows[0].recall.difference
    assert difference == pytest.approx(sheet.rows[0].recall.value - table.recall[0])


def test_the_same_as_the_paper_has_no_remark_but_those_on_the_paper() -> None:
    sheet = only(evaluation(noisy(10_000), "mnist"))
    assert sheet.remarks == [*next(one for one in TABLES if one.name == "Table 3").remarks]


@pytest.mark.parametrize(
    ("dataset", "more", "said"),
    [
        ("mnist", {"official": False}, "not the publisher's files"),
        ("mnist", {"official": None}, "not recorded whether"),
        ("mnist", {"members": 3, "seeds": [0, 1, 2]}, "3 nets here, 5 in the paper"),
        ("mnist", {"model": "CifarQuick"}, "The net is CifarQuick"),
        ("mnist", {"augment": "Jitter"}, "augmentation Jitter"),
        ("mnist", {"images": {"train": 54_000, "validation": 6_000}}, "6,000 more were kept for validation"),
        ("mnist", {"images": {"train": 900, "validation": 100}}, "the full set has 60,000"),
        ("mnist", {"images": {"train": None, "validation": None}}, "training images is not recorded"),
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
    sheet = only(evaluation(noisy(classes * 10), dataset, classes=classes, **more))
    assert sheet.paper is not None
    assert sum(said in remark for remark in sheet.remarks) == 1


def test_other_sigmas_are_said() -> None:
    sheet = only(evaluation(noisy(sigmas=3), sigmas=(0, 5, 20)))
    assert any(remark.startswith("Sigma is 5 and 20 here, and 1, 2, 4") for remark in sheet.remarks)
    assert sheet.drawn == "150 noisy copies of each of 100 test images under each sigma of 5 and 20"
    assert not any("Sigma is" in remark for remark in only(evaluation(noisy())).remarks)
    assert len(PAPER_SIGMAS) == 12


@pytest.mark.parametrize(
    ("dataset", "more", "said"),
    [
        ("digits", {}, "The paper has no results for digits"),
        ("mnist", {"noisy": True}, "no table of one net trained on noise for noisy MNIST images"),
        ("gtsrb", {"noisy": True, "members": 5}, "no table of 5 nets trained on noise for noisy GTSRB images"),
    ],
)
def test_without_a_table_of_the_paper_nothing_is_compared(dataset: str, more: dict[str, Any], said: str) -> None:
    sheet = only(evaluation(noisy(), dataset, **more))
    assert sheet.paper is None
    assert said in sheet.remarks[0]
    numbers = [*sheet.overall.values(), *(row.recall for row in sheet.rows), *(row.precision for row in sheet.rows)]
    assert {number.paper for number in numbers} == {None}
    assert {number.difference for number in numbers} == {None}


def test_clean_gtsrb_has_no_table_and_unofficial_files_are_said_all_the_same() -> None:
    sheet = only(training(confusion(43), "gtsrb", official=False))
    assert sheet.paper is None
    assert "Aghdam et al. 2015" in sheet.remarks[0]
    assert any("not the publisher's files" in remark for remark in sheet.remarks)


def test_two_of_a_kind_are_both_shown_and_told_apart() -> None:
    made = sheets(evidence(*(evaluation(noisy(), folder=Path(f"runs/{name}")) for name in ("first", "second"))))
    assert [sheet.id for sheet in made] == ["table-3-mnist", "table-3-mnist-2"]
    assert [sheet.title for sheet in made] == [
        "Table 3: one net under noise, MNIST (first)",
        "Table 3: one net under noise, MNIST (second)",
    ]


def test_other_classes_than_the_papers_are_refused() -> None:
    for result in (evaluation(noisy(), classes=4), training(confusion(4))):
        with pytest.raises(InputError, match=r"runs/mnist has 4 classes; MNIST in Table \d of the paper has 10"):
            sheets(evidence(result))


def test_a_class_without_images_has_no_rate() -> None:
    rates = np.ones((4, 2))
    rows = only(evaluation(rates, "mnist", (0, 10), labels=[0, 1, 2, 3])).rows
    assert rows[9].images == 0
    assert np.isnan([rows[9].recall.value, rows[9].precision.value]).all()
    assert (rows[9].recall.low, rows[9].recall.high) == (None, None)
    counts = confusion()
    counts[:, 9] = 0
    row = only(training(counts)).rows[9]
    assert np.isnan(row.precision.value)
