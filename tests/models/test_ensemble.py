"""Ensembles: the three rules against their definitions, and the ensemble of one."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from convstab.errors import InputError
from convstab.models.ensemble import Ensemble

IMAGES = torch.rand(20, 1, 4, 4, generator=torch.Generator().manual_seed(0))
RULES: Any = ["probabilities", "logits", "vote"]


def members(count: int) -> Iterator[nn.Module]:
    for seed in range(count):
        torch.manual_seed(seed)
        yield nn.Sequential(nn.Flatten(), nn.Linear(16, 5))


class Fixed(nn.Module):
    def __init__(self, *logits: float, classes: tuple[str, ...] = ("a", "b", "c")) -> None:
        super().__init__()
        self.logits, self.classes = torch.tensor(logits), classes

    def forward(self, images: Tensor) -> Tensor:
        return self.logits.expand(len(images), -1)


@pytest.mark.parametrize("rule", RULES)
def test_one_member_is_the_ensemble(rule: Any) -> None:
    (member,) = members(1)
    assert torch.equal(Ensemble([member], rule)(IMAGES), member(IMAGES))
    assert Ensemble([member], rule).differentiable


def test_probabilities_are_averaged() -> None:
    several = list(members(5))
    expected = torch.stack([member(IMAGES).softmax(1) for member in several]).mean(0)
    torch.testing.assert_close(Ensemble(several)(IMAGES).softmax(1), expected)
    torch.testing.assert_close(Ensemble(several)(IMAGES).exp(), expected)


def test_logits_are_averaged() -> None:
    several = list(members(3))
    expected = (several[0](IMAGES) + several[1](IMAGES) + several[2](IMAGES)) / 3
    torch.testing.assert_close(Ensemble(several, "logits")(IMAGES), expected)


def test_votes_are_shares_and_the_lowest_label_wins_a_tie() -> None:
    ensemble = Ensemble([Fixed(0, 0, 9), Fixed(0, 5, 0), Fixed(1, 8, 0), Fixed(0, 0, 1)], "vote")
    logits = ensemble(IMAGES)
    torch.testing.assert_close(logits.softmax(1)[0], torch.tensor([0, 0.5, 0.5]))
    assert logits.argmax(1).unique().tolist() == [1]
    assert logits.isfinite().all()
    assert not ensemble.differentiable


@pytest.mark.parametrize("rule", RULES)
def test_gradient_is_there_when_it_is_said_to_be(rule: Any) -> None:
    ensemble, images = Ensemble(list(members(3)), rule), IMAGES.clone().requires_grad_()
    logits = ensemble(images)
    assert ensemble.differentiable == (rule != "vote")
    if ensemble.differentiable:
        logits[:, 0].sum().backward()
        assert images.grad is not None
        assert images.grad.abs().sum() > 0


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_member_that_returns_no_number_is_not_outvoted(rule: Any, value: float) -> None:
    assert not Ensemble([Fixed(0, 0, 9), Fixed(0, value, 0)], rule)(IMAGES).isfinite().all(1).any()


def test_bad_ensembles_are_refused() -> None:
    with pytest.raises(InputError, match="different classes"):
        Ensemble([Fixed(0, 0, 0), Fixed(0, 0, 0, classes=("a", "c", "b"))])
    with pytest.raises(InputError, match="at least one"):
        Ensemble([])
    with pytest.raises(InputError, match="probabilities, logits or vote"):
        Ensemble([Fixed(0, 0, 0)], "median")  # type: ignore[arg-type]


@pytest.mark.parametrize(("given", "made"), [(torch.float64, torch.float64), (torch.float16, torch.float32)])
def test_double_precision_is_kept_and_half_is_not(given: torch.dtype, made: torch.dtype) -> None:
    several = [member.to(given) for member in members(3)]
    for rule in ("probabilities", "logits"):
        assert Ensemble(several, rule)(IMAGES.to(given)).dtype == made
