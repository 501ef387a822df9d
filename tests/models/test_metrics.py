"""The class scores, against scikit-learn."""

import io
import re

import numpy as np
import pytest
import torch
from rich.console import Console
from sklearn import metrics as sk

from convstab.commands.console import class_table
from convstab.models.metrics import class_scores

CLASSES = ["cat", "dog", "horse", "never seen", "never said"]


@pytest.fixture
def decisions() -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (500, 5) and labels (500,); "never seen" has no image, "never said" is never predicted."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.tensor([0, 1, 2, 4])[torch.randint(4, (500,), generator=generator)]
    logits = torch.randn(500, 5, generator=generator) + torch.eye(5)[labels]
    return logits - 100 * torch.eye(5)[4], labels


def test_scores_are_those_of_scikit_learn(decisions: tuple[torch.Tensor, torch.Tensor]) -> None:
    logits, labels = decisions
    scores = class_scores(CLASSES)
    for part in range(0, 500, 99):
        scores.update(logits[part : part + 99], labels[part : part + 99])
    values, predicted = scores.compute(), logits.argmax(1)
    assert values["accuracy"].item() == pytest.approx(sk.accuracy_score(labels, predicted))
    with pytest.warns(UserWarning, match="y_pred contains classes not in y_true"):
        balanced = sk.balanced_accuracy_score(labels, predicted)
    assert values["balanced_accuracy"].item() == pytest.approx(balanced)
    precision = sk.precision_score(labels, predicted, average=None, labels=range(5), zero_division=np.nan)
    recall = sk.recall_score(labels, predicted, average=None, labels=range(5), zero_division=np.nan)
    assert np.isnan([precision[4], recall[3]]).tolist() == [True, True]
    for k, name in enumerate(CLASSES):
        assert values[f"precision/{name}"].item() == pytest.approx(precision[k], nan_ok=True)
        assert values[f"recall/{name}"].item() == pytest.approx(recall[k], nan_ok=True)
    assert values["confusion"].tolist() == sk.confusion_matrix(labels, predicted, labels=range(5)).tolist()


@pytest.mark.parametrize("count", [2, 10, 43])
@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_table_shows_every_class_whatever_its_name(count: int, width: int) -> None:
    names = [f"[red]{number}" for number in range(count)]
    scores = {f"{kind}/{name}": k / 100 for kind in ("precision", "recall") for k, name in enumerate(names)}
    text = io.StringIO()
    Console(file=text, width=width).print(class_table(scores, names, "a title", width))
    lines = text.getvalue().splitlines()
    for k, name in enumerate(names):
        line = next(line for line in lines if f"{name} " in line)
        assert f"{k / 100:.4f}" in line
    assert max(map(len, lines)) <= width


def test_what_is_not_defined_is_a_dash_in_the_table() -> None:
    scores = {"precision/a": float("nan"), "recall/a": None, "precision/b": 0.0, "recall/b": 1.0}
    text = io.StringIO()
    Console(file=text, width=80).print(class_table(scores, ["a", "b"], "a title", 80))
    rows = [re.findall(r"[\w.-]+", line) for line in text.getvalue().splitlines()]
    assert ["a", "-", "-"] in rows
    assert ["b", "0.0000", "1.0000"] in rows
