"""Claims on single models under noise: every verdict from results whose truth is known, and the numbers in the text."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convstab.paper import measured, noise_claims
from convstab.report.content import Verdict
from tests.support.made_up_evidence import (
    FIVE,
    MANY,
    SIGMAS,
    SURE,
    claim,
    evaluation,
    evidence,
    failing,
    interval,
    under_noise,
)


@pytest.mark.parametrize(
    ("rates", "verdict"),
    [
        (under_noise(0.0, [0.002, *[0.1] * 11]), "agrees"),  # all misclassified draws are flips
        (under_noise(0.1, [0.102, *[0.1] * 11]), "mixed"),  # 400 of 408 are misclassified without noise
        (under_noise(0.1, [0.1, *[0.2] * 11], MANY), "disagrees"),
        (under_noise(0.1, [0.1, *[0.2] * 11], 40), "inconclusive"),  # none of 36: one in 1,000 may be
    ],
)
def test_sigma_one(rates: Any, verdict: Verdict) -> None:
    assert claim(noise_claims.weak_noise, evaluation(rates, "cifar10")).verdict == verdict


@pytest.mark.parametrize(
    ("fooled", "share", "high", "verdict"),
    [
        (3, 0.5, 1, "agrees"),
        (3, 0.49, 1, "mixed"),
        (0, 0, 0.00099, "disagrees"),
        (0, 0, 0.00101, "inconclusive"),
    ],
)
def test_sigma_one_at_the_limits(fooled: int, share: float, high: float, verdict: Verdict) -> None:
    found = measured.Fooled(interval(0, high), fooled, 10, 0.2, share)
    assert noise_claims.weak_verdict(found) == verdict


def test_one_copy_of_several_images_is_theirs() -> None:
    several = evaluation(under_noise(0.1, [0.102, *[0.1] * 11]), draws=1)
    text = claim(noise_claims.weak_noise, several).text
    assert "8 of these images (0.22 %) are misclassified in their one copy" in text
    one = evaluation(under_noise(0.1, [0.11, *[0.1] * 11], 100), draws=1)
    assert "1 of these images (1.11 %) is misclassified in its one copy" in claim(noise_claims.weak_noise, one).text


def test_sigma_one_tells_clean_errors_from_flips() -> None:
    rates = under_noise(0.1, [0.1, *[0.2] * 11])
    rates[400:440, 1] = 0.5  # of 3600 images that are correct when clean
    text = claim(noise_claims.weak_noise, evaluation(rates, draws=10, official=False)).text
    assert "MNIST (not the publisher's files): there are 3,600 images that are correct when clean" in text
    assert f"{20 / 3600:.2%}".replace("%", " %") in text  # flip rate 0.56 %
    assert "40 of these images (1.11 %) are misclassified in at least one of 10 copies" in text
    assert "Without any noise 10.00 % of all images are misclassified" in text
    assert f"{20 / 420:.2%}".replace("%", " %") in text  # of the misclassified draws


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (evaluation(np.ones((20, 2)), levels=(0, 5)), "has no sigma 1"),
        (evaluation(np.zeros((20, 2)), levels=(0, 1)), "has no image that is correct when clean"),
    ],
)
def test_sigma_one_needs_draws_and_correct_images(result: Any, said: str) -> None:
    found = claim(noise_claims.weak_noise, result)
    assert found.verdict == "inconclusive"
    assert said in found.text
    assert "convstab-evaluate" in found.text


def test_single_models_are_those_without_noise_in_training() -> None:
    rates = under_noise(0.1, 0.2)
    others = [evaluation(rates, noisy=True), evaluation(rates, **FIVE), evaluation(rates[:, :1], levels=[0])]
    assert noise_claims.single_models(evidence(*others)) == []
    for function in (noise_claims.weak_noise, noise_claims.mnist_most, noise_claims.gtsrb_from_eight):
        assert claim(function, *others).verdict == "inconclusive"


@pytest.mark.parametrize(
    ("first", "verdict"),
    [(8, "agrees"), (4, "mixed"), (10, "disagrees"), (2, "disagrees"), (14, "disagrees"), (None, "disagrees")],
)
def test_gtsrb_fails_more_from_a_sigma_on(first: float | None, verdict: Verdict) -> None:
    shares = [0.05 if first is None or sigma < first else 0.1 for sigma in SIGMAS[1:]]
    rates = under_noise(0.05, shares)
    found = claim(noise_claims.gtsrb_from_eight, evaluation(rates, "gtsrb", classes=43))
    assert found.verdict == verdict
    said = "do not significantly lower" if first is None else f"significantly lower from sigma {first:g} ("
    assert said in found.text
    assert first is None or "there by 5.00 points" in found.text
    late = first is None or first > 8
    assert ("at sigma 8 it changes by 0.00 points (95 %: -0.092 to +0.092)" in found.text) == late


def test_only_gtsrb_decides_when_mistakes_begin() -> None:
    rates = under_noise(0.05, [0.05] * 3 + [0.1] * 9)
    found = claim(noise_claims.gtsrb_from_eight, evaluation(rates, "mnist"))
    assert found.verdict == "inconclusive"
    assert "MNIST: the accuracy is significantly lower from sigma 8" in found.text
    gtsrb = evaluation(rates, "gtsrb", classes=43)
    both = claim(noise_claims.gtsrb_from_eight, evaluation(rates, "mnist"), gtsrb)
    assert both.verdict == "agrees"
    assert "Taken alone" not in both.text
    coarse = evaluation(failing(SURE, [0.05, 0.1, 0.1]), "gtsrb", levels=(0, 10, 20), classes=43)
    assert claim(noise_claims.gtsrb_from_eight, coarse).verdict == "inconclusive"


@pytest.mark.parametrize(
    ("mnist", "cifar", "verdict"),
    [(0.3, 0.1, "agrees"), (0.05, 0.2, "disagrees"), (0.2, 0.2, "inconclusive")],
)
def test_which_data_set_falls_most(mnist: float, cifar: float, verdict: Verdict) -> None:
    results = [evaluation(under_noise(0.0, mnist)), evaluation(under_noise(0.0, cifar), "cifar10")]
    gtsrb = evaluation(under_noise(0.0, 0.04), "gtsrb", classes=43)
    found = claim(noise_claims.mnist_most, *results, gtsrb)
    assert found.verdict == verdict
    assert (
        f"from 100.00 % without noise to {100 * (1 - mnist):.2f} % over all noise, -{100 * mnist:.2f} points"
        in found.text
    )
    assert (
        "MNIST from 98.98 % to 98.51 % (-0.47 points), CIFAR-10 from 78.95 % to 64.36 % (-14.59 points)" in found.text
    )
    assert claim(noise_claims.mnist_most, results[0]).verdict == "inconclusive"
    digits = evaluation(under_noise(0.0, 0.01), "digits")
    assert claim(noise_claims.mnist_most, results[0], digits).verdict == "inconclusive"


def test_results_of_one_data_set_are_told_apart_by_their_folders() -> None:
    results = [evaluation(under_noise(0.1, 0.2), folder=Path(f"runs/{name}")) for name in ("a", "b")]
    text = claim(noise_claims.weak_noise, *results).text
    assert "MNIST, a: " in text
    assert "MNIST, b: " in text


@pytest.mark.parametrize("shares", [[0.05] * 12, [0.05] * 10 + [0.5] * 2], ids=["no fall", "a late fall"])
def test_few_images_do_not_show_that_sigma_eight_does_nothing(shares: list[float]) -> None:
    found = claim(noise_claims.gtsrb_from_eight, evaluation(under_noise(0.05, shares, 86), "gtsrb", classes=43))
    assert found.verdict == "inconclusive"
    assert "at sigma 8 it changes by 0.00 points" in found.text


@pytest.mark.parametrize(
    ("first", "at_eight", "verdict"),
    [
        (None, (-0.002, 0.00099), "disagrees"),
        (None, (-0.002, 0.00101), "inconclusive"),
        (10, (-0.002, 0.00099), "disagrees"),
        (10, (-0.002, 0.00101), "inconclusive"),
        (8, (0.0001, 0.01), "agrees"),
    ],
)
def test_the_beginning_at_the_limits(first: float | None, at_eight: Any, verdict: Verdict) -> None:
    assert noise_claims.first_verdict([4, 8, 10], first, interval(*at_eight)) == verdict


def test_what_is_missing_beside_mnist_is_named() -> None:
    mnist, cifar, gtsrb, digits = (
        evaluation(under_noise(0.0, 0.2), name) for name in ("mnist", "cifar10", "gtsrb", "digits")
    )
    alone = claim(noise_claims.mnist_most, digits)
    needed = "It takes evaluations of one model for each of MNIST, CIFAR-10 and GTSRB under the same sigmas."
    assert alone.decisive == needed
    assert alone.text.startswith("digits (8 x 8 pixels): the accuracy goes from 100.00 % without noise to 80.00 %")
    assert "More images" not in alone.text
    ends = [
        ([mnist, digits], "; CIFAR-10 and GTSRB are missing."),
        ([mnist, gtsrb], "; CIFAR-10 is missing."),
        ([mnist, cifar, gtsrb], "; more images may tell, or what is not there yet."),
        (
            [mnist, cifar, evaluation(failing(20, [0, 0]), "gtsrb", levels=(0, 3))],
            "; no sigma was tried with all of them.",
        ),
    ]
    for results, end in ends:
        found = claim(noise_claims.mnist_most, *results)
        assert found.decisive.endswith(end)
        assert found.decisive.count("same verdict") == 0  # one sentence is of all of them
        assert f"{needed} convstab-evaluate" in found.text


def test_mnist_falls_most_only_where_both_others_were_tried() -> None:
    mnist, cifar, gtsrb = (
        evaluation(under_noise(0.0, fails), dataset, classes=43 if dataset == "gtsrb" else 10)
        for dataset, fails in (("mnist", 0.3), ("cifar10", 0.1), ("gtsrb", 0.2))
    )
    assert claim(noise_claims.mnist_most, mnist, cifar).verdict == "inconclusive"
    assert claim(noise_claims.mnist_most, mnist, gtsrb).verdict == "inconclusive"
    assert claim(noise_claims.mnist_most, mnist, cifar, gtsrb).verdict == "agrees"


def test_falls_are_compared_over_the_noise_that_all_were_tried_with() -> None:
    mnist = evaluation(failing(SURE, [0, 0.1, 0.1, 0.9]), levels=(0, 1, 4, 40))  # most, but for sigma 40 alone
    cifar = evaluation(failing(SURE, [0, 0.2, 0.3]), "cifar10", levels=(0, 1, 4))
    digits = evaluation(failing(SURE, [0, 0.5]), "digits", levels=(0, 100))
    found = claim(noise_claims.mnist_most, mnist, cifar, digits)
    assert found.verdict == "disagrees"
    assert "MNIST: the accuracy goes from 100.00 % without noise to 90.00 % over sigma 1 and 4, -10.00" in found.text
    assert "CIFAR-10: the accuracy goes from 100.00 % without noise to 75.00 % over all noise, -25.00" in found.text
    assert "to 50.00 % over all noise" in found.text  # digits
    other = evaluation(failing(SURE, [0, 0.5]), "cifar10", levels=(0, 8))
    apart = claim(noise_claims.mnist_most, mnist, other)
    assert apart.verdict == "inconclusive"
    assert "under the same sigmas" in apart.text
