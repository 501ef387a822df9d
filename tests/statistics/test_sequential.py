"""What may be said of chances whenever one stops to draw: by exact and simulated chances of being wrong."""

from fractions import Fraction
from math import comb, log

import numpy as np
import pytest
from numpy.typing import NDArray

from convstab.errors import InputError
from convstab.statistics.sequential import Verdict, decide, draws_needed, first_failures, log_evidence

HOLDS, FAILS, UNDECIDED = Verdict


def mixture(failures: int, draws: int) -> Fraction:
    """The weights of Krichevsky and Trofimov, draw by draw: (failures + 1/2) / (draws + 1), exactly."""
    found = Fraction(1)
    for draw in range(draws):
        seen = min(draw, failures)  # the failures first: the order does not matter
        found *= Fraction(2 * (seen if draw < failures else draw - failures) + 1, 2 * draw + 2)
    return found


@pytest.mark.parametrize(("failures", "draws"), [(0, 1), (3, 3), (0, 40), (2, 17), (30, 31)])
def test_the_wealth_is_the_product_of_the_bets(failures: int, draws: int) -> None:
    tolerance = Fraction(1, 20)
    expected = mixture(failures, draws) / (tolerance**failures * (1 - tolerance) ** (draws - failures))
    assert log_evidence(np.array(failures), np.array(draws), 0.05) == pytest.approx(log(expected))
    assert sum(comb(draws, k) * mixture(k, draws) for k in range(draws + 1)) == 1  # it is a distribution


@pytest.mark.parametrize(
    ("chance", "wrong"), [(0.05, None), (0.0499, FAILS), (0.0501, HOLDS), (0.01, FAILS), (0.2, HOLDS)]
)
def test_whenever_one_stops_a_verdict_is_as_seldom_wrong_as_is_said(chance: float, wrong: Verdict | None) -> None:
    alpha, draws = 0.05, np.arange(1, 1001)
    failures = np.random.default_rng(5).random((4000, len(draws))).__lt__(chance).cumsum(1)
    verdicts = decide(failures, np.broadcast_to(draws, failures.shape), 0.05, alpha, alpha)
    for verdict in (HOLDS, FAILS) if wrong is None else (wrong,):
        ever = (verdicts == verdict).any(1).mean()
        assert ever <= alpha + 3 * np.sqrt(alpha / len(failures))


def test_verdicts_come() -> None:
    failures, draws = np.array([0, 131, 1, 7]), np.array([131, 131, 131, 131])
    assert decide(failures, draws, 0.05, 0.025, 0.025).tolist() == [HOLDS, FAILS, UNDECIDED, UNDECIDED]
    assert decide(failures[:1], draws[:1] - 1, 0.05, 0.025, 0.025).tolist() == [UNDECIDED]


@pytest.mark.parametrize("tolerance", [0.3, 0.05, 0.01, 1e-7])
def test_so_many_draws_are_needed(tolerance: float) -> None:
    needed = draws_needed(tolerance)
    both = np.array([needed - 1, needed])
    assert decide(np.array([0, 0]), both, tolerance, 0.025, 1.0).tolist() == [UNDECIDED, HOLDS]


def test_the_first_failure_is_the_first_level_that_does_not_hold() -> None:
    draws = np.full((5, 3), 200)
    failures = np.array([[0, 0, 0], [0, 0, 90], [0, 9, 200], [200, 200, 200], [12, 0, 0]])
    found = first_failures(failures, draws, 0.05)
    assert found.place.tolist() == [3, 2, 1, 0, 0]
    assert found.verdict.tolist() == [HOLDS, FAILS, UNDECIDED, FAILS, UNDECIDED]


def test_half_of_alpha_is_for_holding_and_half_is_shared_among_the_levels_for_failing() -> None:
    for draws, verdict in ((draws_needed(0.05), HOLDS), (draws_needed(0.05) - 1, UNDECIDED)):
        assert first_failures(np.array([[0]]), np.array([[draws]]), 0.05).verdict.tolist() == [verdict]
    evidence = log_evidence(np.arange(3, 40), np.full(37, 40), 0.05)
    between = int(np.arange(3, 40)[(evidence >= log(2 / 0.05)) & (evidence < log(2 * 12 / 0.05))][0])
    for levels, verdict in ((1, FAILS), (12, UNDECIDED)):
        failures = np.array([[between] + [0] * (levels - 1)])
        assert first_failures(failures, np.full((1, levels), 40), 0.05).verdict.tolist() == [verdict]


def truly_first(chances: NDArray[np.float64], tolerance: float) -> int:
    above = chances > tolerance
    return int(above.argmax()) if above.any() else len(chances)


@pytest.mark.parametrize("draws", [40, 150, 600])
@pytest.mark.parametrize(
    "chances",
    [[0.0, 0.0499, 0.0501, 0.3], [0.05] * 6, [0.049] * 12, [0.051, 0.0, 0.0], [0.01, 0.03, 0.06, 0.2], [0.0] * 4],
)
def test_all_that_is_said_of_an_image_is_right_as_often_as_is_said(draws: int, chances: list[float]) -> None:
    alpha, times, truth = 0.05, 20_000, np.array(chances)
    failures = np.random.default_rng(7).binomial(draws, truth, (times, len(truth)))
    found = first_failures(failures, np.full_like(failures, draws), 0.05, alpha)
    first = truly_first(truth, 0.05)
    too_far = found.place > first  # a level was said to hold that does not
    failing = np.append(truth, 1.0)[found.place] <= 0.05
    too_early = (found.verdict == FAILS) & failing
    assert (too_far | too_early).mean() <= alpha + 3 * np.sqrt(alpha / times)


def test_shares_out_of_range_are_refused() -> None:
    one = np.array([[1]])
    with pytest.raises(InputError, match="tolerance is 0; it must be above 0 and below 1"):
        first_failures(one, one, 0)
    with pytest.raises(InputError, match=r"alpha is 1\.0"):
        first_failures(one, one, 0.1, 1.0)
