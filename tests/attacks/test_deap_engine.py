import importlib
import random
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from deap import algorithms, creator, tools
from scipy import stats
from torch import Tensor, nn

from convstab import attacks
from convstab.attacks import deap_engine
from convstab.attacks.attack import Task
from convstab.errors import InputError
from convstab.generators.streams import Streams
from convstab.genetic.operators import Crossover, Mutation
from convstab.genetic.population import Images, Outcome

DEAP = attacks.Paper(engine="deap", population=10, generations=5, mutation=0.1)
ENGINES: tuple[Any, Any] = ("deap", "vectorised")
KINDS = ("arithmetic", "intermediate", "uniform")


class Bright(nn.Module):
    """Class 0 as long as the image is brighter than a threshold; the forward passes are counted."""

    def __init__(self, threshold: float = 0.4) -> None:
        super().__init__()
        self.threshold = threshold
        self.batches: list[int] = []

    def forward(self, images: Tensor) -> Tensor:
        self.batches.append(len(images))
        lead = 20 * (images.flatten(1).mean(1) - self.threshold)
        return torch.stack([lead, -lead], 1)


def evolve(attack: attacks.Paper, model: nn.Module, count: int = 2, max_queries: int = 10**6) -> Outcome:
    """What the engine itself returns, for grey images (1, 4, 4) of class 0."""
    pixels, labels = torch.full((count, 1, 4, 4), 128, dtype=torch.uint8), torch.zeros(count, dtype=torch.int64)
    clean = model(pixels.float() / 255)
    images = Images.of(pixels, labels, clean, list(range(count)))
    return attack.evolve(model, images, Task(pixels, labels, images.index, clean, 0, max_queries, lambda _: None))


def norms(attack: attacks.Paper, model: nn.Module, pixels: Tensor, seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """L2 norms and generations of searches for the same image, each with random numbers of its own."""
    images = pixels.expand(seeds, *pixels.shape)
    labels = model(images.float() / 255).argmax(1)
    rows = attack(model, images, labels, torch.arange(seeds), max_queries=10**9).rows
    assert rows["success"].all()
    return rows["l2"], rows["generations"]


def ratio(one: np.ndarray, other: np.ndarray, statistic: Callable[..., Any]) -> tuple[float, float]:
    """A 95 % bootstrap interval of the ratio of two statistics."""
    found = stats.bootstrap(
        (one, other),
        lambda x, y, axis: statistic(x, axis=axis) / statistic(y, axis=axis),
        n_resamples=2000,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    return found.confidence_interval.low, found.confidence_interval.high


def test_both_engines_end_at_the_same_norm() -> None:
    pixels = torch.randint(100, 156, (1, 2, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    vectorised = attacks.Paper(population=10, mutation=0.3, patience=20)
    one, _ = norms(replace(vectorised, engine="deap"), Bright(), pixels, 10)
    other, _ = norms(vectorised, Bright(), pixels, 30)
    low, high = ratio(one, other, np.median)
    assert 0.95 <= low < high <= 1.05


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, marks=pytest.mark.slow),
        pytest.param({"tournament": 2, "crossover": 0.5, "elite": 3}, marks=pytest.mark.endurance),
        pytest.param({"crossovers": ("arithmetic",)}, marks=pytest.mark.endurance),
    ],
)
def test_over_thirty_seeds_both_engines_find_the_same_noise_after_as_many_generations(options: dict[str, Any]) -> None:
    pixels = torch.randint(100, 156, (1, 5, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    vectorised = attacks.Paper(population=24, mutation=0.1, patience=40, **options)
    one, other = (norms(replace(vectorised, engine=engine), Bright(), pixels, 30) for engine in ENGINES)
    low, high = ratio(one[0], other[0], np.median)
    first, last = ratio(one[1], other[1], np.mean)
    print(f"norms {np.median(one[0]) / np.median(other[0]):.4f} [{low:.4f}, {high:.4f}]")
    print(f"generations {one[1].mean() / other[1].mean():.4f} [{first:.4f}, {last:.4f}]")
    assert 0.95 <= low < high <= 1.05
    assert 0.8 <= first < last <= 1.25


def test_the_parts_of_deap_do_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: Counter[str] = Counter()

    def count(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def counted(*args: Any, **options: Any) -> Any:
            calls[name] += 1
            return original(*args, **options)

        monkeypatch.setattr(owner, name, counted)

    for owner, name in (
        (tools, "selTournament"),
        (tools, "selBest"),
        (tools, "cxBlend"),
        (tools, "cxUniform"),
        (algorithms, "varAnd"),
        (deap_engine, "mutate_uniform"),
        (tools.HallOfFame, "update"),
        (tools.MultiStatistics, "compile"),
        (tools.Logbook, "record"),
    ):
        count(owner, name)
    evolve(replace(DEAP, generations=7, crossovers=("intermediate", "uniform"), crossover=1.0), Bright(), count=2)
    every, between = 2 * 7, 2 * 6  # images times generations, and what lies between two of them
    assert [calls[name] for name in ("update", "compile", "record")] == [every] * 3
    assert [calls[name] for name in ("selTournament", "selBest", "varAnd")] == [between] * 3
    assert calls["mutate_uniform"] == between * 10
    assert calls["cxBlend"] + calls["cxUniform"] == between * 5  # pairs in a population of 10
    assert min(calls["cxBlend"], calls["cxUniform"]) > 10
    calls.clear()
    evolve(replace(DEAP, crossover=0.0), Bright())
    assert calls["cxBlend"] + calls["cxUniform"] == 0


def test_a_generation_is_one_forward_pass() -> None:
    model = Bright()
    evolve(replace(DEAP, population=20, generations=4), model, count=1)
    assert model.batches[1:] == [32] * 4  # whole groups of 16


@pytest.mark.parametrize("engine", ENGINES)
def test_each_search_says_why_it_ended(engine: Any) -> None:
    attack = replace(DEAP, generations=9, patience=4, engine=engine)
    weightless = replace(attack, weight=1e-60, beta=0.0)  # nothing is ever better than the first
    for search, model, limit, reason, generations in (
        (weightless, Bright(-1.0), 10**6, "stall", 5),
        (replace(attack, patience=8), Bright(), 10**6, "generations", 9),  # each improvement starts the count anew
        (replace(attack, patience=99), Bright(), 79, "queries", 7),
    ):
        outcome = evolve(search, model, max_queries=limit)
        assert outcome.ended == [reason] * 2
        assert outcome.generations.tolist() == [generations] * 2
        assert outcome.queries.tolist() == [10 * generations] * 2
        assert [len(book) for book in outcome.logbooks] == [generations] * 2
    assert attack.settings().affordable(None) == 9
    with pytest.raises(InputError, match="max_queries is 9; one generation takes 10"):
        evolve(attack, Bright(), max_queries=9)


def test_the_logbook_tells_of_the_best_which_never_gets_worse() -> None:
    outcome = evolve(replace(DEAP, generations=15), Bright())
    for book, found in zip(outcome.logbooks, outcome.noise, strict=True):
        assert (np.diff(book.select("best")) <= 0).all()
        assert book[-1]["l2"] == pytest.approx(float(found.double().norm()) / 255)
        assert all(line["best"] <= line["median"] and 0 <= line["fooled"] <= 1 for line in book)
        assert [line["generation"] for line in book] == list(range(1, 16))
        assert book[-1]["fooled"] > 0
    never = evolve(DEAP, Bright(-1.0)).logbooks
    assert [share for book in never for share in book.select("fooled")] == [0.0] * 10


def test_the_global_random_states_are_left_alone() -> None:
    random.seed(5)
    before = random.getstate(), torch.get_rng_state(), np.random.get_state()[1].tolist()  # type: ignore[index] # noqa: NPY002
    first = evolve(DEAP, Bright())
    with pytest.raises(InputError, match="not a number"):
        evolve(DEAP, NotANumber())
    assert random.getstate() == before[0]
    assert torch.get_rng_state().equal(before[1])
    assert np.random.get_state()[1].tolist() == before[2]  # type: ignore[index] # noqa: NPY002
    random.seed(6)
    assert evolve(DEAP, Bright()).noise.equal(first.noise)
    assert not first.noise[0].equal(first.noise[1])


class NotANumber(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return torch.full((len(images), 2), torch.nan)


def test_the_registry_of_deap_holds_two_names_that_are_made_once() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = creator.ConvstabNoise
        importlib.reload(deap_engine)
    assert creator.ConvstabNoise is before
    assert {name for name, value in vars(creator).items() if getattr(value, "__module__", "") == "deap.creator"} >= {
        "ConvstabNoise",
        "ConvstabLeast",
    }
    assert not hasattr(creator, "Individual")
    assert not hasattr(creator, "FitnessMin")


def weights_of(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """The shares of the other parent in children of many couples, (couples, genes), of DEAP and of the tensors."""
    couples, genes = 2000, 10
    (operator,) = deap_engine.crossovers([kind])
    random.seed(0)
    deap = [operator([0.0] * genes, [1.0] * genes) for _ in range(couples)]
    np.testing.assert_allclose(np.sum(deap, axis=1), 1)
    streams = Streams(0)
    streams.append(0)
    population = torch.tensor([[0.0], [1.0]]).repeat(1, couples, genes).view(1, 2 * couples, genes)
    Crossover(1.0, [kind])(population, streams)
    return np.array([one for one, _ in deap]), population[0, ::2].numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_crossover_is_the_same_law_in_both_engines(kind: str) -> None:
    deap, tensors = weights_of(kind)
    if kind == "arithmetic":
        assert np.ptp(deap, axis=1).max() == 0
        deap, tensors = deap[:, 0], tensors[:, 0]
    assert stats.ks_2samp(deap.ravel(), tensors.ravel()).pvalue > 0.01
    low, high = {"arithmetic": (0, 1), "intermediate": (-0.25, 1.25), "uniform": (0, 1)}[kind]
    assert deap.min() >= low
    assert deap.max() <= high


def test_mutation_is_the_same_law_in_both_engines() -> None:
    individuals, shape, attack = 1000, (1, 5, 5), attacks.Paper(engine="deap", mutation=0.2)
    toolbox = deap_engine.make_toolbox(attack, 0.0, [128.0] * 25)
    random.seed(0)
    deap = np.array([toolbox.mutate([0.0] * 25)[0] for _ in range(individuals)])
    population, streams = torch.zeros(1, individuals, 25), Streams(0)
    streams.append(0)
    Mutation(shape, 0.2, [1])(population, streams, torch.tensor([10.0]))
    for changed in (deap, population[0].numpy()):
        assert ((changed != 0).sum(1) == 5).all()
        assert stats.chisquare((changed != 0).sum(0)).pvalue > 0.01
        assert stats.kstest(changed[changed != 0], stats.uniform(-10, 20).cdf).pvalue > 0.01


def test_the_best_of_a_tournament_wins_as_often_as_arithmetic_says() -> None:
    toolbox = deap_engine.make_toolbox(attacks.Paper(engine="deap", tournament=3), 9.0, [128.0])
    population = toolbox.population(4)
    for slot, individual in enumerate(population):
        individual[0], individual.fitness.values = slot, (float(slot),)
    random.seed(0)
    winners = [int(individual[0]) for individual in toolbox.select(population, 10_000)]
    expected = [((4 - slot) / 4) ** 3 - ((3 - slot) / 4) ** 3 for slot in range(4)]
    np.testing.assert_allclose(np.bincount(winners, minlength=4) / 10_000, expected, atol=0.02)


def test_the_first_population_is_uniform_within_the_spread() -> None:
    toolbox = deap_engine.make_toolbox(attacks.Paper(engine="deap"), 40.0, [128.0] * 30)
    random.seed(0)
    assert stats.kstest(np.ravel(toolbox.population(50)), stats.uniform(-40, 80).cdf).pvalue > 0.01


def test_noise_stays_in_the_box() -> None:
    toolbox = deap_engine.make_toolbox(attacks.Paper(engine="deap", mutation=1.0, amplitude=99.0), 300.0, [0, 250.5])
    random.seed(0)
    first = np.array(toolbox.population(200))
    mutated = np.array([toolbox.mutate(list(individual))[0] for individual in first])
    for genes in (first, mutated):
        np.testing.assert_array_equal(genes.min(0), [0, -250.5])
        np.testing.assert_array_equal(genes.max(0), [255, 4.5])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "eaSimple"}, "engine is eaSimple; it must be vectorised or deap"),
        ({"engine": "deap", "tiles": (2,)}, r"tiles is \[2\]; it must be \[1\] with engine=deap"),
        ({"engine": "deap", "damping": 2.0}, "damping is 2.0; it must be null with engine=deap"),
        ({"engine": "deap", "targets": 3}, "targets is 3; it must be 1 with engine=deap"),
        ({"engine": "deap", "descents": 3}, "descents is 3; it must be 0 with engine=deap"),
    ],
)
def test_what_the_engine_cannot_do_is_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}$"):
        attacks.Paper(**options)
