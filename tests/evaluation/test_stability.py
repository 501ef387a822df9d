"""Stability: against closed forms, scikit-learn, and itself cut into other batches and slices."""

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from skimage import metrics
from sklearn.metrics import confusion_matrix
from torch import Tensor, nn

from convstab.degradations.draws.make import degraded_copies
from convstab.degradations.gaussian import Gaussian
from convstab.errors import InputError
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.stability import stability
from convstab.evaluation.tally import PSNR_EDGES, SCORE_EDGES, Counts
from convstab.images import to_unit
from convstab.models import Aghdam, CifarQuick, LeNet

SHAPE, CLASSES = (3, 12, 12), 4


class Linear(nn.Module):
    """Two classes, told apart by the mean of the image: logit 1 is the mean in grey levels less a threshold."""

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold

    def forward(self, images: Tensor) -> Tensor:
        margin = images.mean((1, 2, 3)) * 255 - self.threshold
        return torch.stack([torch.zeros_like(margin), margin], 1)


def model(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    layers = nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(200, CLASSES)
    return nn.Sequential(*layers, nn.Dropout(0.9))


def random_images(images: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (images, *SHAPE), dtype=torch.uint8, generator=generator)
    return pixels, torch.randint(0, CLASSES, (images,), generator=generator), torch.arange(images)


def psnr_of(clean: Tensor, copies: Tensor) -> np.ndarray:
    """The PSNR of each copy, by scikit-image; clean: uint8 (C, H, W), copies: k / 255, float (n, C, H, W)."""
    measure: Any = metrics.peak_signal_noise_ratio  # untyped
    with np.errstate(divide="ignore"):  # copies that are the clean image
        return np.array([measure(clean.numpy(), copy.numpy()) for copy in copies.mul(255).round().byte()])


SMALL = Protocol(levels=(0, 1, 20, 60), draws=37)


def same(one: Counts, other: Counts) -> bool:
    left, right = one.rows | one.totals, other.rows | other.totals
    return left.keys() == right.keys() and all(left[name].tobytes() == right[name].tobytes() for name in left)


def test_linear_classifier_matches_the_closed_form() -> None:
    pixels, draws, sigma = torch.full((1, *SHAPE), 128, dtype=torch.uint8), 2000, 10.0
    deviation = sigma / pixels[0].numel() ** 0.5  # of the mean of the noise
    for z in (-0.5, 1.0, 2.0):
        counts = stability(
            Linear(128 - z * deviation),
            pixels,
            torch.tensor([1]),
            torch.tensor([0]),
            2,
            Protocol((sigma,), draws, clip=False, rounding=False),
        )
        correct = 0.5 * math.erfc(-z / 2**0.5)
        tolerance = 4 * (correct * (1 - correct) / draws) ** 0.5
        assert counts.rows["correct"][0] / draws == pytest.approx(correct, abs=tolerance)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_batch_size_and_slices_change_no_byte(precision: Any) -> None:
    pixels, labels, index = random_images(7)
    classifier = model()
    whole = stability(classifier, pixels, labels, index, CLASSES, SMALL, batch_size=64, precision=precision)
    for batch_size in (1, 48, 1024):
        again = stability(classifier, pixels, labels, index, CLASSES, SMALL, batch_size=batch_size, precision=precision)
        assert same(whole, again)
    parts = [
        stability(classifier, pixels[part], labels[part], index[part], CLASSES, SMALL, precision=precision)
        for part in (slice(0, 1), slice(1, 5), slice(5, 7))
    ]
    rows = {name: np.concatenate([part.rows[name] for part in parts]) for name in whole.rows}
    totals = {name: np.sum([part.totals[name] for part in parts], axis=0) for name in whole.totals}
    assert same(whole, Counts(rows, totals))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("architecture", [LeNet, CifarQuick, Aghdam])
def test_batch_size_and_slices_change_no_byte_for_the_models_of_the_paper(architecture: Any, precision: Any) -> None:
    shape = {LeNet: (1, 28, 28), CifarQuick: (3, 32, 32), Aghdam: (3, 48, 48)}[architecture]
    torch.manual_seed(0)
    classifier = architecture(shape, [str(i) for i in range(43)])
    pixels = torch.randint(0, 256, (2, *shape), dtype=torch.uint8)
    labels, index, protocol = torch.tensor([3, 41]), torch.arange(2), Protocol((0, 40), draws=40)

    def counts(images: slice, batch_size: int) -> Counts:
        options: Any = {"batch_size": batch_size, "precision": precision}
        return stability(classifier, pixels[images], labels[images], index[images], 43, protocol, **options)

    whole = counts(slice(0, 2), 64)
    assert same(whole, counts(slice(0, 2), 1024))
    parts = counts(slice(0, 1), 16), counts(slice(1, 2), 48)
    for name, column in whole.rows.items():
        assert column.tobytes() == np.concatenate([part.rows[name] for part in parts]).tobytes()


def test_ten_draws_are_counted_as_the_first_of_many() -> None:
    pixels, labels, index = random_images(2)
    counts = stability(model(), pixels, labels, index, CLASSES, Protocol((20,), 10))
    logits = torch.cat([model().eval()(degraded_copies(pixels[i], Gaussian(), 20, 150, i)[:10]) for i in range(2)])
    expected = confusion_matrix(labels.numpy().repeat(10), logits.argmax(1).numpy(), labels=range(CLASSES))
    assert np.array_equal(counts.totals["confusion"][0], expected)


def test_every_number_agrees_with_regenerated_draws() -> None:
    pixels, labels, index = random_images(5)
    protocol = replace(SMALL, score="label")
    counts, classifier = stability(model(), pixels, labels, index, CLASSES, protocol), model().eval()
    for level, sigma in enumerate(protocol.levels):
        copies = [degraded_copies(pixels[i], Gaussian(), sigma, protocol.draws_of[level], i) for i in range(5)]
        ratios = np.stack([psnr_of(pixels[i], copies[i]) for i in range(5)])
        logits = torch.stack([classifier(copy).detach() for copy in copies])
        predicted = logits.argmax(2).numpy()
        scores = logits.softmax(2)[torch.arange(5), :, labels].numpy()
        row = {name: column.reshape(5, -1)[:, level] for name, column in counts.rows.items()}

        assert np.array_equal(row["correct"], (predicted == labels[:, None].numpy()).sum(1))
        assert np.array_equal(row["prediction"], [np.bincount(votes).argmax() for votes in predicted])
        np.testing.assert_allclose(row["score_mean"], scores.mean(1), rtol=1e-5)
        np.testing.assert_allclose(row["score_min"], scores.min(1), rtol=1e-5)
        np.testing.assert_allclose(row["psnr_mean"], ratios.mean(1), rtol=1e-5)
        expected = confusion_matrix(labels.numpy().repeat(predicted.shape[1]), predicted.ravel(), labels=range(CLASSES))
        assert np.array_equal(counts.totals["confusion"][level], expected)
        chosen = np.arange(5), row["sample_draw"]
        assert np.array_equal(row["sample_prediction"], predicted[chosen])
        np.testing.assert_allclose(row["sample_psnr"], ratios[chosen], rtol=1e-5)
        np.testing.assert_allclose(row["sample_score"], scores[chosen], rtol=1e-5)


@pytest.mark.parametrize("score", ["predicted", "label"])
def test_histogram_is_that_of_numpy(score: Any) -> None:
    pixels, labels, index = random_images(4)
    protocol = replace(SMALL, score=score)
    histogram = stability(model(), pixels, labels, index, CLASSES, protocol).totals["histogram"]
    expected = np.zeros_like(histogram)
    for i, label in enumerate(labels.tolist()):
        for sigma in protocol.levels[1:]:
            copies = degraded_copies(pixels[i], Gaussian(), sigma, max(protocol.draws_of), i)
            probability = model().eval()(copies).softmax(1).detach().numpy()
            predicted = probability.argmax(1)
            scores = probability.max(1) if score == "predicted" else probability[:, label]
            ratios = psnr_of(pixels[i], copies)
            for outcome in (0, 1):
                kept = (predicted == label) == outcome
                expected[label, outcome] += np.histogram2d(ratios[kept], scores[kept], [PSNR_EDGES, SCORE_EDGES])[
                    0
                ].astype(int)
    assert histogram.sum() == 4 * 3 * protocol.draws
    assert np.abs(histogram - expected).sum() <= 4  # a value on an edge may fall on either side


def test_sigma_0_is_the_clean_prediction() -> None:
    pixels, labels, index = random_images(50)
    counts = stability(model(), pixels, labels, index, CLASSES, Protocol((0,), 150))
    predicted = model().eval()(to_unit(pixels)).argmax(1).numpy()
    assert np.array_equal(counts.rows["prediction"], predicted)
    assert np.array_equal(counts.rows["correct"], predicted == labels.numpy())
    assert counts.rows["draws"].tolist() == [1] * 50
    assert np.isinf(counts.rows["psnr_mean"]).all()
    assert counts.totals["histogram"].sum() == 0


@pytest.mark.parametrize("sigma", [1, 10, 40])
def test_psnr_without_clipping_is_the_closed_form(sigma: float) -> None:
    pixels, labels, index = random_images(20)
    protocol = Protocol((sigma,), 100, clip=False, rounding=False)
    measured = stability(model(), pixels, labels, index, CLASSES, protocol).rows["psnr_mean"].mean()
    assert measured == pytest.approx(20 * math.log10(255 / sigma), abs=0.02)


@pytest.mark.parametrize("rounding", [True, False])
def test_psnr_is_of_the_pixels_alone_whatever_their_number(rounding: bool) -> None:
    pixels = torch.full((5, 1, 3, 3), 128, dtype=torch.uint8)  # 9 values, in a row of 16
    protocol = Protocol((10,), 2000, rounding=rounding)
    rows = stability(Linear(1), pixels, torch.zeros(5).long(), torch.arange(5), 2, protocol).rows
    errors = [255 * protocol.copies(image, 10, 2000, i, 10).double() - 128 for i, image in enumerate(pixels)]
    decibels = [(20 * math.log10(255) - 10 * one.square().mean((1, 2, 3)).log10()).mean() for one in errors]
    assert rows["psnr_mean"] == pytest.approx(np.array(decibels), abs=1e-4)


def test_identical_draws_do_not_break_the_mean_psnr() -> None:
    black = torch.zeros(1, 1, 4, 4, dtype=torch.uint8)
    counts = stability(Linear(1), black, torch.tensor([0]), torch.tensor([0]), 2, Protocol((0.2,), 200))
    assert 0 < counts.rows["identical"][0] < 200
    assert 50 < counts.rows["psnr_mean"][0] < 65


def test_index_keys_the_noise_not_the_position() -> None:
    pixels, labels, index = random_images(6)
    order = torch.tensor([4, 1, 5])
    whole = stability(model(), pixels, labels, index, CLASSES, SMALL)
    some = stability(model(), pixels[order], labels[order], index[order], CLASSES, SMALL)
    for name, column in some.rows.items():
        assert np.array_equal(column.reshape(3, -1), whole.rows[name].reshape(6, -1)[order])


def test_no_forward_pass_rounds_to_tf32(watched: Callable[[nn.Module], set[Any]]) -> None:
    classifier = model()
    seen = watched(classifier)
    stability(classifier, *random_images(3), CLASSES, SMALL)
    assert seen == {(False, "highest")}


class Fixed(nn.Module):
    """The same logits for every image."""

    def __init__(self, *logits: float) -> None:
        super().__init__()
        self.logits = torch.tensor([logits])

    def forward(self, images: Tensor) -> Tensor:
        return self.logits.expand(len(images), -1)


@pytest.mark.parametrize(("apart", "near"), [(0.0, True), (5e-7, True), (2e-6, False)])
def test_near_ties_are_counted(apart: float, near: bool) -> None:
    counts = stability(Fixed(0, apart, -1, -2), *random_images(2), CLASSES, Protocol(levels=(0, 20), draws=3))
    assert counts.rows["near_ties"].tolist() == (counts.rows["draws"] * near).tolist()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_logits_that_are_not_finite_are_refused(value: float) -> None:
    class Broken(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return torch.zeros(len(images), CLASSES).index_fill(0, torch.tensor([3]), value)

    with pytest.raises(InputError, match="not a number"):
        stability(Broken(), *random_images(2), CLASSES, SMALL)


def test_another_number_of_classes_is_refused() -> None:
    with pytest.raises(InputError, match="5 classes"):
        stability(model(), *random_images(2), 5, SMALL)


@pytest.mark.parametrize(
    "options", [{"draws": 0}, {"levels": (-1,)}, {"levels": (math.nan,)}, {"score": "best"}, {"seed": 2**63}]
)
def test_other_protocols_are_refused(options: Any) -> None:
    with pytest.raises(InputError):
        Protocol(**options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"draws": 0}, "draws is 0; it must be at least 1"),
        ({"seed": 2**63}, f"seed is {2**63}; it must fit 64 bits"),
        ({"seed": -(2**63) - 1}, f"seed is {-(2**63) - 1}; it must fit 64 bits"),
        ({"score": "best"}, "score is 'best'; it can be predicted, label or none"),
    ],
)
def test_a_refused_protocol_says_what_would_be_valid(options: Any, said: str) -> None:
    with pytest.raises(InputError) as error:
        Protocol(**options)
    assert str(error.value) == said


def test_the_least_and_the_greatest_values_are_taken() -> None:
    assert Protocol(levels=(20, 0)).levels == (0, 20)
    assert Protocol(draws=1).draws_per_image == len(Protocol().levels)
    assert (Protocol(seed=-(2**63)).seed, Protocol(seed=2**63 - 1).seed) == (-(2**63), 2**63 - 1)


@pytest.mark.parametrize("cuts", [[0, 336], [0, 1, 2, 38, 39, 112, 113, 336], [5, 200]])
def test_runs_are_the_draws_in_order(cuts: list[int]) -> None:
    """Each draw by counting: image, then sigma, then draw; 1 + 3 x 37 = 112 an image."""
    every = [(image, level, draw) for image in range(3) for level in range(4) for draw in range(37 if level else 1)]
    for start, stop in itertools.pairwise(cuts):
        runs = list(SMALL.runs(start, stop))
        assert [(run.image, run.level, run.first + i) for run in runs for i in range(run.length)] == every[start:stop]
        assert [run.row for run in runs] == list(itertools.accumulate((run.length for run in runs[:-1]), initial=0))
        assert len({(run.image, run.level) for run in runs}) == len(runs)


@pytest.mark.parametrize("options", [{}, {"clip": False}, {"rounding": False}])
def test_the_copies_of_a_protocol_are_those_of_its_switches(options: Any) -> None:
    pixels = random_images(1)[0][0]
    found = Protocol(seed=4, **options).copies(pixels, 60, 5, 7, applied=60)
    assert torch.equal(found, degraded_copies(pixels, Gaussian(), level=60, draws=5, image=7, seed=4, **options))


def test_every_draw_may_be_the_one_that_is_kept() -> None:
    kept = [SMALL.sampled_draw(image, 2) for image in range(1000)]
    assert set(kept) == set(range(37))
    assert {SMALL.sampled_draw(image, 0) for image in range(5)} == {0}
    assert kept != [SMALL.sampled_draw(image, 3) for image in range(1000)]
    assert kept != [replace(SMALL, seed=1).sampled_draw(image, 2) for image in range(1000)]


def test_progress_counts_every_draw() -> None:
    seen: list[int] = []
    stability(model(), *random_images(3), CLASSES, SMALL, batch_size=50, progress=seen.append)
    assert sum(seen) == 3 * SMALL.draws_per_image
    assert max(seen) == 64  # rounded up to a multiple of 16
