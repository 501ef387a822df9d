"""The model under attack, and what is measured of its answers: on a model whose margin is the sum of the pixels."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from convstab.attacks.query_counter import CERTAIN, OutOfQueries, QueryCounter
from convstab.attacks.verification import as_input, classify, measure, noisy_grey, verify
from convstab.errors import InputError
from convstab.forward.margins import margin

SHAPE = (1, 1, 2)


class Sum(nn.Module):
    """Logits (lead, 0, -9): the lead is the sum of the pixels less 1."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def forward(self, images: Tensor) -> Tensor:
        self.sizes.append(len(images))
        lead = images.flatten(1).sum(1) - 1
        return torch.stack([lead, torch.zeros_like(lead), torch.full_like(lead, -9)], 1)


def images(*pixels: tuple[float, float]) -> Tensor:
    return torch.tensor(pixels).view(-1, *SHAPE)


def query_counter(max_queries: int | None = None) -> QueryCounter:
    """Two images of class 0: margins of 1 and 0.5."""
    clean = images((1.0, 1.0), (1.0, 0.5))
    return QueryCounter(Sum(), clean, torch.tensor([0, 0]), max_queries)


def test_the_nearest_misclassified_image_of_each_is_kept() -> None:
    counter = query_counter()
    far, near = images((0.0, 0.0), (0.0, 0.5)), images((0.5, 0.25), (0.25, 0.5))
    logits = counter(torch.cat([far, near]))
    assert logits[:, 0].tolist() == [-1, -0.5, -0.25, -0.25]
    assert counter.best.equal(near)
    assert counter.norm.tolist() == pytest.approx([math.hypot(0.5, 0.75), 0.75])
    assert counter.margin.tolist() == [-0.25, -0.25]
    counter(images((0.0, 0.0), (0.5, 0.25)))  # farther for the first; nearer for the second
    assert counter.best.equal(images((0.5, 0.25), (0.5, 0.25)))


def test_until_one_is_misclassified_the_nearest_to_the_boundary_is_kept() -> None:
    counter = query_counter()
    assert (counter.norm.isinf() & counter.margin.isinf()).all()
    counter(images((1.0, 0.75), (1.0, 0.5)))
    assert counter.margin.tolist() == [0.75, 0.5]
    counter(images((0.75, 0.5), (1.0, 0.75)))  # nearer for the first, farther for the second
    assert counter.margin.tolist() == [0.25, 0.5]
    assert counter.best.equal(images((0.75, 0.5), (1.0, 0.5)))
    assert counter.norm.isinf().all()
    counter(images((0.0, 0.0), (1.0, 0.25)))  # any failure is better than none
    assert counter.norm[0] == pytest.approx(2**0.5)
    counter(images((0.6, 0.4005), (1.0, 0.25)))
    assert counter.best[0].equal(images((0.0, 0.0))[0])


def test_a_failure_by_less_than_rounding_is_none() -> None:
    counter = query_counter()
    counter(images((0.5, 0.5 - CERTAIN / 2), (0.5, 0.5 - CERTAIN * 2)))
    assert counter.norm.isinf().tolist() == [True, False]


def test_what_is_given_up_is_kept_as_it_was() -> None:
    counter = query_counter()
    counter.given_up[0] = True
    counter(images((0.0, 0.0), (0.0, 0.0)))
    assert counter.best.equal(images((1.0, 1.0), (0.0, 0.0)))


def test_queries_and_gradients_are_counted_for_each_image() -> None:
    counter = query_counter(max_queries=3)
    noisy = torch.cat([counter.clean, counter.clean]).requires_grad_()
    counter(noisy).sum().backward()
    assert (counter.queries, counter.gradients) == (2, 2)
    with pytest.raises(OutOfQueries):
        counter(noisy)
    assert counter.queries == 2
    assert counter(counter.clean).dtype == torch.float32  # the last that is left
    assert (counter.queries, counter.gradients) == (3, 2)
    assert not counter.training


def test_the_margin_is_that_over_the_highest_other() -> None:
    logits = torch.tensor([[3.0, 1.0, 2.0], [3.0, 1.0, 2.0], [-5.0, -7.0, -6.0]])
    assert margin(logits, torch.tensor([0, 1, 2])).tolist() == [1, -2, -1]


def test_classifying_is_in_whole_groups_of_16_and_at_most_256_at_once() -> None:
    model, pixels = Sum(), torch.linspace(0, 1, 2 * 300).view(-1, *SHAPE)
    assert classify(model, pixels)[:, 0].tolist() == pytest.approx((pixels.flatten(1).sum(1) - 1).tolist())
    assert model.sizes == [256, 48]


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_logits_that_are_not_finite_are_refused(value: float) -> None:
    class Broken(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return torch.tensor([[0.0, value]]).expand(len(images), 2)

    said = "the classifier returned logits that are infinite or not a number; it cannot be attacked"
    with pytest.raises(InputError) as error:
        classify(Broken(), torch.zeros(2, *SHAPE))
    assert str(error.value) == said


def test_noise_is_clipped_to_the_box_and_rounded_only_if_asked() -> None:
    clean, grey_levels = torch.tensor([[10, 250, 100]], dtype=torch.uint8), torch.tensor([[-20.0, 20.0, 0.7]])
    assert noisy_grey(clean, grey_levels)[0].tolist() == pytest.approx([0, 255, 100.7])
    assert noisy_grey(clean, grey_levels, rounding=True)[0].tolist() == [0, 255, 101]
    assert as_input(torch.full((1, *SHAPE), 51.0)).flatten().tolist() == pytest.approx([0.2, 0.2])


def test_each_number_of_an_image_is_by_hand() -> None:
    """Clean (255, 51): lead 0.2. Noise (-30.4, -40.3) leaves (224.6, 10.7), rounded (225, 11)."""
    pixels = torch.tensor([[255, 51]], dtype=torch.uint8).view(1, *SHAPE)
    found = verify(Sum(), pixels, torch.tensor([0]), torch.tensor([-30.4, -40.3]).view(1, *SHAPE))
    for suffix, (a, b) in {"": (30.4, 40.3), "_rounded": (30.0, 40.0)}.items():
        lead, norm = 0.2 - (a + b) / 255, math.hypot(a, b)
        expected: dict[str, Any] = {
            "success": True,
            "predicted": 1,
            "margin": lead,
            "l2": norm / 255,
            "rms": norm / 2**0.5,
            "max": b,
            "psnr": 10 * math.log10(255**2 / (norm**2 / 2)),
        }
        if not suffix:
            odds = np.exp([lead, 0, -9])
            expected |= {"score": odds[1] / odds.sum(), "label_score": odds[0] / odds.sum()}
        for name, value in expected.items():
            assert found[name + suffix].tolist() == pytest.approx([value], rel=1e-4), name
    assert set(found) == {*measure(Sum(), pixels, torch.tensor([0]), torch.zeros(1, *SHAPE), False)} | {
        f"{name}_rounded" for name in ("success", "predicted", "margin", "l2", "rms", "max", "psnr")
    }


def test_places_keep_their_own_labels() -> None:
    pixels = torch.tensor([[255, 51], [0, 0]], dtype=torch.uint8).view(2, *SHAPE)
    found = verify(Sum(), pixels, torch.tensor([0, 2]), torch.zeros(2, *SHAPE))
    assert found["success"].tolist() == [False, True]
    assert found["margin"].tolist() == pytest.approx([0.2, -9])
    assert found["psnr"].tolist() == [math.inf] * 2
