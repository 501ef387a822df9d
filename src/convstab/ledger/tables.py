"""What a ledger comes to, as tables: how far images are from failing, what each level does to them, class by class."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from convstab.attacks.result import quantile
from convstab.evaluation.cells import NOT_DEFINED, estimate_cells, in_percent, level_in_words
from convstab.files.markdown_text import markdown_text
from convstab.ledger.columns import column_of
from convstab.ledger.ledger import Ledger
from convstab.ledger.sentences import certifies, far, law_tells, sentences, tells_first_failing
from convstab.statistics import intervals
from convstab.statistics.boundary import flip_chance
from convstab.statistics.intervals import Floats

LAW = "flat-boundary law"
TENTH = 10  # images, below which a tenth of them is none


@dataclass(frozen=True)
class Table:
    """Cells as text: head of the columns, and rows. texts: how many of the columns, the first ones, are no numbers."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: int = 1

    def as_markdown(self) -> str:
        """The table, its numbers to the right."""
        escaped = ([cell.replace("|", "\\|") for cell in row] for row in self.rows)
        return markdown_text(self.head, escaped, self.texts)


def as_markdown(ledger: Ledger) -> str:
    """The distances of the images, what the levels do to them, and sentences on what may be said of it."""
    tables = [table.as_markdown() for table in (distances(ledger), levels(ledger)) if table.rows]
    return "\n".join([*tables, *(f"{line}\n" for line in sentences(ledger))])


def distances(ledger: Ledger) -> Table:
    """A row for each way to tell how far images are from failing: their median and nearest tenth."""
    head = ["distance to failing, L2 in grey levels", "it is", "images", "median (95 %)", "nearest 10 %"]
    rows = [
        [name, what, str(some.sum()), *quantiles(ledger, values[some], some)]
        for name, what, values, some in ways(ledger)
        if name != LAW or law_tells(ledger)
    ]
    return Table(head, rows, texts=2)


def ways(ledger: Ledger) -> Iterator[tuple[str, str, Floats, NDArray[np.bool_]]]:
    """Each way to tell distances: its name, what it is, the distances, and of which clean-correct images they are."""
    correct, tried = ledger.rows["clean_correct"], ledger.settings["attacks"]
    several = [(name, f"perturbation_{name}") for name in tried if len(tried) > 1]
    for name, column in [("least of all attacks" if several else "".join(tried), "perturbation"), *several]:
        some = correct & ~np.isnan(ledger.rows[column])
        if some.any():
            yield name, "upper bound", ledger.rows[column], some
    if ledger.smoothed and correct.any():
        told = (correct & np.isfinite(ledger.rows["distance"])).sum()
        yield LAW, f"estimate, told for {told}", far(ledger).clip(0), correct
    if "lower_bound" in ledger.rows and correct.any():
        yield "steepness of the layers", "lower bound, loose", ledger.rows["lower_bound"], correct


def radius_of(ledger: Ledger, level: float) -> Floats:
    """Radius of the certificate of each clean-correct image under a level; 0 where the smoothed model abstains."""
    radius = ledger.rows[column_of("radius", level)][ledger.rows["clean_correct"]]
    return np.where(radius > 0, radius, 0.0)  # NaN is not


def quantiles(ledger: Ledger, values: Floats, some: NDArray[np.bool_]) -> tuple[str, str]:
    """The median with its interval, and what the nearest tenth does not exceed; infinite ones count."""
    ends = (quantile(values, 50), *intervals.median_ends(values, ledger.units.part(some)))
    median, low, high = map(number, ends)
    told = f"{median} ({low} to {high})" if np.isfinite(ends).any() else median
    return told, number(quantile(values, 10)) if len(values) >= TENTH else NOT_DEFINED


def number(value: float) -> str:
    """A distance with three digits; one that is censored, or an end that too few images tell, as such."""
    if not np.isfinite(value):
        return "beyond" if value > 0 else NOT_DEFINED
    return f"{value:.3g}" if value < 999.5 else f"{value:,.0f}"  # and not 1e+03


def levels(ledger: Ledger) -> Table:
    """A row for each level, of clean-correct images: how often they flip, counted and told, and where they fail."""
    head = [ledger.label, "flips", "95 %", "by margins", "by attacks", "counted there"]
    head += ["certified", "median radius"] if certifies(ledger) else []
    head += ["first to fail", "open"] if tells_first_failing(ledger) else []
    return filled(Table(head, [[level_in_words(level), *cells(ledger, level)] for level in ledger.levels]))


def filled(table: Table) -> Table:
    """The table without the columns of which no row has anything to tell."""
    kept = [place for place, column in enumerate(zip(*table.rows, strict=True)) if set(column) != {NOT_DEFINED}]
    return Table(
        [table.head[place] for place in kept], [[row[place] for place in kept] for row in table.rows], table.texts
    )


def classes(ledger: Ledger) -> Table:
    """A row for each class with clean-correct images: how far these are from failing, and how often they flip."""
    told = list(islice(ways(ledger), 1))  # the least perturbation where there were attacks, else the law
    ended = [f"{name}: {what}" for name, *_ in told for what in ("median (95 %)", "nearest 10 %")]
    head = ["class", "images", *ended, f"flips at {level_in_words(ledger.levels[-1])}", "95 %"]
    each = [ledger.rows["clean_correct"] & (ledger.rows["label"] == label) for label in range(len(ledger.classes))]
    named = [(name, some) for name, some in zip(ledger.classes, each, strict=True) if some.any()]
    distances = [(values, some) for _, _, values, some in told]
    return Table(head, [[name, str(some.sum()), *class_cells(ledger, some, distances)] for name, some in named])


def class_cells(
    ledger: Ledger, of_class: NDArray[np.bool_], told: Sequence[tuple[Floats, NDArray[np.bool_]]]
) -> Iterator[str]:
    """The cells of a class beside its name and number of images; told: distances, and of which images they are."""
    for values, some in told:
        here = some & of_class
        yield from quantiles(ledger, values[here], here) if here.any() else [NOT_DEFINED] * 2
    flips = ledger.rows[column_of("flips", ledger.levels[-1])]
    drawn = of_class & ~np.isnan(flips)
    yield from estimate_cells(intervals.mean(flips[drawn][:, None], units=ledger.units.part(drawn)), 0)


def cells(ledger: Ledger, level: float) -> list[str]:
    """The cells of a level beside its name."""
    correct, nearest = ledger.rows["clean_correct"], ledger.rows["perturbation"]
    flips, chances = (ledger.rows[column_of(name, level)] for name in ("flips", "chance"))
    drawn, attacked = correct & ~np.isnan(flips), correct & ~np.isnan(nearest)
    rate = intervals.mean(flips[drawn][:, None], units=ledger.units.part(drawn))
    law = flip_chance(nearest[attacked], level) if ledger.smoothed else np.zeros(0)
    here = correct & (ledger.rows["first_failing"] == level)
    found = [
        *estimate_cells(rate, 0),
        mean_in_percent(chances[correct]),
        mean_in_percent(law),
        mean_in_percent(flips[attacked & drawn]) if len(law) else NOT_DEFINED,
    ]
    found += certified(radius_of(ledger, level)) if certifies(ledger) else []
    if tells_first_failing(ledger):
        found += [str((here & (ledger.rows["failing"] == word)).sum()) for word in ("fails", "undecided")]
    return found


def certified(radius: Floats) -> list[str]:
    """Share of the images with a certificate, and the median radius of all, 0 where there is none."""
    if not len(radius):
        return [NOT_DEFINED] * 2
    return [in_percent(float((radius > 0).mean())), number(float(np.median(radius)))]


def mean_in_percent(values: Floats) -> str:
    """The mean of those that are known, or a dash where none is."""
    known = values[~np.isnan(values)]
    return in_percent(float(known.mean())) if len(known) else NOT_DEFINED
