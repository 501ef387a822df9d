"""Two models on the same draws: the difference, what it covers, and what cannot be paired."""

import csv

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import convstab as cs
from convstab.errors import InputError
from convstab.evaluation.paired import comparable, paired_csv, paired_markdown
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.result import StabilityResult


class Brighter(nn.Module):
    """Says 1 where the mean of an image is above a threshold, in grey levels."""

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold

    def forward(self, images: Tensor) -> Tensor:
        lead = images.mean((1, 2, 3)) * 255 - self.threshold
        return torch.stack([-lead, lead], 1)


def images(count: int = 60, groups: int | None = None) -> cs.Images:
    generator = torch.Generator().manual_seed(3)
    pixels = torch.randint(118, 139, (count, 1, 4, 4), dtype=torch.uint8, generator=generator)
    labels = (pixels.float().mean((1, 2, 3)) > 128).long()
    return cs.Images(pixels, labels, groups=None if groups is None else torch.arange(count) % groups)


def evaluated(threshold: float, images: cs.Images, **options: object) -> StabilityResult:
    found: StabilityResult = cs.evaluate(
        Brighter(threshold).eval(),
        images,
        **{"levels": [20, 60], "draws": 7} | options,  # type: ignore[arg-type]
    )
    return found


def test_the_difference_is_that_of_the_draws_one_by_one() -> None:
    test = images()
    first, second = evaluated(128, test), evaluated(130, test)
    found = cs.paired_difference(first, second)
    accuracy = first.confusion.diagonal(axis1=1, axis2=2).sum(1), second.confusion.diagonal(axis1=1, axis2=2).sum(1)
    draws = first.confusion.sum((1, 2))
    np.testing.assert_allclose(found.value, (accuracy[0] - accuracy[1]) / draws, atol=1e-12)
    assert (found.low <= found.value).all()
    assert (found.value <= found.high).all()
    turned = cs.paired_difference(second, first)
    np.testing.assert_allclose(turned.value, -found.value, atol=1e-12)
    np.testing.assert_allclose(turned.low, -found.high, atol=1e-12)


def test_pairs_know_more_than_two_accuracies() -> None:
    test = images(200)
    first, second = evaluated(128, test), evaluated(128.3, test)
    found = cs.paired_difference(first, second)
    apart = (first.accuracy.high - first.accuracy.low) + (second.accuracy.high - second.accuracy.low)
    assert (found.high - found.low < 0.5 * apart)[1:].all()


def test_intervals_are_over_groups_where_there_are_groups() -> None:
    few = cs.paired_difference(evaluated(128, images(groups=6)), evaluated(130, images(groups=6)))
    many = cs.paired_difference(evaluated(128, images()), evaluated(130, images()))
    np.testing.assert_allclose(few.value, many.value, atol=1e-12)
    assert (few.high - few.low > many.high - many.low).all()


def test_the_interval_covers_the_difference_of_two_models() -> None:
    """Images that fail for both models, for one, or for none, in groups; the truth is the mean over many of them."""
    chance, missed, runs = np.random.default_rng(0), np.zeros(2), 400
    rates = np.array([0.97, 0.93]), np.array([0.9, 0.9])  # of the two models under two levels
    for _ in range(runs):
        hard = chance.random((120, 2))  # what makes an image hard for one model makes it hard for the other
        own = [(hard + 0.02 * chance.standard_normal((120, 2))) % 1 for _ in range(2)]
        correct = [(one < rate).astype(float) for one, rate in zip(own, rates, strict=True)]
        results = [made_up(column) for column in correct]
        found = cs.paired_difference(*results)
        truth = rates[0] - rates[1]
        missed += (truth < found.low) | (truth > found.high)
    assert (missed / runs <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5).all(), missed / runs


def made_up(rates: np.ndarray) -> StabilityResult:
    """A result of one draw of each image under two levels, with these rates, (n, 2)."""
    count, levels = rates.shape
    rows = {
        "index": np.arange(count).repeat(levels),
        "label": np.zeros(count * levels, np.int64),
        "level": np.tile([0.0, 5.0], count),
        "draws": np.ones(count * levels, np.int64),
        "correct": rates.ravel().astype(np.int64),
    }
    return StabilityResult(["a", "b"], Protocol(levels=(0.0, 5.0), draws=1), rows, {})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"levels": [20, 61]}, "other levels"),
        ({"draws": 6}, "another number of draws"),
        ({"seed": 1}, "another seed"),
        ({"rounding": False}, "other rounding"),
        ({"clip": False}, "other clipping"),
        ({"degradation": "uniform"}, "another degradation"),
        ({"levels": None, "psnr": [20]}, "another kind of levels"),
    ],
)
def test_other_draws_are_not_paired(options: dict[str, object], said: str) -> None:
    first = evaluated(128, images(20))
    with pytest.raises(InputError, match=f"^they are not of the same draws: {said}$"):
        cs.paired_difference(first, evaluated(128, images(20), **options))


def test_other_images_are_not_paired() -> None:
    first, test = evaluated(128, images(20)), images(20)
    with pytest.raises(InputError, match="other images"):
        cs.paired_difference(first, evaluated(128, test.part(torch.arange(19))))
    with pytest.raises(InputError, match="other labels"):
        cs.paired_difference(first, evaluated(128, cs.Images(test.pixels, 1 - test.labels)))


def test_other_pixels_are_not_paired_though_their_names_are_the_same() -> None:
    """Photographs in two sizes have the same ids: those of their paths."""
    test = images(20)
    large = cs.Images(test.pixels.repeat(1, 1, 2, 2), test.labels)
    with pytest.raises(InputError, match="other pixels"):
        cs.paired_difference(evaluated(128, test), evaluated(128, large))


def test_where_all_draws_are_the_same_neither_their_number_nor_the_seed_matters() -> None:
    first, second = (
        evaluated(128, images(20), degradation="jpeg", levels=[10], draws=draws, seed=draws) for draws in (2, 3)
    )
    assert not cs.paired_difference(first, second).value.any()


def test_levels_that_an_image_cannot_have_are_left_out_of_the_pairs() -> None:
    flat = images(20)
    pixels = flat.pixels.clone()
    pixels[:5] = 128  # no blur changes them
    test = cs.Images(pixels, flat.labels)
    options = {"levels": None, "psnr": [36], "degradation": "gaussian_blur", "draws": 1}
    first, second = evaluated(128, test, **options), evaluated(124, test, **options)
    found = cs.paired_difference(first, second)
    drawn = ~np.isnan(first.rates[:, 1])
    assert 0 < drawn.sum() <= 15
    np.testing.assert_allclose(found.value[1], (first.rates - second.rates)[drawn, 1].mean(), atol=1e-12)


def test_tables_have_the_pairs_and_say_what_has_none() -> None:
    test = images(30)
    results = {"a": evaluated(128, test), "b": evaluated(130, test), "c": evaluated(128, test, seed=4)}
    differences, remarks = comparable(results)
    assert list(differences) == ["b"]
    assert remarks == ["a and c cannot be paired: they are not of the same draws: another seed"]
    rows = list(csv.DictReader(paired_csv(results, differences).splitlines()))
    assert [(row["model"], row["other"], float(row["level"])) for row in rows] == [("a", "b", x) for x in (0, 20, 60)]
    for place, row in enumerate(rows):
        assert float(row["difference"]) == pytest.approx(float(row["top1"]) - float(row["other_top1"]), abs=2e-6)
        assert float(row["low"]) == pytest.approx(differences["b"].low[place], abs=1e-6)
    table = paired_markdown(results, differences)
    assert f"{100 * differences['b'].value[2]:+.2f}" in table.splitlines()[4]
    assert "over images" in table
