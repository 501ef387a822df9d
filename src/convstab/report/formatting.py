"""Numbers and names as a reader takes them: shares in per cent, differences in points, data sets by their names."""

import math
from collections.abc import Sequence

from convstab.evaluation.measures import Measures
from convstab.report.results import Source

NAMES = {"mnist": "MNIST", "cifar10": "CIFAR-10", "gtsrb": "GTSRB", "digits": "digits (8 x 8 pixels)"}


def dataset_name(dataset: str) -> str:
    """The name of a data set in running text."""
    return NAMES.get(dataset, dataset)


def is_published(source: Source) -> bool:
    """Whether a result is of a data set that convstab knows by name: the images of a user's own have no publisher."""
    return source.dataset in NAMES


def named(source: Source) -> str:
    """The data set of a result, with a note where its files are not the publisher's."""
    note: dict[bool | None, str] = {True: "", False: " (not the publisher's files)"}
    return dataset_name(source.dataset) + note.get(source.official, " (unknown whether the publisher's files)")


def in_percent(share: float) -> str:
    """A share in per cent, with as many digits as it needs; "none" for what cannot be counted."""
    if math.isnan(share):
        return "none"
    size = abs(100 * share)
    if size == 0:
        return "0 %"
    if size >= 0.1:
        return f"{100 * share:.2f} %"
    return f"{100 * share:.4f} %" if size >= 1e-4 else f"{100 * share:.1g} %"


def points(difference: float) -> str:
    """A difference of shares in percentage points, with its sign; two digits that count where it is small."""
    size = abs(100 * difference)
    if size < 5e-4:
        return "0.00 points"
    return f"{100 * difference:+.2f} points" if size >= 0.1 else f"{100 * difference:+.3f} points"


def factor(number: float) -> str:
    """A norm, or how many times one is another."""
    return "infinite" if math.isinf(number) else f"{number:.3g}"


def count(number: int, thing: str, plural: str | None = None) -> str:
    """For example "1 image", "10,000 images", "2 copies"."""
    return f"{number:,} {thing if number == 1 else plural or thing + 's'}"


def of_draws(result: Measures, thing: str, plural: str | None = None) -> str:
    """The same of the draws of each image and level, for example "10 draws", "2 to 16 draws"."""
    return f"{result.draws_in_words} {thing if result.draws == 1 else plural or thing + 's'}"


def listed(items: Sequence[str]) -> str:
    """Items as a list in a sentence."""
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last


def levels_in_words(levels: Sequence[float]) -> str:
    """Noise levels in a sentence."""
    return listed([f"{level:g}" for level in levels])
