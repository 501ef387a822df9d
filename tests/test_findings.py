"""What is said of the paper's claims: every verdict from results whose truth is known, and the numbers in the text."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from convstab.report import margin_claims, measured, noise_claims, remedy_claims
from convstab.report.content import Finding, Verdict
from convstab.report.evidence import Evidence
from convstab.report.findings import findings
from convstab.report.measured import Measured
from convstab.report.verdicts import Spoken, combined
from convstab.report.words import percent, points
from made_up_evidence import SIGMAS, attacked, evaluation, evidence, failing

RNG = np.random.default_rng(0)
SURE, MANY = 4000, 10_000  # images: enough for the intervals of these tests
FIVE: dict[str, Any] = {"members": 5, "seeds": [0, 1, 2, 3, 4]}


def under_noise(clean: float, noisy: float | Sequence[float], images: int = SURE) -> Any:
    """Rates of images of which these shares fail without noise and under each of the paper's sigmas."""
    return failing(images, [clean, *([noisy] * 12 if isinstance(noisy, float) else noisy)])


def interval(low: float, high: float) -> Measured:
    """A number of which the interval is all that counts."""
    return Measured((low + high) / 2, low, high, MANY)


# Words and combinations


def test_shares_and_points_show_what_is_small() -> None:
    assert [percent(share) for share in (0, 0.5, 0.0123, 0.000051, 2e-7)] == [
        "0 %",
        "50.00 %",
        "1.23 %",
        "0.0051 %",
        "2e-05 %",
    ]
    assert percent(float("nan")) == "none"
    assert [points(change) for change in (0.0123, -0.00079, 1e-7)] == ["+1.23 points", "-0.079 points", "0.00 points"]


@pytest.mark.parametrize(
    ("verdicts", "word"),
    [
        (["agrees", "agrees"], "agrees"),
        (["disagrees"], "disagrees"),
        (["agrees", "disagrees"], "mixed"),
        (["agrees", "mixed"], "mixed"),
        (["agrees", "cannot be said"], "agrees"),
        (["cannot be said"], "cannot be said"),
        ([], "cannot be said"),
    ],
)
def test_verdicts_combine(verdicts: list[Verdict], word: Verdict) -> None:
    spoken = [Spoken("mnist", verdict, "") for verdict in verdicts]
    assert combined(spoken) == word
    assert combined([*spoken, Spoken("digits", "disagrees", "")]) == word  # not a data set of the paper


# Measures


def test_intervals_of_changes_cover_the_truth() -> None:
    truth, repetitions, covered = 0.05, 1000, 0
    for _ in range(repetitions):
        found = measured.mean_change(RNG.choice([-1.0, 0, 1], size=200, p=[0.1, 0.75, 0.15]))
        covered += found.low <= truth <= found.high
    assert 0.93 < covered / repetitions < 0.975


def test_no_change_in_any_image_is_not_certainty() -> None:
    found = measured.mean_change(np.zeros(100))
    assert found.value == 0
    assert -0.2 < found.low < 0 < found.high < 0.2
    assert np.isnan(measured.mean_change(np.zeros(0)).value)


def test_intervals_of_medians_cover_the_truth_95_times_in_100() -> None:
    values = np.sort(RNG.exponential(size=(2000, 50)), axis=1)
    found = [measured.median(row) for row in values]
    covered = np.mean([one.low <= np.log(2) <= one.high for one in found])
    place = binom.ppf(0.025, 50, 0.5)
    exact = 1 - 2 * binom.cdf(place - 1, 50, 0.5)
    assert exact >= 0.95
    assert covered == pytest.approx(exact, abs=0.015)


def test_medians_of_few_images_have_no_end_and_failures_are_infinite() -> None:
    fifty = measured.median(RNG.permutation(np.arange(1.0, 51)))
    assert (fifty.value, fifty.low, fifty.high) == (25, 18, 33)  # as in tables of the sign test
    few = measured.median(np.array([1.0, 2, 3]))
    assert (few.value, few.low, few.high) == (2, -np.inf, np.inf)
    failed = measured.median(np.array([1.0] * 10 + [np.inf] * 11))
    assert (failed.value, failed.low, failed.high) == (np.inf, 1, np.inf)


def test_paired_differences_are_of_the_images_and_the_noise_that_both_have() -> None:
    first = evaluation(np.array([[1, 0.5, 0.1], [1, 1, 0.1], [1, 0, 0.1]]), sigmas=(0, 1, 5), index=[2, 4, 7]).result
    rates = np.array([[1, 1, 0.3], [1, 0.5, 0.3], [0, 0, 0.3]])
    second = evaluation(rates, sigmas=(0, 1, 8), index=[4, 7, 9], labels=[1, 2, 0]).result
    found = measured.paired(first, second)
    assert found is not None
    assert found.images == 2
    assert found.value == pytest.approx((0 + 0.5) / 2)
    assert measured.paired(first, evaluation(rates, sigmas=(0, 1, 8), index=[8, 9, 11]).result) is None
    assert measured.paired(first, evaluation(rates, sigmas=(0, 2, 8), index=[2, 4, 7]).result) is None
    assert measured.paired(first, evaluation(rates, sigmas=(0, 1, 8), index=[2, 4, 7], labels=[3, 1, 2]).result) is None


def test_least_noise_is_that_of_all_images_that_were_attacked() -> None:
    result = attacked([1.0, 3.0, None, 2.0, 7.0]).result
    result = replace(result, rows=result.rows | {"attacked": np.array([True, True, True, True, False])})
    found = measured.least_noise(result)
    assert (found.l2.value, found.l2.images, found.success, found.l2_90) == (2, 4, 3, np.inf)
    assert measured.least_noise(attacked(list(range(1, 11))).result).l2_90 == 9
    assert found.rms == pytest.approx(2 * 255 / 48**0.5)  # 48 pixels
    assert found.psnr == pytest.approx(-10 * np.log10(4 / 48))  # of the mean square in [0, 1]


def test_ratios_are_image_by_image() -> None:
    first, second = (attacked(norms).result for norms in ([1.0, 2, None, None, 4], [2.0, 4, 5, None, None]))
    found = measured.noise_ratio(first, second)
    assert found is not None
    assert (found.value, found.images) == (2, 4)  # of 0 (infinite to finite), 2, 2, infinite
    other = replace(second, pixels=second.pixels + 1)
    assert measured.noise_ratio(first, other) is None


# Claims


def claim(function: Callable[[Evidence], Finding], *results: Any) -> Finding:
    return function(evidence(*results))


@pytest.mark.parametrize(
    ("rates", "verdict"),
    [
        (under_noise(0.0, [0.002, *[0.1] * 11]), "agrees"),  # all that is wrong is the noise's doing
        (under_noise(0.1, [0.102, *[0.1] * 11]), "mixed"),  # 400 of 408 are wrong without noise
        (under_noise(0.1, [0.1, *[0.2] * 11]), "disagrees"),
    ],
)
def test_sigma_one(rates: Any, verdict: Verdict) -> None:
    assert claim(noise_claims.weak_noise, evaluation(rates, "cifar10")).verdict == verdict


def test_sigma_one_tells_clean_errors_from_flips() -> None:
    rates = under_noise(0.1, [0.1, *[0.2] * 11])
    rates[400:440, 1] = 0.5  # of 3600 images that are right without noise
    text = claim(noise_claims.weak_noise, evaluation(rates, draws=10, official=False)).text
    assert "MNIST (not the publisher's files): there are 3,600 images that are right without noise" in text
    assert f"{20 / 3600:.2%}".replace("%", " %") in text  # flip rate 0.56 %
    assert "40 of these images (1.11 %) are wrong in at least one of 10 copies" in text
    assert "Without any noise 10.00 % of all images are wrong" in text
    assert f"{20 / 420:.2%}".replace("%", " %") in text  # of the wrong draws


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (evaluation(np.ones((20, 2)), sigmas=(0, 5)), "has no sigma 1"),
        (evaluation(np.zeros((20, 2)), sigmas=(0, 1)), "has no image that is right without noise"),
    ],
)
def test_sigma_one_needs_draws_and_right_images(result: Any, said: str) -> None:
    found = claim(noise_claims.weak_noise, result)
    assert found.verdict == "cannot be said"
    assert said in found.text
    assert "convstab-evaluate" in found.text


def test_single_nets_are_those_without_noise_in_training() -> None:
    rates = under_noise(0.1, 0.2)
    others = [evaluation(rates, noisy=True), evaluation(rates, **FIVE), evaluation(rates[:, :1], sigmas=[0])]
    assert noise_claims.single_nets(evidence(*others)) == []
    for function in (noise_claims.weak_noise, noise_claims.mnist_most, noise_claims.gtsrb_from_eight):
        assert claim(function, *others).verdict == "cannot be said"


@pytest.mark.parametrize(
    ("first", "verdict"),
    [(8, "agrees"), (4, "mixed"), (10, "mixed"), (2, "disagrees"), (14, "disagrees"), (None, "disagrees")],
)
def test_gtsrb_fails_more_from_a_sigma_on(first: float | None, verdict: Verdict) -> None:
    shares = [0.05 if first is None or sigma < first else 0.1 for sigma in SIGMAS[1:]]
    rates = under_noise(0.05, shares)
    found = claim(noise_claims.gtsrb_from_eight, evaluation(rates, "gtsrb", classes=43))
    assert found.verdict == verdict
    said = "do not surely lower" if first is None else f"surely lower from sigma {first:g} ("
    assert said in found.text
    assert first is None or "there by 5.00 points" in found.text


def test_a_fall_that_ends_again_is_no_beginning() -> None:
    shares = [0.05] + [0.2] + [0.05] * 6 + [0.2] * 4  # at sigma 2, then from 25 on
    found = measured.first_drop(evaluation(under_noise(0.05, shares)).result)
    assert found is not None
    assert found[0] == 25
    assert found[1].value == pytest.approx(-0.15)


def test_only_gtsrb_decides_when_mistakes_begin() -> None:
    rates = under_noise(0.05, [0.05] * 3 + [0.1] * 9)
    found = claim(noise_claims.gtsrb_from_eight, evaluation(rates, "mnist"))
    assert found.verdict == "cannot be said"
    assert "MNIST: the accuracy is surely lower from sigma 8" in found.text
    coarse = evaluation(failing(SURE, [0.05, 0.1, 0.1]), "gtsrb", sigmas=(0, 10, 20), classes=43)
    assert claim(noise_claims.gtsrb_from_eight, coarse).verdict == "cannot be said"


@pytest.mark.parametrize(
    ("mnist", "cifar", "verdict"),
    [(0.3, 0.1, "agrees"), (0.05, 0.2, "disagrees"), (0.2, 0.2, "cannot be said")],
)
def test_which_data_set_falls_most(mnist: float, cifar: float, verdict: Verdict) -> None:
    results = [evaluation(under_noise(0.0, mnist)), evaluation(under_noise(0.0, cifar), "cifar10")]
    found = claim(noise_claims.mnist_most, *results)
    assert found.verdict == verdict
    assert (
        f"from 100.00 % without noise to {100 * (1 - mnist):.2f} % over all noise, -{100 * mnist:.2f} points"
        in found.text
    )
    assert (
        "MNIST from 98.98 % to 98.51 % (-0.47 points), CIFAR-10 from 78.95 % to 64.36 % (-14.59 points)" in found.text
    )
    assert claim(noise_claims.mnist_most, results[0]).verdict == "cannot be said"
    digits = evaluation(under_noise(0.0, 0.01), "digits")
    assert claim(noise_claims.mnist_most, results[0], digits).verdict == "cannot be said"


@pytest.mark.parametrize(
    ("single", "clean", "ensemble", "verdict"),
    [
        (0.30, 0.05, 0.20, "agrees"),  # better, and it falls by 15 points
        (0.30, 0.20, 0.20, "mixed"),  # better, and nothing is lost
        (0.20, 0.05, 0.30, "disagrees"),  # worse
        (0.20, 0.05, 0.20, "mixed"),  # no better, and it falls
    ],
)
def test_ensembles(single: float, clean: float, ensemble: float, verdict: Verdict) -> None:
    one = evaluation(under_noise(0.05, single, MANY), "cifar10")
    five = evaluation(under_noise(clean, ensemble, MANY), "cifar10", **FIVE)
    found = claim(remedy_claims.ensembles, one, five)
    assert found.verdict == verdict
    assert "CIFAR-10, 5 nets: over the noise of both its accuracy differs" in found.text
    assert f"by {points(single - ensemble)} (95 %" in found.text
    assert f"from {percent(1 - clean)} without noise to {percent(1 - ensemble)} over all noise" in found.text


@pytest.mark.parametrize(
    ("gain", "fall", "verdict"),
    [
        ((0.001, 0.002), (0.0101, 0.02), "agrees"),
        ((0.001, 0.002), (0.0099, 0.02), "mixed"),  # perhaps less than a point
        ((0.001, 0.002), (0.001, 0.002), "mixed"),
        ((-0.001, 0.002), (0.001, 0.0099), "disagrees"),  # it neither helps nor loses much
        ((-0.001, 0.002), (0.001, 0.0101), "mixed"),
        ((-0.002, -0.001), (0.02, 0.03), "disagrees"),
    ],
)
def test_ensembles_at_the_limits(gain: Any, fall: Any, verdict: Verdict) -> None:
    found = remedy_claims.ensemble_verdict(interval(*gain), interval(*fall))
    assert found == verdict


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [((1.01, 1.05), "disagrees"), ((0.9, 1.09), "agrees"), ((0.9, 1.11), "cannot be said"), ((0.5, 0.6), "agrees")],
)
def test_margins_at_the_limits(ratio: Any, verdict: Verdict) -> None:
    assert margin_claims.margin_verdict(interval(*ratio)) == verdict


@pytest.mark.parametrize(("share", "verdict"), [(0.5, "agrees"), (0.49, "mixed")])
def test_sigma_one_at_the_limit(share: float, verdict: Verdict) -> None:
    found = measured.Fooled(Measured(0.1, 0, 1, MANY), 3, 10, 0.2, share)
    assert noise_claims.weak_verdict(found) == verdict


def test_ensembles_need_a_single_net_of_their_kind() -> None:
    five = evaluation(under_noise(0.05, 0.2), "cifar10", **FIVE)
    others = [
        evaluation(under_noise(0.05, 0.3), "mnist"),
        evaluation(under_noise(0.05, 0.3), "cifar10", augment="Jitter"),
        evaluation(under_noise(0.05, 0.3), "cifar10", model="LeNet"),
        evaluation(under_noise(0.05, 0.3), "cifar10", index=np.arange(SURE) + SURE),
    ]
    for other in others:
        found = claim(remedy_claims.ensembles, five, other)
        assert found.verdict == "cannot be said"
        assert "no single net of its kind" in found.text
        assert "convstab-evaluate run=[" in found.text


def test_a_member_is_the_single_net_to_compare_with() -> None:
    results = [
        evaluation(under_noise(0.05, fails), "cifar10", seeds=[seed], folder=Path(f"{seed}"))
        for seed, fails in ((7, 0.25), (3, 0.3))
    ]
    five = evaluation(under_noise(0.05, 0.2), "cifar10", **FIVE)
    assert "differs from that of a single net by +10.00 points" in claim(remedy_claims.ensembles, *results, five).text


def noisy_training(fails: float, weak: float = 0.05, dataset: str = "gtsrb", **more: Any) -> Any:
    """An evaluation of a net that was trained on noise; weak: share that fails at sigma 1, 0.04 without noise."""
    values: dict[str, Any] = {"classes": 43, "noisy": True, "augment": "Jitter + NoisyCopies"} | more
    return evaluation(under_noise(0.04, [weak, *[fails] * 11], MANY), dataset, **values)


@pytest.mark.parametrize(
    ("fails", "weak", "verdict"),
    [
        (0.10, 0.05, "agrees"),  # better than 0.2, and sigma 1 fools it
        (0.10, 0.04, "mixed"),  # better, and sigma 1 does not
        (0.30, 0.05, "disagrees"),  # worse
        (0.20, 0.20, "mixed"),  # neither
    ],
)
def test_noisy_copies(fails: float, weak: float, verdict: Verdict) -> None:
    clean = evaluation(under_noise(0.05, 0.2, MANY), "gtsrb", classes=43)
    found = claim(remedy_claims.noisy_copies, clean, noisy_training(fails, weak))
    assert found.verdict == verdict
    assert "augment Jitter + NoisyCopies against Jitter" in found.text
    assert f"differs by {points((11 * (0.2 - fails) + 0.2 - weak) / 12)}" in found.text
    assert "They also differ" not in found.text


def test_noise_must_be_all_that_differs() -> None:
    clean = evaluation(under_noise(0.05, 0.2, MANY), "gtsrb", classes=43)
    found = claim(remedy_claims.noisy_copies, clean, noisy_training(0.1, augment="NoisyCopies", epochs=3))
    assert found.verdict == "cannot be said"
    assert "augment NoisyCopies against Jitter" in found.text
    assert "differ in their training: 3 epochs against 10" in found.text
    assert "the noise may not be the cause" in found.text
    unknown = claim(remedy_claims.noisy_copies, clean, noisy_training(0.1, epochs=None))
    assert "differ in their training" not in unknown.text
    fitting = evaluation(under_noise(0.05, 0.2, MANY), "gtsrb", classes=43, augment="none", folder=Path("plain"))
    assert (
        claim(remedy_claims.noisy_copies, clean, fitting, noisy_training(0.1, augment="NoisyCopies")).verdict
        == "agrees"
    )


def test_noisy_copies_need_a_net_without() -> None:
    for results in ([], [noisy_training(0.1)]):
        found = claim(remedy_claims.noisy_copies, *results)
        assert found.verdict == "cannot be said"
        assert "convstab-train dataset=gtsrb with augment=jitter_noisy" in found.text


def l2_of(psnr: float) -> float:
    """The norm of 48 pixels in [0, 1] that has a PSNR in dB."""
    return float((48 * 10 ** (-psnr / 10)) ** 0.5)


@pytest.mark.parametrize(("psnr", "verdict"), [(30.5, "agrees"), (29.5, "disagrees")])
def test_the_least_noise_of_any_attack_decides_whether_it_is_seen(psnr: float, verdict: Verdict) -> None:
    letter = attacked([l2_of(14)] * 20 + [None], attack="Paper", config={"max_queries": 2000})
    best = attacked([l2_of(psnr)] * 21)
    found = claim(margin_claims.slim_margins, letter, best)
    assert found.verdict == verdict
    norm, rms = l2_of(psnr), 255 * 10 ** (-psnr / 20)
    assert (
        f"DDN fools the net on 21 of 21 images within 1,000 queries each with a median L2 norm of {norm:.3g}"
        in found.text
    )
    assert f"{rms:.3g} grey levels (root mean square) or {psnr:.1f} dB" in found.text
    assert "The paper's search to the letter fools the net on 20 of 21 images within 2,000 queries each" in found.text
    assert "the claim would not hold: its noise is as strong as Gaussian noise of sigma 50.9" in found.text
    holds = f"It holds by the better search, whose median norm is {l2_of(14) / norm:.3g} times smaller"
    assert (holds in found.text) == (verdict == "agrees")


def test_the_papers_own_search_may_find_weak_noise() -> None:
    text = claim(margin_claims.slim_margins, attacked([l2_of(40)] * 20, attack="Paper")).text
    assert "So the paper's search itself finds weak noise, as strong as Gaussian noise of sigma 2.55" in text
    assert "would not hold" not in text


def test_an_attack_that_fails_on_most_has_an_infinite_median() -> None:
    found = claim(margin_claims.slim_margins, attacked([l2_of(40)] * 9 + [None] * 11))
    assert found.verdict == "disagrees"
    assert "it failed on 11, so the median is infinite" in found.text


def test_each_net_has_a_say_and_two_attacks_of_a_kind_are_told_apart() -> None:
    weak, strong = [l2_of(40)] * 20, [l2_of(20)] * 20
    found = claim(
        margin_claims.slim_margins,
        attacked(strong, folder=Path("runs/long")),
        attacked(strong, folder=Path("runs/short")),
        attacked(weak, "cifar10"),
        attacked(weak, "gtsrb", noisy=True),
    )
    assert found.verdict == "mixed"
    assert "DDN (long)" in found.text
    assert "DDN (short)" in found.text
    assert "GTSRB" not in found.text  # trained on noise
    assert claim(margin_claims.slim_margins, attacked(weak, "digits")).verdict == "cannot be said"
    assert "convstab-attack" in claim(margin_claims.slim_margins).text


NOISY: dict[str, Any] = {"noisy": True, "augment": "Jitter + NoisyCopies"}


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
    assert found.verdict == "cannot be said"
    assert "(95 %: 0.5 to 2;" in found.text


def test_margins_need_the_same_attack_on_nets_alike() -> None:
    norms = [1.0] * 20
    clean, noisy = attacked(norms, "gtsrb"), attacked([0.5] * 20, "gtsrb", **NOISY)
    assert claim(margin_claims.margin_stays, clean, noisy).verdict == "agrees"
    for other in (attacked(norms, "gtsrb", attack="DeepFool"), attacked(norms, "mnist")):
        found = claim(margin_claims.margin_stays, other, noisy)
        assert found.verdict == "cannot be said"
        assert "the same attack on the same images is not there" in found.text
        assert "convstab-attack run=<each> attack=ddn" in found.text
    unlike = claim(margin_claims.margin_stays, clean, attacked([0.5] * 20, "gtsrb", noisy=True, augment="NoisyCopies"))
    assert unlike.verdict == "cannot be said"
    assert "0.5 times as large" in unlike.text
    assert "the noise may not be the cause" in unlike.text


def test_margins_of_few_images_or_with_many_failures_are_told_in_words() -> None:
    few = claim(margin_claims.margin_stays, attacked([1.0] * 4, "gtsrb"), attacked([0.5] * 4, "gtsrb", **NOISY))
    assert few.verdict == "cannot be said"
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
    assert "at most 5,000 queries against 1,000; steps" in text


# All together


def test_without_evidence_nothing_can_be_said_and_the_way_to_get_it_is() -> None:
    found = findings(evidence())
    assert len(found) == 7
    assert {one.verdict for one in found} == {"cannot be said"}
    for one in found:
        assert "convstab-" in one.text
        assert any(word in one.where for word in ("Section", "Abstract"))


def test_a_data_set_that_the_paper_does_not_use_is_told_and_decides_nothing() -> None:
    results: list[Any] = [evaluation(under_noise(0.0, 0.2), "digits"), attacked([l2_of(40)] * 20, "digits")]
    for one in findings(evidence(*results)):
        assert one.verdict == "cannot be said"
    text = findings(evidence(*results))[1].text
    assert "digits (8 x 8 pixels, not in the paper)" in text
    assert "Data sets that the paper does not use decide nothing." in text


def test_results_of_one_data_set_are_told_apart_by_their_folders() -> None:
    results = [evaluation(under_noise(0.1, 0.2), folder=Path(f"runs/{name}")) for name in ("a", "b")]
    text = claim(noise_claims.weak_noise, *results).text
    assert "MNIST, a: " in text
    assert "MNIST, b: " in text
