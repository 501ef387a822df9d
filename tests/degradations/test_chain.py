"""A chain is its members one after another."""

import math
from typing import Any

import pytest
import torch

from convstab.degradations.by_name import degradation
from convstab.degradations.draws.make import degraded_copies
from convstab.errors import InputError
from convstab.generators.floats import NoiseSource
from tests.degradations.photos import copies, error, photos

MEMBERS = [["gaussian_blur", 2.0], [{"name": "sensor", "read_noise": 1.0}, 4.0], ["jpeg", 41]]


@pytest.mark.parametrize(("strength", "levels"), [(1.0, (2.0, 4.0, 41)), (0.5, (1.0, 2.0, 71))])
def test_members_degrade_one_after_another(strength: float, levels: tuple[float, ...]) -> None:
    """Written out, with the random numbers that the chain's name keys."""
    image = photos()[0]
    blurred = degradation("gaussian_blur").degrade(image[None].float(), torch.tensor(levels[:1]).double(), ())
    numbers = [
        NoiseSource(0, law=law, name=name).fill(torch.empty(2, image.numel()), 0, strength)  # type: ignore[arg-type]
        for law, name in (("uniform", "chain"), ("normal", "chain.1"))
    ]
    noisy = degradation("sensor", read_noise=1.0).degrade(
        blurred.expand(2, -1, -1, -1), torch.tensor(levels[1:2]).double().expand(2), numbers
    )
    stored = degradation("jpeg").degrade(noisy.clamp(0, 255), torch.tensor(levels[2:]).double().expand(2), ())
    assert copies(degradation("chain", members=MEMBERS), strength, image, 2).numpy() == pytest.approx(
        stored.numpy(), abs=1e-4
    )


def test_a_chain_of_one_is_as_noisy_as_its_member() -> None:
    image = photos()[1]
    chain = degradation("chain", members=[["gaussian", 20.0]])
    assert error(chain, 0.5, image, 64) == pytest.approx(100, rel=0.02)
    assert error(chain, 1.0, image, 64) == pytest.approx(400, rel=0.02)


def test_members_of_one_family_draw_numbers_of_their_own() -> None:
    grey = torch.full((1, 32, 32), 128, dtype=torch.uint8)
    chain = degradation("chain", members=[["gaussian", 6.0], ["gaussian", 8.0]])
    assert error(chain, 1.0, grey, 64) == pytest.approx(100, rel=0.03)  # 196 if both drew the same


def test_values_are_clipped_between_members() -> None:
    white = torch.full((1, 16, 16), 250, dtype=torch.uint8)
    there_and_back = degradation("chain", members=[["brightness", 100], ["brightness", -100]])
    assert copies(there_and_back, 1.0, white).unique().tolist() == pytest.approx([155], abs=1e-4)


def test_a_member_that_is_nearly_neutral_is_left_out() -> None:
    image = photos()[2]
    chain = degradation("chain", members=[["jpeg", 98], ["brightness", 10]])
    assert (copies(chain, 0.1, image)[0] - image).numpy() == pytest.approx(1, abs=1e-3)


def test_settings_are_plain() -> None:
    chain = degradation("chain", members=MEMBERS)
    assert chain.settings["members"][1] == [{"name": "sensor", "read_noise": 1.0}, 4.0]
    assert degradation(chain.settings) == chain
    assert chain.random
    assert not degradation("chain", members=[["jpeg", 50], ["haze", math.inf]]).random


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([], "members is .*a list of degradations with their levels"),
        ("gaussian", "members is gaussian; it must be a list of degradations"),
        ([["gaussian", -1]], "a level of gaussian is -1"),
        (["gaussian"], "a level of gaussian is None"),
        ([["fog", 1]], "degradation is fog; it can be"),
        ([["senzor", 1]], r"degradation is senzor; .*uniform; did you mean sensor\?$"),
        ([["jpeg", 50.5]], "a level of jpeg is 50.5"),
    ],
)
def test_other_members_are_refused(members: Any, words: str) -> None:
    with pytest.raises(InputError, match=f"^{words}"):
        degradation("chain", members=members)


def test_what_a_member_refuses_the_chain_refuses() -> None:
    chain = degradation("chain", members=[["gaussian", 1], ["saturation", 0.5]])
    with pytest.raises(InputError, match="saturation needs RGB"):
        degraded_copies(torch.zeros(1, 8, 8, dtype=torch.uint8), chain, 1.0, 1, 0)
