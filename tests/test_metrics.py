"""The class scores, against scikit-learn."""

import io

import pytest
import torch
from rich.console import Console
from sklearn import metrics as sk

from convstab.metrics import class_scores, class_table

CLASSES = ["cat", "dog", "horse", "never seen"]


@pytest.fixture
def decisions() -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (500, 4) and labels (500,); the last class has no image."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(3, (500,), generator=generator)
    return torch.randn(500, 4, generator=generator) + torch.eye(4)[labels], labels


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
    precision = sk.precision_score(labels, predicted, average=None, labels=range(4), zero_division=0)
    recall = sk.recall_score(labels, predicted, average=None, labels=range(4), zero_division=0)
    for k, name in enumerate(CLASSES):
        assert values[f"precision/{name}"].item() == pytest.approx(precision[k])
        assert values[f"recall/{name}"].item() == pytest.approx(recall[k])
    assert values["confusion"].tolist() == sk.confusion_matrix(labels, predicted, labels=range(4)).tolist()


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
