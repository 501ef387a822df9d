import math

import pytest
import torch

from convstab.objectives import FEASIBLE, Distance, Equation2, margins

LOGITS = torch.tensor([[[2.0, 0.0, 1.0], [0.0, 2.0, 1.0]]])  # one place, two individuals: right, misclassified
LABELS = torch.tensor([0])
NORM = torch.tensor([[5.0, 7.0]])


def test_equation_2_to_the_letter() -> None:
    total = math.exp(2) + math.exp(0) + math.exp(1)
    right = 10 * math.exp(2) / total + 0.1 * 5
    wrong = (math.exp(2) - math.exp(0)) / total + 0.1 * 7
    fitness, reach = Equation2(weight=0.1, beta=10)(LOGITS, LABELS, NORM, torch.tensor([3.0]))
    assert fitness[0].tolist() == pytest.approx([right, wrong])
    assert reach is None


def test_the_predicted_distance_is_exact_on_a_line() -> None:
    norm = torch.tensor([[1.0, 2.0, 4.0]])
    margin = 3 - norm  # 3 without noise, 0 at a norm of 3
    logits = torch.stack([margin, torch.zeros_like(margin)], 2)
    fitness, reach = Distance()(logits, LABELS, norm, torch.tensor([3.0]))
    assert fitness[0].tolist() == pytest.approx([3, 3, 3])
    assert reach is not None
    assert reach[0].tolist() == pytest.approx([2, 1.5, 0.75])  # 3 is cut to 2: a prediction is not trusted further


def test_misclassified_comes_first() -> None:
    margin = margins(LOGITS, LABELS)
    assert margin[0].tolist() == [1, -2]
    standing = Distance().standing(NORM, margin, torch.tensor([[0.1, FEASIBLE / 2]]))
    assert standing[0, 1] < standing[0, 0]
