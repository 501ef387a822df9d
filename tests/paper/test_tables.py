"""Tables beside the paper's: which, in what order, with whose numbers, and what is remarked."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import precision_score, recall_score

from convstab.errors import InputError
from convstab.paper import TABLES
from convstab.paper.tables import tables
from tests.support.made_up_evidence import confusion, evaluation, evidence, failing, noisy, only, training

RNG = np.random.default_rng(0)


def test_the_order_is_the_papers_then_the_others() -> None:
    made = tables(
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
    assert [scores.paper for scores in made] == order
    assert [scores.source.dataset for scores in made[-3:]] == ["gtsrb", "digits", "digits"]
    assert len({scores.id for scores in made}) == len(made)
    assert made[1].title == "Table 2: one model under noise, GTSRB"


def test_a_clean_test_has_scikit_learns_numbers_and_exact_intervals() -> None:
    counts = RNG.integers(1, 40, (10, 10)) + 200 * np.eye(10, dtype=int)
    label, predicted = np.indices((10, 10)).reshape(2, -1).repeat(counts.ravel(), axis=1)
    scores = only(training(counts, "cifar10"))
    precision, recall = (score(label, predicted, average=None) for score in (precision_score, recall_score))
    np.testing.assert_allclose([row.precision.value for row in scores.rows], precision)
    np.testing.assert_allclose([row.recall.value for row in scores.rows], recall)
    correct = np.diagonal(counts)
    for kind, trials in (("precision", counts.sum(0)), ("recall", counts.sum(1))):
        for row, hits, of in zip(scores.rows, correct, trials, strict=True):
            expected, number = binomtest(hits, of).proportion_ci(method="exact"), getattr(row, kind)
            assert (number.low, number.high) == pytest.approx((expected.low, expected.high))
    assert [row.images for row in scores.rows] == counts.sum(1).tolist()
    assert scores.overall["accuracy"].value == pytest.approx((label == predicted).mean())
    assert scores.overall["balanced accuracy"].value == pytest.approx(recall.mean())


def test_a_class_without_images_has_no_precision() -> None:
    counts = 20 * np.eye(10, dtype=int)
    counts[3], counts[4, 3] = 0, 5  # no image of class 3, and five images that were taken for it
    rows = only(training(counts, "cifar10")).rows
    assert [row.images for row in rows][3] == 0
    assert np.isnan([rows[3].precision.value, rows[3].recall.value]).all()
    assert (rows[3].precision.low, rows[3].precision.high) == (None, None)
    assert rows[4].precision.value == 1


def test_the_lowest_seed_is_shown_and_the_others_are_a_remark() -> None:
    trainings = [training(confusion(misclassified=count), seeds=[seed]) for seed, count in ((2, 4), (0, 10), (1, 7))]
    scores = only(*trainings)
    assert scores.source.seeds == [0]
    assert scores.overall["accuracy"].value == pytest.approx(0.9)
    (said,) = [remark for remark in scores.remarks if "3 models were trained" in remark]
    for number in ("93.00 %", "3.00 points", "90.00 %", "96.00 %"):  # mean, standard deviation, least, greatest
        assert number in said
    assert len(tables(evidence(*trainings, training(confusion(), model="Other")))) == 2


SETTINGS = {
    "dataset": {"root": None, "batch_size": 64},
    "optimizer": {"lr": 0.1},
    "trainer": {"max_epochs": 10, "precision": "32-true", "devices": 1},
    "callbacks": {"seed": {"seed": 0}},
    "logger": None,
    "seed": 0,
    "output": "runs/a",
    "threads": 1,
}


@pytest.mark.parametrize(
    ("more", "settings"),
    [
        ({}, {"optimizer": {"lr": 0.2}}),
        ({}, {"dataset": {"root": None, "batch_size": 128}}),
        ({}, {"trainer": {"max_epochs": 20, "precision": "32-true", "devices": 1}}),
        ({}, {"trainer": {"max_epochs": 10, "precision": "bf16-mixed", "devices": 1}}),
        ({"official": False}, {}),
        ({"images": {"train": 900, "validation": 100, "test": 10_000}}, {}),
    ],
)
def test_trainings_that_differ_in_more_than_seeds_are_tables_of_their_own(more: Any, settings: Any) -> None:
    first = training(confusion(), config=SETTINGS, folder=Path("runs/a"))
    other = training(confusion(), config=SETTINGS | settings, seeds=[1], folder=Path("runs/b"), **more)
    made = tables(evidence(first, other))
    ending = [": one model on clean images, MNIST (a)", ": one model on clean images, MNIST (b)"]
    assert [scores.title.removeprefix("Table 1") for scores in made] == ending
    assert not any("models were trained" in remark for scores in made for remark in scores.remarks)


def test_seeds_folders_and_machines_make_no_other_kind_of_training() -> None:
    other = {
        "dataset": {"root": "/data", "batch_size": 64},
        "trainer": {"max_epochs": 10, "precision": "32-true", "devices": 2},
        "callbacks": {"seed": {"seed": 1}},
        "logger": {"csv": "x"},
        "seed": 1,
        "output": "runs/b",
        "threads": 4,
    }
    images = {"train": 50_000, "validation": 10_000, "test": 10_000}  # the split is the seed's too
    found = [
        training(confusion(), config=SETTINGS),
        training(confusion(), config=SETTINGS | other, seeds=[1], images=images),
    ]
    assert "2 models were trained" in only(*found).remarks[0]


def test_noise_is_pooled_and_images_are_the_independent_units() -> None:
    rates = RNG.integers(0, 151, (40, 13)) / 150
    scores = only(evaluation(rates, "cifar10"))
    pooled = rates[:, 1:].mean(1)
    for label, row in enumerate(scores.rows):
        mine = pooled[np.arange(40) % 10 == label]
        assert row.recall.value == pytest.approx(mine.mean())
        assert row.images == 4
        assert row.recall.low is not None
        assert row.recall.high is not None
        assert row.recall.high - row.recall.low > 4 * mine.std(ddof=1) / 4**0.5 / 2  # far wider than 7200 draws have
        correct, others = (
            pooled[np.arange(40) % 10 == label].sum(),
            (1 - pooled[(np.arange(40) + 1) % 10 == label]).sum(),
        )
        assert row.precision.value == pytest.approx(correct / (correct + others))
        assert (row.precision.low, row.precision.high) == (None, None)
    assert scores.overall["accuracy"].value == pytest.approx(pooled.mean())


def test_the_draws_without_noise_are_not_in_the_table() -> None:
    rates = noisy(fail=0.3)
    rates[:, 0] = 0
    assert only(evaluation(rates)).overall["accuracy"].value == pytest.approx(0.7)


def test_an_evaluation_without_noise_is_a_clean_test() -> None:
    scores = only(evaluation(failing(100, [0.1]), levels=[0]))
    assert (scores.paper, scores.drawn) == ("Table 1", "100 clean test images")
    assert scores.overall["accuracy"].value == pytest.approx(0.9)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"{table.name} {table.dataset}")
def test_each_number_stands_beside_the_papers(table: Any) -> None:
    classes = len(table.classes)
    kind = {"members": table.models, "noisy": table.noisy_training, "seeds": list(range(table.models))}
    if table.noise:
        scores = only(evaluation(noisy(2 * classes), table.dataset, classes=classes, **kind))
    else:
        scores = only(training(confusion(classes), table.dataset))
    assert (scores.paper, scores.source.dataset, scores.decimals) == (table.name, table.dataset, table.decimals)
    assert tuple(row.precision.paper for row in scores.rows) == table.precision
    assert tuple(row.recall.paper for row in scores.rows) == table.recall
    plain, balanced = scores.overall["accuracy"].paper, scores.overall["balanced accuracy"].paper
    expected = {
        "gtsrb": (table.weighted_recall, table.accuracy),
        "cifar10": (table.accuracy, table.accuracy),
        "mnist": (table.accuracy, None),
    }
    assert (plain, balanced) == expected[table.dataset]
    difference = scores.rows[0].recall.difference
    assert difference == pytest.approx(scores.rows[0].recall.value - table.recall[0])


def test_two_of_a_kind_are_both_shown_and_told_apart() -> None:
    folders = [Path(f"runs/{size}/mnist") for size in ("first", "second")]
    made = tables(evidence(*(evaluation(noisy(), folder=folder) for folder in folders)))
    assert [scores.id for scores in made] == ["table-3-mnist", "table-3-mnist-2"]
    assert [scores.title for scores in made] == [
        "Table 3: one model under noise, MNIST (first/mnist)",
        "Table 3: one model under noise, MNIST (second/mnist)",
    ]


def test_other_classes_than_the_papers_are_refused() -> None:
    for result in (evaluation(noisy(), classes=4), training(confusion(4))):
        with pytest.raises(InputError, match=r"runs/mnist has 4 classes; MNIST in Table \d of the paper has 10"):
            tables(evidence(result))


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
