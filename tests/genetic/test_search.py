from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from convstab import attacks
from convstab.attacks import Evolution, Result
from convstab.errors import InputError
from convstab.genetic.objectives import Distance, Judgement
from convstab.genetic.search import Search
from convstab.genetic.trials import ANY, Trials, nearest, towards
from convstab.models import LeNet


class Flat(nn.Module):
    """Never changes its decision."""

    def forward(self, images: Tensor) -> Tensor:
        return torch.tensor([[1.0, 0.0]]).expand(len(images), 2)


@pytest.fixture(scope="module")
def lenet() -> LeNet:
    """A LeNet with random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LeNet((1, 28, 28), [str(digit) for digit in range(10)]).eval()


def evolve(model: nn.Module, attack: Evolution, count: int = 5, **options: Any) -> Result:
    """Attack images that are given the labels they are taken for."""
    pixels = torch.randint(256, (count, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        labels = model(pixels.float() / 255).argmax(1)
    return attack(model, pixels, labels, torch.arange(count), **options)


@pytest.mark.parametrize("attack", [attacks.Paper, attacks.Genetic])
def test_places_and_batches_change_nothing(attack: Any, lenet: LeNet) -> None:
    first = evolve(lenet, attack(generations=6, slots=5, batch_size=1000))
    for slots, batch_size in ((1, 16), (3, 48), (16, 100)):
        other = evolve(lenet, attack(generations=6, slots=slots, batch_size=batch_size))
        np.testing.assert_array_equal(other.noise, first.noise)
        for name, column in first.history.items():
            np.testing.assert_array_equal(other.history[name], column)


def test_another_seed_is_another_search(lenet: LeNet) -> None:
    attack = attacks.Genetic(generations=3)
    assert (evolve(lenet, attack, seed=1).noise != evolve(lenet, attack, seed=2).noise).any()
    np.testing.assert_array_equal(evolve(lenet, attack, seed=1).noise, evolve(lenet, attack, seed=1).noise)


def test_the_global_random_states_are_left_alone(lenet: LeNet) -> None:
    before = torch.get_rng_state()
    evolve(lenet, attacks.Genetic(generations=2))
    assert torch.get_rng_state().equal(before)


def test_an_image_is_finished_after_generations_without_improvement() -> None:
    result = evolve(Flat(), attacks.Genetic(patience=5, slots=2), count=3)
    assert result.rows["generations"].tolist() == [6] * 3  # the first is better than nothing
    assert result.rows["queries"].tolist() == [6 * 40] * 3
    np.testing.assert_array_equal(result.history["index"], np.repeat([0, 1, 2], 6))
    np.testing.assert_array_equal(result.history["generation"], np.tile(np.arange(1, 7), 3))


def test_the_elite_never_gets_worse(lenet: LeNet) -> None:
    history = evolve(lenet, attacks.Paper(generations=20), count=2).history
    for image in (0, 1):
        assert (np.diff(history["best"][history["index"] == image]) <= 1e-6).all()


@pytest.mark.parametrize(
    ("attack", "max_queries", "queries", "ended"),
    [
        (attacks.Genetic(generations=4), 50_000, 160, "generations"),
        (attacks.Genetic(generations=4), None, 160, "generations"),
        (attacks.Genetic(), 199, 160, "queries"),
        (attacks.Genetic(generations=4), 160, 160, "generations"),
        (attacks.Genetic(generations=5), 160, 160, "queries"),
    ],
)
def test_each_row_says_which_limit_ended_its_search(
    attack: Evolution, max_queries: int | None, queries: int, ended: str, lenet: LeNet
) -> None:
    rows = evolve(lenet, attack, max_queries=max_queries).rows
    assert rows["queries"].tolist() == [queries] * 5
    assert rows["ended"].tolist() == [ended] * 5


def test_without_a_limit_a_search_goes_on_until_it_stalls() -> None:
    rows = evolve(Flat(), attacks.Paper(patience=3, elite=0), count=2, max_queries=None).rows
    assert rows["ended"].tolist() == ["stall"] * 2
    assert (rows["generations"] < attacks.Paper().generations).all()
    assert (rows["queries"] == 100 * rows["generations"]).all()


def test_a_generation_must_be_paid_for(lenet: LeNet) -> None:
    with pytest.raises(InputError, match="max_queries is 39; one generation takes 40: give that many or more, or null"):
        evolve(lenet, attacks.Genetic(), max_queries=39)


class Watched(Search):
    """Remembers the best rank in each generation of the first slot."""

    def remember(self, rank: Tensor) -> None:
        seen.append(rank[0].min().item())
        super().remember(rank)


seen: list[float] = []


@pytest.mark.parametrize("attack", [attacks.Paper(generations=25), attacks.Genetic(generations=25, targets=1)])
def test_the_best_individual_so_far_is_in_every_generation(
    attack: Evolution, lenet: LeNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convstab.attacks.evolution.Search", Watched)
    seen.clear()
    evolve(lenet, attack, count=1)
    assert len(seen) == 25
    assert (np.diff(seen) <= 0).all()  # to the bit: the elite is neither scaled nor changed
    assert seen[-1] < seen[0]


def test_progress_counts_every_image_once(lenet: LeNet) -> None:
    finished: list[int] = []
    evolve(lenet, attacks.Genetic(generations=2, slots=2), progress=finished.append)
    assert sum(finished) == 5


def test_the_class_that_is_tried_first_is_the_nearest_by_prediction() -> None:
    """Leads of 8 and 6 that noise of norm 10 lowers to 4 and 0: boundaries at 20 and 10; class 3 gets farther away."""
    clean = torch.tensor([8.0, 0.0, 2.0, 4.0])
    logits = torch.tensor([[8.0, 4.0, 8.0, 3.0]])
    assert nearest(logits, clean, 0, torch.tensor([10.0]), 3) == [2, 1, 3]
    assert nearest(logits, clean, 0, torch.tensor([10.0]), 1) == [2]
    assert nearest(logits, clean, 0, torch.tensor([10.0]), 9) == [2, 1, 3]  # never the label itself


def test_a_place_sees_its_label_and_its_target_only() -> None:
    logits = torch.arange(8.0).view(2, 1, 4)
    seen = towards(logits, torch.tensor([0, 1]), torch.tensor([2, ANY]))
    assert seen.tolist() == [[[0, -torch.inf, 2, -torch.inf]], [[4, 5, 6, 7]]]


def test_the_best_trial_is_remembered() -> None:
    trials = Trials([])
    for least, value in ((3.0, 0), (2.0, 1), (2.5, 2)):
        trials.keep(least, {"genes": torch.tensor(value)})
    assert trials.least == 2.0
    assert trials.state["genes"].item() == 1


class Aimed(Search):
    """Remembers what the first slot aims at, and the age at which it does."""

    def aim(self, slot: int, target: int) -> None:
        super().aim(slot, target)
        if slot == 0:
            aims.append((self.slots.age[0], target))


aims: list[tuple[int, int]] = []


def test_each_class_is_tried_for_its_share_and_the_best_goes_on(lenet: LeNet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convstab.attacks.evolution.Search", Aimed)
    aims.clear()
    rows = evolve(lenet, attacks.Genetic(generations=40, targets=3, trial=0.2), count=1).rows
    ages, targets = zip(*aims, strict=True)
    assert ages == (0, 0, 8, 16, 24)  # any, until the first generation says which is nearest
    assert targets[0] == targets[-1] == ANY
    assert len(set(targets[1:4]) - {ANY, int(rows["label"][0])}) == 3
    assert rows["queries"].tolist() == [40 * 40]


def test_the_result_of_trials_is_the_least_of_them(lenet: LeNet) -> None:
    """Cut off as the last trial ends, the search has seen what three searches for one class each have."""
    history = evolve(lenet, attacks.Genetic(generations=60, targets=3, trial=0.3), count=3).history
    for image in range(3):
        least = history["l2"][history["index"] == image]
        ends = least[[17, 35, 53]]
        assert least[54] <= ends.min() + 1e-6
        assert len(set(ends)) == 3


def test_a_search_for_one_class_has_no_trials(lenet: LeNet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convstab.attacks.evolution.Search", Aimed)
    aims.clear()
    evolve(lenet, attacks.Genetic(generations=10, targets=1), count=1)
    assert {target for _, target in aims} == {ANY}


def test_in_a_trial_only_the_label_and_its_target_are_judged(lenet: LeNet, monkeypatch: pytest.MonkeyPatch) -> None:
    judged, judge = [], Distance.__call__

    def spy(self: Distance, logits: Tensor, labels: Tensor, norm: Tensor, clean: Tensor) -> Judgement:
        judged.append((logits[0, 0].isfinite(), clean[0].item()))
        return judge(self, logits, labels, norm, clean)

    monkeypatch.setattr(Distance, "__call__", spy)
    evolve(lenet, attacks.Genetic(generations=10, targets=3, trial=0.2), count=1)
    pixels = torch.randint(256, (1, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        logits = lenet(pixels.float() / 255)[0]
    leads = logits.max() - logits
    for seen, clean in judged[:6]:  # three trials of two generations
        assert seen.sum() == 2
        assert clean == pytest.approx(leads[seen].max().item(), abs=1e-6)
    for seen, clean in judged[6:]:
        assert seen.all()
        assert clean == pytest.approx(leads.sort().values[1].item(), abs=1e-6)


@pytest.mark.parametrize("memory", [1.0, 0.25, 0.0])
def test_memory_is_the_share_of_the_slope_that_stays(
    memory: float, lenet: LeNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    before: list[float] = []

    def learnt(slopes: torch.Tensor, genes: torch.Tensor, margin: torch.Tensor) -> torch.Tensor:
        before.append(slopes[0].norm().item())
        return torch.full_like(slopes, slopes.shape[1] ** -0.5)

    monkeypatch.setattr("convstab.genetic.descent.learnt", learnt)
    evolve(lenet, attacks.Genetic(generations=3, memory=memory, targets=1), count=1)
    assert before == pytest.approx([0, memory, memory], abs=1e-5)
