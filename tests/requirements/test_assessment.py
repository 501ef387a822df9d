"""Verdicts on evaluations and attacks that are made up so that the right one is known."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from convstab.attacks.result import AttackResult
from convstab.degradations.compression import Jpeg
from convstab.errors import InputError
from convstab.evaluation.result import StabilityResult
from convstab.requirements.assessment import exit_code
from convstab.units import Units
from tests.support.attack_examples import example
from tests.support.requirement_examples import alike, evaluation, held, verdicts

ACCURACY = "{metric: accuracy, level: 8, at_least: 0.9}"
LABELS = np.arange(300) % 3


@pytest.mark.parametrize(("failing", "expected"), [(0, "pass"), (5, "pass"), (6, "undecided"), (16, "fail")])
def test_verdicts_of_images_that_are_right_or_wrong(failing: int, expected: str) -> None:
    """The exact test of 100 images against 0.9 is significant up to 4 failures for it, and from 16 on against it."""
    failing -= failing == 5  # 4
    assert verdicts(ACCURACY, evaluation(alike(failing, 100))) == [expected]
    better, worse = (binomtest(100 - failing, 100, 0.9, side).pvalue for side in ("greater", "less"))
    assert expected == ("pass" if better <= 0.05 else "fail" if worse <= 0.05 else "undecided")
    (one,) = held(ACCURACY, evaluation(alike(failing, 100)))
    assert (one.met, one.missed) == pytest.approx((better, worse))


def test_draws_count_as_a_share_of_their_image() -> None:
    shares = np.ones((100, 3))
    shares[:40, 1] = 0.9  # 4 images' worth
    (one,) = held(ACCURACY, evaluation(shares))
    assert one.sample.counted == pytest.approx((0.96, 100))
    assert one.verdict == "pass"
    assert one.met == pytest.approx(binomtest(96, 100, 0.9, "greater").pvalue)


def test_the_level_is_the_one_that_is_named_and_all_are_the_degraded_ones() -> None:
    result = evaluation(alike(60, 100, level=2))
    wanted = [f"{{metric: accuracy, level: {level}, at_least: 0.6}}" for level in ("0", "clean", "8", "30", "all")]
    assert [held(one, result)[0].sample.counted[0] for one in wanted] == pytest.approx([1, 1, 1, 0.4, 0.7])


def test_several_requirements_pay_for_each_other() -> None:
    result = evaluation(alike(4, 100))
    assert verdicts(ACCURACY, result, confidence=0.97) == ["pass"]
    both = f"[{ACCURACY}, {{metric: accuracy, level: 8, at_least: 0.95}}]"
    assert verdicts(both, result, confidence=0.97) == ["undecided", "undecided"]
    first, second = held(both, result)
    alone = binomtest(96, 100, 0.9, "greater").pvalue, binomtest(96, 100, 0.95, "greater").pvalue
    assert (first.met, second.met) == pytest.approx((2 * alone[0], alone[1]))
    first, _ = held(both, evaluation(alike(16, 100)))
    assert first.missed == pytest.approx(binomtest(84, 100, 0.9, "less").pvalue)  # the other one is missed by more


def test_confidence_is_what_a_pass_takes() -> None:
    assert verdicts(ACCURACY, evaluation(alike(2, 100)), confidence=0.99) == ["pass"]
    assert verdicts(ACCURACY, evaluation(alike(4, 100)), confidence=0.99) == ["undecided"]


def test_flips_are_of_images_that_are_correct_when_clean() -> None:
    shares = alike(0, 400)
    shares[:100] = 0  # wrong from the beginning: no flip
    shares[100:103, 1] = 0
    (one,) = held("{metric: flip_rate, level: 8, at_most: 0.05}", evaluation(shares))
    assert one.sample.counted == pytest.approx((0.01, 300))
    assert one.verdict == "pass"
    assert one.met == pytest.approx(binomtest(3, 300, 0.05, "less").pvalue)
    assert verdicts("{metric: flip_rate, level: 8, at_most: 0.05}", evaluation(alike(40, 400))) == ["fail"]


def test_flip_probability_is_of_decisions_that_change() -> None:
    result = evaluation(alike(0, 300))
    result.rows["changed"] = np.tile([0, 1, 5], 300)  # of 10, whether it is correct or not
    for level, share in ((8, 0.1), (30, 0.5), ("all", 0.3)):
        (one,) = held(f"{{metric: flip_probability, level: {level}, at_most: 0.2}}", result)
        assert one.sample.counted == pytest.approx((share, 300))


def test_recall_is_of_the_images_of_a_class() -> None:
    shares = alike(0, 300)
    shares[LABELS == 1, 1] = 0
    wanted = [{"metric": "recall", "class": name, "level": 8, "at_least": 0.9} for name in ("yield", "stop")]
    first, second = held(wanted, evaluation(shares, labels=LABELS))
    assert (first.verdict, second.verdict) == ("fail", "pass")
    assert (*first.sample.counted, *second.sample.counted) == pytest.approx((0, 100, 1, 100))


@pytest.mark.parametrize(("failing", "expected"), [(2, "pass"), (6, "undecided"), (30, "fail")])
def test_each_class_passes_when_all_do_and_fails_when_one_does(failing: int, expected: str) -> None:
    shares = alike(0, 300)
    shares[np.flatnonzero(LABELS == 2)[:failing], 1] = 0
    (one,) = held("{metric: recall, class: each, level: 8, at_least: 0.9}", evaluation(shares, labels=LABELS))
    assert (one.verdict, one.sample.of) == (expected, "turn")
    better, worse = (binomtest(100 - failing, 100, 0.9, side).pvalue for side in ("greater", "less"))
    assert (one.met, one.missed) == pytest.approx((better, min(1, 3 * worse)))


def test_groups_leave_undecided_what_as_many_images_would_pass() -> None:
    shares, groups = alike(12, 600), Units(np.arange(600) // 6)
    wanted = "{metric: accuracy, level: 8, at_least: 0.95}"
    assert verdicts(wanted, evaluation(shares)) == ["pass"]
    assert verdicts(wanted, evaluation(shares, units=groups)) == ["undecided"]
    assert verdicts(wanted, evaluation(shares, units=Units(design_effect=6.0))) == ["undecided"]
    (one,) = held(wanted, evaluation(shares, units=groups))
    assert one.sample.in_words == "100 groups of images (600 images)"
    assert one.met == pytest.approx(binomtest(98, 100, 0.95, "greater").pvalue)


def test_images_that_cannot_have_a_psnr_are_left_out_and_said() -> None:
    shares = np.ones((100, 3))
    shares[:30, 2] = np.nan
    result = evaluation(shares, (np.inf, 40.0, 20.0), by_psnr=True)
    (one,) = held("{metric: accuracy, level: 20, at_least: 0.9}", result)
    assert one.verdict == "pass"
    assert one.sample.counted == pytest.approx((1, 70))
    assert one.evidence.remarks == ("no level leaves 30 of 100 images this PSNR, where they are left out",)
    (over_all,) = held("{metric: accuracy, level: all, at_least: 0.9}", result)
    assert over_all.evidence.remarks == one.evidence.remarks
    for level, images in (("clean", 100), (".inf", 100), ("40", 100), ("all", 100)):
        (one,) = held(f"{{metric: accuracy, level: {level}, at_least: 0.9}}", result)
        assert one.sample.counted == pytest.approx((1, images))


def test_least_noise_keeps_a_norm_from_below_and_a_psnr_from_above() -> None:
    """The PSNR of the example is 40 minus the norm. A failure is endless noise; what was not attacked is no image."""
    norms = [0.5] * 20 + [2.0] * 79 + [None] * 21
    attacked = np.arange(120) > 0
    result = example(norms, attacked=attacked, success=attacked & (np.arange(120) < 99))
    for wanted in (
        *("{metric: least_noise_l2, share: 0.5, at_least: 2}", "{metric: least_noise_psnr, share: 0.5, at_most: 38}"),
        *("{metric: least_noise_l2, share: 0.5, at_least: 1}", "{metric: least_noise_psnr, share: 0.5, at_most: 39}"),
    ):
        (one,) = held(wanted, result)
        assert one.verdict == "pass"
        assert one.sample.counted == pytest.approx((100 / 119, 119))
        assert "21 of the searches found nothing and count as kept" in one.evidence.remarks
        assert "upper bound" in one.evidence.remarks[0]
    assert verdicts("{metric: least_noise_l2, share: 0.95, at_least: 2}", result) == ["fail"]
    assert verdicts("{metric: least_noise_l2, share: 0.5, at_least: 2.5}", result) == ["fail"]


def test_searches_that_were_cut_off_are_counted() -> None:
    result = example([1.0] * 50, ended=np.array(["queries"] * 3 + ["steps"] * 47, object))
    (one,) = held("{metric: least_noise_l2, share: 0.5, at_least: 0.5}", result)
    assert one.evidence.remarks[-1] == "3 of the searches were cut off by a limit"


def test_images_of_an_attack_may_come_in_groups() -> None:
    result = example([1.0] * 60)
    grouped = replace(result, rows=result.rows | {"group": np.arange(60) // 2})
    (one,) = held("{metric: least_noise_l2, share: 0.8, at_least: 0.5}", grouped)
    assert one.sample.counted == pytest.approx((1, 30))


def test_each_requirement_finds_its_result() -> None:
    noise, jpeg = (
        evaluation(alike(0, 100)),
        evaluation(alike(90, 100), (100, 50, 20), degradation=Jpeg()),
    )
    ddn, genetic = (example([norm] * 60, attack=name) for norm, name in ((1.0, "DDN"), (3.0, "CarliniWagner")))
    wanted = """
    - {metric: accuracy, level: 8, degradation: gaussian, at_least: 0.9}
    - {metric: accuracy, level: 50, degradation: jpeg, at_least: 0.9}
    - {metric: least_noise_l2, share: 0.8, at_least: 2, attack: ddn}
    - {metric: least_noise_l2, share: 0.8, at_least: 2, attack: carlini_wagner}
    """
    found = held(wanted, noise, jpeg, ddn, genetic)
    assert [str(one.evidence.folder) for one in found] == ["a", "b", "c", "d"]
    assert [one.verdict for one in found] == ["pass", "fail", "fail", "pass"]


@pytest.mark.parametrize("name", ["least_level", "least_level_gaussian", "LeastLevel"])
def test_an_attack_on_levels_is_found_with_or_without_its_degradation(name: str) -> None:
    wanted = {"metric": "least_noise_l2", "share": 0.8, "at_least": 2, "attack": name}
    results = example([1.0] * 60, attack="DDN"), example([3.0] * 60, attack="LeastLevel_gaussian")
    assert held(wanted, *results)[0].evidence.folder == Path("b")


def test_groups_are_those_of_the_images_that_a_requirement_is_about() -> None:
    shares, labels = alike(0, 300), np.arange(300) // 60 % 2
    shares[:30, 0] = 0  # not correct when clean
    result = evaluation(shares, units=Units(np.arange(300) // 3), labels=labels)
    (recall,) = held("{metric: recall, class: yield, level: 8, at_least: 0.5}", result)
    assert recall.sample.counted == pytest.approx((1, 40))
    (flips,) = held("{metric: flip_rate, level: 8, at_most: 0.5}", result)
    assert flips.sample.counted == pytest.approx((0, 90))


def test_the_exit_code_is_that_of_the_worst_verdict() -> None:
    passes, fails, undecided = (held(ACCURACY, evaluation(alike(failing, 100)))[0] for failing in (0, 50, 8))
    assert exit_code([passes, passes]) == 0
    assert exit_code([passes, fails, undecided]) == 1
    assert exit_code([passes, undecided]) == 3


NOISE, OTHER = evaluation(alike(0, 100)), evaluation(alike(0, 100), (0, 8, 40))
DEGRADED = evaluation(np.ones((100, 2)), (8, 30))
DDN, ALIKE = example([1.0] * 60, attack="DDN"), example([2.0] * 60, attack="DDN")
TOO_FEW = "could not pass at confidence 0.95 (1 requirement) if all were perfect; it takes"
LEVELS = "those that it can be of are"
BAD: list[tuple[str, list[StabilityResult | AttackResult], str]] = [
    ("{metric: accuracy, level: 9, at_least: 0.9}", [NOISE], f"level is 9; {LEVELS} 0, 8, 30 (grey levels)"),
    ("{metric: flip_rate, level: 0, at_most: 0.9}", [NOISE], f"level is 0; {LEVELS} 8, 30 (grey levels)"),
    ("{metric: flip_rate, level: clean, at_most: 0.9}", [NOISE], f"level is 0; {LEVELS} 8, 30"),
    ("{metric: accuracy, level: clean, at_least: 0.9}", [DEGRADED], f"level is 0; {LEVELS} 8, 30"),
    ("{metric: flip_rate, level: 8, at_most: 0.9}", [DEGRADED], "flips need the clean images: evaluate them, too, wit"),
    ("{metric: flip_probability, level: 8, at_most: 0.9}", [DEGRADED], "with 0 among the levels"),
    ("{metric: flip_rate, level: 8, at_most: 0.9}", [evaluation(np.zeros((9, 3)))], "it is about no image of 9; evalu"),
    (
        "{metric: recall, class: stpo, level: 8, at_least: 0.9}",
        [NOISE],
        "there is no class stpo; did you mean stop? it can be each, or one of stop, yield, turn",
    ),
    ("{metric: recall, class: turn, level: 8, at_least: 0.9}", [NOISE], "about no image of the class turn of 100"),
    ("{metric: recall, class: each, level: 8, at_least: 0.9}", [NOISE], "about no image of the class yield of 100"),
    (ACCURACY, [DDN], "accuracy is of an evaluation, and none is given; add the folder of one"),
    ("{metric: least_noise_l2, share: 0.8, at_least: 2}", [NOISE], "least_noise_l2 is of an attack, and none is given"),
    (ACCURACY, [NOISE, OTHER], "2 evaluations fit; name one by its degradation: (gaussian in a, gaussian in b)"),
    (
        "{metric: accuracy, level: 8, degradation: gaussian, at_least: 0.9}",
        [NOISE, OTHER],
        "2 evaluations fit; give only one of them (gaussian in a, gaussian in b)",
    ),
    (
        "{metric: accuracy, level: 8, degradation: jpeg, at_least: 0.9}",
        [NOISE],
        "no evaluation is given whose degradation is jpeg; there is gaussian in a",
    ),
    (
        "{metric: least_noise_l2, share: 0.8, at_least: 2, attack: genetic}",
        [NOISE, DDN],
        "no attack is given whose attack is genetic; there is DDN in b",
    ),
    (
        "{metric: least_noise_l2, share: 0.8, at_least: 2}",
        [DDN, ALIKE],
        "2 attacks fit; name one by its attack: (DDN in a, DDN in b)",
    ),
    (
        "{metric: accuracy, level: 8, at_least: 0.99}",
        [NOISE],
        f"100 images count as 100 independent units, which {TOO_FEW} 299",
    ),
    ("{metric: flip_rate, level: 8, at_most: 0.001}", [NOISE], f"{TOO_FEW} 2,995"),
    (
        "{metric: least_noise_l2, share: 0.99, at_least: 2}",
        [DDN],
        f"60 images count as 60 independent units, which {TOO_FEW} 299",
    ),
    (
        ACCURACY,
        [evaluation(alike(0, 100), units=Units(np.arange(100) // 5))],
        f"20 groups of images (100 images) count as 20 independent units, which {TOO_FEW} 29",
    ),
    (
        ACCURACY,
        [evaluation(alike(0, 100), units=Units(design_effect=5.0))],
        f"100 images, 5 of which count as one count as 20 independent units, which {TOO_FEW} 29",
    ),
    (
        "{metric: recall, class: each, level: 8, at_least: 0.99}",
        [evaluation(alike(0, 600), labels=np.where(np.arange(600) % 10, np.arange(600) % 2, 2))],
        "60 images of the class turn count as 60 independent units",
    ),
]


@pytest.mark.parametrize(("wanted", "results", "said"), BAD)
def test_what_does_not_fit_a_requirement_is_refused(wanted: str, results: list[Any], said: str) -> None:
    with pytest.raises(InputError) as error:
        held(wanted, *results)
    assert said in str(error.value)


def test_a_refusal_names_the_requirement_and_all_count_in_holms_first_step() -> None:
    """0.9 to the 29th is just below 0.05, to the 51st just below 0.005."""
    wanted = [{"name": f"r{n}", "metric": "accuracy", "level": 8, "at_least": 0.9} for n in range(10)]
    with pytest.raises(
        InputError,
        match=r"^r0: 50 images .* \(10 requirements\) if all were perfect; it takes 51 of them, or another bound$",
    ):
        held(wanted, evaluation(alike(0, 50)))
    assert verdicts(wanted, evaluation(alike(0, 51))) == ["pass"] * 10
    assert verdicts(wanted[:1], evaluation(alike(0, 29))) == ["pass"]


def test_what_holms_later_steps_let_pass_is_not_refused() -> None:
    """0.96 to the 85th is 0.031: too much for the first of two steps, and not for the second."""
    wanted = [{"name": str(low), "metric": "accuracy", "level": 8, "at_least": low} for low in (0.5, 0.96)]
    assert verdicts(wanted, evaluation(alike(0, 85))) == ["pass", "pass"]
    with pytest.raises(InputError, match=r"^0\.96: 73 images .* \(2 requirements\)"):  # 0.0508
        held(wanted, evaluation(alike(0, 73)))


def test_a_requirement_can_fail_on_as_few_images_as_could_pass() -> None:
    assert verdicts(ACCURACY, evaluation(alike(29, 29))) == ["fail"]
    assert Path("a") == held(ACCURACY, evaluation(alike(29, 29)))[0].evidence.folder
