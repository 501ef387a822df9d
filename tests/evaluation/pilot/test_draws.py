"""How many draws a pilot asks for, and that what it asks for does what was promised."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import convstab as cs
from convstab.degradations.by_name import degradation
from convstab.errors import InputError
from convstab.evaluation.measures import Measures
from convstab.evaluation.pilot import draws as pilot
from convstab.evaluation.pilot.draws import COUNTS, Pilot, enough_draws
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.tables import class_rows
from convstab.evaluation.workers import Workers
from convstab.statistics.draws import PART

CPU = torch.device("cpu")
LEVELS = (0, 4, 16, 64)


class Threshold(nn.Module):
    """Two classes, by the mean of an image: how far it is from grey tells how often noise turns it over."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        distance = (images.flatten(1).mean(1) - 0.5) * 50
        return torch.stack([-distance, distance], 1)


MODEL = Threshold().eval()


@pytest.fixture(scope="module")
def images() -> cs.Images:
    generator = torch.Generator().manual_seed(0)
    grey = torch.normal(127.5, 12, (600, 1, 1, 1), generator=generator).clamp(0, 255)
    pixels = grey.expand(600, 1, 4, 4).round().byte().contiguous()
    labels = (pixels[:, 0, 0, 0] > 127).long()
    labels[::10] = 1 - labels[::10]  # a tenth is misclassified however little noise there is
    return cs.Images(pixels, labels, classes=("dark", "bright"))


def half(result: Measures) -> Any:
    return ((result.accuracy.high - result.accuracy.low) / 2)[1:]


def test_draws_are_few_and_leave_an_error_below_a_fifth_of_the_interval(images: cs.Images) -> None:
    result = cs.evaluate(MODEL, images, levels=LEVELS, draws="auto")
    clean, *counts = result.protocol.draws_of
    assert (clean, counts[0]) == (1, min(counts))
    assert counts == sorted(counts)
    assert set(counts) <= set(COUNTS.tolist())
    assert 2 <= counts[0] < counts[-1] <= 32
    assert (result.draws_error[1:] <= 1.1 * PART * half(result)).all()
    paper = cs.evaluate(MODEL, images, levels=LEVELS, draws=150)
    assert (np.abs(paper.accuracy.value - result.accuracy.value) <= result.draws_error + paper.draws_error).all()


@pytest.mark.parametrize("within", [2.0, 0.5])
def test_accuracies_come_within_so_many_points_of_endless_draws(images: cs.Images, within: float) -> None:
    result = cs.evaluate(MODEL, images, levels=LEVELS, draws="auto", within=within)
    assert (100 * result.draws_error <= 1.1 * within).all()
    many = cs.evaluate(MODEL, images, levels=LEVELS, draws=400, seed=9)
    apart = np.abs(many.accuracy.value - result.accuracy.value)
    assert (apart <= within / 100 + many.draws_error).all()
    less = [draws // 3 for draws in result.protocol.draws_of if draws > 5]
    spread = cs.evaluate(MODEL, images, levels=LEVELS, draws=(1, 2, 2, *less[-1:]) if less else 2)
    assert not less or spread.draws_error[-1] * 100 > within  # a third of the draws would not do


def test_the_draws_of_the_pilot_are_not_those_that_count(images: cs.Images, monkeypatch: pytest.MonkeyPatch) -> None:
    protocol, seeds = Protocol(LEVELS, draws=1, seed=-5), []
    tried = pilot.tried

    def noted(*given: Any) -> Measures:
        result = tried(*given)
        seeds.append(result.protocol.seed)
        return result

    monkeypatch.setattr(pilot, "tried", noted)
    enough = enough_draws(Workers(MODEL, images, protocol, CPU))
    assert seeds
    assert seeds[0] != -5
    told = cs.evaluate(MODEL, images, levels=LEVELS, draws=enough.draws, seed=-5)
    alone = cs.evaluate(MODEL, images, levels=LEVELS, draws="auto", seed=-5)
    for name, column in told.rows.items():
        np.testing.assert_array_equal(alone.rows[name], column)


def test_a_family_without_chance_needs_no_pilot(images: cs.Images, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pilot, "tried", None)
    protocol = Protocol((100, 50), draws=1, degradation=degradation("jpeg"))
    enough = enough_draws(Workers(MODEL, images, protocol, CPU))
    assert enough.draws == (1, 1, 1)[: len(protocol.levels)]
    assert enough.said == "draws=auto: one of each level, all others would be the same"


def test_images_that_cannot_have_a_psnr_ask_for_no_draws(images: cs.Images) -> None:
    result = cs.evaluate(MODEL, images.spread(40), psnr=[30, 1], draws="auto")
    assert max(result.protocol.draws_of) <= 64
    assert result.protocol.draws_of[-1] == 2  # none can have 1 dB
    assert np.isnan(result.draws_error[-1]) == (result.by_image("draws")[:, -1].sum() == 0)


def test_a_level_asks_for_no_fewer_draws_than_a_milder_one() -> None:
    """100 images: of half of them one of two draws failed at the first level, and none of any at the second."""
    rates = np.stack([np.repeat([0.5, 1.0], 50), np.ones(100)], 1)
    seen: Any = SimpleNamespace(rates=rates, share_drawn=np.ones(2), images=100)
    found = Pilot.of(seen, 10_000)
    assert found.spread[1] == found.spread[0] > 0.24
    assert len(set(found.enough(within=1).tolist())) == 1


def test_what_is_out_of_reach_is_said_with_what_is_not(images: cs.Images) -> None:
    with pytest.raises(
        InputError, match=r"^within=0\.001 points would take more than 6,144 draws of each image"
    ) as seen:
        cs.evaluate(MODEL, images, levels=LEVELS, draws="auto", within=0.001)
    best = float(str(seen.value).rpartition("=")[2])
    assert "so many of 600 images come to within=" in str(seen.value)
    pool = Workers(MODEL, images.spread(256), pilot.of_pilot(Protocol(LEVELS)), CPU)
    Pilot.of(pilot.tried(pool), len(images)).enough(best)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"within": 0.1}, "within=0.1 has no effect without draws=auto"),
        ({"within": 0.0, "draws": "auto"}, "within is 0; it must be a number of points above 0 and below 50"),
        ({"within": 50.0, "draws": "auto"}, "within is 50; it must be a number of points above 0 and below 50"),
        ({"draws": "many"}, "draws is 'many'; it can be a whole number, one for each level, or auto"),
        ({"draws": (1, 2)}, "draws has 2 numbers; it must be one number, or one for each of 4 levels"),
        ({"draws": (1, 2, 0, 3)}, "draws is 0; it must be at least 1"),
        (
            {"draws": (1, 997, 991, 983)},
            "draws is [1, 997, 991, 983]; choose multiples of each other, such as 2, 4 and 8",
        ),
        ({"draws": (1, [2], 2, 3)}, "draws is [2]; it must be a whole number"),
        ({"within": "a", "draws": "auto"}, "within is 'a'; it must be a number of points above 0 and below 50"),
        ({"draws": (1, 2, 2.5, 3)}, "draws is 2.5; it must be a whole number"),
    ],
)
def test_what_makes_no_sense_is_refused(options: Any, line: str, images: cs.Images) -> None:
    with pytest.raises(InputError) as seen:
        cs.evaluate(MODEL, images, levels=LEVELS, **options)
    assert str(seen.value) == line


def test_levels_weigh_alike_however_many_draws_they_have(images: cs.Images) -> None:
    result = cs.evaluate(MODEL, images, levels=LEVELS, draws=(1, 2, 3, 8))
    assert result.weights.tolist() == [0, 12, 8, 3]
    pooled = np.trace(result.pooled_confusion) / result.pooled_confusion.sum()
    assert pooled == pytest.approx(result.accuracy.value[1:].mean(), abs=1e-12)
    assert result.histogram.sum() == result.pooled_confusion.sum() == 3 * 24 * 600
    assert result.draws_in_words == "2 to 8"
    rows = [row for row in class_rows(result) if row[0] == "all"]
    assert sum(draws for *_, draws in rows) == (2 + 3 + 8) * 600


def test_the_draws_of_a_level_are_the_first_of_those_of_more(images: cs.Images) -> None:
    uneven = cs.evaluate(MODEL, images, levels=LEVELS, draws=(5, 2, 3, 8))
    for place, draws in enumerate((1, 2, 3, 8)):
        even = cs.evaluate(MODEL, images, levels=LEVELS, draws=draws)
        for name in ("draws", "correct", "score_mean", "psnr_mean", "identical"):
            np.testing.assert_array_equal(uneven.by_image(name)[:, place], even.by_image(name)[:, place], name)
        np.testing.assert_array_equal(uneven.confusion[place], even.confusion[place])


def test_draws_go_with_the_levels_as_they_were_given(images: cs.Images) -> None:
    mixed = cs.evaluate(MODEL, images, levels=[64, 4], draws=[7, 3])
    assert (mixed.protocol.levels, mixed.protocol.draws_of) == ((0, 4, 64), [1, 3, 7])
    array = cs.evaluate(MODEL, images, levels=[64, 0, 4], draws=np.array([7, 1, 3]))  # type: ignore[arg-type]
    assert array.protocol.draws_of == [1, 3, 7]
    by_psnr = cs.evaluate(MODEL, images, psnr=[20, 30], draws=[7, 3])
    assert (by_psnr.protocol.levels[1:], by_psnr.protocol.draws_of) == ((30, 20), [1, 3, 7])


def test_one_draw_cannot_tell_how_much_draws_differ(images: cs.Images) -> None:
    one = cs.evaluate(MODEL, images, levels=LEVELS, draws=1)
    assert one.draws_error[0] == 0
    assert np.isnan(one.draws_error[1:]).all()
    alike = cs.evaluate(MODEL, images, "jpeg", levels=[50])
    assert alike.draws_error.tolist() == [0, 0]
