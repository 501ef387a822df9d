"""Which forward pass is chosen: what was asked for, what pays, and what counts the same."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import convstab as cs
from convstab.errors import InputError
from convstab.evaluation.pilot import forward as choice
from convstab.evaluation.pilot.forward import Difference, Wish, choose, compare, pass_of
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.workers import Workers
from convstab.forward.compiled import COMPILED
from convstab.forward.eager import EagerPass, ForwardPass
from convstab.images import Images

CPU = torch.device("cpu")


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).eval()


@pytest.fixture
def workers() -> Workers:
    pixels = torch.randint(0, 256, (90, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images = Images(pixels, torch.arange(90) % 3, ("a", "b", "c"))
    return Workers(network(), images, Protocol((0, 20), draws=5), CPU, batch_size=32)


class Made(EagerPass):
    """Stands for a compiled forward pass; ``change`` is what it does to the logits."""

    def __init__(self, model: nn.Module, change: Callable[[Tensor], Tensor] = lambda logits: logits) -> None:
        super().__init__(model, "float32", CPU)
        self.name, self.change = COMPILED, change

    def __call__(self, images: Tensor) -> Tensor:
        return self.change(super().__call__(images))


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Lets a stand-in be compiled, with so many draws a second in float32 and compiled; what is compiled is noted."""

    def prepare(eager: float, compiled: float, made: Callable[[nn.Module], ForwardPass] = Made) -> list[str]:
        made_passes: list[str] = []

        def stand_in(name: str, workers: Workers) -> ForwardPass:
            if name != COMPILED:
                return pass_of(name, workers)
            made_passes.append(name)
            return made(workers.model)

        rates = {"float32": eager, "bfloat16": eager, COMPILED: compiled}
        monkeypatch.setattr(choice, "pass_of", stand_in)
        monkeypatch.setattr(choice, "calibrate", lambda workers: rates[workers.forward.name])
        return made_passes

    return prepare


AUTO = Wish("auto", "auto")


def test_little_work_is_not_worth_a_compiler(workers: Workers, tried: Callable[..., list[str]]) -> None:
    made = tried(1000, 2000)
    forward, said, _ = choose(workers, AUTO, 59_000)
    assert (forward.name, said, made) == ("float32", "", [])
    forward, said, _ = choose(workers, AUTO, 61_000)
    assert (forward.name, made) == (COMPILED, [COMPILED])
    assert "2,000 draws/s, float32 1,000; 0 of 256 decisions differ" in said  # 64 images, 1 + EACH draws


def test_what_is_not_faster_is_not_taken(workers: Workers, tried: Callable[..., list[str]]) -> None:
    tried(1000, 900)
    forward, said, _ = choose(workers, AUTO, 10**6)
    assert forward.name == "float32"
    assert said.endswith("; float32 it is")
    assert choose(workers, replace(AUTO, compile=True), 10)[0].name == COMPILED  # as it was asked for


def test_other_numbers_are_worth_a_fifth_of_the_speed_and_more(
    workers: Workers, tried: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried(1000, 1190)
    monkeypatch.setattr(choice, "compare", lambda *_: pytest.fail("nothing is left to compare"))
    forward, said, _ = choose(workers, AUTO, 10**6)
    assert forward.name == "float32"
    assert said.endswith("1,190 draws/s, float32 1,000: less than 1.2 times as fast; float32 it is")
    monkeypatch.undo()
    tried(1000, 1210)
    assert choose(workers, AUTO, 10**6)[0].name == COMPILED
    tried(1000, 1010)
    assert choose(workers, Wish("bfloat16"), 10**6)[0].name == COMPILED  # bfloat16 was asked for


def test_decisions_are_not_compared_where_that_takes_longer_than_is_saved(
    workers: Workers, tried: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "PAYS", 0.0)
    tried(1, 2)  # 256 draws are compared in 256 + 128 s, and half a second is saved by each draw
    forward, said, _ = choose(workers, AUTO, 767)
    assert (forward.name, said.partition(": it ")[2]) == (
        "float32",
        "would save less time than it takes to compare decisions; float32 it is",
    )
    assert choose(workers, AUTO, 769)[0].name == COMPILED


def test_decisions_that_differ_too_often_are_not_taken(workers: Workers, tried: Callable[..., list[str]]) -> None:
    def swapped(model: nn.Module) -> ForwardPass:
        return Made(model, lambda logits: logits.roll(1, 1))

    tried(1000, 2000, swapped)
    forward, said, _ = choose(workers, AUTO, 10**6)
    assert forward.name == "float32"
    assert said.endswith(": too many, float32 it is")
    assert choose(workers, Wish("bfloat16", "auto"), 10**6)[0].name == COMPILED  # bfloat16 was asked for


def test_what_cannot_be_compiled_is_done_without_unless_it_was_asked_for(
    workers: Workers, tried: Callable[..., list[str]]
) -> None:
    def refused(model: nn.Module) -> ForwardPass:
        raise InputError("the model cannot be compiled (no compiler)")

    tried(1000, 2000, refused)
    forward, said, _ = choose(workers, AUTO, 10**6)
    assert forward.name == "float32"
    assert said == "the model cannot be compiled (no compiler); float32 it is"
    with pytest.raises(InputError, match="no compiler"):
        choose(workers, replace(AUTO, compile=True), 10**6)


@pytest.mark.parametrize(
    ("wish", "names"),
    [
        (Wish(), ["float32"]),
        (Wish("auto", compile=False), ["float32"]),
        (Wish("bfloat16", compile=False), ["bfloat16"]),
        (Wish("bfloat16", compile=True), [COMPILED]),
        (Wish("auto", compile=True), ["float32", COMPILED]),
        (AUTO, ["float32", COMPILED]),
        (Wish("bfloat16"), ["bfloat16", COMPILED]),
    ],
    ids=str,
)
def test_a_wish_says_which_passes_it_can_come_to(wish: Wish, names: list[str]) -> None:
    assert wish.allowed == set(names)


def test_a_name_that_is_not_known_is_refused(workers: Workers) -> None:
    with pytest.raises(InputError, match=r"^the forward pass 'foo' is not known to this version of convstab$"):
        pass_of("foo", workers)


def test_decisions_are_compared_in_the_graph_that_does_the_work(
    workers: Workers, tried: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def compared(first: ForwardPass, second: ForwardPass, workers: Workers) -> Difference:
        threads.append(torch.get_num_threads())
        return Difference(1, 0, 0, 0)

    threads: list[int] = []
    tried(1000, 2000)
    monkeypatch.setattr(choice, "compare", compared)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        workers.count = 2
        choose(workers, AUTO, 10**6)
    finally:
        torch.set_num_threads(before)
    assert threads == [1]  # as many as each worker has: another number is another graph


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("float16", "auto"), "precision is 'float16'; it can be float32, bfloat16 or auto"),
        (("auto", "yes"), "compile is 'yes'; it can be true, false or auto"),
        (("auto", 0), "compile is 0; it can be true, false or auto"),
        (("float32", True), "compile=true needs precision=bfloat16 or auto"),
    ],
)
def test_other_wishes_are_refused(words: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Wish(*words)
    images = Images(torch.zeros(3, 1, 8, 8, dtype=torch.uint8), torch.arange(3))
    with pytest.raises(InputError, match=said):
        cs.evaluate(network(), images, precision=words[0], compile=words[1])


def test_decisions_are_compared_one_by_one(workers: Workers) -> None:
    first, second = EagerPass(network(), "float32", CPU), Made(network(), lambda logits: -logits)
    found = compare(first, second, workers)
    draws = 64 * (1 + choice.EACH)
    assert found.draws == draws
    assert compare(first, first, workers) == Difference(draws, 0, 0, 0)
    assert found.changed > 0.9 * draws
    back = compare(second, first, workers)
    assert (back.gained, back.lost) == (found.lost, found.gained)
    rows = np.linspace(0, 89, 64).round().astype(int)
    test, protocol, lost = workers.images, replace(workers.protocol, draws=choice.EACH), 0
    for row in rows.tolist():
        image = int(test.ids[row])
        for level in protocol.levels:
            count = choice.EACH if level else 1
            logits = network()(protocol.copies(test.pixels[row], level, count, image, level))
            label = int(test.labels[row])
            lost += int(((logits.argmax(1) == label) & (logits.argmin(1) != label)).sum())
    assert found.lost == lost > 0
    assert 0 < found.gained < draws


@pytest.mark.parametrize(
    ("changed", "gained", "lost", "alike"),
    [(0, 0, 0, True), (20, 0, 0, True), (21, 0, 0, False), (20, 12, 8, True), (20, 0, 9, True), (20, 20, 0, False)],
)
def test_few_changes_to_both_sides_count_alike(changed: int, gained: int, lost: int, alike: bool) -> None:
    assert Difference(1000, changed, gained, lost).counts_alike == alike
