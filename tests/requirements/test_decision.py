"""p-values against scipy's exact test, Holm's method by hand, and simulated models with known chances."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import binom, binomtest

from convstab.requirements.decision import FAIL, PASS, UNDECIDED, holm, of_each, p_values, units_needed, verdict
from convstab.statistics import intervals
from convstab.statistics.intervals import Floats
from convstab.units import IMAGES, Units

RUNS, RISK = 10_000, 0.05
MOST = (
    RISK + float(ndtri(0.999)) * (RISK * (1 - RISK) / RUNS) ** 0.5
)  # 0.0567: what 5 % exceed in 1 of 1,000 simulations
Law = Callable[[Generator, tuple[int, int]], NDArray[np.floating[Any]]]


@pytest.mark.parametrize("bound", [0.001, 0.5, 0.9, 0.99])
@pytest.mark.parametrize(("successes", "trials"), [(0, 20), (1, 20), (19, 20), (20, 20), (941, 1000), (1, 1), (0, 1)])
def test_whole_numbers_have_the_p_values_of_the_exact_test(successes: int, trials: int, bound: float) -> None:
    value, count = np.array([successes / trials]), np.array([float(trials)])
    greater, less = (binomtest(successes, trials, bound, alternative=side).pvalue for side in ("greater", "less"))
    for at_least, expected in ((True, (greater, less)), (False, (less, greater))):
        met, missed = p_values(value, count, bound, at_least)
        assert (met[0], missed[0]) == pytest.approx(expected, rel=1e-9)


def test_the_tests_and_the_intervals_are_of_one_law() -> None:
    """A share is significantly above all bounds below the lower end, at half of 1 minus its confidence."""
    value, trials = np.array([0.973, 0.02, 0.5]), np.array([77.7, 421.3, 12.5])
    low, high = intervals.clopper_pearson(value, trials)
    for place in range(3):
        one = value[[place]], trials[[place]]
        assert p_values(*one, float(low[place]), True)[0] == pytest.approx(0.025)
        assert p_values(*one, float(high[place]), False)[0] == pytest.approx(0.025)


def test_more_successes_speak_more_for_a_bound_and_less_against_it() -> None:
    value, trials = np.linspace(0, 1, 401), np.full(401, 57.3)
    met, missed = p_values(value, trials, 0.8, True)
    assert (np.diff(met) <= 0).all()
    assert (np.diff(missed) >= 0).all()
    assert (met[0], missed[-1]) == (1, 1)


def test_docs_say_the_least_images_whose_perfect_result_is_rare_enough() -> None:
    text = (Path(__file__).parents[2] / "docs" / "requirements.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (0\.\d+) \| (\d+) \| (\d+) \|$", text, flags=re.M)
    assert [row[0] for row in rows] == ["0.9", "0.95", "0.99"]
    for said, alone, of_six in rows:
        bound = float(said)
        for images, listed in ((int(alone), 1), (int(of_six), 6)):
            assert bound**images <= RISK / listed < bound ** (images - 1)
            assert units_needed(bound, True, RISK, listed) == images


def test_holms_method_as_worked_by_hand() -> None:
    """Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1 are 0.02, 0.03, 0.06, 0.04, of which none may fall."""
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.3, 0.2])), [0.4, 0.4])
    np.testing.assert_allclose(holm(np.array([0.9, 0.6])), [1, 1])
    np.testing.assert_allclose(holm(np.array([0.049])), [0.049])


def test_each_class_must_pass_and_one_is_enough_to_fail() -> None:
    met, missed = np.array([0.001, 0.03, 0.2]), np.array([0.999, 0.97, 0.012])
    assert of_each(met, missed) == pytest.approx((0.2, 0.036))
    assert of_each(met, np.array([0.9, 0.8, 0.5])) == (0.2, 1)


def test_a_verdict_needs_a_p_value_at_most_the_risk() -> None:
    assert [verdict(met, missed, RISK) for met, missed in ((0.05, 1), (0.051, 1), (1, 0.05), (0.4, 0.6))] == [
        PASS,
        UNDECIDED,
        FAIL,
        UNDECIDED,
    ]


@pytest.mark.parametrize(("bound", "at_least"), [(0.99, True), (0.9, True), (0.5, True), (0.01, False), (0.2, False)])
@pytest.mark.parametrize("requirements", [1, 7])
def test_so_many_units_can_pass_and_one_fewer_cannot(bound: float, at_least: bool, requirements: int) -> None:
    needed = units_needed(bound, at_least, RISK, requirements)
    perfect = np.array([float(at_least)])
    enough, few = (p_values(perfect, np.array([float(n)]), bound, at_least)[0][0] for n in (needed, needed - 1))
    assert enough <= RISK / requirements < few


def wrong(met: Floats, missed: Floats, truth: Floats, bound: float) -> tuple[float, float, float]:
    """The share of runs with a wrong pass, with one if Holm were left out, and with a wrong fail; (runs, m) each."""
    adjusted, against = (np.apply_along_axis(holm, 1, p) for p in (met, missed))
    not_met = truth <= bound
    return tuple(  # type: ignore[return-value]  # three of them
        float((p[:, which] <= RISK).any(1).mean())
        for p, which in ((adjusted, not_met), (met, not_met), (against, truth >= bound))
    )


@pytest.mark.parametrize("units", [300, 2000])
@pytest.mark.parametrize("bound", [0.9, 0.99, 0.999])
def test_at_most_five_per_cent_of_models_pass_wrongly(bound: float, units: int) -> None:
    """Of six requirements four are missed by nothing, one by more, and one is met."""
    truth = np.array([bound] * 4 + [bound - 0.05, (1 + bound) / 2])
    counts = np.random.default_rng(0).binomial(units, truth, (RUNS, len(truth)))
    p = p_values(counts / units, np.full(counts.shape, float(units)), bound, True)
    passes, _, fails = wrong(*p, truth, bound)
    assert passes <= MOST
    assert fails <= MOST


def test_holm_is_needed_for_several_requirements() -> None:
    truth = np.full(6, 0.9)
    counts = np.random.default_rng(0).binomial(2000, truth, (RUNS, 6))
    passes, alone, _ = wrong(*p_values(counts / 2000, np.full(counts.shape, 2000.0), 0.9, True), truth, 0.9)
    assert 0.03 < passes <= MOST  # not by never passing
    assert alone > 4 * RISK


def beta(mean: float, strength: float) -> Law:
    """Chances of images that are spread the more, the less the strength."""
    return lambda rng, shape: rng.beta(mean * strength, (1 - mean) * strength, shape)


def some_fail(mean: float, chance: float) -> Law:
    """Most images never fail, the others by this chance."""
    return lambda rng, shape: 1 - chance * (rng.random(shape) < (1 - mean) / chance)


LAWS = {
    "near coins": beta(0.9, 0.1),
    "spread": beta(0.9, 1.0),
    "alike": beta(0.9, 100.0),
    "few, always": some_fail(0.9, 1.0),
    "few, by half": some_fail(0.9, 0.5),
}


def simulated(law: Law, units: Units, images: int, runs: int, draws: int, seed: int = 0) -> tuple[Floats, Floats]:
    """Shares and trials of simulated evaluations; the images of a group have one chance. (runs,) each."""
    rng, made = np.random.default_rng(seed), []
    members = units.members(images)
    for _ in range(runs // 1000):
        chances = law(rng, (int(members.max()) + 1, 1000))[members]
        made.append(intervals.value_and_trials(rng.binomial(draws, chances) / draws, units=units))
    value, trials = (np.concatenate(column) for column in zip(*made, strict=True))
    return value, trials


@pytest.mark.parametrize("draws", [1, 10])
@pytest.mark.parametrize("law", LAWS)
def test_images_with_chances_of_their_own_pass_wrongly_as_seldom(law: str, draws: int) -> None:
    """Three requirements with the same bound, which their true means reach and do not surpass."""
    value, trials = simulated(LAWS[law], IMAGES, 200, 3 * RUNS, draws)
    p = p_values(value.reshape(RUNS, 3), trials.reshape(RUNS, 3), 0.9, True)
    passes, _, fails = wrong(*p, np.full(3, 0.9), 0.9)
    assert passes <= MOST
    assert fails <= MOST


@pytest.mark.parametrize("law", LAWS)
def test_images_of_groups_of_unequal_size_pass_wrongly_as_seldom(law: str) -> None:
    groups = np.arange(60).repeat(np.random.default_rng(1).integers(1, 12, 60))
    value, trials = simulated(LAWS[law], Units(groups), len(groups), RUNS, 10)
    p = p_values(value[:, None], trials[:, None], 0.9, True)
    passes, _, fails = wrong(*p, np.array([0.9]), 0.9)
    assert passes <= MOST
    assert fails <= MOST
    as_images = p_values(value[:, None], np.full((RUNS, 1), float(len(groups))), 0.9, True)
    if law == "few, always":
        assert wrong(*as_images, np.array([0.9]), 0.9)[0] > 3 * RISK


def test_a_pass_is_to_be_had_where_there_are_images_enough() -> None:
    """A model that fails on 1 of 1,000 images is told from one that fails on 1 of 100 in most cases."""
    chances = binom.pmf(np.arange(11), 1000, 0.001)
    met = p_values(1 - np.arange(11) / 1000, np.full(11, 1000.0), 0.99, True)[0]
    assert chances[met <= RISK].sum() > 0.95
