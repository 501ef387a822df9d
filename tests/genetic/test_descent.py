import math

import torch

from convstab.genetic.descent import LEAST, NARROWER, WIDEST, followed, slope, tried, turned


def test_the_slope_of_a_linear_margin_is_its_weights() -> None:
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(2, 5, generator=generator)
    genes = 3 + torch.randn(2, 20_000, 5, generator=generator)
    margin = 7 + torch.einsum("pg,pig->pi", weights, genes)
    torch.testing.assert_close(slope(genes, margin), weights / weights.norm(dim=1, keepdim=True), atol=0.03, rtol=0)


def test_a_generation_without_differences_has_no_slope() -> None:
    genes = torch.randn(1, 6, 4, generator=torch.Generator().manual_seed(0))
    assert slope(genes, torch.full((1, 6), 2.0)).eq(0).all()
    noise = genes[:, 0]
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
