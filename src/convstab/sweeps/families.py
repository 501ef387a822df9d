"""One model under several degradations that leave its images the same PSNR: which of them it bears worst."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
from scipy.integrate import trapezoid

from convstab.errors import InputError
from convstab.evaluation.cells import NOT_DEFINED, four_digits, in_percent, level_in_words
from convstab.evaluation.measures import Measures
from convstab.files.csv_text import csv_text
from convstab.statistics.intervals import Floats

TABLE = "families.csv"
MOST = 0.9  # of the images must have a PSNR for a mean over them to be shown: those that cannot are not any ones


class Families:
    """Evaluations at equal quality: the same images at the same PSNR, each under another degradation.

    results: by the degradation, in words. Raises InputError for evaluations that are not.
    """

    def __init__(self, results: Sequence[Measures]) -> None:
        self.results: Mapping[str, Measures] = {result.degradation.in_words: result for result in results}
        first = results[0]
        if len(self.results) < max(2, len(results)):
            raise InputError("they are not of several degradations, each once")
        for name, result in self.results.items():
            if not result.protocol.by_psnr or result.protocol.levels != first.protocol.levels:
                raise InputError(f"{name} has no PSNR for levels, or other ones")
            if not len(self.psnr):
                raise InputError("there is no PSNR but that of the clean images")
            if not np.array_equal(result.by_image("index")[:, 0], first.by_image("index")[:, 0]):
                raise InputError(f"{name} is of other images")

    @property
    def psnr(self) -> Floats:
        """The PSNR in dB, from the mildest; the clean images are not among them."""
        levels = next(iter(self.results.values())).levels
        return levels[np.isfinite(levels)]

    @cached_property
    def images(self) -> dict[str, Floats]:
        """Share of the images that can have each PSNR, by the degradation."""
        return {name: result.share_drawn[result.degraded] for name, result in self.results.items()}

    def shown(self, name: str, values: Floats) -> Floats:
        """Values of each PSNR, NaN where a tenth of the images or more cannot have it."""
        return np.where(self.images[name] > MOST, values[self.results[name].degraded], np.nan)

    def area(self, name: str) -> float:
        """The mean accuracy over the PSNR in between the least and the greatest; NaN where one of them is not shown."""
        accuracy = self.shown(name, self.results[name].accuracy.value)
        if len(accuracy) == 1:
            return float(accuracy[0])
        return float(trapezoid(accuracy, -self.psnr) / (self.psnr[0] - self.psnr[-1]))

    @property
    def worst_first(self) -> list[str]:
        """The degradations in the order of the area, those without one last."""
        return sorted(self.results, key=lambda name: (np.isnan(self.area(name)), self.area(name)))


def families_csv(families: Families) -> str:
    """One row for each degradation and PSNR: accuracy, flip rate, SSIM, and the share of images that can have it."""
    rows = []
    for name in families.worst_first:
        result = families.results[name]
        accuracy, flips = result.accuracy, result.flip_rate
        columns = [
            column[result.degraded]
            for column in (accuracy.value, accuracy.low, accuracy.high, flips.value, result.ssim)
        ]
        for psnr, *numbers in zip(families.psnr, *columns, families.images[name], strict=True):
            cells = ["" if np.isnan(number) else f"{number:.6f}" for number in (*numbers, families.area(name))]
            rows.append([name, f"{psnr:g}", *cells])
    return csv_text(
        ["degradation", "psnr", "accuracy", "low", "high", "flip_rate", "ssim", "share_of_images", "area"], rows
    )


def families_markdown(families: Families) -> str:
    """Accuracy under each degradation at each PSNR, and the mean over them; the worst degradation first. Then SSIM."""
    head = ["degradation", *(f"{level_in_words(psnr)} dB" for psnr in families.psnr)]
    accuracy, similarity = table_head([*head, "mean"]), table_head(["SSIM", *head[1:]])
    for name in families.worst_first:
        result = families.results[name]
        numbers = [*families.shown(name, result.accuracy.value), families.area(name)]
        accuracy.append(f"| {' | '.join([name, *map(in_percent, numbers)])} |")
        similarity.append(f"| {' | '.join([name, *map(four_digits, families.shown(name, result.ssim))])} |")
    note = (
        f'Mean: the area under the curve. "{NOT_DEFINED}": {100 * (1 - MOST):.0f} % of the images or more '
        "cannot have this PSNR. "
        "SSIM: the structural similarity of the copies to the clean images, at most 1."
    )
    return "\n".join([*accuracy, "", *similarity, "", note, ""])


def table_head(names: Sequence[str]) -> list[str]:
    """The first two lines of a Markdown table of numbers."""
    return [f"| {' | '.join(names)} |", "|---|" + "---:|" * (len(names) - 1)]
