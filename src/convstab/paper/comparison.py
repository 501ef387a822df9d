"""Numbers of a table beside those that the paper printed."""

from collections.abc import Mapping, Sequence

import numpy as np

from convstab.paper import PaperTable
from convstab.report.content import ClassRow, Number
from convstab.statistics import intervals
from convstab.statistics.intervals import Estimate, Floats
from convstab.statistics.rates import accuracy, balanced_accuracy
from convstab.units import Integers, Units


def class_rows(
    classes: Sequence[str], images: Integers, precision: Estimate, recall: Estimate, paper: PaperTable | None
) -> list[ClassRow]:
    """The rows of a table; an end of an interval that is NaN is not known, nor is a class without images."""
    theirs = (paper.precision, paper.recall) if paper else (None, None)
    known = [where_tested(mine, images) for mine in (precision, recall)]
    columns = [numbers(mine, printed) for mine, printed in zip(known, theirs, strict=True)]
    return [ClassRow(*row) for row in zip(classes, images.tolist(), *columns, strict=True)]


def where_tested(mine: Estimate, images: Integers) -> Estimate:
    """NaN for the classes without images: what is taken for one of them is wrong, whatever the model is."""
    return Estimate(*(np.where(images > 0, column, np.nan) for column in (mine.value, mine.low, mine.high)))


def numbers(mine: Estimate, printed: Sequence[float] | None) -> list[Number]:
    """A number for each class, beside the paper's."""
    theirs = [None] * len(mine.value) if printed is None else list(printed)
    ends = ([None if np.isnan(end) else float(end) for end in column] for column in (mine.low, mine.high))
    return [Number(*row) for row in zip(mine.value.tolist(), *ends, theirs, strict=True)]


def shares(rates: Floats, images: Integers, images_each: float) -> Estimate:
    """Shares of images, so many for each independent unit, with their intervals; NaN where there is no image."""
    known = np.nan_to_num(rates)
    low, high = intervals.clopper_pearson(known, np.maximum(images / images_each, 1.0))
    return Estimate(rates, *(np.where(np.isnan(rates), np.nan, end) for end in (low, high)))


def by_class(rates: Floats, labels: Integers, classes: int, units: Units) -> Estimate:
    """The recall of each class with its interval over units, NaN without any; rates: (n,), of each image."""
    members = [labels == label for label in range(classes)]
    found = [accuracy(rates[member][:, None], units.part(member)) for member in members]
    return Estimate(*(np.array([vars(one)[name][0] for one in found]) for name in ("value", "low", "high")))


def accuracies(rates: Floats, labels: Integers, paper: PaperTable | None, units: Units) -> dict[str, Number]:
    """Accuracy and balanced accuracy, each beside the paper's number of its kind; rates: (n,), of each image."""
    column, theirs = rates[:, None], like_for_like(paper)
    over_all, balanced = accuracy(column, units), balanced_accuracy(column, labels, units)
    return {
        name: Number(float(rate.value[0]), float(rate.low[0]), float(rate.high[0]), theirs.get(name))
        for name, rate in (("accuracy", over_all), ("balanced accuracy", balanced))
    }


def like_for_like(paper: PaperTable | None) -> Mapping[str, float]:
    """What the paper's table says of each kind of accuracy, as far as it does."""
    if paper is None:
        return {}
    if paper.dataset == "gtsrb":  # what is printed is the mean of the class recalls
        return {"accuracy": paper.weighted_recall, "balanced accuracy": paper.accuracy}
    equal = len(set(paper.images)) == 1  # then both are the same
    return {"accuracy": paper.accuracy} | ({"balanced accuracy": paper.accuracy} if equal else {})
