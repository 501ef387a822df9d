"""An ensemble beside its members: on made-up outcomes whose truth is known, and on linear models."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import binom

import convstab as cs
from convstab.errors import InputError
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.result import StabilityResult
from convstab.members.members import Members
from convstab.models.ensemble import Ensemble
from convstab.statistics.votes import majority_fails
from convstab.validation import Rule
from tests.support.half_spaces import half_space
from tests.support.made_up_members import counted, evaluation, named, voting

RNG = np.random.default_rng
Outcomes = NDArray[np.bool_]
TRIES = 400


def hard(rng: np.random.Generator, images: int, members: int = 3) -> NDArray[np.float64]:
    """Chances to be correct, (members, images): the images that are hard for one are hard for all."""
    found: NDArray[np.float64] = (rng.beta(4, 1, images) + rng.uniform(-0.05, 0.05, (members, images))).clip(0, 1)
    return found


def independent(chances: NDArray[np.float64], draws: int, rng: np.random.Generator) -> Outcomes:
    """Outcomes of members that fail independently of each other, given the image."""
    found: Outcomes = rng.random((*chances.shape, draws)) < chances[..., None]
    return found


def test_identical_members_correlate_by_one_and_gain_nothing() -> None:
    one = independent(hard(RNG(0), 1500, 1), 20, RNG(1))
    found = voting(np.repeat(one, 3, 0))
    assert found.correlation.value[1] == pytest.approx(1)
    for gain in (found.over_mean, found.over_best):
        assert gain.value.tolist() == [0, 0]
        assert (gain.low <= 0).all()
        assert (gain.high >= 0).all()
    flips = found.ensemble_flips.value[1]
    assert found.flip_rates[:, 1] == pytest.approx(flips)
    assert found.beyond.high[1] < 0  # they fail together, which independent ones do not


def test_members_that_never_fail_have_no_correlation() -> None:
    found = voting(np.ones((2, 30, 5), bool))
    assert np.isnan(found.correlation.value).all()
    assert found.independent.max() == 0


def test_an_ensemble_of_independent_members_is_the_independent_vote() -> None:
    inside, values = 0, []
    for seed in range(TRIES):
        rng = RNG(seed)
        found = voting(independent(hard(rng, 120), 8, rng)).beyond
        inside += found.low[1] <= 0 <= found.high[1]
        values.append(found.value[1])
    assert np.mean(values) == pytest.approx(0, abs=4 * np.std(values) / TRIES**0.5)
    assert inside >= binom.ppf(0.001, TRIES, 0.95)


def test_the_independent_vote_is_that_of_the_chances() -> None:
    chances = hard(RNG(2), 50_000)
    found = voting(independent(chances, 6, RNG(3)))
    expected = majority_fails(chances)
    assert found.independent[:, 1].mean() == pytest.approx(expected.mean(), abs=0.003)
    low, high = found.independent_limits
    assert low[1] < expected.mean() < high[1]


@pytest.mark.parametrize("draws", [4, 12])
def test_what_is_beyond_independence_is_covered_where_draws_are_shared(draws: int) -> None:
    """Members that are one and the same: nothing moves the independent vote further than few draws of theirs do."""
    many = hard(RNG(1), 200_000, 1)
    truth = majority_fails(np.repeat(many, 3, 0)).mean() - (1 - many).mean()
    inside, off = 0, []
    for seed in range(TRIES):
        rng = RNG(seed + 2)
        found = voting(np.repeat(independent(hard(rng, 300, 1), draws, rng), 3, 0)).beyond
        inside += bool(found.low[1] <= truth <= found.high[1])
        off.append(found.value[1] - truth)
    assert inside >= binom.ppf(0.001, TRIES, 0.95)
    assert np.mean(off) > 4 * np.std(off) / TRIES**0.5  # without the ends it is off


def test_clean_images_do_not_flip_by_definition() -> None:
    found = voting(independent(hard(RNG(0), 30), 5, RNG(1)))
    for estimate in (found.ensemble_flips, found.beyond):
        assert [estimate.value[0], estimate.low[0], estimate.high[0]] == [0, 0, 0]


def alike(rng: np.random.Generator) -> NDArray[np.float64]:
    """Three members of the same chances."""
    return np.repeat(hard(rng, 150, 1), 3, 0)


def one_is_best(rng: np.random.Generator) -> NDArray[np.float64]:
    """Three members of which one is better."""
    found: NDArray[np.float64] = (alike(rng) * np.array([[1.0], [0.9], [0.8]])).clip(0, 1)
    return found


@pytest.mark.parametrize("made", [alike, one_is_best])
def test_gains_over_the_mean_and_the_best_member_are_covered(made: Callable[..., NDArray[np.float64]]) -> None:
    truth = np.concatenate([made(RNG(10_000 + seed)) for seed in range(2000)], 1)
    votes, means = 1 - majority_fails(truth).mean(), truth.mean(1)
    inside = {"mean": 0, "best": 0}
    for seed in range(TRIES):
        rng = RNG(seed)
        found = voting(independent(made(rng), 5, rng))
        for name, gain, true in (
            ("mean", found.over_mean, votes - means.mean()),
            ("best", found.over_best, votes - means.max()),
        ):
            inside[name] += bool(gain.low[1] <= true <= gain.high[1])
    assert min(inside.values()) >= binom.ppf(0.001, TRIES, 0.95), inside


def test_the_best_member_is_another_one_under_each_level() -> None:
    first, second = np.array([[1, 4, 0]] * 20), np.array([[1, 0, 3]] * 20)
    found = Members(evaluation(np.array([[1, 4, 4]] * 20), 4), named([evaluation(first, 4), evaluation(second, 4)]))
    assert found.over_best.value.tolist() == [0, 0, 0.25]
    assert found.over_mean.value.tolist() == [0, 0.5, 0.625]


def test_flips_are_of_images_that_all_classify() -> None:
    outcomes = RNG(0).random((3, 10, 4)) < 0.5
    clean = np.ones((3, 10), bool)
    clean[0, :4] = False
    each = [counted(*pair) for pair in zip(outcomes, clean, strict=True)]
    found = Members(counted(outcomes[0]), named(each))
    assert found.common.tolist() == [False] * 4 + [True] * 6
    assert found.flip_rates[:, 1] == pytest.approx(1 - outcomes[:, 4:].mean((1, 2)))
    assert found.ensemble_flips.value[1] == pytest.approx(1 - outcomes[0, 4:].mean())


def test_where_no_image_is_classified_by_all_nothing_is_told() -> None:
    outcomes = np.ones((2, 10, 4), bool)
    each = [counted(outcomes[0], np.arange(10) < 5), counted(outcomes[1], np.arange(10) >= 5)]
    found = Members(counted(outcomes[0]), named(each))
    assert np.isnan(found.correlation.value).all()
    assert np.isnan(found.beyond.value).all()
    assert np.isnan(found.flip_rates).all()


def test_fewer_draws_than_members_tell_no_independent_vote() -> None:
    found = voting(RNG(0).random((3, 40, 2)) < 0.8)
    assert np.isnan(found.beyond.value).tolist() == [False, True]
    assert np.isfinite(voting(RNG(0).random((3, 40, 3)) < 0.8).beyond.value).all()


def test_groups_of_images_widen_what_they_fail_together() -> None:
    groups = np.arange(40).repeat(5)
    outcomes = np.repeat(independent(hard(RNG(4), 40), 10, RNG(5)), 5, 1)
    alone, together = voting(outcomes), voting(outcomes, groups=groups)
    for name in ("over_mean", "over_best", "beyond", "correlation"):
        first, second = getattr(alone, name), getattr(together, name)
        assert second.value[1] == pytest.approx(first.value[1])
        assert second.high[1] - second.low[1] > 1.5 * (first.high[1] - first.low[1]), name


@pytest.fixture(scope="module")
def linear() -> tuple[cs.Images, list[torch.nn.Module]]:
    """Images that half-spaces of 192 pixels tell apart, which are nearly one another."""
    generator = torch.Generator().manual_seed(2)
    pixels = torch.randint(90, 166, (60, 3, 8, 8), dtype=torch.uint8, generator=generator)
    models: list[torch.nn.Module] = []
    for _ in range(3):
        model = half_space(192, seed=0)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.3 * parameter.std() * torch.randn(parameter.shape, generator=generator))
        models.append(model.eval())
    labels = half_space(192, seed=0)(pixels / 255).argmax(1)
    return cs.Images(pixels, labels), models


def evaluated(model: torch.nn.Module, images: cs.Images, seed: int = 0, draws: int = 12) -> StabilityResult:
    return cs.evaluate(model, images, levels=[0, 20, 60], draws=draws, seed=seed)


@pytest.mark.parametrize("rule", ["vote", "probabilities"])
def test_a_real_ensemble_of_three_linear_models(rule: Rule, linear: tuple[cs.Images, list[torch.nn.Module]]) -> None:
    images, models = linear
    each = [evaluated(model, images) for model in models]
    found = Members(evaluated(Ensemble(models, rule).eval(), images), named(each), rule)
    assert found.accuracies[1].tolist() == each[1].accuracy.value.tolist()
    assert found.over_mean.value == pytest.approx(found.ensemble.accuracy.value - found.accuracies.mean(0))
    assert found.correlation.value[2] > 0.3  # nearly the same boundary
    low, high = found.independent_limits
    plain = found.independent.mean(0)
    assert (low <= plain).all()
    assert (plain <= high).all()
    if rule == "vote":  # of two classes and three members: some draws are lost by two of them, none by fewer
        most = np.minimum((1 - found.rates).sum(0) / 2, 1)
        assert ((1 - found.ensemble.rates) <= most + 1e-12).all()


def test_what_does_not_belong_together_is_refused(linear: tuple[cs.Images, list[torch.nn.Module]]) -> None:
    images, models = linear
    whole, one = evaluated(Ensemble(models).eval(), images), evaluated(models[0], images)
    other_seed, more = evaluated(models[1], images, seed=1), evaluated(models[1], images, draws=13)
    fewer = evaluated(models[1], images.part(slice(0, 30)))
    renamed = StabilityResult(["x", "y"], one.protocol, one.rows, one.totals)
    rows = {name: column.reshape(-1, 3)[:, 1:].ravel() for name, column in one.rows.items()}
    bare = StabilityResult(one.classes, Protocol((20, 60), 12), rows, one.totals)
    beside = "b cannot be set beside the ensemble: they are not of the same draws: "
    for results, line in (
        ([one], "1 members are given"),
        ([one, other_seed], f"{beside}another seed"),
        ([one, more], f"{beside}another number of draws"),
        ([one, fewer], f"{beside}other images"),
        ([one, renamed], "b and the ensemble know other classes"),
    ):
        with pytest.raises(InputError, match=line):
            Members(whole, named(results))
    with pytest.raises(InputError, match="flips need the clean images: add 0 to the levels"):
        Members(bare, named([bare, bare]))
