"""torchmetrics collections, named by class, and the table that shows them."""

import math
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from rich.markup import escape
from rich.table import Table
from torch import Tensor
from torchmetrics import ClasswiseWrapper, MetricCollection
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassConfusionMatrix,
    MulticlassPrecision,
    MulticlassRecall,
)


class BalancedAccuracy(MulticlassConfusionMatrix):
    """The unweighted mean of the class recalls (what the paper's Tables 2 and 6 call accuracy).

    A class without images does not count, as in scikit-learn; torchmetrics' macro recall takes it as 0 when it was
    predicted.
    """

    def compute(self) -> Tensor:
        """Mean recall of the classes that have images."""
        confusion = super().compute().double()
        images = confusion.sum(1)
        return (confusion.diagonal() / images)[images > 0].mean().float()


def class_scores(classes: Sequence[str]) -> MetricCollection:
    """Collect accuracy, balanced accuracy, ``precision/<class>``, ``recall/<class>`` and confusion from logits (N, K).

    ``confusion`` is (K, K): row = label, column = prediction.
    """
    k, names = len(classes), list(classes)
    precision = MulticlassPrecision(k, average=None, validate_args=False)
    recall = MulticlassRecall(k, average=None, validate_args=False)
    return MetricCollection(
        {
            "accuracy": MulticlassAccuracy(k, average="micro", validate_args=False),
            "balanced_accuracy": BalancedAccuracy(k, validate_args=False),
            "precision": ClasswiseWrapper(precision, names, prefix="precision/"),
            "recall": ClasswiseWrapper(recall, names, prefix="recall/"),
            "confusion": MulticlassConfusionMatrix(k, validate_args=False),
        }
    )


def class_table(scores: Mapping[str, float], classes: Sequence[str], title: str, width: int) -> Table:
    """Lay precision and recall of each class out side by side, as the paper's tables, in at most ``width`` letters."""
    longest = max(len("class"), *map(len, classes))
    side_by_side = min((width - 1) // (longest + len("precision") + len("recall") + 9), 1 + len(classes) // 10)
    rows = math.ceil(len(classes) / max(1, side_by_side))
    blocks = [classes[i : i + rows] for i in range(0, len(classes), rows)]
    table = Table(title=title, title_justify="left")
    for _ in blocks:
        table.add_column("class")
        table.add_column("precision", justify="right")
        table.add_column("recall", justify="right")
    for across in zip_longest(*blocks):
        cells: list[str] = []
        for name in across:
            values = (scores[f"{kind}/{name}"] for kind in ("precision", "recall") if name is not None)
            cells += ["", "", ""] if name is None else [escape(name), *(f"{value:.4f}" for value in values)]
        table.add_row(*cells)
    return table
