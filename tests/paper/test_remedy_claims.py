"""Claims on the paper's remedies: ensembles, and training on noisy copies."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convstab.paper import remedy_claims
from convstab.paper.measured import Fooled
from convstab.report.content import Verdict
from convstab.report.formatting import in_percent, points
from tests.support.made_up_evidence import FIVE, MANY, SURE, claim, evaluation, interval, under_noise


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
    assert "CIFAR-10, 5 models: over the noise of both its accuracy differs" in found.text
    assert f"by {points(single - ensemble)} (95 %" in found.text
    assert f"from {in_percent(1 - clean)} without noise to {in_percent(1 - ensemble)} over all noise" in found.text


@pytest.mark.parametrize(
    ("gain", "fall", "verdict"),
    [
        ((0.001, 0.002), (0.0101, 0.02), "agrees"),
        ((0.001, 0.002), (0.0099, 0.02), "inconclusive"),  # perhaps less than a point
        ((0.001, 0.002), (0.001, 0.0099), "mixed"),  # it helps, and cures
        ((-0.001, 0.0009), (0.001, 0.0099), "disagrees"),  # it neither helps nor loses much
        ((-0.001, 0.0011), (0.001, 0.0099), "inconclusive"),  # it may help
        ((-0.001, 0.0009), (0.0101, 0.02), "mixed"),  # it does not help, and loses much
        ((-0.002, -0.001), (0.0099, 0.03), "disagrees"),
    ],
)
def test_ensembles_at_the_limits(gain: Any, fall: Any, verdict: Verdict) -> None:
    found = remedy_claims.ensemble_verdict(interval(*gain), interval(*fall))
    assert found == verdict


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
        assert found.verdict == "inconclusive"
        assert "no single model of its kind" in found.text
        assert "convstab-evaluate run=[" in found.text


def test_a_member_is_the_single_net_to_compare_with() -> None:
    results = [
        evaluation(under_noise(0.05, fails), "cifar10", seeds=[seed], folder=Path(f"{seed}"))
        for seed, fails in ((7, 0.25), (3, 0.3))
    ]
    five = evaluation(under_noise(0.05, 0.2), "cifar10", **FIVE)
    assert "differs from that of a single model by +10.00 points" in claim(remedy_claims.ensembles, *results, five).text


def noisy_training(fails: float, weak: float = 0.05, dataset: str = "gtsrb", **more: Any) -> Any:
    """An evaluation of a model that was trained on noise; weak: share that fails at sigma 1, 0.04 without noise."""
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
    assert found.verdict == "inconclusive"
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


def test_noisy_copies_need_a_model_without() -> None:
    for results in ([], [noisy_training(0.1)]):
        found = claim(remedy_claims.noisy_copies, *results)
        assert found.verdict == "inconclusive"
        assert "convstab-train dataset=gtsrb with augment=jitter_noisy" in found.text


def fooled(images: int, correct: int = MANY, high: float = 1.0) -> Fooled:
    """So many images that sigma 1 fools; high: end of the interval of the rate."""
    return Fooled(interval(0, high), images, correct, 0.1, 0.1)


@pytest.mark.parametrize(
    ("gain", "found", "verdict"),
    [
        ((0.01, 0.02), fooled(1), "agrees"),
        ((0.01, 0.02), fooled(0, high=0.00099), "mixed"),
        ((0.01, 0.02), fooled(0, high=0.00101), "inconclusive"),
        ((0.01, 0.02), fooled(0, correct=0), "inconclusive"),  # no image could be fooled
        ((0.01, 0.02), None, "inconclusive"),  # sigma 1 was not drawn
        ((-0.01, 0.02), fooled(1), "inconclusive"),
        ((-0.01, 0.0009), fooled(1), "mixed"),
        ((-0.01, 0.0009), fooled(0, high=0.00099), "disagrees"),
        ((-0.02, -0.01), None, "disagrees"),
    ],
)
def test_noisy_copies_at_the_limits(gain: Any, found: Fooled | None, verdict: Verdict) -> None:
    assert remedy_claims.noisy_verdict(interval(*gain), found) == verdict


@pytest.mark.parametrize(
    ("rates", "levels", "said"),
    [
        (np.tile([1.0, 0.5], (100, 1)), (0, 5), "For the model trained on noise sigma 1 was not tried."),
        (np.tile([0.0, 0.5], (100, 1)), (0, 1), "For the model trained on noise no image is correct when clean."),
    ],
)
def test_without_sigma_one_or_correct_images_noisy_copies_are_not_judged(rates: Any, levels: Any, said: str) -> None:
    kind: dict[str, Any] = {"dataset": "gtsrb", "classes": 43, "levels": levels}
    clean = evaluation(np.zeros_like(rates), **kind)
    noisy = evaluation(rates, noisy=True, augment="Jitter + NoisyCopies", **kind)
    found = claim(remedy_claims.noisy_copies, clean, noisy)
    assert found.verdict == "inconclusive"
    assert said in found.text


def test_what_else_differs_in_a_training_is_said_of_models_that_differ_among_themselves_too() -> None:
    clean = evaluation(under_noise(0.05, 0.2, MANY), "gtsrb", classes=43)
    images = {"train": "various", "validation": 0, "test": 12_630}
    found = claim(remedy_claims.noisy_copies, clean, noisy_training(0.1, epochs="various", images=images))
    assert "various epochs against 10, various training images against 39,209." in found.text
