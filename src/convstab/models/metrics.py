"""torchmetrics collections, named by class."""

from collections.abc import Sequence

from torch import Tensor
from torchmetrics import ClasswiseWrapper, MetricCollection
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassConfusionMatrix,
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


class ClassRates(MulticlassConfusionMatrix):
    """The precision or the recall of each class, NaN where it is not defined.

    That is the recall of a class without images, and the precision of one that was never predicted, as ``evaluate``
    has it; torchmetrics takes both as 0.

    dim: 0 for the precision, the share of the predictions; 1 for the recall, the share of the images.
    """

    def __init__(self, num_classes: int, dim: int) -> None:
        super().__init__(num_classes, validate_args=False)
        self.dim = dim

    def compute(self) -> Tensor:
        """The rates, (K,)."""
        confusion = super().compute().double()
        return (confusion.diagonal() / confusion.sum(self.dim)).float()  # 0 / 0 is NaN


def class_scores(classes: Sequence[str]) -> MetricCollection:
    """Collect accuracy, balanced accuracy, ``precision/<class>``, ``recall/<class>`` and confusion from logits (N, K).

    A precision or recall that is not defined is NaN. ``confusion`` is (K, K): row = label, column = prediction.
    """
    k, names = len(classes), list(classes)
    return MetricCollection(
        {
            "accuracy": MulticlassAccuracy(k, average="micro", validate_args=False),
            "balanced_accuracy": BalancedAccuracy(k, validate_args=False),
            "precision": ClasswiseWrapper(ClassRates(k, dim=0), names, prefix="precision/"),
            "recall": ClasswiseWrapper(ClassRates(k, dim=1), names, prefix="recall/"),
            "confusion": MulticlassConfusionMatrix(k, validate_args=False),
        }
    )
