"""How far draws are from another decision at each PSNR, class by class: what the paper's scatter plots cannot say."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convstab.errors import InputError
from convstab.evaluation.cells import NOT_DEFINED, as_cell
from convstab.evaluation.result import StabilityResult
from convstab.files.csv_text import csv_text
from convstab.ledger.tables import Table
from convstab.statistics.boundary import flip_chance_of_margins
from convstab.statistics.intervals import Floats
from convstab.statistics.rates import ratio
from convstab.units import Integers

MARGINS = "margins.csv"
ALL = "all classes"
SHARES = (0.1, 0.5, 0.9)  # of the draws, which have a smaller margin
PSNR_EDGES = np.arange(0.0, 61.0)  # dB; the outer bins take what lies beyond
BINS, WIDTHS = 80, (1.0, 2.0, 5.0, 10.0)  # at most so many bins of margins, so wide, or a power of ten times that
WITHIN = 4  # edges in each bin, between which shares are interpolated


@dataclass(frozen=True, eq=False)  # of arrays
class Margins:
    """The margins of the draws under L levels that degrade, of the images that are correct when clean.

    A margin is the logit of the label less the greatest other: below 0 the draw is misclassified. The first of the K
    rows is of all classes, the others are of one each.

    names: of the rows. family: what was done to the images. levels: from the mildest to the worst.
    images: (K,). never: those of them whose mean margin is above 0 under every level.
    drawn: images that were drawn, (K, L). psnr: dB, mean of their draws that are not the clean image; inf: there are
        none. flips: share of the draws that are misclassified, counted.
    edges: logits, (M + 1,), 0 among them. below: share of the draws with a smaller margin, (K, L, M + 1).
    density: share of all draws, levels weighing alike, by PSNR and margin, (K, 60, M / 4).
    """

    names: tuple[str, ...]
    family: str
    levels: Floats
    images: Integers
    never: Integers
    drawn: Integers
    psnr: Floats
    flips: Floats
    edges: Floats
    below: Floats
    density: Floats

    @classmethod
    def of(cls, result: StabilityResult) -> "Margins":
        """The margins of an evaluation, from the mean and the spread that it keeps of each image and level.

        The draws of an image under a level are taken as normal, and the share of them below a margin is told without
        bias, as ``chance`` of the ledger is. ``flips`` is counted: where it is not ``below`` 0, they are not normal.

        Raises InputError without clean images, degraded ones, any that is correct when clean, or logits.

        >>> import torch, convstab as cs
        >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 2)).eval()
        >>> images = cs.Images(torch.rand(20, 3, 8, 8), torch.arange(20) % 2)
        >>> margins = Margins.of(cs.evaluate(model, images, levels=[10, 40], draws=10))
        >>> margins.names, margins.below.shape[:2]
        (('all classes', '0', '1'), (3, 2))
        """
        check(result)
        some, clean_correct = result.degraded, result.rates[:, 0] == 1
        names = "draws", "identical", "correct", "psnr_mean", "margin_mean", "margin_sd"
        columns = {name: result.by_image(name)[:, some] for name in names}
        edges = edges_of({name: column[clean_correct] for name, column in columns.items()})
        classes = range(len(result.classes))
        of_class = [
            sums({n: c[clean_correct & (result.labels == k)] for n, c in columns.items()}, edges) for k in classes
        ]
        total = {name: np.stack([one[name] for one in of_class]) for name in of_class[0]}
        total = {name: np.concatenate([values.sum(0, keepdims=True), values]) for name, values in total.items()}
        drawn, finite = total["drawn"], total["finite"]
        return cls(
            (ALL, *result.classes),
            result.degradation.in_words,
            result.levels[some],
            total["images"],
            total["never"],
            drawn,
            np.where((finite == 0) & (drawn > 0), np.inf, ratio(total["psnr"], finite)),
            ratio(total["flips"], drawn),
            edges,
            ratio(total["below"], drawn[..., None]),
            ratio(total["density"], drawn.sum(1)[:, None, None]),
        )

    def quantile(self, share: float) -> Floats:
        """The margin that this share of the draws falls short of, (K, L), interpolated between edges; NaN: no draw."""
        after = (self.below < share).sum(2).clip(1, len(self.edges) - 1)  # of no draw any: it is NaN
        low, high = (np.take_along_axis(self.below, place[..., None], 2)[..., 0] for place in (after - 1, after))
        found: Floats = self.edges[after - 1] + np.diff(self.edges)[0] * ratio(share - low, high - low)
        return found

    def reaches_zero(self, share: float) -> Floats:
        """PSNR in dB at which this share of the draws is misclassified, (K,), by the margin that it falls short of.

        Interpolated between two levels. inf: already under the mildest level, so at more than its PSNR; -inf: under no
        level; NaN: no draw.
        """
        curves = zip(self.psnr, self.quantile(share), strict=True)
        return np.array([crossing(psnr, margin) for psnr, margin in curves])

    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns of margins.csv, a value for each row and level."""
        rows, levels = self.drawn.shape
        label = np.array(["", *map(str, range(rows - 1))], object)
        found: dict[str, NDArray[Any]] = {
            "label": label.repeat(levels),
            "class": np.array(self.names, object).repeat(levels),
            "level": np.tile(self.levels, rows),
            "psnr": self.psnr.ravel(),
            "images": self.drawn.ravel(),
        }
        found |= {f"margin_{100 * share:g}": self.quantile(share).ravel() for share in SHARES}
        zero = int(np.abs(self.edges).argmin())
        return found | {"below_zero": self.below[..., zero].ravel(), "flips": self.flips.ravel()}

    def as_csv(self) -> str:
        """A row for all classes and each level, then for each class and level."""
        columns = self.columns()
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        return csv_text(list(columns), (list(map(as_cell, row)) for row in rows))

    def table(self) -> str:
        """A row for each class with images: at which PSNR its draws flip, and how many images never do, as Markdown."""
        least, greatest = least_and_greatest(self.psnr[0])
        tenth, half = ([in_words(psnr, least, greatest) for psnr in self.reaches_zero(one)] for one in SHARES[:2])
        rows = zip(self.names, map(str, self.images), tenth, half, map(str, self.never), strict=True)
        head = ["class", "images", "a tenth of the draws flips at (dB)", "half of them at", "images that never do"]
        table = Table(head, [row for row, images in zip(rows, self.images, strict=True) if images])
        note = (
            f"Margins under {self.family}, of images that are correct when clean; < and >: beyond the PSNR of all "
            "levels. An image never flips where the mean margin of its draws is above 0 under every level."
        )
        return f"{table.as_markdown()}\n{note}\n"


def check(result: StabilityResult) -> None:
    """Raise InputError for an evaluation that does not tell margins of noisy images that are correct when clean."""
    if not result.scored:
        raise InputError("the model gave decisions only: there are no margins")
    if result.degraded[0] or not result.degraded.any():
        raise InputError("margins need clean images and degraded ones")
    if not (result.rates[:, 0] == 1).any():
        raise InputError("no image is correct when clean: there are no margins to lose")


def edges_of(columns: dict[str, NDArray[Any]]) -> Floats:
    """Edges of the bins of margins: 0 is one of them, and beyond the last there is no draw."""
    there = columns["draws"] > 0
    mean, reach = columns["margin_mean"][there], (columns["margin_sd"] * np.sqrt(columns["draws"].clip(1) - 1))[there]
    low, high = float((mean - reach).min(initial=0)), float((mean + reach).max(initial=0))
    least = max(high - low, 1e-6) / (BINS - 2)
    power = 10.0 ** np.floor(np.log10(least))
    width = power * next(width for width in WIDTHS if width * power >= least)
    first, last = np.floor(low / width), np.floor(high / width) + 1
    edges: Floats = np.arange(first * WITHIN, last * WITHIN + 1) * (width / WITHIN)
    return edges


def sums(columns: dict[str, NDArray[Any]], edges: Floats) -> dict[str, NDArray[Any]]:
    """What adds up over images, of some of them: see ``Margins``. columns: (n, L) each."""
    draws, finite = columns["draws"], columns["draws"] - columns["identical"]
    drawn, mean, spread = draws > 0, columns["margin_mean"], columns["margin_sd"]
    ahead = mean[..., None] - edges
    below = flip_chance_of_margins(ahead, spread[..., None], draws.clip(1)[..., None]) * drawn[..., None]
    below[..., 0], below[..., -1] = 0, drawn
    psnr = np.where(finite > 0, columns["psnr_mean"], np.inf)
    place = (np.searchsorted(PSNR_EDGES, psnr, side="right") - 1).clip(0, len(PSNR_EDGES) - 2)
    density = np.zeros((len(PSNR_EDGES) - 1, (len(edges) - 1) // WITHIN))
    np.add.at(density, place, np.diff(below[..., ::WITHIN]))
    return {
        "images": np.array(len(draws)),
        "never": np.array(((mean > 0) | ~drawn).all(1).sum()),
        "drawn": drawn.sum(0),
        "finite": finite.sum(0),
        "psnr": (np.where(finite > 0, psnr, 0) * finite).sum(0),
        "flips": ((draws - columns["correct"]) / draws.clip(1)).sum(0),
        "below": below.sum(0),
        "density": density,
    }


def crossing(psnr: Floats, values: Floats) -> float:
    """PSNR at which a curve over the levels, from the mildest on, is first at 0; see ``Margins.reaches_zero``."""
    told = np.isfinite(psnr) & ~np.isnan(values)
    psnr, values = psnr[told], values[told]
    if not len(values):
        return np.nan
    place = int((values <= 0).argmax())
    if place == 0:
        return np.inf if values[0] <= 0 else -np.inf
    way = values[place - 1] / (values[place - 1] - values[place])
    return float(psnr[place - 1] + way * (psnr[place] - psnr[place - 1]))


def least_and_greatest(psnr: Floats) -> tuple[float, float]:
    """Of the levels that change the images; NaN where there are none."""
    found = psnr[np.isfinite(psnr)]
    return (float(found.min()), float(found.max())) if len(found) else (np.nan, np.nan)


def in_words(value: float, least: float, greatest: float) -> str:
    """A PSNR with a decimal, or beyond which of those measured it lies."""
    if np.isnan(value):
        return NOT_DEFINED
    return f"{value:.1f}" if np.isfinite(value) else f"> {greatest:.1f}" if value > 0 else f"< {least:.1f}"
