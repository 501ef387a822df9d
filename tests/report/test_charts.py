"""What the charts of a page are given: the draws, rates and norms of the results, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from convstab.report import charts, mosaics
from tests.support.page_examples import attacked, evaluation, scores


def test_the_density_counts_all_draws_with_noise() -> None:
    of = evaluation()
    shown = charts.scatter(of, np.zeros(0, np.int64))
    for label, outcomes in enumerate(shown["density"]):
        for outcome, (distances, counts) in enumerate(outcomes):
            grid = np.zeros(of.result.histogram[0, 0].size, int)
            grid[np.cumsum(distances, dtype=int)] = counts
            assert (grid == of.result.histogram[label, outcome].ravel()).all()
    assert sum(sum(counts) for outcomes in shown["density"] for _, counts in outcomes) == 40 * 10 * 3


def test_each_dot_is_the_draw_that_its_picture_shows() -> None:
    of = evaluation()
    assert of.examples is not None
    points = charts.scatter(of, np.array([1, 5]))["points"]
    row = 3 * of.result.by_image("index")[:, 0].tolist().index(of.examples.index[5]) + 2  # of 3 noisy levels, the last
    noisy = {name: column[of.result.rows["level"] > 0] for name, column in of.result.rows.items()}
    last = {name: values[-1] for name, values in points.items()}
    assert last == {
        "image": 1,
        "which": f"id {of.examples.index[5]}",
        "level": 3,
        "label": noisy["label"][row],
        "predicted": noisy["sample_prediction"][row],
        "psnr": pytest.approx(noisy["sample_psnr"][row], abs=0.01),
        "score": pytest.approx(noisy["sample_score"][row], abs=1e-4),
    }


def test_the_recall_of_a_class_is_that_of_its_images() -> None:
    of = evaluation()
    recall = charts.scatter(of, np.zeros(0, np.int64))["recall"][2]
    assert recall["x"] == [0, 1, 20, 60]
    np.testing.assert_allclose(recall["value"], of.result.rates[of.result.labels == 2].mean(0), atol=1e-5)


def test_an_attack_is_shown_from_the_least_noise_to_the_greatest() -> None:
    of = attacked()
    rows, images = mosaics.attacked_versions(of.result)
    shown = charts.attack(of, rows, mosaics.scale(of.result.noise[rows]))
    assert rows.tolist() == [0, 1, 3, 2]
    assert shown["l2"] == shown["points"]["l2"] == [2, 3, 4, 9]
    assert shown["psnr"] == [38, 37, 36, 31]
    assert shown["attacked"] == 5
    noise = images[:, 1].astype(int) - 128
    assert (np.abs(noise).max((1, 2, 3)) == 127).all()
    assert (np.sign(noise)[np.abs(noise) > 1] == np.sign(of.result.noise[rows])[np.abs(noise) > 1]).all()
    assert (images[:, 0] == of.result.pixels[rows]).all()


def test_a_point_of_an_attack_is_among_the_values_of_all_images() -> None:
    of = attacked(l2=(2, 3))
    norms, psnrs = np.array([2.123444, 3.1234567]), np.array([30.12344, 25.98765499])
    fine = replace(of, result=replace(of.result, rows=of.result.rows | {"l2": norms, "psnr": psnrs}))
    shown = charts.attack(fine, np.array([0, 1]), np.ones(2))
    assert shown["psnr"] == [30.12344, 25.98765]
    assert [shown["points"][name] for name in ("l2", "psnr")] == [shown["l2"], shown["psnr"]]


def test_differences_are_in_percentage_points() -> None:
    shown = charts.differences(scores())
    assert shown["recall"]["value"] == [25, -20, 0, -20]
    assert shown["precision"]["value"] == [-10] * 4


def test_differences_have_the_intervals_of_ours() -> None:
    (first, *others), table = scores().rows, scores()
    recall = replace(first.recall, low=first.recall.value - 0.1, high=first.recall.value + 0.05)
    row = replace(first, recall=recall, precision=replace(first.precision, low=None, high=None))
    shown = charts.differences(replace(table, rows=[row, *others]))
    assert (shown["recall"]["low"][0], shown["recall"]["high"][0]) == (15, 30)
    assert (shown["precision"]["low"][0], shown["precision"]["high"][0]) == (None, None)
    unknown = replace(row, recall=replace(recall, paper=None))
    assert charts.differences(replace(table, rows=[unknown]))["recall"]["low"] == [None]


def test_ids_that_are_hashes_keep_their_digits() -> None:
    long = 2**62 + 1  # which no number of JavaScript holds
    of = attacked()
    rows = of.result.rows | {"index": of.result.rows["index"] + long}
    points = charts.attack(replace(of, result=replace(of.result, rows=rows)), np.array([0]), np.ones(1))["points"]
    assert points["which"] == [f"id {rows['index'][0]}"]


def test_a_dot_of_an_image_of_a_file_names_its_path() -> None:
    of, attack = evaluation(), attacked()
    paths = np.array([f"signs/{row}.png" for row in of.result.rows["index"]])
    result = replace(of.result, rows=of.result.rows | {"name": paths})
    points = charts.points(replace(of, result=result), np.array([1, 0]))
    assert of.examples is not None
    assert list(dict.fromkeys(points["which"])) == [f"signs/{of.examples.index[row]}.png" for row in (1, 0)]
    assert len(points["which"]) == len(points["level"])
    names = np.array([f"{row}.png" for row in range(len(attack.result.rows["index"]))])
    known = replace(attack, result=replace(attack.result, rows=attack.result.rows | {"name": names}))
    assert charts.attack(known, np.array([2, 0]), np.ones(2))["points"]["which"] == ["2.png", "0.png"]


def test_what_was_not_drawn_has_no_dot() -> None:
    of = evaluation()
    assert of.examples is not None
    draws = of.result.rows["draws"].copy()
    draws.reshape(-1, 4)[:, 2] = 0  # no image has the second of three levels
    points = charts.scatter(
        replace(of, result=replace(of.result, rows=of.result.rows | {"draws": draws})), np.arange(6)
    )["points"]
    assert points["level"] == [1, 3] * 6
    assert {len(column) for column in points.values()} == {12}
