"""Errors relative to a reference: against the formulas of ImageNet-C by hand, and what cannot be compared."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import convstab as cs

IMAGES = cs.Images(torch.rand(24, 3, 8, 8, generator=torch.Generator().manual_seed(0)), torch.arange(24) % 3)
FAMILIES = ("gaussian_blur", "jpeg", "gaussian")


def of_model(
    model_seed: int, families: Any = FAMILIES, images: cs.Images = IMAGES, **options: Any
) -> list[cs.StabilityResult]:
    torch.manual_seed(model_seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 3)).eval()
    return [cs.evaluate(model, images, family, **{"draws": 2} | options) for family in families]


@pytest.fixture(scope="module")
def both() -> tuple[list[cs.StabilityResult], list[cs.StabilityResult]]:
    return of_model(0), of_model(1)


def test_it_is_the_formula_of_hendrycks_and_dietterich(both: Any) -> None:
    found = cs.corruption_error(*both)
    expected, relative = [], []
    for ours, theirs in zip(*both, strict=True):
        one, other = (1 - result.rates.mean(0) for result in (ours, theirs))
        expected.append(one[1:].sum() / other[1:].sum())
        below = (other[1:] - other[0]).sum()
        relative.append((one[1:] - one[0]).sum() / below if below > 0 else np.nan)
    np.testing.assert_allclose(found.ce.value, expected)
    np.testing.assert_allclose(found.relative_ce.value, relative)
    assert found.mce.value == pytest.approx(np.mean(expected))
    low, high = 100 * found.mce.low, 100 * found.mce.high
    assert f"| mean | {100 * np.mean(expected):.1f} | {low:.1f} to {high:.1f} |" in found.table()
    ends = "ce,ce_low,ce_high,relative_ce,relative_ce_low,relative_ce_high"
    assert found.as_csv().splitlines()[0] == f"degradation,errors,reference_errors,{ends}"
    assert len(found.as_csv().splitlines()) == 4


def test_a_model_is_once_as_bad_as_itself_in_any_order(both: Any) -> None:
    found = cs.corruption_error(both[0], both[0][::-1])
    assert found.families == FAMILIES
    np.testing.assert_array_equal(found.ce.value, 1)
    assert (found.ce.low < 1).all()
    assert (found.ce.high > 1).all()


def test_twice_the_errors_are_twice_the_corruption_error() -> None:
    first, second = of_model(0, ["jpeg"])[0], of_model(0, ["jpeg"])[0]
    correct, draws = first.by_image("correct").copy(), first.by_image("draws")
    for result, failing in ((first, 20), (second, 10)):
        correct[:] = draws
        correct[:failing, 1:] = 0
        result.rows["correct"] = correct.ravel().copy()
    found = cs.corruption_error([first], [second])
    assert found.ce.value.tolist() == pytest.approx([2])
    assert found.relative_mce.value == pytest.approx(2)
    assert 1 < found.mce.low < 2 < found.mce.high
    one_unit = {name: np.zeros(len(first.labels) * 10, int) for name in ("group",)}
    first, second = (replace(result, rows=dict(result.rows) | one_unit) for result in (first, second))
    assert cs.corruption_error([first], [second]).mce.high > 10 * found.mce.high


def test_where_the_reference_makes_no_error_there_is_no_ratio() -> None:
    perfect = of_model(0, ["jpeg"])[0]
    perfect.rows["correct"] = perfect.rows["draws"].copy()
    found = cs.corruption_error(of_model(0, ["jpeg"]), [perfect])
    assert np.isnan([found.mce.value, found.relative_mce.value, found.mce.high]).all()
    assert "| mean | - | - | - | - |" in found.table()
    assert found.as_csv().splitlines()[1].endswith(",0,,,,,,")


def test_where_an_image_was_not_drawn_there_is_a_ratio_and_no_interval() -> None:
    first, second = of_model(0, ["jpeg"])[0], of_model(1, ["jpeg"])[0]
    for result in (first, second):
        for name in ("draws", "correct"):
            result.rows[name] = result.rows[name].copy()
            result.rows[name][1] = 0  # of the first image, under the first level
    found = cs.corruption_error([first], [second])
    expected = [np.nanmean(1 - result.rates, 0)[1:].sum() for result in (first, second)]
    assert found.ce.value == pytest.approx(expected[0] / expected[1])
    assert np.isnan([found.ce.low[0], found.mce.high, found.relative_ce.low[0]]).all()
    assert "| - |" in found.table()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"seed": 1}, "they are not of the same draws: another seed"),
        ({"draws": 3}, "they are not of the same draws: another number of draws"),
        ({"rounding": False}, "they are not of the same draws: other rounding"),
        ({"images": IMAGES.part(torch.arange(20))}, "other images"),
        ({"families": FAMILIES[:2]}, "the reference was not evaluated under gaussian; it takes both"),
        ({"families": [*FAMILIES, "haze"]}, "the model was not evaluated under haze"),
        ({"families": ["jpeg", *FAMILIES]}, "one evaluation for each degradation; it was given jpeg, gaussian_blur"),
        ({"families": ["gaussian_blur", "jpeg", {"name": "motion_blur", "angle": 30}]}, "under motion_blur angle=30"),
        ({"families": []}, "it was given nothing"),
    ],
)
def test_what_cannot_be_compared_is_refused(both: Any, other: dict[str, Any], said: str) -> None:
    with pytest.raises(cs.InputError, match=said):
        cs.corruption_error(both[0], of_model(1, **other))


def test_one_result_in_place_of_a_list_is_refused(both: Any) -> None:
    for words in ((both[0][0], both[1]), (both[0], both[1][0])):
        with pytest.raises(cs.InputError, match=r"takes a list of results, .*; it was given one result"):
            cs.corruption_error(*words)


def test_other_levels_and_results_without_clean_images_are_refused(both: Any) -> None:
    with pytest.raises(cs.InputError, match="they are not of the same draws: other levels"):
        cs.corruption_error(both[0][:1], of_model(1, FAMILIES[:1], levels=[1, 2]))
    noisy = both[0][2]
    few = noisy.by_image("level") > 0
    alone = replace(
        noisy,
        protocol=replace(noisy.protocol, levels=noisy.protocol.levels[1:]),
        rows={name: column[few.ravel()] for name, column in noisy.rows.items()},
    )
    with pytest.raises(cs.InputError, match="needs the clean images"):
        cs.corruption_error([alone], [alone])
