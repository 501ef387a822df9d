"""Before the long work: the clean accuracy is that of the model, and answers that mean nothing are refused."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from torch import Tensor, nn

import convstab as cs
from convstab.evaluation.gate import Clean, gate, repetitions

CPU = torch.device("cpu")
CLASSES = ("a", "b", "c", "d")


class Telling(nn.Module):
    """Takes the class from the first pixel (0 ... 3), then changes its logits."""

    def __init__(self, change: Callable[[Tensor], Tensor] = lambda logits: logits) -> None:
        super().__init__()
        self.change = change

    def forward(self, images: Tensor) -> Tensor:
        told = (images[:, 0, 0, 0] * 255).round().long()
        return self.change(nn.functional.one_hot(told % 4, 4).float())


def images_of(labels: Tensor, told: Tensor) -> cs.Images:
    pixels = torch.randint(256, (len(labels), 1, 4, 4), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    pixels[:, 0, 0, 0] = told.byte()
    return cs.Images(pixels, labels, CLASSES)


LABELS = torch.arange(200) % 4
GOOD = images_of(LABELS, torch.where(torch.arange(200) < 150, LABELS, (LABELS + torch.arange(200) % 3 + 1) % 4))


def test_the_clean_accuracy_has_the_interval_of_clopper_and_pearson() -> None:
    clean, exact = gate(Telling(), GOOD, CPU), binomtest(150, 200).proportion_ci(method="exact")
    assert (clean.value, clean.low, clean.high) == pytest.approx((0.75, exact.low, exact.high))
    assert (clean.confusion.sum(), np.trace(clean.confusion), clean.suspicion) == (200, 150, "")
    assert str(clean) == f"clean accuracy 75.0 % [{100 * exact.low:.1f}, {100 * exact.high:.1f}] of 200 images"


def test_images_of_one_group_are_one_unit() -> None:
    grouped = cs.Images(GOOD.pixels, GOOD.labels, CLASSES, groups=torch.arange(200) // 10)
    one, other = gate(Telling(), GOOD, CPU), gate(Telling(), grouped, CPU)
    assert other.high - other.low > 1.2 * (one.high - one.low)
    assert str(other).endswith(" of 200 images in 20 groups")


def test_less_than_was_expected_ends_it_and_more_does_not() -> None:
    high = gate(Telling(), GOOD, CPU).high
    gate(Telling(), GOOD, CPU, high - 1e-6)
    gate(Telling(), GOOD, CPU, 0.1)
    with pytest.raises(cs.InputError, match=r"clean accuracy 75.0 % \[.*\] of 200 images, and expect_clean is 0.9"):
        gate(Telling(), GOOD, CPU, 0.9)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Telling(lambda logits: logits + 0.1 * torch.rand_like(logits)), "two passes over the same images.*eval"),
        (Telling(lambda logits: logits - logits[:1]), "two passes over the same images"),  # as batch norm does
        (Telling(torch.zeros_like), "the same logits for all images"),
        (Telling(lambda logits: torch.where(logits > 0, torch.nan, 0.0)), "infinite or not a number for 100 %"),
        (Telling(lambda logits: logits / (1 - logits[:, 3:])), "infinite or not a number for 2. % of images"),
    ],
)
def test_answers_that_mean_nothing_are_refused(model: nn.Module, words: str) -> None:
    with pytest.raises(cs.InputError, match=words):
        gate(model, GOOD, CPU)


def test_dropout_in_a_part_that_is_left_in_training_mode_is_seen() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 64), nn.Dropout(), nn.Linear(64, 4)).eval()
    cs.evaluate(net, GOOD, levels=[8], draws=1)
    net[2].train()
    with pytest.raises(cs.InputError, match="dropout"):
        cs.evaluate(net, GOOD, levels=[8], draws=1)


def test_another_order_of_classes_is_suspected() -> None:
    turned = images_of(LABELS, (LABELS + 1) % 4)
    said = gate(Telling(), turned, CPU).suspicion
    assert said.startswith("most frequent confusions: a is taken for b (100 %), b is taken for c (100 %)")
    assert said.endswith("are its classes in another order?")
    with pytest.raises(cs.InputError, match=r"expect_clean is 0.9; most frequent confusions: a is taken for b"):
        gate(Telling(), turned, CPU, 0.9)


def test_one_answer_for_nearly_all_is_no_other_order() -> None:
    same = images_of(LABELS, torch.where(torch.arange(200) < 8, LABELS, 0))
    assert gate(Telling(), same, CPU).suspicion.endswith("is the normalisation another one?")


def test_a_weak_model_is_not_suspected() -> None:
    weak = Clean(0.25, 0.2, 0.3, np.full((4, 4), 10), CLASSES)
    assert weak.suspicion == ""


def test_evaluate_says_the_clean_accuracy_first_and_compares_names(capsys: pytest.CaptureFixture[str]) -> None:
    model = Telling().eval()
    cs.evaluate(model, GOOD, levels=[8], draws=1)
    assert capsys.readouterr().out == ""
    cs.evaluate(model, GOOD, levels=[8], draws=1, progress=True)
    assert capsys.readouterr().out.startswith("clean accuracy 75.0 %")
    with pytest.raises(cs.InputError, match=r"expect_clean is 0.9"):
        cs.evaluate(model, GOOD, levels=[8], draws=1, expect_clean=0.9)
    model.classes = ["b", "a", "c", "d"]  # type: ignore[assignment]
    with pytest.raises(cs.InputError, match="class 0 is 'b' of the model and 'a' of the images"):
        cs.evaluate(model, GOOD, levels=[8], draws=1)
    named = cs.evaluate(model, GOOD, levels=[8], draws=1, match="names")
    plain = cs.evaluate(model, GOOD, levels=[8], draws=1, match="order")
    assert named.confusion[0, :, [1, 0, 2, 3]].T.tolist() == plain.confusion[0].tolist()


def test_images_that_stand_twice_are_counted() -> None:
    pixels = torch.randint(256, (40, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
    pixels[10:13] = pixels[0]
    pixels[20] = pixels[5]
    labels = torch.zeros(40, dtype=torch.int64)
    labels[20] = labels[11] = 1
    assert repetitions(cs.Images(pixels, labels)) == (4, 2)
    said = Clean(1.0, 0.9, 1.0, np.eye(2, dtype=np.int64), ("a", "b"), 4, 2).repeated
    assert said.startswith("4 of these images have the very pixels of an earlier one, 2 of them with another label")
    assert Clean(1.0, 0.9, 1.0, np.eye(2, dtype=np.int64), ("a", "b")).repeated == ""
