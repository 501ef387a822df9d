"""The paper's numbers: complete, and in agreement with the arithmetic that the paper itself allows."""

import numpy as np
import pytest

from convstab.paper import CONTRADICTIONS, TABLES, PaperTable, table_of

OFFICIAL = [  # test images of each GTSRB class
    *(60, 720, 750, 450, 660, 630, 150, 450, 450, 480, 660, 420, 690, 720, 270, 210, 150, 360, 390, 60, 90, 90),
    *(120, 150, 90, 480, 180, 60, 150, 90, 150, 270, 60, 210, 120, 390, 120, 60, 690, 90, 90, 60, 90),
]
SUMS = {  # of the printed cells, and of the cells times their class numbers: precision, then recall
    ("Table 1", "cifar10"): (7.95, 44.7, 7.91, 44.09),
    ("Table 1", "mnist"): (9.9, 54.43, 9.9, 54.41),
    ("Table 2", "gtsrb"): (39.9506, 844.9604, 40.0894, 847.6351),
    ("Table 3", "cifar10"): (7.03, 37.81, 6.47, 38.14),
    ("Table 3", "mnist"): (9.82, 54.04, 9.81, 53.81),
    ("Table 4", "gtsrb"): (40.9109, 864.3393, 40.8831, 864.2245),
    ("Table 5", "cifar10"): (7.37, 39.16, 6.78, 39.9),
    ("Table 5", "mnist"): (9.86, 54.36, 9.85, 53.97),
    ("Table 6", "gtsrb"): (41.3457, 878.4298, 41.3165, 872.6878),
}
each_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: f"{table.name} {table.dataset}")


def mean_recall(table: PaperTable) -> float:
    """Mean of the printed class recalls."""
    return float(np.mean(table.recall))


def named(name: str) -> PaperTable:
    """The table of GTSRB with this name."""
    return next(table for table in TABLES if (table.name, table.dataset) == (name, "gtsrb"))


@each_table
def test_every_cell_is_there(table: PaperTable) -> None:
    classes = range(43) if table.dataset == "gtsrb" else range(1, 11)
    assert table.classes == tuple(classes)
    assert len(table.precision) == len(table.recall) == len(table.images) == len(classes)
    assert table.decimals == (4 if table.dataset == "gtsrb" else 2)
    for share in (*table.precision, *table.recall, table.accuracy):
        assert 0 < share <= 1


@each_table
def test_the_cells_add_up_to_what_was_printed(table: PaperTable) -> None:
    classes, sums = np.array(table.classes), []
    for column in (table.precision, table.recall):
        sums += [sum(column), float(classes @ column)]
    assert sums == pytest.approx(SUMS[table.name, table.dataset], abs=1e-6)


def test_what_gtsrb_tables_call_accuracy_is_the_mean_recall() -> None:
    assert {name: round(100 * mean_recall(named(name)), 2) for name in ("Table 2", "Table 4", "Table 6")} == {
        "Table 2": 93.23,
        "Table 4": 95.08,
        "Table 6": 96.08,
    }
    assert [named(name).accuracy for name in ("Table 2", "Table 4", "Table 6")] == [0.9323, 0.9515, 0.9608]


@pytest.mark.parametrize(("name", "percent"), [("Table 2", 93.44), ("Table 4", 95.34), ("Table 6", 95.63)])
def test_gtsrb_recalls_weighted_by_the_official_counts(name: str, percent: float) -> None:
    table = named(name)
    assert list(table.images) == OFFICIAL
    assert sum(OFFICIAL) == 12_630
    assert round(100 * table.weighted_recall, 2) == percent
    assert table.weighted_recall == pytest.approx(np.average(table.recall, weights=OFFICIAL))


@pytest.mark.parametrize("table", [table for table in TABLES if table.decimals == 2], ids=lambda one: one.name)
def test_accuracies_agree_with_the_recalls_as_far_as_two_decimals_go(table: PaperTable) -> None:
    assert sum(table.images) == 10_000
    assert table.accuracy == pytest.approx(table.weighted_recall, abs=0.005)


@each_table
def test_about_as_many_images_are_predicted_as_there_are(table: PaperTable) -> None:
    precision, recall, images = (np.array(column) for column in (table.precision, table.recall, table.images))
    assert (images * recall / precision).sum() == pytest.approx(images.sum(), rel=0.02)


def test_the_cifar_classes_are_equally_large() -> None:
    assert {table.images for table in TABLES if table.dataset == "cifar10"} == {(1000,) * 10}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (("mnist", False, 1, False), "Table 1"),
        (("cifar10", False, 1, False), "Table 1"),
        (("gtsrb", True, 1, False), "Table 2"),
        (("mnist", True, 1, False), "Table 3"),
        (("gtsrb", True, 5, False), "Table 4"),
        (("gtsrb", True, 2, False), "Table 4"),
        (("cifar10", True, 3, False), "Table 5"),
        (("gtsrb", True, 1, True), "Table 6"),
        (("gtsrb", False, 1, False), None),
        (("gtsrb", True, 5, True), None),
        (("mnist", True, 1, True), None),
        (("mnist", False, 5, False), None),
        (("digits", True, 1, False), None),
    ],
)
def test_results_find_their_table(kind: tuple[str, bool, int, bool], name: str | None) -> None:
    found = table_of(*kind)
    assert (found.name if found else None) == name
    assert found is None or found.dataset == kind[0]


def test_the_contradictions_quote_what_the_tables_give() -> None:
    said = " ".join(CONTRADICTIONS)
    for name in ("Table 2", "Table 4", "Table 6"):
        table = named(name)
        for share in (table.accuracy, mean_recall(table), table.weighted_recall):
            assert f"{100 * share:.2f} %" in said
    for dataset in ("mnist", "cifar10"):
        clean, noisy = (table_of(dataset, noise, 1, False) for noise in (False, True))
        assert clean is not None
        assert noisy is not None
        assert f"{100 * (clean.accuracy - noisy.accuracy):.2f}" in said
    table = named("Table 2")
    for misprint in (0.6640, 0.8640):
        precision = np.array(table.precision)
        precision[19] = misprint
        assert f"{(np.array(OFFICIAL) * table.recall / precision).sum():,.0f}" in said
