"""torchmetrics collections, named by class, and the table that shows them."""

from collections.abc import Mapping, Sequence

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


def class_table(scores: Mapping[str, float], classes: Sequence[str], title: str, rows: int = 15) -> Table:
    """Lay precision and recall of each class out in the form of the paper's Table 1, ``rows`` classes a column."""
    table = Table(title=title, title_justify="left")
    blocks = [classes[i : i + rows] for i in range(0, len(classes), rows)]
    for _ in blocks:
        table.add_column("class", max_width=28, no_wrap=True)
        table.add_column("precision", justify="right")
        table.add_column("recall", justify="right")
    for row in range(len(blocks[0])):
        cells = []
        for block in blocks:
            name = block[row] if row < len(block) else None
            keys = (f"precision/{name}", f"recall/{name}")
            cells += ["", "", ""] if name is None else [escape(name), *(f"{scores[key]:.4f}" for key in keys)]
        table.add_row(*cells)
    return table
