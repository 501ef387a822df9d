import math
from itertools import pairwise

import torch
from sklearn.linear_model import Ridge
from torch import Tensor

from convstab.genetic.descent import LEAST, NARROWER, RIDGE, WIDEST, followed, learnt, tried, turned


def generations(count: int, individuals: int, seed: int = 0) -> Tensor:
    """(generations, one slot each, individuals, 30 genes)"""
    return 3 + torch.randn(count, 1, individuals, 30, generator=torch.Generator().manual_seed(seed))


def rising(genes: Tensor, weights: Tensor) -> Tensor:
    return 7 + torch.einsum("sg,sig->si", weights, genes)


def test_generations_together_learn_the_slope_of_a_linear_margin() -> None:
    weights = torch.randn(1, 30, generator=torch.Generator().manual_seed(1))
    slopes, errors = torch.zeros(1, 30), []
    for genes in generations(30, individuals=6):  # each shows five of the thirty directions
        slopes = learnt(slopes, genes, rising(genes, weights))
        errors.append((slopes - weights).norm() / weights.norm())
    assert all(after <= before for before, after in pairwise(errors))  # a projection never leads away
    assert errors[0] > 0.8
    assert errors[-1] < 0.1


def test_a_generation_is_regressed_as_by_ridge() -> None:
    weights = torch.randn(1, 30, generator=torch.Generator().manual_seed(1))
    genes = generations(1, individuals=12)[0]
    centred = genes[0] - genes[0].mean(0)
    alpha = RIDGE * (centred**2).sum().item() / 12
    ridge = Ridge(alpha=alpha).fit(genes[0].numpy(), rising(genes, weights)[0].numpy())
    found = learnt(torch.zeros(1, 30), genes, rising(genes, weights))[0]
    torch.testing.assert_close(found, torch.as_tensor(ridge.coef_), atol=1e-4, rtol=1e-3)


def test_what_no_individual_differs_in_stays_as_it_was() -> None:
    genes = generations(1, individuals=8)[0]
    genes[..., 20:] = 5.0
    before = torch.arange(30.0)[None]
    found = learnt(before, genes, rising(genes, torch.ones(1, 30)))
    torch.testing.assert_close(found[:, 20:], before[:, 20:])
    assert (found[:, :20] - before[:, :20]).norm() > 1


def test_a_generation_without_differences_shows_no_slope() -> None:
    genes = torch.ones(1, 6, 4)
    assert learnt(torch.zeros(1, 4), genes, torch.full((1, 6), 2.0)).eq(0).all()
    noise = torch.randn(1, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        turned(noise, torch.zeros(1, 4), torch.tensor([[0.1, 0.5]])), noise[:, None].expand(1, 2, 4)
    )


def test_noise_turns_against_the_slope_and_keeps_its_length() -> None:
    noise, rising = torch.tensor([[3.0, 0.0, 0.0], [0.0, 4.0, 0.0]]), torch.tensor([[0.6, 0.8, 0.0], [0.0, 0.0, -1.0]])
    found = turned(noise, rising, torch.tensor([[0.5, 1.0], [0.5, 1.0]]))
    root, two = math.sqrt(1.25), math.sqrt(2)
    expected = [[[3 / root, -1.5 / root, 0], [3 / two, -3 / two, 0]], [[0, 4 / root, 2 / root], [0, 4 / two, 4 / two]]]
    torch.testing.assert_close(found, torch.tensor(expected))


def test_angles_lie_in_equal_ratios_around_the_turn() -> None:
    angles = tried(torch.tensor([0.3, 0.02]), 5)
    torch.testing.assert_close(
        angles[:, [0, 2, 4]], torch.tensor([[0.3 / WIDEST, 0.3, 0.9], [0.02 / WIDEST, 0.02, 0.06]])
    )
    torch.testing.assert_close(angles[:, 1:] / angles[:, :-1], torch.full((2, 4), math.sqrt(WIDEST)))


def test_a_single_child_turns_by_the_turn_itself() -> None:
    assert tried(torch.tensor([0.3]), 1).tolist() == [[torch.tensor(0.3).item()]]


def test_the_turn_follows_the_child_that_won_and_shrinks_when_none_did() -> None:
    turn = torch.tensor([0.3, 0.3, 0.3, 0.3, LEAST])
    found = followed(turn, 3, torch.tensor([0, 2, 3, -1, -1]))
    torch.testing.assert_close(found, torch.tensor([0.1, 0.9, 0.3 * NARROWER, 0.3 * NARROWER, LEAST]))
