"""Votes of independent members: against all outcomes counted one by one, and against simulated draws."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from convstab.statistics import votes

Floats = NDArray[np.float64]
RNG = np.random.default_rng


def by_hand(chances: Floats, fails: dict[int, bool]) -> float:
    """The chance of the outcomes of members whose number of correct ones fails."""
    outcomes = product((0, 1), repeat=len(chances))
    weights = {outcome: np.prod(np.where(outcome, chances, 1 - chances)) for outcome in outcomes}
    return float(sum(weight for outcome, weight in weights.items() if fails[sum(outcome)]))


def test_equal_chances_are_the_binomial_law() -> None:
    found = votes.count_chances(np.full((7, 1), 0.8))
    np.testing.assert_allclose(found[:, 0], binom.pmf(range(8), 7, 0.8), atol=1e-15)


@pytest.mark.parametrize("members", [2, 3, 4, 5])
def test_a_majority_is_more_than_half(members: int) -> None:
    chances = RNG(members).random((members, 3))
    expected = [by_hand(chances[:, place], {c: 2 * c <= members for c in range(members + 1)}) for place in range(3)]
    np.testing.assert_allclose(votes.majority_fails(chances), expected)


def may_win(correct: int, members: int, classes: int) -> bool:
    """Whether the label can have the most votes, or as many as another class, however the others are cast."""
    others = product(range(1, classes), repeat=members - correct)
    return any(all(cast.count(one) <= correct for one in range(1, classes)) for cast in others) and correct > 0


@pytest.mark.parametrize(("members", "classes"), [(2, 2), (3, 2), (3, 3), (4, 3), (5, 3), (5, 4), (6, 3)])
def test_a_plurality_is_told_by_all_ways_to_cast_the_other_votes(members: int, classes: int) -> None:
    chances = RNG(classes).random((members, 1))
    expected = by_hand(chances[:, 0], {c: not may_win(c, members, classes) for c in range(members + 1)})
    assert votes.plurality_fails(chances, classes)[0] == pytest.approx(expected)


def test_the_chance_to_share_a_draw_is_that_of_birthdays() -> None:
    places = np.array(list(product(range(5), repeat=3)))
    expected = np.mean([len(set(row)) < 3 for row in places.tolist()])
    assert votes.shared_chance(5, 3) == pytest.approx(expected)
    assert votes.shared_chance(2, 3) == 1


def drawn(chances: Floats, draws: int, sets: int, rng: np.random.Generator, same: bool) -> Floats:
    """Shares of correct draws, (members, sets): draws that fail independently, or for all members alike."""
    seen = rng.random((1 if same else len(chances), sets, draws))
    found: Floats = (seen < chances[:, None, None]).mean(2)
    return found


def test_members_that_are_independent_are_told_without_bias_by_few_draws() -> None:
    chances = np.array([0.7, 0.9, 0.6])
    found = votes.majority_fails(drawn(chances, 3, 200_000, RNG(0), same=False))
    expected = votes.majority_fails(chances[:, None])[0]
    assert found.mean() == pytest.approx(expected, abs=4 * found.std() / 200_000**0.5)


@pytest.mark.parametrize("draws", [4, 10, 30])
@pytest.mark.parametrize("chances", [(0.7, 0.7, 0.7), (0.95, 0.9, 0.6), (0.1, 0.3, 0.2), (0.5, 0.9, 0.8, 0.7)])
def test_the_ends_hold_the_truth_where_members_share_all_their_luck(draws: int, chances: tuple[float, ...]) -> None:
    """The worst that sharing draws can do: the shares alone are wrong, the ends hold."""
    truth = np.array(chances)
    shares = drawn(truth, draws, 100_000, RNG(1), same=True)
    vote, failing = votes.majority_fails(shares).mean(), (1 - shares).sum(0).mean()
    shared = np.array(votes.shared_chance(draws, len(chances)))
    low, high = votes.without_sharing(vote, failing, len(chances), shared)
    expected = votes.majority_fails(truth[:, None])[0]
    assert low - 0.003 <= expected <= high + 0.003
    assert draws > 4 or abs(vote - expected) > 0.003
    assert high - low < 2 * shared / (1 - shared)


def test_the_mixture_is_exact_where_members_are_one_and_the_same() -> None:
    """Three copies that see one draw fail together: the vote of shares is the mixture over who shares with whom."""
    chance, draws = 0.8, 5
    shares = binom.pmf(range(draws + 1), draws, chance)
    told = shares @ votes.majority_fails(np.tile(np.arange(draws + 1) / draws, (3, 1)))
    alone = votes.majority_fails(np.full((3, 1), chance))[0]
    apart = (1 - 1 / draws) * (1 - 2 / draws)
    two, three = 3 * (1 - 1 / draws) / draws, 1 / draws**2
    assert told == pytest.approx(apart * alone + (two + three) * (1 - chance))
    low, high = votes.without_sharing(told, np.array(3 * (1 - chance)), 3, np.array(1 - apart))
    assert low <= alone <= high


def test_fewer_draws_than_members_tell_nothing() -> None:
    low, high = votes.without_sharing(np.array([0.1]), np.array([0.3]), 3, np.array([1.0]))
    assert np.isnan([low, high]).all()
