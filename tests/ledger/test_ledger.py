"""The ledger: what an evaluation and attacks say of each image, on a linear model whose distances are known."""

import copy
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from skimage.metrics import structural_similarity
from torch import nn

import convstab as cs
from convstab.attacks.result import AttackResult
from convstab.bounds.lower import lower_bounds
from convstab.errors import InputError
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.stability import stability
from convstab.figures.ledger import of_ledger
from convstab.ledger import tables
from convstab.ledger.ledger import LEDGER, Ledger
from convstab.ledger.tables import levels, quantiles
from convstab.statistics.boundary import flip_chance
from convstab.statistics.smoothing import certified_radius
from tests.support.half_spaces import distances, half_space, images_around

LEVELS = [0, 5, 20, 60]


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return half_space(192, seed=0)


@pytest.fixture(scope="module")
def images(model: nn.Module) -> cs.Images:
    """80 images, every tenth of which the model misclassifies."""
    pixels, labels = images_around(model, 80, reach=38, seed=2)
    labels[::10] = 1 - labels[::10]
    return cs.Images(pixels, labels)


@pytest.fixture(scope="module")
def result(model: nn.Module, images: cs.Images) -> cs.StabilityResult:
    return cs.evaluate(model, images, levels=LEVELS, draws=150)


@pytest.fixture(scope="module")
def attacks(model: nn.Module, images: cs.Images) -> dict[str, AttackResult]:
    return {
        "DDN": cs.attack(model, images, "ddn"),
        "NES": cs.attack(model, replace(images, **first(images, 20)), "nes", max_queries=300),
    }


def first(images: cs.Images, count: int) -> dict[str, Any]:
    return {"pixels": images.pixels[:count], "labels": images.labels[:count], "ids": images.ids[:count]}


@pytest.fixture(scope="module")
def ledger(result: cs.StabilityResult, attacks: dict[str, AttackResult]) -> Ledger:
    return Ledger.of(result, attacks)


def test_every_way_to_tell_a_distance_agrees_with_the_true_one(
    ledger: Ledger, model: nn.Module, images: cs.Images
) -> None:
    true, rows = distances(model, images.pixels), ledger.rows
    correct = rows["clean_correct"]
    assert correct.tolist() == [row % 10 != 0 for row in range(80)]
    np.testing.assert_allclose(rows["perturbation"][correct], true[correct], rtol=0.02)
    assert (rows["perturbation"][~correct] == 0).all()
    assert (rows["perturbation"] >= np.where(correct, true, 0) - 1e-3).all()  # an upper bound
    told = correct & np.isfinite(rows["distance"])
    off = np.abs(rows["distance"] - true)[told] / rows["distance_error"][told]
    assert told.sum() > 60
    assert np.median(off) < 1  # of a normal error the median is 0.67
    for level in LEVELS[1:]:
        radius = rows[f"radius_{level}"]
        assert np.isnan(radius[~correct]).all()
        known = np.isfinite(radius)
        assert (radius[known] <= rows["perturbation"][known]).all()  # a lower bound, below each attack
        law = flip_chance(true, level)
        assert rows[f"flips_{level}"][correct].mean() == pytest.approx(law[correct].mean(), abs=0.02)
        assert rows[f"chance_{level}"][correct].mean() == pytest.approx(law[correct].mean(), abs=0.02)


def test_the_least_of_the_attacks_is_kept_with_what_it_cost(ledger: Ledger, attacks: dict[str, AttackResult]) -> None:
    rows, ddn, nes = ledger.rows, attacks["DDN"], attacks["NES"]
    np.testing.assert_array_equal(rows["perturbation_DDN"], np.where(ddn.rows["attacked"], ddn.norms * 255, 0))
    assert np.isnan(rows["perturbation_NES"][20:]).all()
    both = np.fmin(rows["perturbation_DDN"], rows["perturbation_NES"])
    np.testing.assert_array_equal(rows["perturbation"], both)
    by = {"DDN": ddn, "NES": nes}
    for row, name in enumerate(rows["attack"]):
        assert (name == "") == (not rows["clean_correct"][row])
        if name:
            assert rows["perturbation"][row] == rows[f"perturbation_{name}"][row]
            for column in ("psnr", "queries", "gradients", "seconds", "ended"):
                assert rows[column][row] == by[name].rows[column][row]
    row = int(rows["clean_correct"].argmax())
    clean = ddn.pixels[row].astype(float).transpose(1, 2, 0)
    window = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255, "win_size": 7}
    noisy = clean + ddn.noise[row].transpose(1, 2, 0)
    alike = structural_similarity(clean, noisy, channel_axis=2, **window)  # type: ignore[no-untyped-call]
    assert rows["ssim"][row] == pytest.approx(alike, abs=0.03)  # whose windows are smaller and do not reach beyond


def test_a_search_that_fails_leaves_the_distance_open(
    result: cs.StabilityResult, attacks: dict[str, AttackResult]
) -> None:
    ddn = attacks["DDN"]
    failed = replace(ddn, rows=ddn.rows | {"success": np.zeros_like(ddn.rows["success"])})
    found = Ledger.of(result, {"DDN": failed})
    correct = found.rows["clean_correct"]
    assert np.isinf(found.rows["perturbation"][correct]).all()
    assert (found.rows["attack"] == "").all()
    assert tables.distances(found).rows[0] == ["DDN", "upper bound", str(correct.sum()), "beyond", "beyond"]
    assert " to beyond" not in found.table()  # an interval from nowhere to nowhere
    rescued = Ledger.of(result, {"failed": failed, "DDN": ddn})
    assert (rescued.rows["attack"][correct] == "DDN").all()


def test_distances_have_three_digits_and_no_exponent() -> None:
    said = {
        0.04567: "0.0457",
        38.14: "38.1",
        999.4: "999",
        999.5: "1,000",
        2841.2: "2,841",
        np.inf: "beyond",
        -np.inf: "-",
    }
    assert {value: tables.number(value) for value in said} == said


def test_certificates_and_flips_are_those_of_the_counts(ledger: Ledger, result: cs.StabilityResult) -> None:
    correct, draws = result.by_image("correct"), result.by_image("draws")
    radius = certified_radius(correct, draws, result.levels, 0.001)
    np.testing.assert_array_equal(ledger.by_level("radius"), radius[:, 1:])
    np.testing.assert_allclose(ledger.by_level("flips"), 1 - correct[:, 1:] / 150)
    halved = Ledger.of(result, alpha=0.05).by_level("radius")
    assert (halved[np.isfinite(radius[:, 1:])] > radius[:, 1:][np.isfinite(radius[:, 1:])]).all()


@pytest.mark.parametrize("tolerance", [0.05, 0.4])
def test_the_first_failing_level_is_that_of_the_tolerance(tolerance: float, result: cs.StabilityResult) -> None:
    rows, flips = Ledger.of(result, tolerance=tolerance).rows, 1 - result.rates[:, 1:]
    for row, (word, level) in enumerate(zip(rows["failing"], rows["first_failing"], strict=True)):
        place = 3 if word == "holds" else LEVELS[1:].index(level)
        assert np.isnan(level) == (word == "holds")
        assert (flips[row, :place] < tolerance).all()
        assert place == 3 or flips[row, place] > tolerance - 0.15
        assert word != "fails" or flips[row, place] > tolerance
    assert {"fails", "undecided"} <= set(rows["failing"])
    assert ((flips == 0).all(1) == np.isnan(rows["first_flip"])).all()
    assert not np.array_equal(rows["first_flip"], rows["first_failing"], equal_nan=True) or tolerance < 0.1


def test_other_degradations_have_neither_certificate_nor_law(model: nn.Module, images: cs.Images) -> None:
    blurred = cs.evaluate(model, images, "gaussian_blur", levels=[0, 1, 3])
    found = Ledger.of(blurred)
    assert not found.smoothed
    assert not [name for name in found.rows if name.startswith(("radius", "distance"))]
    assert levels(found).head == [
        found.label,
        "flips",
        "95 %",
        "first to fail",
        "open",
    ]  # what no level can tell is out
    assert "by margins" not in found.table()
    assert not list(of_ledger(found))


def test_what_is_written_is_read_again(ledger: Ledger, tmp_path: Path) -> None:
    ledger.write(tmp_path / "deep")
    again = Ledger.read(tmp_path / "deep")
    assert again.table() == ledger.table()
    assert dict(again.settings) == dict(ledger.settings)
    for name, column in ledger.rows.items():
        np.testing.assert_array_equal(again.rows[name], column)
    assert ledger.to_pandas().columns.tolist() == pq.read_table(tmp_path / "deep" / LEDGER).column_names
    with pytest.raises(InputError, match="does not hold a ledger"):
        Ledger.read(tmp_path)


def test_attacks_that_do_not_belong_to_it_are_refused(
    result: cs.StabilityResult, attacks: dict[str, AttackResult], model: nn.Module, images: cs.Images
) -> None:
    ddn = attacks["DDN"]
    with torch.no_grad():
        other = nn.Sequential(nn.Flatten(), nn.Linear(192, 2)).eval()
    wrong = {
        "it attacks another model, which decides": cs.attack(other, images, "ddn", max_queries=50),
        "it attacks another model, whose confidence": replace(ddn, rows=ddn.rows | {"clean_score": ddn.norms * 0}),
        "images of the same number have other labels": replace(ddn, rows=ddn.rows | {"label": 1 - ddn.rows["label"]}),
        "they have no image in common": replace(ddn, rows=ddn.rows | {"index": ddn.rows["index"] + 1000}),
        "it attacks images of 2 classes with other names": replace(ddn, classes=["a", "b"]),
    }
    for said, attack in wrong.items():
        with pytest.raises(InputError, match=f"^mine does not belong to the evaluation: {said}"):
            Ledger.of(result, {"mine": attack})


def test_an_evaluation_needs_clean_images_and_degraded_ones(model: nn.Module, images: cs.Images) -> None:
    protocol = Protocol((5.0,), draws=3)
    counts = stability(model, images.pixels, images.labels, images.ids, 2, protocol)
    with pytest.raises(InputError, match="the ledger needs the clean images: add 0 to the levels"):
        Ledger.of(cs.StabilityResult(["0", "1"], protocol, counts.rows, counts.totals))
    with pytest.raises(InputError, match="the ledger needs degraded images"):
        Ledger.of(cs.evaluate(model, images, levels=[0], draws=3))


def test_groups_widen_what_is_said(result: cs.StabilityResult, attacks: dict[str, AttackResult]) -> None:
    groups = np.repeat(np.arange(8), 10)
    grouped = cs.StabilityResult(
        result.classes, result.protocol, result.rows | {"group": np.repeat(groups, 4)}, result.totals
    )
    found = Ledger.of(grouped, {"DDN": attacks["DDN"]})
    assert found.rows["group"].tolist() == groups.tolist()
    wide, narrow = (widths(one.table()) for one in (found, Ledger.of(result, {"DDN": attacks["DDN"]})))
    assert len(wide) == len(narrow) == 3
    assert all(one > other for one, other in zip(wide, narrow, strict=True))


def widths(table: str) -> list[float]:
    """How wide the intervals of flips are."""
    return [float(high) - float(low) for low, high in re.findall(r"% \| ([\d.]+)-([\d.]+) \|", table)]


def test_the_table_says_how_many_draws_are_lacking(model: nn.Module, images: cs.Images) -> None:
    few = Ledger.of(cs.evaluate(model, images, levels=LEVELS, draws=20)).table()
    assert "it takes 131 draws without a failure to say that a level is withstood" in few


@pytest.mark.parametrize(
    ("draws", "shown", "said"),
    [
        (39, (), "First failing levels and certificates are left out: it takes 131 draws"),
        (40, ("certified", "median radius"), "First failing levels are left out: it takes 131 draws"),
        (131, ("certified", "median radius", "first to fail", "open"), ""),
    ],
)
def test_columns_that_so_few_draws_cannot_fill_are_left_out(
    model: nn.Module, images: cs.Images, draws: int, shown: tuple[str, ...], said: str
) -> None:
    found = Ledger.of(cs.evaluate(model, images, levels=[5, 20], draws=draws))
    table = levels(found)
    always = [found.label, "flips", "95 %", "by margins"]  # nothing was attacked: no column is of attacks
    assert table.head == [*always, *shown]
    assert {len(row) for row in table.rows} == {len(table.head)}
    text = found.table()
    assert said in text
    assert f"this evaluation has {draws}." in text or not said
    assert ("are left out" in text) == bool(said)
    assert ("are shown to withstand all levels" in text) == (draws >= 131)
    assert ("A certificate holds for the smoothed model" in text) == (draws >= 40)


def test_a_tenth_of_so_few_images_that_it_is_none_is_not_told(ledger: Ledger) -> None:
    values = np.arange(1.0, 11.0)
    some = np.arange(len(ledger.rows["index"])) < 10
    assert quantiles(ledger, values, some)[1] == "1"
    some[9] = False
    assert quantiles(ledger, values[:9], some)[1] == "-"


def test_attacks_that_tell_of_some_of_the_images_only_say_of_how_many(ledger: Ledger) -> None:
    assert "Attacks tell" not in ledger.table()
    tried = np.flatnonzero(ledger.rows["clean_correct"])
    nearest = ledger.rows["perturbation"].copy()
    nearest[tried[2:]] = np.nan
    few = replace(ledger, rows=dict(ledger.rows) | {"perturbation": nearest})
    assert f"Attacks tell of 2 of these {len(tried)} images only" in few.table()


def test_columns_that_are_told_are_explained_where_they_are_there(ledger: Ledger, result: cs.StabilityResult) -> None:
    for account, attacked in ((ledger, True), (Ledger.of(result), False)):
        text = account.table()
        assert "by margins: the share that the margins" in text
        for column in ("by attacks", "counted there"):
            assert (column in levels(account).head) == (f"{column}: the " in text) == attacked


def test_a_law_that_is_told_for_hardly_an_image_is_left_out(result: cs.StabilityResult) -> None:
    """Where no draw fails, an image is further away than noise reaches, and nothing else is known of it."""
    rows = dict(Ledger.of(result).rows)
    correct = np.flatnonzero(rows["clean_correct"])
    fewest = -(-len(correct) // 10)  # a tenth of them
    for told, shown in ((fewest, True), (fewest - 1, False)):
        rows["distance"] = np.full(len(rows["distance"]), np.nan)
        rows["distance"][correct[:told]] = 50.0
        flips = {name: np.zeros_like(column) for name, column in rows.items() if name.startswith("flips_")}
        text = replace(Ledger.of(result), rows=rows | flips).table()
        assert ("| flat-boundary law |" in text) == shown
        assert (f"it tells the distance of {told} images" in text) != shown


def test_both_units_of_a_norm_are_linked(ledger: Ledger) -> None:
    assert "attacks and requirements give them for pixels in [0, 1], so that 1 there is 255 here." in ledger.table()


def test_searches_that_a_limit_cut_off_and_gradients_that_mislead_are_named(
    result: cs.StabilityResult, attacks: dict[str, AttackResult]
) -> None:
    ddn, nes = attacks["DDN"], attacks["NES"]
    assert "mislead" not in Ledger.of(result, {"DDN": ddn, "NES": nes}).table()
    blind = replace(ddn, rows=ddn.rows | {"l2": 2 * ddn.rows["l2"]})
    better = replace(ddn, rows=ddn.rows | {"gradients": 0 * ddn.rows["gradients"]})
    found = Ledger.of(result, {"blind": blind, "better": better})
    assert "found clearly less noise than those with them on 72 of 72 images" in found.table()
    failed = replace(ddn, rows=ddn.rows | {"success": np.zeros_like(ddn.rows["success"])})
    assert "clearly less" not in Ledger.of(result, {"failed": failed, "better": better}).table()
    assert "cut off" not in found.table()
    cut = replace(ddn, rows=ddn.rows | {"ended": np.where(ddn.rows["attacked"], "queries", "")})
    assert "72 of the least perturbations are of searches that a limit cut off" in Ledger.of(result, {"a": cut}).table()


def test_figures_are_drawn_of_every_ledger(ledger: Ledger, result: cs.StabilityResult) -> None:
    drawn = dict(of_ledger(ledger))
    assert list(drawn) == ["distances", "law"]
    labels = drawn["distances"].axes[0].get_legend_handles_labels()[1]
    assert labels[:3] == ["least of all attacks, 72 images", "DDN, 72 images", "NES, 18 images"]
    rates, scatter = drawn["law"].axes
    assert rates.get_ylim() == (1e-4, 1)
    counted = next(line for line in rates.lines if line.get_label() == "counted").get_ydata()
    correct = ledger.rows["clean_correct"]
    np.testing.assert_allclose(np.asarray(counted, float), ledger.by_level("flips")[correct].mean(0))
    offsets = np.asarray(scatter.collections[0].get_offsets())
    assert len(offsets) == (correct & (ledger.rows["distance"] > 0)).sum()
    assert "certificate at sigma 60" in labels
    assert [name for name, _ in of_ledger(Ledger.of(result))] == ["distances", "law"]


def test_a_model_that_is_never_correct_has_a_ledger(model: nn.Module, images: cs.Images) -> None:
    wrong = replace(images, labels=1 - model(images.pixels / 255).argmax(1))
    found = Ledger.of(cs.evaluate(model, wrong, levels=LEVELS, draws=5))
    assert "0.00 % of 80 images are correct when clean" in found.table()
    assert not list(of_ledger(found))


@pytest.mark.parametrize("levels", [[100, 50, 5], [100, 5]])
def test_of_a_degradation_that_is_not_random_one_draw_tells(
    levels: list[float], model: nn.Module, images: cs.Images
) -> None:
    result = cs.evaluate(model, images, "jpeg", levels=levels, draws=200)
    rows = Ledger.of(result).rows
    assert set(rows["failing"]) == {"fails", "holds"}
    assert ((rows["failing"] == "holds") == (result.rates[:, result.degraded] == 1).all(1)).all()
    np.testing.assert_array_equal(rows["first_failing"], rows["first_flip"])
    assert "one draw of each tells" in Ledger.of(result).table()


@pytest.mark.parametrize("scale", [1e3, 1.0, 1e-5])
def test_margins_too_close_together_to_be_kept_tell_nothing_and_nothing_wrong(
    scale: float, model: nn.Module, images: cs.Images
) -> None:
    small = nn.Sequential(*copy.deepcopy(list(model.children()))).eval()
    with torch.no_grad():
        for weight in small.parameters():
            weight.mul_(scale)
    found = Ledger.of(cs.evaluate(small, images, levels=LEVELS, draws=100))
    chance, flips = found.by_level("chance"), found.by_level("flips")
    known = ~np.isnan(chance)
    assert known.mean() > 0.9 if scale == 1 else known.mean() < 0.9
    assert (np.abs(chance - flips)[known] < 0.25).all()


def test_where_all_draws_fail_the_image_is_behind_its_boundary(result: cs.StabilityResult) -> None:
    rows = {name: column.copy() for name, column in result.rows.items()}
    rows["correct"][result.rows["level"] > 0] = 0
    found = Ledger.of(cs.StabilityResult(result.classes, result.protocol, rows, result.totals))
    assert "estimate, told for 0 | 72 | 0 (0 to 0) | 0 |" in found.table()
    (rates,) = dict(of_ledger(found))["law"].axes
    fitted = next(line for line in rates.lines if line.get_label() == "by the fitted boundary")
    assert np.asarray(fitted.get_ydata()).tolist() == [1, 1, 1]


def test_failed_searches_count_in_what_attacks_foretell(
    result: cs.StabilityResult, attacks: dict[str, AttackResult]
) -> None:
    ddn = attacks["DDN"]
    half = replace(ddn, rows=ddn.rows | {"success": ddn.rows["success"] & (ddn.norms < np.median(ddn.norms))})
    row = next(line for line in Ledger.of(result, {"half": half}).table().splitlines() if line.startswith("| 20 |"))
    flips, _, _, foretold, counted = [cell.strip(" %") for cell in row.split("|")[2:7]]
    assert flips == counted
    assert float(foretold) < float(counted)


def test_levels_that_names_do_not_tell_apart_are_refused(model: nn.Module, images: cs.Images) -> None:
    alike = cs.evaluate(model, images, levels=[1.0000001, 1.0000002], draws=1)
    with pytest.raises(InputError, match="two levels of the evaluation are the same to six digits"):
        Ledger.of(alike)
    with pytest.raises(InputError, match="alpha is 7; it must be above 0 and below 1"):
        Ledger.of(alike, alpha=7)
    with pytest.raises(InputError, match="tolerance is 7; it must be above 0 and below 1"):
        Ledger.of(alike, tolerance=7)


def test_first_to_fail_counts_images_that_are_correct_when_clean(ledger: Ledger) -> None:
    row = next(line for line in ledger.table().splitlines() if line.startswith("| 5 |"))
    here = ledger.rows["clean_correct"] & (ledger.rows["first_failing"] == 5)
    fails, undecided = ((here & (ledger.rows["failing"] == word)).sum() for word in ("fails", "undecided"))
    assert [int(cell) for cell in row.split("|")[-3:-1]] == [fails, undecided]
    assert ((ledger.rows["first_failing"] == 5) & ~ledger.rows["clean_correct"]).any()


def test_an_image_on_whose_clean_decision_both_disagree_has_no_least_perturbation(
    result: cs.StabilityResult, attacks: dict[str, AttackResult]
) -> None:
    ddn = attacks["DDN"]
    row = int(ddn.rows["attacked"].argmax())
    attacked, predicted = ddn.rows["attacked"].copy(), ddn.rows["clean_predicted"].copy()
    attacked[row], predicted[row] = False, 1 - predicted[row]
    rows = ddn.rows | {"attacked": attacked, "clean_predicted": predicted}
    found = Ledger.of(result, {"DDN": replace(ddn, rows=rows)})
    assert np.isnan(found.rows["perturbation"][row])
    assert found.rows["attack"][row] == ""


def test_classes_have_the_medians_of_their_own_images(ledger: Ledger, result: cs.StabilityResult) -> None:
    head, _, *rows = [line.strip("| ").split(" | ") for line in ledger.by_class().splitlines()]
    assert head[0] == "class"
    assert "least of all attacks: median (95 %)" in head
    assert len(rows) == 2
    for label, cells in enumerate(rows):
        some = ledger.rows["clean_correct"] & (ledger.rows["label"] == label)
        assert cells[:2] == [result.classes[label], str(some.sum())]
        assert float(cells[2].split()[0]) == pytest.approx(np.median(ledger.rows["perturbation"][some]), rel=0.01)
        flips = ledger.rows["flips_60"][some].mean()
        assert float(cells[4].rstrip("%")) == pytest.approx(100 * flips, abs=0.006)


def test_without_attacks_classes_are_told_by_the_law(result: cs.StabilityResult) -> None:
    assert "flat-boundary law: median" in Ledger.of(result).by_class()


def test_lower_bounds_stand_beside_what_attacks_found(
    model: nn.Module, images: cs.Images, result: cs.StabilityResult, attacks: dict[str, AttackResult]
) -> None:
    bounds = lower_bounds(model, images)
    found = Ledger.of(result, attacks, lower_bound=bounds)
    np.testing.assert_array_equal(found.rows["lower_bound"], bounds)
    row = next(line for line in found.table().splitlines() if "lower bound, loose" in line)
    median = np.median(distances(model, images.pixels)[found.rows["clean_correct"]])
    assert float(row.split("|")[4].split()[0]) == pytest.approx(median, rel=0.02)  # of a linear model it is exact
    assert "the least perturbation is 1 times as long" in found.table()
    tie = Ledger.of(result, attacks, lower_bound=np.where(np.arange(80) == 0, 5.0, bounds))
    assert tie.rows["lower_bound"][0] == 0  # misclassified by the evaluation, whose arithmetic may be another
    alone = Ledger.of(result, lower_bound=bounds).table()
    assert "no attack can find less.\n" in alone  # without attacks there is nothing to compare with


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda bounds: 2 * bounds, "or of one that attacks do not fit: they found less for 72 images"),
        (lambda bounds: bounds + 1e-3, "another model than the evaluation: 8 of 80 images are correct there"),
        (lambda bounds: bounds[:5], "there are 5 lower bounds; the evaluation has 80 images"),
    ],
)
def test_lower_bounds_of_another_model_are_refused(
    change: Any, line: str, model: nn.Module, images: cs.Images, result: cs.StabilityResult, attacks: Any
) -> None:
    with pytest.raises(InputError, match=line):
        Ledger.of(result, attacks, lower_bound=change(lower_bounds(model, images)))
