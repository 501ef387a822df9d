"""What a page shows of a single image of a ledger."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest, norm

import convstab as cs
from convstab.report.curves import curves, pictures
from convstab.report.ledgers import Joined, ledgers
from tests.support.half_spaces import distances, half_space
from tests.support.ledger_examples import LEVELS, NAMES, attacked, evidence, images, result


@pytest.fixture(scope="module")
def joined() -> Joined:
    every = evidence(attacked(), attacked("nes", count=20, max_queries=300))
    return ledgers(every, list(NAMES))[0][0]


def test_shares_are_those_of_the_draws_with_their_exact_intervals(joined: Joined) -> None:
    shown = curves(joined)
    assert shown["x"] == LEVELS[1:]
    for place in (0, 7, -1):
        failures = 40 - result().by_image("correct")[joined.rows[place], 1:]
        for level, count in enumerate(failures):
            ends = binomtest(int(count), 40).proportion_ci(method="exact")
            told = [shown["shares"][name][place][level] for name in ("flips", "low", "high")]
            assert told == pytest.approx([count / 40, ends.low, ends.high], abs=1e-4)


def test_the_laws_are_those_of_the_distances(joined: Joined) -> None:
    shown, rows = curves(joined)["shares"], joined.ledger.rows
    true = distances(half_space(192, seed=0), images().pixels)
    for place, row in enumerate(joined.rows):
        expected = norm.sf(true[row] / np.array(LEVELS[1:]))
        assert shown["attack"][place] == pytest.approx(expected, abs=0.01)
        if np.isfinite(rows["distance"][row]):
            by_draws = norm.cdf(-rows["distance"][row] / LEVELS[3] + rows["curvature"][row] * LEVELS[3])
            assert shown["boundary"][place][2] == pytest.approx(by_draws, abs=1e-4)
        else:
            assert shown["boundary"][place] == [None] * 3


def test_distances_stand_from_the_certificate_to_the_attacks(joined: Joined) -> None:
    rows = joined.ledger.rows
    for of_image, row in zip(curves(joined)["distances"], joined.rows, strict=True):
        named = {name: (value, half) for name, value, half in of_image}
        assert named["DDN"] == (pytest.approx(rows["perturbation_DDN"][row], abs=1e-3), 0)
        assert ("NES" in named) == np.isfinite(rows["perturbation_NES"][row])
        if "boundary by draws" in named:
            half = 1.96 * rows["distance_error"][row]
            assert named["boundary by draws"] == pytest.approx((rows["distance"][row], half), abs=1e-3)
        certified = [name for name in named if name.startswith("certified")]
        if certified:
            sigma = float(certified[0].split()[-1])
            assert of_image[0][0] == certified[0]
            assert named[certified[0]][0] == pytest.approx(rows[f"radius_{sigma:g}"][row], abs=1e-3)


def test_facts_name_the_attack_that_found_least(joined: Joined) -> None:
    rows = joined.ledger.rows
    for facts, row in zip(curves(joined)["facts"], joined.rows, strict=True):
        said = dict(facts)
        assert said["Image"] == f"id {rows['index'][row]}"
        assert f"by {rows['attack'][row]}, {rows['psnr'][row]:.1f} dB" in said["Least perturbation"]
        assert said["It took"].startswith(f"{rows['queries'][row]:,.0f} queries")
    words = {dict(facts)["Fails"].split()[0] for facts in curves(joined)["facts"]}
    assert words == {"first", "open"}


def test_of_certificates_nothing_is_said_where_draws_are_too_few(joined: Joined) -> None:
    assert all("Certified" in dict(facts) for facts in curves(joined)["facts"])
    few = replace(joined.ledger, settings=dict(joined.ledger.settings) | {"most_draws": 39})
    shown = curves(replace(joined, ledger=few))
    assert not any("Certified" in dict(facts) for facts in shown["facts"])
    assert not any(name.startswith("certified") for of_image in shown["distances"] for name, *_ in of_image)


def test_pictures_are_the_image_and_its_least_perturbation(joined: Joined) -> None:
    places, tiles = pictures(joined)
    assert places.tolist() == list(range(len(joined.rows)))  # all were attacked
    of = {"ddn": attacked().result, "nes": attacked("nes", count=20, max_queries=300).result}
    for place, row in enumerate(joined.rows):
        by = of[joined.ledger.rows["attack"][row].lower()]
        noisy = images().pixels[row].numpy() + by.noise[by.rows["index"] == joined.ledger.rows["index"][row]][0]
        assert (tiles[place, 0] == images().pixels[row].numpy()).all()
        assert np.abs(tiles[place, 1] - noisy).max() <= 0.5


def test_without_attacks_there_are_no_pictures_and_json_can_say_it() -> None:
    (alone,), _ = ledgers(evidence(), list(NAMES))
    assert pictures(alone)[1].shape[0] == 0
    shown = curves(alone)
    json.dumps(shown, allow_nan=False)
    assert shown["shares"]["attack"][0] == [None] * 3
    assert all("Least perturbation" not in dict(facts) for facts in shown["facts"])


def test_what_is_not_random_has_no_interval() -> None:
    blurred = cs.evaluate(half_space(192, seed=0), images(), "jpeg", levels=[100, 10])
    every = replace(evidence(), evaluations=[replace(evidence().evaluations[0], result=blurred)])
    shares = curves(ledgers(every, list(NAMES))[0][0])["shares"]
    assert shares["low"] == shares["high"] == shares["flips"]
