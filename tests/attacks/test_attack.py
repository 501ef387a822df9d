import math
import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
import torch
from skimage import metrics
from torch import Tensor, nn

from convstab import attacks
from convstab.attacks import Attack, Evolution, Result
from convstab.attacks.attack import BatchedAttack
from convstab.attacks.verification import classify, verify
from convstab.errors import InputError
from convstab.models import LeNet
from convstab.models.ensemble import Ensemble

CHEAP: list[Attack] = [
    attacks.DeepFool(),
    attacks.DDN(steps=40),
    attacks.CarliniWagner(searches=2, steps=30, constant=1.0),
    attacks.LBFGS(searches=4, iterations=6),
    attacks.LeastLevel(draws=16),
    attacks.HopSkipJump(steps=2),
    attacks.Boundary(steps=30),
    attacks.Square(steps=200),
    attacks.NES(steps=12, pairs=20),
    attacks.Genetic(generations=30),
    attacks.Paper(generations=10),
    attacks.Paper(generations=4, engine="deap"),
]
NAMES = [type(attack).__name__ for attack in CHEAP]
LONG = ("DeepFool", "CarliniWagner", "LBFGS", "Boundary")  # seconds each, in foolbox or SciPy
EXACT = 1 - 1e-6  # a float32 forward pass knows the boundary no better
GRADIENTS = ("DeepFool", "DDN", "CarliniWagner", "LBFGS")


class Linear(nn.Module):
    """Two classes; the boundary lies at a known distance from every image."""

    def __init__(self, shape: tuple[int, ...], seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.weight = torch.randn(int(np.prod(shape)), generator=generator)
        self.bias = self.weight.norm() * 0.025 * self.weight.numel() ** 0.5  # an RMS of some 6 grey levels

    def forward(self, images: Tensor) -> Tensor:
        lead = (images.flatten(1) - 0.5) @ self.weight + self.bias
        return torch.stack([lead, -lead], 1)

    def distance(self, pixels: Tensor) -> np.ndarray:
        """The least L2 norm, for pixels in [0, 1], that reaches the boundary; the box must not be in the way."""
        lead = (pixels.double() / 255 - 0.5).flatten(1) @ self.weight.double() + self.bias
        return np.asarray(lead.abs() / self.weight.double().norm())


def grey_images(count: int, shape: tuple[int, ...], spread: int = 20) -> Tensor:
    """Images around mid-grey, so that the box is far."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(128 - spread, 128 + spread, (count, *shape), dtype=torch.uint8, generator=generator)


def attack_linear(attack: Attack, shape: tuple[int, ...], count: int = 4, max_queries: int = 50_000) -> np.ndarray:
    """Norms that were found, as multiples of the closed form; all must be verified successes."""
    model, pixels = Linear(shape), grey_images(count, shape)
    labels = model(pixels.float() / 255).argmax(1)
    result = attack(model, pixels, labels, torch.arange(count), max_queries=max_queries)
    assert result.rows["success"].all()
    assert (result.rows["margin"] < 0).all()
    assert (result.rows["queries"] <= max_queries).all()
    return np.asarray(result.rows["l2"] / model.distance(pixels))


@pytest.fixture(scope="module")
def lenet() -> LeNet:
    """A LeNet with random weights: it decides by small margins."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LeNet((1, 16, 16), [str(digit) for digit in range(10)]).eval()


def run(attack: Attack, model: nn.Module, rows: list[int], **options: Any) -> Result:
    """Attack some of twenty random images; the label of image 3 is not the class it is taken for."""
    pixels = grey_images(20, (1, 16, 16), spread=128)
    labels = classify(model, pixels.float() / 255).argmax(1)
    labels[3] = (labels[3] + 1) % 10
    index = torch.tensor(rows)
    return attack(model, pixels[index], labels[index], index + 100, **options)


def test_deepfool_is_exact_on_a_linear_classifier() -> None:
    ratio = attack_linear(attacks.DeepFool(overshoot=1e-3), (1, 28, 28))
    np.testing.assert_allclose(ratio, 1 + 1e-3, atol=3e-4)  # foolbox adds 1e-4 to the distance


@pytest.mark.parametrize(
    "attack",
    [attacks.DDN(), attacks.CarliniWagner(searches=6, steps=150, constant=1.0)],
    ids=["DDN", "CarliniWagner"],
)
def test_gradient_attacks_are_within_a_percent_on_a_linear_classifier(attack: Attack) -> None:
    ratio = attack_linear(attack, (1, 28, 28))
    assert (ratio >= EXACT).all()
    assert (ratio <= 1.01).all()


@pytest.mark.parametrize("steps", [20, 40])
def test_few_steps_of_ddn_come_near_a_boundary_that_is_close(steps: int) -> None:
    model, pixels = Linear((1, 8, 8)), grey_images(1, (1, 8, 8))
    model.bias = 0.05 * model.weight.norm() - (pixels.flatten(1) / 255 - 0.5)[0] @ model.weight
    result = attacks.DDN(steps=steps)(model, pixels, torch.tensor([0]), torch.tensor([0]))
    assert model.distance(pixels) == pytest.approx(0.05, rel=1e-3)
    assert 0.05 * EXACT <= result.rows["l2"][0] <= 0.065  # with 5 % a step no less than 0.38 and 0.14


@pytest.mark.parametrize(("shape", "bound"), [((1, 4, 4), 1.1), ((1, 28, 28), 1.08)])
def test_genetic_comes_near_the_closed_form(shape: tuple[int, ...], bound: float) -> None:
    ratio = attack_linear(attacks.Genetic(tiles=(1,)), shape, max_queries=10_000)
    assert (ratio >= EXACT).all()
    assert (ratio <= bound).all()


def test_children_that_turn_to_where_the_margin_falls_come_nearer_to_the_closed_form() -> None:
    without, some = (
        attack_linear(attacks.Genetic(tiles=(1,), descents=descents), (1, 16, 16), max_queries=3_000)
        for descents in (0, 6)
    )
    assert some.mean() < 1 + 0.5 * (without.mean() - 1)


@pytest.mark.parametrize(
    ("attack", "least", "few", "many"),
    [(attacks.NES(tile=1), 700, 1.5, 1.1), (attacks.Square(least=2), 500, 1.5, 1.25)],
    ids=["NES", "Square"],
)
def test_peers_come_nearer_to_the_closed_form_the_more_they_may_ask(
    attack: Attack, least: int, few: float, many: float
) -> None:
    """NES takes more than three gradients: with 500 queries, half of its searches end above 1.5 times the least."""
    first, last = (attack_linear(attack, (1, 8, 8), max_queries=queries) for queries in (least, 1_500))
    assert (first <= few).all()
    assert (last <= many).all()
    assert last.mean() < first.mean()
    assert (last >= EXACT).all()


@pytest.mark.parametrize(
    ("attack", "expected"),
    [
        (attacks.Square(steps=20), 6 + 20),  # the radius, the steps
        (attacks.NES(steps=4, pairs=3, turns=2), 1 + 6 + 4 * (6 + 3)),  # clean, nearest classes, the steps
    ],
    ids=["Square", "NES"],
)
def test_peers_ask_as_often_as_they_say(attack: attacks.Square | attacks.NES, expected: int, lenet: LeNet) -> None:
    counter = Counter(lenet)
    assert run(attack, counter, [0]).rows["queries"][0] == expected
    others = 32 + 3 * 16  # the labels of this test; clean, noisy and rounded; each padded to 16
    assert counter.images == expected * attack.batch + others


@pytest.mark.parametrize("attack", [attacks.Square(), attacks.NES()], ids=["Square", "NES"])
def test_peers_plan_for_the_queries_they_have(attack: Attack, lenet: LeNet) -> None:
    queries = run(attack, lenet, [0], max_queries=1000).rows["queries"][0]
    assert 1000 - 107 <= queries <= 1000  # one step of NES takes 107


@pytest.mark.parametrize("attack", CHEAP, ids=NAMES)
def test_no_result_lies_below_the_closed_form(attack: Attack) -> None:
    model, pixels = Linear((1, 4, 4)), grey_images(4, (1, 4, 4))
    labels = model(pixels.float() / 255).argmax(1)
    rows = attack(model, pixels, labels, torch.arange(4)).rows
    assert (rows["l2"] >= model.distance(pixels) * EXACT)[rows["success"]].all()
    if not isinstance(attack, attacks.CarliniWagner | attacks.Paper):  # these would need longer
        assert rows["success"].all()


@pytest.mark.parametrize(
    "attack",
    [pytest.param(a, marks=pytest.mark.slow if type(a).__name__ in LONG else ()) for a in CHEAP],
    ids=NAMES,
)
def test_results_do_not_depend_on_the_batch(attack: Attack, lenet: LeNet) -> None:
    together = run(attack, lenet, [0, 1, 2, 3, 4, 5, 6], seed=7)
    apart = [run(attack, lenet, rows, seed=7) for rows in ([0, 1, 2], [5, 3], [6], [4])]
    order = np.concatenate([part.rows["index"] for part in apart])
    for name, column in together.rows.items():
        if name != "seconds":
            mine = np.concatenate([part.rows[name] for part in apart])
            np.testing.assert_array_equal(mine, column[order - 100], err_msg=name)
    np.testing.assert_array_equal(np.concatenate([part.noise for part in apart]), together.noise[order - 100])


@pytest.mark.parametrize("attack", CHEAP, ids=NAMES)
def test_every_result_is_what_a_fresh_forward_pass_says(attack: Attack, lenet: LeNet) -> None:
    result = run(attack, lenet, list(range(8)), seed=1)
    rows, pixels = result.rows, grey_images(20, (1, 16, 16), spread=128)[:8]
    noisy = pixels.double().numpy() + result.noise
    assert noisy.min() >= 0
    assert noisy.max() <= 255
    logits = lenet(torch.from_numpy(noisy / 255).float()).detach()
    certain = np.abs(rows["margin"]) > 1e-5
    assert (logits.argmax(1).numpy() == rows["predicted"])[certain].all()
    np.testing.assert_array_equal(rows["success"], (rows["predicted"] != rows["label"]) & rows["attacked"])
    np.testing.assert_allclose(rows["l2"], np.linalg.norm(result.noise.reshape(8, -1), axis=1) / 255, rtol=1e-5)
    np.testing.assert_allclose(rows["rms"], rows["l2"] * 255 / 16, rtol=1e-5)
    psnr: Any = metrics.peak_signal_noise_ratio  # untyped
    with np.errstate(divide="ignore"):  # an image that was not attacked
        expected = [
            psnr(clean, copy, data_range=255) for clean, copy in zip(pixels.double().numpy(), noisy, strict=True)
        ]
    np.testing.assert_allclose(rows["psnr"], expected, rtol=1e-5)
    assert rows["attacked"].tolist() == [True] * 3 + [False] + [True] * 4
    assert rows["queries"][3] == 0
    assert not result.noise[3].any()
    assert (rows["gradients"][rows["attacked"]] > 0).all() == (type(attack).__name__ in GRADIENTS)


@pytest.mark.parametrize("attack", CHEAP, ids=NAMES)
def test_the_budget_holds_and_the_best_try_counts(attack: Attack, lenet: LeNet) -> None:
    counter = Counter(lenet)
    rows = run(attack, counter, [0], max_queries=300).rows
    others = 32 + 3 * 16  # run labels twenty images; then clean, noisy and rounded: whole groups of 16
    queries = int(rows["queries"][0])
    assert 0 < queries <= 300
    assert counter.images - others == queries * copies(attack) + padding(attack, queries)


def copies(attack: Attack) -> int:
    """How often each query of a lone image is classified: a batch is filled up with copies of it."""
    return attack.batch if isinstance(attack, BatchedAttack) else 1


def padding(attack: Attack, queries: int) -> int:
    """Rows without meaning that fill each generation up to whole groups of 16."""
    if not isinstance(attack, Evolution):
        return 0
    return queries // attack.population * (-attack.population % 16)


@pytest.mark.parametrize("attack", CHEAP, ids=NAMES)
def test_each_row_says_whether_the_budget_ended_the_search(attack: Attack, lenet: LeNet) -> None:
    own = run(attack, lenet, [0, 3, 5], max_queries=None).rows
    limit = "generations" if isinstance(attack, Evolution) else "steps"
    assert own["ended"].tolist() == [limit, "", limit]
    enough = int(own["queries"].max())
    assert run(attack, lenet, [0, 3, 5], max_queries=enough).rows["ended"].tolist() == [limit, "", limit]
    few = max(enough // 2, getattr(attack, "population", 1))
    short = run(attack, lenet, [0], max_queries=few).rows
    assert short["ended"].tolist() == ["queries"]
    assert short["queries"][0] <= few


class Counter(nn.Module):
    """Counts the images that are classified."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.images = model, 0

    def forward(self, images: Tensor) -> Tensor:
        self.images += len(images)
        logits: Tensor = self.model(images)
        return logits


@pytest.mark.parametrize("attack", CHEAP, ids=NAMES)
def test_no_forward_pass_rounds_to_tf32(attack: Attack, watched: Callable[[nn.Module], set[Any]]) -> None:
    model = LeNet((1, 16, 16), [str(digit) for digit in range(10)])
    seen = watched(model)
    run(attack, model, [0, 1], max_queries=1_000)
    assert seen == {(False, "highest")}


def test_the_verification_alone_does_not_round_to_tf32(watched: Callable[[nn.Module], set[Any]]) -> None:
    model, pixels = Linear((1, 4, 4)), grey_images(3, (1, 4, 4))
    seen = watched(model)
    verify(model, pixels, torch.zeros(3, dtype=torch.int64), torch.zeros(pixels.shape))
    assert seen == {(False, "highest")}


def test_failures_stay_failures() -> None:
    class Stubborn(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return torch.stack([images.flatten(1).mean(1) + 1, images.flatten(1).mean(1)], 1)

    pixels, labels = grey_images(2, (1, 8, 8)), torch.zeros(2, dtype=torch.int64)
    for attack in CHEAP:
        rows = attack(Stubborn(), pixels, labels, torch.arange(2), max_queries=1000).rows
        assert not rows["success"].any(), attack
        assert rows["attacked"].all()
        np.testing.assert_allclose(rows["margin"], 1, atol=1e-5)


@pytest.mark.parametrize("attack", CHEAP, ids=NAMES)
def test_votes_have_no_gradients(attack: Attack, lenet: LeNet) -> None:
    votes = Ensemble([lenet, lenet, lenet], "vote")
    if type(attack).__name__ in GRADIENTS:
        with pytest.raises(InputError, match="needs gradients"):
            run(attack, votes, [0])
    else:
        assert run(attack, votes, [0]).rows["attacked"].all()


def test_bad_input_is_one_line(lenet: LeNet) -> None:
    with pytest.raises(InputError, match="nothing to attack"):
        run(attacks.LeastLevel(), lenet, [3])
    with pytest.raises(InputError, match="max_queries is 0"):
        run(attacks.LeastLevel(), lenet, [0], max_queries=0)
    with pytest.raises(InputError, match="one generation takes 40"):
        run(attacks.Genetic(), lenet, [0], max_queries=39)
    with pytest.raises(InputError, match="not a number"):
        run(attacks.Genetic(), Broken(), [0])


FIELDS = [(type(attack), field.name) for attack in CHEAP for field in fields(attack)]  # type: ignore[arg-type]


@pytest.mark.parametrize(("cls", "name"), FIELDS, ids=lambda value: getattr(value, "__name__", value))
def test_no_field_takes_what_makes_no_sense(cls: type[Attack], name: str) -> None:
    values: tuple[Any, ...] = (-1, math.nan, math.inf, "many", [], {})
    for value in values:
        with pytest.raises(InputError, match=rf"^{name} is {re.escape(str(value))}; it must be [^;]*$"):
            cls(**{name: value})


@pytest.mark.parametrize(
    ("attack", "name", "value", "valid"),
    [
        (attacks.DDN, "steps", 0, "a whole number, at least 1"),
        (attacks.DDN, "steps", 1.5, "a whole number, at least 1"),
        (attacks.DDN, "steps", True, "a whole number, at least 1"),
        (attacks.DDN, "steps", None, "a whole number, at least 1"),
        (attacks.DDN, "radius", 0, "a number above 0"),
        (attacks.DDN, "gamma", 0, "above 0 and below 1"),
        (attacks.DDN, "gamma", 1.0, "above 0 and below 1"),
        (attacks.DeepFool, "candidates", 1, "a whole number, at least 2"),
        (attacks.CarliniWagner, "rate", 0.0, "a number above 0"),
        (attacks.HopSkipJump, "evaluations", 0, "a whole number, at least 1"),
        (attacks.LeastLevel, "draws", 0, "a whole number, at least 1"),
        (attacks.LeastLevel, "doublings", 0.5, "a whole number, at least 0"),
        (attacks.Genetic, "scales", [60, 2], "two numbers above 0, the lower one first"),
        (attacks.Genetic, "scales", [0, 2], "two numbers above 0, the lower one first"),
        (attacks.Genetic, "scales", [2, 3, 4], "two numbers above 0, the lower one first"),
        (attacks.Genetic, "scales", [2, math.nan], "two numbers above 0, the lower one first"),
        (attacks.Genetic, "tiles", [0], "a list of whole numbers, each at least 1"),
        (attacks.Genetic, "tiles", [2, 1.5], "a list of whole numbers, each at least 1"),
        (attacks.Genetic, "crossovers", ["foo"], "a list of arithmetic, intermediate, uniform"),
        (attacks.Genetic, "crossovers", [["uniform"]], "a list of arithmetic, intermediate, uniform"),
        (attacks.Genetic, "predict", 1, "true or false"),
        (attacks.Genetic, "damping", 0, "above 0, or null"),
        (attacks.Genetic, "elite", 40, "at least 0 and below the population, 40"),
        (attacks.Genetic, "tournament", 41, "at least 1 and at most the population, 40"),
        (attacks.Genetic, "descents", -1, "a whole number, at least 0"),
        (attacks.Genetic, "descents", 40, "at least 0 and, with the elite of 1, at most the population, 40"),
        (attacks.Genetic, "targets", 0, "a whole number, at least 1"),
        (attacks.Genetic, "targets", 26, "at most 25, as each takes 0.04 of the generations"),
        (attacks.Genetic, "trial", 1.0, "above 0 and below 1"),
        (attacks.Genetic, "memory", 1.5, "in [0, 1]"),
        (attacks.Paper, "crossover", 1.5, "in [0, 1]"),
    ],
)
def test_a_refusal_says_what_would_be_valid(attack: type[Attack], name: str, value: Any, valid: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"{name} is {value}; it must be {valid}")):
        attack(**{name: value})


@pytest.mark.parametrize(
    "attack",
    [
        attacks.DeepFool(steps=1, candidates=2, overshoot=0),
        attacks.DDN(steps=1),
        attacks.CarliniWagner(searches=1, steps=1),
        attacks.LBFGS(searches=1, iterations=1),
        attacks.LeastLevel(draws=1, doublings=0, bisections=0),
        attacks.HopSkipJump(steps=1, evaluations=1),
        attacks.Boundary(steps=1),
        attacks.Square(steps=1, share=0, least=2),
        attacks.NES(steps=1, pairs=1, momentum=0, turns=1, targets=1, tile=1, coarse=0),
        attacks.Genetic(
            population=2, generations=1, patience=1, tournament=1, elite=0, descents=0, scales=(2.0, 2.0), slots=1
        ),
        attacks.Paper(population=2, generations=1, tournament=1, crossover=0, mutation=0, beta=0, batch_size=1),
    ],
    ids=lambda attack: type(attack).__name__,
)
def test_the_least_values_are_taken(attack: Attack, lenet: LeNet) -> None:
    assert run(attack, lenet, [0, 1]).rows["attacked"].all()


class Broken(nn.Module):
    """Correct for clean images, not a number for anything else."""

    def forward(self, images: Tensor) -> Tensor:
        logits = torch.zeros(len(images), 10)
        logits[:, 0] = 1
        whole = (images * 255 - (images * 255).round()).flatten(1).abs().amax(1) < 1e-3
        return torch.where(whole[:, None], logits, torch.nan)
