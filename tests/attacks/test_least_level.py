"""The least level of a degradation: the level of a model whose level is known, and what holds of any model."""

import contextlib
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import convstab as cs
from convstab.attacks import LeastLevel
from convstab.attacks.result import AttackResult
from convstab.degradations.by_name import degradation
from convstab.degradations.draws.same_draws import SameDraws
from convstab.errors import InputError
from convstab.images import Images
from convstab.models import LeNet

BRIGHT = 200.0


class Bright(nn.Module):
    """Takes an image for the second class where its mean is above 200 grey levels."""

    def forward(self, images: Tensor) -> Tensor:
        lead = images.mean((1, 2, 3)) * 255 - BRIGHT
        return torch.stack([-lead, lead], 1)


def flat(*greys: int) -> Images:
    """Images of one grey level each, all of the first class."""
    pixels = torch.tensor(greys, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 8, 8)
    return Images(pixels, torch.zeros(len(greys), dtype=torch.int64), ("dark", "bright"))


def photos(count: int, channels: int = 1) -> tuple[LeNet, Images]:
    """A LeNet with random weights, and images with the classes that it takes them for."""
    torch.manual_seed(0)
    model = LeNet((channels, 16, 16), list("abcd")).eval()
    with torch.no_grad():
        for weight in list(model.parameters())[-2:]:
            weight.mul_(1000)  # margins are then far above what rounding changes
    pixels = torch.randint(256, (count, channels, 16, 16), dtype=torch.uint8)
    return model, Images(pixels, model(pixels / 255).argmax(1), tuple("abcd"))


def test_the_level_of_a_model_that_looks_at_brightness_is_known() -> None:
    found = cs.attack(Bright().eval(), flat(199, 160, 100, 20), "least_level", degradation="brightness", bisections=12)
    wanted = BRIGHT + 0.5 - np.array([199, 160, 100, 20])  # the level from which it is rounded to 201
    assert (found.rows["level"] >= wanted).all()
    np.testing.assert_allclose(found.rows["level"], wanted, atol=128 / 2**12 + 1e-9)
    np.testing.assert_array_equal(
        found.noise, (201 - np.array([199, 160, 100, 20]))[:, None, None, None] + 0 * found.noise
    )
    assert found.summary["level_median"] == sorted(found.rows["level"])[1]
    assert found.summary["level_90"] == found.rows["level"].max()


def test_what_no_level_changes_is_a_failure_without_a_level() -> None:
    found = cs.attack(
        Bright().eval(), flat(150, 210), "least_level", degradation="haze"
    )  # 210 is misclassified when clean
    images = cs.attack(Bright().eval(), flat(150), "least_level", degradation="contrast")
    assert found.rows["attacked"].tolist() == [True, False]
    assert np.isnan(found.rows["level"][1])
    assert images.rows["success"].tolist() == [False]
    assert np.isnan(images.rows["level"]).all()
    assert images.summary["level_median"] is None
    assert images.rows["ended"].tolist() == ["steps"]


@pytest.mark.parametrize("family", ["gaussian", "jpeg", {"name": "motion_blur", "angle": 30}, "occlusion"])
def test_a_draw_fails_at_the_level_and_none_at_a_milder_one_of_the_grid(family: Any) -> None:
    model, images = photos(12)
    found = cs.attack(model, images, "least_level", degradation=family, draws=6, seed=5)
    made = degradation(family)
    draws = SameDraws(made, images.pixels, images.ids.tolist(), 5, 6 if made.random else 1, "!")
    assert found.rows["success"].sum() >= 6

    def failures(level: float, image: int) -> int:
        copies = draws.at([level], [image]).round().clamp(0, 255)
        return int((model(copies / 255).argmax(1) != images.labels[image]).sum())

    for image in np.flatnonzero(found.rows["success"]).tolist():
        level = float(found.rows["level"][image])
        assert failures(level, image)
        milder = [one for one in made.check(made.grid) if made.severity(one) < made.severity(level) * (1 - 1e-9)]
        assert not any(failures(one, image) for one in milder)


def test_levels_are_bisected_to_within_their_share_of_the_grid() -> None:
    model, images = photos(8)
    rough, fine = (
        cs.attack(model, images, "least_level", degradation="gaussian", bisections=steps).rows["level"]
        for steps in (0, 8)
    )
    grid = [0.0, *degradation("gaussian").grid, 80.0, 160.0, 320.0, 640.0]
    assert set(rough[~np.isnan(rough)]) <= set(grid)
    for coarse, level in zip(rough, fine, strict=True):
        if not np.isnan(coarse):
            before = grid[grid.index(coarse) - 1]
            assert before < level <= coarse


def test_queries_are_counted_and_end_a_search() -> None:
    model, images = photos(6)
    whole = cs.attack(model, images, "least_level", draws=4, max_queries=None)
    short = cs.attack(model, images, "least_level", draws=4, max_queries=int(whole.rows["queries"].min()) - 1)
    assert (whole.rows["queries"] % 4 == 0).all()
    assert (short.rows["queries"] < whole.rows["queries"]).all()
    assert set(short.rows["ended"]) == {"queries"}
    assert short.summary["cut_off"] == 1


def test_an_image_has_the_same_level_whatever_stands_beside_it() -> None:
    model, images = photos(30)
    whole = cs.attack(model, images, "least_level", degradation="shot", draws=20)
    alone = cs.attack(model, images.part(torch.tensor([17, 3])), "least_level", degradation="shot", draws=20)
    for name in ("level", "queries", "l2"):
        np.testing.assert_array_equal(whole.rows[name][[17, 3]], alone.rows[name])
    np.testing.assert_array_equal(whole.noise[[17, 3]], alone.noise)


def test_a_result_is_read_as_it_was_written(tmp_path: Any) -> None:
    model, images = photos(6)
    found = cs.attack(model, images, "least_level", degradation="jpeg")
    found.write(tmp_path)
    read = AttackResult.read(tmp_path)
    np.testing.assert_array_equal(read.rows["level"], found.rows["level"])
    assert read.summary == found.summary
    assert "jpeg (quality)" in read.table()
    assert read.attack == "LeastLevel_jpeg"


def test_the_milder_quality_is_the_lesser_level() -> None:
    """Of JPEG a lower number is worse: the median is the level that half of the images need at most."""
    found = cs.attack(*photos(7), "least_level", degradation="jpeg", bisections=0)
    levels = np.where(np.isnan(found.rows["level"]), -1, found.rows["level"])
    middle = np.sort(levels)[::-1][3]
    assert found.summary["level_median"] == (None if middle == -1 else middle)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"degradation": "fog"}, "degradation is fog; it must be one of brightness"),
        ({"degradation": 3}, "degradation is 3; it must be one of"),
        ({"degradation": {"name": "jpeg", "quality": 5}}, "degradation jpeg takes no quality"),
        ({"draws": 0}, "draws is 0; it must be"),
    ],
)
def test_bad_settings_are_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        LeastLevel(**values)


def test_no_level_is_tried_twice() -> None:
    """Of JPEG a strength between two qualities is one of them."""
    for fails_from in (0, 3, 40, 95):
        tries, asked, answer = LeastLevel(bisections=20).tries(degradation("jpeg")), [], None
        with contextlib.suppress(StopIteration):
            while True:
                asked.append(tries.send(answer))  # type: ignore[arg-type]  # None starts it
                answer = asked[-1] <= fails_from
        assert len(set(asked)) == len(asked)
        assert {fails_from, fails_from + 1} <= {*asked, 0, 1} or fails_from == 0


def test_draws_differ_and_are_the_same_at_all_levels() -> None:
    _, images = photos(2)
    draws = SameDraws(degradation("gaussian"), images.pixels, [4, 9], 0, 3, "!")
    clean = images.pixels.float()
    weak, strong = ((draws.at([sigma, sigma], [0, 1]).view(2, 3, -1) - clean.flatten(1)[:, None]) for sigma in (2, 6))
    assert len({tuple(row.tolist()) for row in weak.flatten(0, 1)}) == 6
    torch.testing.assert_close(strong, 3 * weak, atol=1e-3, rtol=0)


def test_images_that_are_not_attacked_have_no_level() -> None:
    images = flat(210, 220)
    rows = LeastLevel()(Bright(), images.pixels, images.labels, images.ids, allow_nothing=True).rows
    assert np.isnan(rows["level"]).all()


def test_a_family_that_the_images_cannot_have_is_refused() -> None:
    with pytest.raises(InputError, match="saturation needs RGB images"):
        cs.attack(*photos(3), "least_level", degradation="saturation")
