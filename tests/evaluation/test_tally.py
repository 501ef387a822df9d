"""Counts of draws whose logits and PSNR are given: the ends of bins, ties, and what is refused."""

import numpy as np
import pytest
import torch
from torch import Tensor

from convstab.errors import InputError
from convstab.evaluation.evaluate import Score
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.tally import PSNR_EDGES, SCORE_EDGES, Counts, Tally


def counted(logits: Tensor, psnr: list[float], score: Score = "predicted") -> Counts:
    """Of one image of class 0, all draws at one level."""
    protocol = Protocol(levels=(1,), draws=len(psnr), score=score)
    place = torch.zeros(1, dtype=torch.int64)
    tally = Tally(place, place, logits.shape[1], protocol, "cpu", torch.ones(1, 1))
    tally.add(logits, torch.tensor(psnr))
    return tally.counts()


@pytest.mark.parametrize("score", ["predicted", "label"])
def test_the_outer_bins_take_what_lies_at_the_ends_and_beyond(score: Score) -> None:
    logits = torch.tensor([[90.0, 0], [0, 90], [1, 0], [0, 1], [4, 0], [5, 0], [90, 0], [0, 90]])
    psnr = [0.0, 0.2, -3.0, 30.1, 59.9, 60.0, 85.0, np.inf]
    found = counted(logits, psnr, score).totals["histogram"]
    correct, chance = logits.argmax(1) == 0, logits.softmax(1)
    values = (chance[:, 0] if score == "label" else chance.max(1).values).numpy()
    for outcome in (0, 1):
        chosen = (correct == outcome).numpy()
        shares = np.clip(psnr, 0, 60)[chosen], values[chosen].astype(np.float64)
        expected, *_ = np.histogram2d(*shares, bins=[PSNR_EDGES, SCORE_EDGES])
        np.testing.assert_array_equal(found[0, outcome], expected)
    assert not found[1].any()


def test_a_near_tie_is_told_by_the_difference_of_the_two_best_logits() -> None:
    near = float(np.nextafter(np.float32(3), np.float32(0)))
    logits = torch.tensor([[3.0, near, 0], [near, 0, 3.0], [3.0, 2.999, near - 1], [-2.0, -1.0, 1.0], [0, 0, 0]])
    assert counted(logits, [20.0] * 5).rows["near_ties"] == [3]


def test_the_psnr_is_the_mean_of_the_draws_that_differ() -> None:
    logits = torch.eye(3)[:, :2]
    assert counted(logits, [np.inf, 30.0, np.inf]).rows["psnr_mean"] == pytest.approx([30.0])
    assert counted(logits, [np.inf, 30.0, 20.0]).rows["psnr_mean"] == pytest.approx([25.0])
    none = counted(logits, [np.inf] * 3).rows
    assert (none["psnr_mean"].item(), none["identical"].item()) == (np.inf, 3)


def test_what_is_no_number_is_refused_with_the_images() -> None:
    logits = torch.eye(2)
    with pytest.raises(InputError, match=r"^gaussian makes copies of test images 0 to 0 that hold what is not a numb"):
        counted(logits, [np.nan, 20.0])
    said = r"infinite or not a number for test images 0 to 0; such draws are neither correct nor misclassified$"
    with pytest.raises(InputError, match=said):
        counted(logits * torch.inf, [20.0, 20.0])
