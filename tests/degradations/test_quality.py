"""Levels of equal quality: closed forms, what was asked for, and nothing where it cannot be had."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from convstab.degradations.by_name import FAMILIES, degradation
from convstab.degradations.degradation import Degradation
from convstab.degradations.quality import Floats, Pilots, level_for_psnr
from convstab.errors import InputError
from tests.degradations.photos import copies, error, photos

GREY = torch.full((2, 3, 24, 24), 128, dtype=torch.uint8)
UNREACHABLE = {"chain": 27.0, "resolution": 22.0, "quantisation": 24.0, "jpeg": 28.0}


SPREAD = {"occlusion": 1.0, "motion_blur": 0.3, "translation": 0.3}  # dB, of the mean of 32 places or directions


def psnr(mse: float) -> float:
    return 10 * math.log10(255**2 / mse)


@pytest.mark.parametrize("name", FAMILIES)
def test_fresh_draws_have_the_quality_that_was_asked_for(name: str) -> None:
    """Those of an evaluation, which have other keys."""
    family, target = degradation(name), UNREACHABLE.get(name, 30.0)
    levels, achieved = level_for_psnr(family, photos(), [0, 1, 2], target)
    assert np.abs(achieved - target).max() < (1 if family.coarse else 0.25)
    for level, image in zip(levels.tolist(), photos(), strict=True):
        fresh = psnr(error(family, level, image, 64, True))
        assert fresh == pytest.approx(
            target, abs=(1.0 if family.coarse else 0.25) + SPREAD.get(name, 0.1 * family.random)
        )


@pytest.mark.parametrize("target", [15.0, 24.0, 40.0])
def test_uniform_grey_gives_the_closed_form(target: float) -> None:
    """sigma^2 + 1/12 for rounding; without clipping: uniform noise stays within the range."""
    levels, _ = level_for_psnr(degradation("uniform"), GREY, [0, 1], target)
    assert levels == pytest.approx(math.sqrt(255**2 / 10 ** (target / 10) - 1 / 12), rel=0.03)


def test_noise_that_is_clipped_gets_a_higher_level() -> None:
    white = torch.full((1, 1, 64, 64), 255, dtype=torch.uint8)
    levels, achieved = level_for_psnr(degradation("gaussian"), white, [0], 20.0)
    assert levels[0] == pytest.approx(25.5 * 2**0.5, rel=0.03)  # half of the draws are cut off
    assert achieved[0] == pytest.approx(20, abs=0.02)


def test_an_image_does_not_depend_on_those_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("gaussian", "motion_blur", "jpeg", "shot"):
        whole = level_for_psnr(degradation(name), photos(16), torch.tensor([7, 8, 9]), 25.0)
        alone = level_for_psnr(degradation(name), photos(16)[1:2], [8], 25.0)
        assert (whole[0][1], whole[1][1]) == (alone[0][0], alone[1][0])
        monkeypatch.setattr("convstab.degradations.quality.AT_ONCE", 1)
        assert np.array_equal(level_for_psnr(degradation(name), photos(16), [7, 8, 9], 25.0)[0], whole[0])
        monkeypatch.undo()


def test_pilots_are_keyed_by_image_and_seed_and_are_not_the_draws() -> None:
    same = torch.stack([photos(16)[0]] * 2)
    levels, achieved = level_for_psnr(degradation("gaussian"), same, [3, 4], 30.0)
    assert achieved[0] != achieved[1]
    assert level_for_psnr(degradation("gaussian"), same, [3, 4], 30.0, seed=1)[1][0] != achieved[0]
    made = copies(degradation("gaussian"), float(levels[0]), same[0], 8, stored=True)
    assert psnr(float((made - same[0]).square().mean())) != pytest.approx(achieved[0], abs=1e-6)


@pytest.mark.parametrize(("name", "target"), [("gaussian_blur", 30.0), ("contrast", 30.0), ("jpeg", 30.0)])
def test_a_flat_image_cannot_be_made_worse(name: str, target: float) -> None:
    levels, achieved = level_for_psnr(degradation(name), GREY, [0, 1], target)
    assert np.isnan(levels).all()
    assert (achieved > 31).all()


def test_what_is_too_far_off_is_not_a_number() -> None:
    levels, achieved = level_for_psnr(degradation("quantisation"), photos(), [0, 1, 2], 20.0)
    assert (np.isnan(levels) == (np.abs(achieved - 20) > 1)).all()
    assert np.isnan(levels).any()
    levels, achieved = level_for_psnr(degradation("jpeg"), photos(), [0, 1, 2], 45.0)
    best = [psnr(error(degradation("jpeg"), 100, image, 1, True)) for image in photos()]
    assert achieved == pytest.approx(best, abs=1e-4)
    assert np.isnan(levels).all()


def brute_force(family: Degradation, image: torch.Tensor, target: float) -> float:
    return min(abs(psnr(error(family, quality, image, 1, True)) - target) for quality in range(1, 101))


@pytest.mark.parametrize("target", [25.0, 30.0])
def test_the_quality_of_jpeg_is_nearly_the_best_of_all(target: float) -> None:
    family = degradation("jpeg")
    _, achieved = level_for_psnr(family, photos(), [0, 1, 2], target)
    for found, image in zip(achieved, photos(), strict=True):
        assert abs(found - target) < brute_force(family, image, target) + 0.25


def test_no_images_have_no_levels() -> None:
    levels, achieved = level_for_psnr(degradation("gaussian"), GREY[:0], [], 30.0)
    assert levels.shape == achieved.shape == (0,)


def test_other_targets_and_images_are_refused() -> None:
    with pytest.raises(InputError, match=r"^target_db is nan; it must be a finite number \(dB\)$"):
        level_for_psnr(degradation("gaussian"), GREY, [0, 1], math.nan)
    with pytest.raises(InputError, match="saturation needs RGB"):
        level_for_psnr(degradation("saturation"), GREY[:, :1], [0, 1], 30.0)


def test_what_no_level_changes_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Levels double up to 1,024 times the grid: lines of motion blur would be thousands of pixels long."""
    asked = 0
    measured = Pilots.psnr

    def counted(self: Pilots, levels: Floats, images: NDArray[np.intp]) -> Floats:
        nonlocal asked
        asked += 1
        return measured(self, levels, images)

    monkeypatch.setattr(Pilots, "psnr", counted)
    pixels = torch.full((2, 1, 8, 8), 90, dtype=torch.uint8)
    levels, achieved = level_for_psnr(degradation("motion_blur"), pixels, [0, 1], 30.0)
    assert np.isnan(levels).all()
    assert np.isinf(achieved).all()
    assert asked == 3  # the end of the grid, twice and four times as much
