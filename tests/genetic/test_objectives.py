import math

import pytest
import torch

from convstab.genetic.objectives import FEASIBLE, Distance, Equation2, margins

LOGITS = torch.tensor([[[2.0, 0.0, 1.0], [0.0, 2.0, 1.0]]])  # one slot, two individuals: correct, misclassified
LABELS = torch.tensor([0])
NORM = torch.tensor([[5.0, 7.0]])


def test_equation_2_to_the_letter() -> None:
    total = math.exp(2) + math.exp(0) + math.exp(1)
    correct = 10 * math.exp(2) / total + 0.1 * 5
    misclassified = (math.exp(2) - math.exp(0)) / total + 0.1 * 7
    fitness, projection = Equation2(weight=0.1, beta=10)(LOGITS, LABELS, NORM, torch.tensor([3.0]))
    assert fitness[0].tolist() == pytest.approx([correct, misclassified])
    assert projection is None


def test_the_predicted_distance_is_exact_on_a_line() -> None:
    norm = torch.tensor([[1.0, 2.0, 4.0]])
    margin = 3 - norm  # 3 without noise, 0 at a norm of 3
    logits = torch.stack([margin, torch.zeros_like(margin)], 2)
    fitness, projection = Distance()(logits, LABELS, norm, torch.tensor([3.0]))
    assert fitness[0].tolist() == pytest.approx([3, 3, 3])
    assert projection is not None
    assert projection[0].tolist() == pytest.approx([2, 1.5, 0.75])  # 3 is cut to 2: a prediction is not trusted further


def test_misclassified_comes_first() -> None:
    margin = margins(LOGITS, LABELS)
    assert margin[0].tolist() == [1, -2]
    rank = Distance().rank(NORM, margin, torch.tensor([[0.1, FEASIBLE / 2]]))
    assert rank[0, 1] < rank[0, 0]


def test_only_what_is_beyond_the_boundary_is_misclassified() -> None:
    """On the boundary and 0.25 before it, the margin decides, and the less the better, whatever the norm."""
    margin, norm = torch.tensor([[0.5, 0.25, 0.0, -0.5]]), torch.tensor([[1.0, 2.0, 3.0, 200.0]])
    rank = Distance().rank(norm, margin, norm)[0]
    assert rank[3] == 200
    assert (rank[:3] >= FEASIBLE).all()
    assert (rank.diff() < 0).all()


def test_places_do_not_mix_and_each_has_its_label() -> None:
    logits = torch.tensor([[[4.0, 1.0], [1.0, 4.0]], [[4.0, 1.0], [0.0, 1.0]]])
    labels, norm, clean = torch.tensor([0, 1]), torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([6.0, 2.0])
    assert margins(logits, labels).tolist() == [[3, -3], [-3, 1]]
    alone = [Equation2(0.1)(logits[[i]], labels[[i]], norm[[i]], clean[[i]]).fitness for i in (0, 1)]
    torch.testing.assert_close(Equation2(0.1)(logits, labels, norm, clean).fitness, torch.cat(alone))
    fitness, projection = Distance()(logits, labels, norm, clean)
    torch.testing.assert_close(fitness, torch.tensor([[1 * 6 / 3, 2 * 6 / 9], [3 * 2 / 5, 4 * 2 / 1]]))
    assert projection is not None
    assert projection.flatten().tolist() == pytest.approx([2, 2 / 3, 0.5, 2])  # 0.4 is cut to 0.5


def test_without_a_prediction_the_fitness_is_the_standing_and_nothing_is_projected() -> None:
    objective, clean = Distance(project=False, predict=False), torch.tensor([3.0])
    fitness, projection = objective(LOGITS, LABELS, NORM, clean)
    assert fitness[0].tolist() == [FEASIBLE + 1, 7]  # the margin of what is correct, the norm of what is misclassified
    assert projection is None
    assert Distance(predict=False)(LOGITS, LABELS, NORM, clean).projection is not None


def test_noise_that_raises_the_margin_is_the_worst_but_finite() -> None:
    """It is taken to need a thousandth of a logit: the whole clean margin of 3 over it."""
    logits = torch.tensor([[[5.0, 0.0], [1.0, 0.0]]])
    fitness = Distance()(logits, LABELS, NORM, torch.tensor([3.0])).fitness[0].tolist()
    assert fitness == pytest.approx([5 * 3 / 1e-3, 7 * 3 / 2])
