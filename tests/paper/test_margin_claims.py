"""Claims on the least perturbation and on the margin between classes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convstab.attacks import DDN, CarliniWagner
from convstab.paper import margin_claims
from convstab.report.content import Verdict
from tests.support.made_up_evidence import attacked, claim, interval, l2_of

NOISY: dict[str, Any] = {"noisy": True, "augment": "Jitter + NoisyCopies"}


@pytest.mark.parametrize(("psnr", "verdict"), [(30.5, "agrees"), (29.5, "disagrees")])
def test_the_least_noise_of_any_attack_decides_whether_it_is_seen(psnr: float, verdict: Verdict) -> None:
    letter = attacked([l2_of(14)] * 20 + [None], attack="Paper", config={"max_queries": 2000})
    best = attacked([l2_of(psnr)] * 21)
    found = claim(margin_claims.slim_margins, letter, best)
    assert found.verdict == verdict
    norm, rms = l2_of(psnr), 255 * 10 ** (-psnr / 20)
    assert (
        f"DDN fools the model on 21 of 21 images within 1,000 queries each with a median L2 norm of {norm:.3g}"
        in found.text
    )
    assert f"{rms:.3g} grey levels (root mean square) or {psnr:.1f} dB" in found.text
    assert "The paper's search to the letter fools the model on 20 of 21 images within 2,000 queries each" in found.text
    assert "does not show it: its noise is as strong as Gaussian noise of sigma 50.9" in found.text
    assert f"DDN fools the model with noise of {psnr:.1f} dB in the median over 21 images" in found.decisive
    holds = f"The better search shows it, whose median norm is {l2_of(14) / norm:.3g} times smaller"
    assert (holds in found.text) == (verdict == "agrees")


def test_the_papers_own_search_may_find_weak_noise() -> None:
    text = claim(margin_claims.slim_margins, attacked([l2_of(40)] * 20, attack="Paper")).text
    assert "So the paper's search itself finds weak noise, as strong as Gaussian noise of sigma 2.55" in text
    assert "does not show" not in text


@pytest.mark.parametrize("limit", ["queries", "generations"])
def test_what_a_limit_cut_off_shows_nothing_of_what_cannot_be_found(limit: str) -> None:
    cut = attacked([l2_of(14)] * 20, attack="Paper", ended=["stall"] * 19 + [limit])
    text = claim(margin_claims.slim_margins, cut, attacked([l2_of(40)] * 20)).text
    assert "its limit cut off 5 % of the searches" in text
    assert "not run to its own end" in text
    assert "does not show it" not in text
    strong = attacked([l2_of(29)] * 20, ended=["steps"] * 19 + [limit])
    assert claim(margin_claims.slim_margins, strong).verdict == "inconclusive"
    noisy = attacked([l2_of(20)] * 20, ended=["steps"] * 19 + [limit], **NOISY)
    whole = attacked([l2_of(20)] * 20, **NOISY)
    clean = attacked([l2_of(29)] * 20, augment="Jitter")
    assert claim(margin_claims.margin_stays, whole, clean).verdict == "disagrees"
    assert claim(margin_claims.margin_stays, noisy, clean).verdict == "inconclusive"


@pytest.mark.parametrize(
    ("attack", "settings"),
    [("DDN", {"steps": 299}), ("CarliniWagner", {"searches": 8, "steps": 500}), ("CarliniWagner", {"steps": 499})],
)
def test_a_search_that_was_made_shorter_shows_nothing_of_what_cannot_be_found(attack: str, settings: Any) -> None:
    short = {"max_queries": None, "attack": settings}
    found = claim(margin_claims.slim_margins, attacked([l2_of(29)] * 20, attack=attack, config=short))
    assert found.verdict == "inconclusive"
    assert f"(made shorter: {next(iter(settings))}={next(iter(settings.values()))})" in found.text
    clean = attacked([l2_of(29)] * 20, attack=attack, augment="Jitter")
    noisy = attacked([l2_of(20)] * 20, attack=attack, **NOISY)
    assert claim(margin_claims.margin_stays, noisy, clean).verdict == "disagrees"
    noisy = attacked([l2_of(20)] * 20, attack=attack, config=short, **NOISY)
    found = claim(margin_claims.margin_stays, noisy, clean)
    assert found.verdict == "inconclusive"
    assert "was made shorter" in found.text
    weak = attacked([l2_of(31)] * 20, attack=attack, config=short)
    assert claim(margin_claims.slim_margins, weak).verdict == "agrees"  # an upper bound, however it was found


def test_full_length_is_what_the_attacks_do_unless_told_otherwise() -> None:
    assert margin_claims.STRONG["DDN"] == {"steps": DDN().steps}
    assert margin_claims.STRONG["CarliniWagner"] == {
        "searches": CarliniWagner().searches,
        "steps": CarliniWagner().steps,
    }


def test_an_upper_bound_is_one_wherever_the_search_ended() -> None:
    cut = attacked([l2_of(31)] * 20, attack="Paper", ended="queries")
    assert claim(margin_claims.slim_margins, cut).verdict == "agrees"


def test_an_attack_that_fails_on_most_has_an_infinite_median() -> None:
    found = claim(margin_claims.slim_margins, attacked([l2_of(40)] * 9 + [None] * 11))
    assert found.verdict == "inconclusive"
    assert "it failed on 11, so the median is infinite" in found.text


@pytest.mark.parametrize(
    ("attacks", "verdict"),
    [
        ({"DDN": [29] * 20}, "disagrees"),
        ({"CarliniWagner": [29] * 20, "Paper": [13] * 20}, "disagrees"),
        ({"DDN": [29] * 19 + [None]}, "inconclusive"),  # there may be weak noise for the last one
        ({"Genetic": [29] * 20}, "inconclusive"),  # only an upper bound
        ({"Paper": [13] * 20, "Gaussian": [20] * 20}, "inconclusive"),
        ({"DDN": [29] * 20, "Genetic": [31] * 20}, "agrees"),
        ({"Paper": [31] * 20}, "agrees"),  # an upper bound is enough
        ({"DDN": [31] * 4}, "inconclusive"),  # too few images for an interval
        ({"DDN": [29] * 4}, "inconclusive"),
        ({"DDN": [31] * 11 + [20] * 9}, "inconclusive"),  # the interval of the median has both
    ],
)
def test_only_an_attack_that_follows_the_gradient_shows_that_weak_noise_is_not_enough(
    attacks: dict[str, list[float | None]], verdict: Verdict
) -> None:
    results = [
        attacked([None if psnr is None else l2_of(psnr) for psnr in needed], attack=kind)
        for kind, needed in attacks.items()
    ]
    assert claim(margin_claims.slim_margins, *results).verdict == verdict


def test_each_net_has_a_say_and_two_attacks_of_a_kind_are_told_apart() -> None:
    weak, strong = [l2_of(40)] * 20, [l2_of(20)] * 20
    found = claim(
        margin_claims.slim_margins,
        attacked(strong, folder=Path("runs/long/attack")),
        attacked(strong, folder=Path("runs/short/attack")),
        attacked(weak, "cifar10"),
        attacked(weak, "gtsrb", noisy=True),
    )
    assert found.verdict == "mixed"
    assert "DDN (long/attack)" in found.text
    assert "DDN (short/attack)" in found.text
    assert "GTSRB" not in found.text  # trained on noise
    assert claim(margin_claims.slim_margins, attacked(weak, "digits")).verdict == "inconclusive"
    assert "convstab-attack" in claim(margin_claims.slim_margins).text


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [((1.01, 1.05), "disagrees"), ((0.9, 1.09), "agrees"), ((0.9, 1.11), "inconclusive"), ((0.5, 0.6), "agrees")],
)
def test_margins_at_the_limits(ratio: Any, verdict: Verdict) -> None:
    assert margin_claims.margin_verdict(interval(*ratio)) == verdict


@pytest.mark.parametrize(
    ("factor", "verdict"), [(2.0, "disagrees"), (1.05, "disagrees"), (0.9, "agrees"), (1.0, "agrees")]
)
def test_margins_with_and_without_noise(factor: float, verdict: Verdict) -> None:
    norms = np.linspace(1, 3, 40)
    clean, noisy = attacked(norms.tolist(), "gtsrb"), attacked((factor * norms).tolist(), "gtsrb", **NOISY)
    found = claim(margin_claims.margin_stays, clean, noisy)
    assert found.verdict == verdict
    assert f"the least noise is {factor:.3g} times as large (95 %: {factor:.3g} to {factor:.3g}; " in found.text
    assert "median over 40 images" in found.text
    assert "The two attacks differ" not in found.text


def test_margins_that_the_images_do_not_decide() -> None:
    norms, factors = np.ones(40), np.tile([0.5, 2.0], 20)
    results = [attacked(norms.tolist(), "gtsrb"), attacked((factors * norms).tolist(), "gtsrb", **NOISY)]
    found = claim(margin_claims.margin_stays, *results)
    assert found.verdict == "inconclusive"
    assert "(95 %: 0.5 to 2;" in found.text


def test_margins_need_the_same_attack_on_nets_alike() -> None:
    norms = [1.0] * 20
    clean, noisy = attacked(norms, "gtsrb"), attacked([0.5] * 20, "gtsrb", **NOISY)
    assert claim(margin_claims.margin_stays, clean, noisy).verdict == "agrees"
    for other in (attacked(norms, "gtsrb", attack="DeepFool"), attacked(norms, "mnist")):
        found = claim(margin_claims.margin_stays, other, noisy)
        assert found.verdict == "inconclusive"
        assert "the same attack on the same images is not there" in found.text
        assert "convstab-attack run=<each> attack=ddn" in found.text
    unlike = claim(margin_claims.margin_stays, clean, attacked([0.5] * 20, "gtsrb", noisy=True, augment="NoisyCopies"))
    assert unlike.verdict == "inconclusive"
    assert "0.5 times as large" in unlike.text
    assert "the noise may not be the cause" in unlike.text


def test_margins_of_few_images_or_with_many_failures_are_told_in_words() -> None:
    few = claim(margin_claims.margin_stays, attacked([1.0] * 4, "gtsrb"), attacked([0.5] * 4, "gtsrb", **NOISY))
    assert few.verdict == "inconclusive"
    assert "0.5 times as large (too few images for an interval; median over 4 images)" in few.text
    failed: list[float | None] = [None] * 20
    never = claim(margin_claims.margin_stays, attacked([1.0] * 20, "gtsrb"), attacked(failed, "gtsrb", **NOISY))
    assert never.verdict == "disagrees"
    assert "infinite times as large (95 %: infinite to infinite" in never.text
    for found in (few, never):
        assert "inf " not in found.text


def test_other_settings_of_an_attack_are_said() -> None:
    settings = {"max_queries": 5000, "attack": {"steps": 20}}
    clean, noisy = attacked([1.0] * 20, "gtsrb"), attacked([0.5] * 20, "gtsrb", config=settings, **NOISY)
    text = claim(margin_claims.margin_stays, clean, noisy).text
    assert "queries: at most 5,000 against at most 1,000; steps" in text
    endless = attacked([0.5] * 20, "gtsrb", config={"max_queries": None, "attack": {"steps": 500}}, **NOISY)
    text = claim(margin_claims.margin_stays, clean, endless).text
    assert "queries: any number against at most 1,000." in text


def test_what_a_weak_attack_needs_says_nothing_of_the_margin() -> None:
    kind: dict[str, Any] = {"dataset": "gtsrb", "attack": "Paper"}
    found = claim(margin_claims.margin_stays, attacked([1.0] * 20, **kind), attacked([2.0] * 20, **kind, **NOISY))
    assert found.verdict == "inconclusive"
    assert "the least noise is 2 times as large" in found.text


@pytest.mark.parametrize(
    "other",
    [
        {"config": {"run": "train/other"}},
        {"seeds": [1]},
        {"epochs": 3},
        {"official": False},
        {"images": {"train": 900, "validation": 100, "test": 10_000}},
    ],
)
def test_nets_that_differ_in_anything_are_not_one(other: dict[str, Any]) -> None:
    weak, strong = [l2_of(40)] * 20, [l2_of(20)] * 20
    first = attacked(weak, config={"run": "train/model"}, folder=Path("runs/a"))
    same = attacked(strong, config={"run": "train/model"}, folder=Path("runs/b"))
    values: dict[str, Any] = {"config": {"run": "train/model"}} | other
    another = attacked(strong, folder=Path("runs/c"), **values)
    assert claim(margin_claims.slim_margins, first, same).verdict == "agrees"
    found = claim(margin_claims.slim_margins, first, another)
    assert found.verdict == "mixed"
    assert len(found.text.splitlines()) == 3
    assert "official" in other or "augment none (c): DDN fools" in found.text


def test_the_sentence_of_the_least_noise_is_of_the_attack_that_decides() -> None:
    found = [attacked([l2_of(31)] * 2, attack="PGD"), attacked([l2_of(30.5)] * 20)]
    said = claim(margin_claims.slim_margins, *found)
    assert said.verdict == "agrees"
    assert "DDN fools the model with noise of 30.5 dB in the median over 20 images (95 %: 30.5 to 30.5" in said.decisive
    few = claim(margin_claims.slim_margins, found[0]).decisive
    assert "PGD fools the model with noise of 31.0 dB in the median over 2 images (too few images for an" in few
    failed = claim(margin_claims.slim_margins, attacked([l2_of(31)] * 9 + [None] * 11)).decisive
    assert "DDN fools the model on 9 of 20 images; more images may tell" in failed
    half = claim(margin_claims.slim_margins, attacked([l2_of(31)] * 11 + [None] * 9)).decisive
    assert "in the median over 20 images (95 %: at most 31.0 dB)" in half
