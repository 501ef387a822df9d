"""What is counted of probabilities: against torchmetrics, scikit-learn, NumPy, closed forms, and in other slices."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics import log_loss
from torch import Tensor, nn
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_calibration_error

import convstab as cs
from convstab.degradations.draws.make import degraded_copies
from convstab.errors import InputError
from convstab.evaluation.confidence import (
    MARGIN_EDGES,
    MOST_MARGIN,
    MOST_NLL,
    SQUARE_UNIT,
    changed,
    margin,
    rank,
)
from convstab.evaluation.exact import UNIT
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.result import StabilityResult
from convstab.evaluation.stability import stability
from convstab.evaluation.tally import Counts
from convstab.forward import margins

SHAPE, CLASSES, IMAGES = (3, 8, 8), 12, 60
PROTOCOL = Protocol(levels=(0, 10, 60), draws=37)


def model(scale: float = 5.0) -> nn.Module:
    torch.manual_seed(0)
    line = nn.Linear(192, CLASSES)
    with torch.no_grad():
        line.weight.mul_(scale)
    return nn.Sequential(nn.Flatten(), line).eval()


def images(count: int = IMAGES) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randint(0, 256, (count, *SHAPE), dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, CLASSES, (count,), generator=generator)
    known = torch.rand(count, generator=generator) < 0.7
    return pixels, torch.where(known, model()(pixels / 255).argmax(1), labels), torch.arange(count) + 5


def result_of(counts: Counts, protocol: Protocol = PROTOCOL, classes: int = CLASSES) -> StabilityResult:
    return StabilityResult([str(label) for label in range(classes)], protocol, counts.rows, counts.totals)


@pytest.fixture(scope="module")
def result() -> StabilityResult:
    return result_of(stability(model(), *images(), CLASSES, PROTOCOL))


def logits_of(level: int) -> tuple[Tensor, Tensor]:
    """Logits and labels of all draws under a level, float64, made anew."""
    pixels, labels, index = images()
    draws, sigma = PROTOCOL.draws_of[level], PROTOCOL.levels[level]
    copies = [
        degraded_copies(one, PROTOCOL.degradation, sigma, draws, int(i)) for one, i in zip(pixels, index, strict=True)
    ]
    return model()(torch.cat(copies)).detach().double(), labels.repeat_interleave(draws)


def exact_aurc(confidence: NDArray[Any], correct: NDArray[Any]) -> float:
    errors = ~correct[np.argsort(-confidence, kind="stable")]
    return float(np.mean(np.cumsum(errors) / np.arange(1, len(errors) + 1)))


@pytest.mark.parametrize("level", range(3))
def test_every_measure_is_that_of_other_libraries(result: StabilityResult, level: int) -> None:
    logits, labels = logits_of(level)
    probability, predicted = logits.softmax(1), logits.argmax(1)
    ece = multiclass_calibration_error(probability.float(), labels, CLASSES, n_bins=15, norm="l1")
    assert result.ece[level] == pytest.approx(float(ece), abs=1e-6)
    assert result.nll[level] == pytest.approx(log_loss(labels, probability, labels=range(CLASSES)), rel=1e-5)
    off = probability - nn.functional.one_hot(labels, CLASSES)
    assert result.brier.value[level] == pytest.approx(float(off.square().sum(1).mean()), rel=1e-5)
    top5 = multiclass_accuracy(probability, labels, CLASSES, top_k=5, average="micro")
    assert result.top5 is not None
    assert result.top5.value[level] == pytest.approx(float(top5))
    clean = logits_of(0)[0].argmax(1).repeat_interleave(PROTOCOL.draws_of[level])
    assert result.flip_probability.value[level] == pytest.approx(float((predicted != clean).double().mean()))


@pytest.mark.parametrize("level", range(3))
def test_selective_risk_is_that_of_the_draws_in_exact_order(result: StabilityResult, level: int) -> None:
    """Draws whose odds differ by less than 6 % are in random order: it moves the area little."""
    logits, labels = logits_of(level)
    confidence, correct = logits.softmax(1).max(1).values.numpy(), (logits.argmax(1) == labels).numpy()
    assert result.aurc[level] == pytest.approx(exact_aurc(confidence, correct), abs=0.003)
    kept = np.argsort(-confidence)[: math.ceil(0.8 * len(confidence))]
    assert result.accuracy_at(0.8)[level] == pytest.approx(correct[kept].mean(), abs=0.01)
    assert result.accuracy_at(1.0)[level] == pytest.approx(result.accuracy.value[level])


@pytest.mark.parametrize("batch_size", [16, 48, 1024])
def test_batches_slices_and_order_change_no_byte(batch_size: int) -> None:
    pixels, labels, index = images()
    whole = stability(model(), pixels, labels, index, CLASSES, PROTOCOL)
    parts: list[Any] = [np.array([8, 2]), np.array([0]), np.array([5, 1, 7, 3, 4, 6]), np.arange(9, 60)]
    counted = [
        stability(model(), pixels[at], labels[at], index[at], CLASSES, PROTOCOL, batch_size=batch_size) for at in parts
    ]
    order = np.argsort(np.concatenate(parts))
    for name, column in whole.rows.items():
        joined = np.concatenate([part.rows[name].reshape(-1, 3) for part in counted])[order]
        assert joined.tobytes() == column.tobytes(), name
    for name, total in whole.totals.items():
        assert np.array_equal(total, sum(part.totals[name] for part in counted)), name


class Fixed(nn.Module):
    """The same logits for every image."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, images: Tensor) -> Tensor:
        return self.logits.expand(len(images), -1)


def fixed(logits: Tensor, label: int = 0) -> StabilityResult:
    pixels, labels, index = images(4)
    classes = len(logits)
    counts = stability(Fixed(logits), pixels, torch.full_like(labels, label), index, classes, PROTOCOL)
    return result_of(counts, classes=classes)


def test_known_probabilities_give_closed_forms() -> None:
    p = torch.tensor([0.7, 0.2, 0.1])
    right, wrong = fixed(p.log(), 0), fixed(p.log(), 2)
    for found, error, of_label in ((right, 0, 0.7), (wrong, 1, 0.1)):
        np.testing.assert_allclose(found.nll, -math.log(of_label), rtol=1e-6)
        np.testing.assert_allclose(found.brier.value, 0.49 + 0.04 + 0.01 + 1 - 2 * of_label, rtol=1e-6)
        np.testing.assert_allclose(found.ece, abs(1 - error - 0.7), rtol=1e-6)
        np.testing.assert_allclose(found.aurc, error)
        np.testing.assert_allclose(found.flip_probability.value, 0)
        assert found.top5 is None


@pytest.mark.parametrize(("p", "place"), [(1.0, 14), (0.6 - 1e-6, 8), (0.6 + 1e-6, 9), (0.5 + 1e-6, 7)])
def test_bins_of_confidence_are_fifteenths(p: float, place: int) -> None:
    logits = torch.tensor([0.0, math.log((1 - p) / p) if p < 1 else -200.0])
    found = fixed(logits).totals["calibration"]
    assert found[1, :, 0].tolist() == [0] * place + [4 * 37] + [0] * (14 - place)
    assert found[1, place, 2] == pytest.approx(p * UNIT * 4 * 37, rel=1e-6)


def test_what_is_all_but_certain_still_has_an_order() -> None:
    logits = torch.tensor([[20.0, 0.0, 0.0], [40.0, 0.0, 0.0], [0.0, 45.0, -3e38]])
    assert (logits.softmax(1).max(1).values[1:] == 1).all()
    expected = [20 - math.log(2), 40 - math.log(2), 45]
    found = margin(logits, logits.argmax(1, keepdim=True))
    assert found.tolist() == pytest.approx(expected, abs=1e-5)
    assert margin(torch.zeros(1, 4), torch.tensor([[0]])).item() == pytest.approx(-math.log(3))
    counted = fixed(logits[1]).totals["margins"][1, 1]
    at = int(counted.argmax())
    assert MARGIN_EDGES[at] <= expected[1] < MARGIN_EDGES[at + 1]


def test_a_loss_without_bounds_counts_as_the_greatest() -> None:
    found = fixed(torch.tensor([-3e38, 3e38]))
    assert (found.rows["nll_mean"] == MOST_NLL).all()
    assert (found.rows["brier_mean"] == 2).all()
    assert int(MOST_NLL * 2**24) * 2**19 <= 2**63  # what the docstring promises


def test_of_equal_logits_the_lower_class_comes_first() -> None:
    labels = torch.arange(12)
    assert rank(torch.zeros(12, 12), labels, labels).tolist() == labels.tolist()
    descending = torch.arange(12.0).neg().expand(12, -1)
    assert rank(descending, labels, labels).tolist() == labels.tolist()
    alike = fixed(torch.zeros(12), label=4), fixed(torch.zeros(12), label=5)
    assert [found.top5.value.tolist() for found in alike if found.top5] == [[1] * 3, [0] * 3]
    assert fixed(torch.zeros(9)).top5 is None
    assert fixed(torch.zeros(10)).top5 is not None


def test_changed_counts_what_the_clean_image_is_not_taken_for() -> None:
    votes = np.array([[[0, 1, 0], [3, 4, 3]], [[1, 0, 0], [10, 0, 0]]], np.int32)
    assert changed(votes).tolist() == [0, 6, 0, 0]


def test_the_flip_probability_is_of_all_images_the_flip_rate_of_correct_ones(result: StabilityResult) -> None:
    correct = result.rates[:, 0] == 1
    assert 0 < correct.sum() < len(correct)
    shares = result.by_image("changed") / result.by_image("draws")
    np.testing.assert_allclose(result.flip_probability.value, shares.mean(0))
    np.testing.assert_allclose(result.flip_rate.value, shares[correct].mean(0))
    assert (result.flip_probability.low[0], result.flip_probability.high[0]) == (0, 0)


def test_without_clean_images_there_is_no_flip_probability() -> None:
    protocol = Protocol((10,), draws=3)
    found = result_of(stability(model(), *images(), CLASSES, protocol), protocol)
    assert "changed" not in found.rows
    with pytest.raises(InputError, match="needs the clean images: add 0 to the levels"):
        _ = found.flip_probability


def test_images_that_were_not_drawn_do_not_count() -> None:
    pixels, labels, _ = images()
    flat = cs.Images(torch.cat([pixels, torch.full_like(pixels[:3], 128)]), torch.cat([labels, labels[:3]]))
    found = cs.evaluate(model(), flat, "gaussian_blur", psnr=[20])  # none leaves a flat image 20 dB
    missing = found.by_image("draws")[:, 1] == 0
    assert 0 < missing.sum() < len(missing)
    for name in ("brier", "flip_probability", "top5"):
        assert np.isfinite(getattr(found, name).value).all()
    for name in ("brier_mean", "nll_mean", "top5", "changed", "correct"):
        assert not found.by_image(name)[missing, 1].any(), name
    rows = found.by_image("nll_mean")[~missing, 1]
    assert found.nll[1] == pytest.approx(rows.mean())
    assert found.by_level()["images"].tolist() == [len(flat), len(flat) - missing.sum()]


def test_margins_are_those_of_the_label_and_the_greatest_other() -> None:
    logits = torch.tensor([[3.0, -1.0, 2.5], [0.0, 4.0, 4.0]])
    assert margins.margin(logits, torch.tensor([0, 0])).tolist() == [0.5, -4]
    found = fixed(logits[0], label=2)
    assert (found.rows["margin_mean"] == -0.5).all()
    assert (found.rows["margin_sd"] == 0).all()


@pytest.mark.parametrize("level", range(3))
def test_the_margins_of_an_image_are_told_by_mean_and_spread(result: StabilityResult, level: int) -> None:
    logits, labels = logits_of(level)
    others = logits.masked_fill(nn.functional.one_hot(labels, CLASSES).bool(), -torch.inf).amax(1)
    ahead = (logits.gather(1, labels[:, None])[:, 0] - others).view(IMAGES, -1).numpy()
    np.testing.assert_allclose(result.by_image("margin_mean")[:, level], ahead.mean(1), atol=1e-5)
    np.testing.assert_allclose(result.by_image("margin_sd")[:, level], ahead.std(1), rtol=1e-4, atol=1e-6)


def test_a_margin_without_bounds_counts_as_the_greatest() -> None:
    found = fixed(torch.tensor([-3e38, 3e38]))
    assert (found.rows["margin_mean"] == -MOST_MARGIN).all()
    assert int(MOST_MARGIN**2 * SQUARE_UNIT) * 2**16 < 2**63  # what is said of it
