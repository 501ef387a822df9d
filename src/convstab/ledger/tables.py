"""What a ledger comes to, as tables and sentences."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from convstab.attacks.verification import CUT_OFF
from convstab.evaluation.cells import NOT_DEFINED, estimate_cells, in_percent, level_in_words
from convstab.ledger.columns import column_of
from convstab.ledger.ledger import Ledger
from convstab.statistics import intervals
from convstab.statistics.boundary import flip_chance
from convstab.statistics.intervals import Floats
from convstab.statistics.sequential import draws_needed

SEEN = 2.576  # standard deviations: a boundary at this distance lets one draw in 200 through
TENTH = 0.1
BEATEN, SOME = 0.95, 0.05  # a norm so many times as large is clearly less; and what share of images may be so by luck


def as_markdown(ledger: Ledger) -> str:
    """The distances of the images, what the levels do to them, and sentences on what may be said of it."""
    tables = [distances(ledger)] if any(True for _ in ways(ledger)) else []
    return "\n".join([*tables, levels(ledger), *(f"{line}\n" for line in sentences(ledger))])


def distances(ledger: Ledger) -> str:
    """A row for each way to tell how far images are from failing: their median and the nearest tenth."""
    head = ["distance to failing, L2 in grey levels", "it is", "images", "median (95 %)", "nearest 10 %"]
    rows = [
        [name, what, str(some.sum()), *quantiles(ledger, values[some], some)]
        for name, what, values, some in ways(ledger)
    ]
    return markdown(head, rows, texts=2)


def ways(ledger: Ledger) -> Iterator[tuple[str, str, Floats, NDArray[np.bool_]]]:
    """Each way to tell distances: its name, what it is, the distances, and of which clean-correct images they are."""
    correct, tried = ledger.rows["clean_correct"], ledger.settings["attacks"]
    several = [(name, f"perturbation_{name}") for name in tried if len(tried) > 1]
    for name, column in [("least of all attacks" if several else tried[0] if tried else "", "perturbation"), *several]:
        some = correct & ~np.isnan(ledger.rows[column])
        if some.any():
            yield name, "upper bound", ledger.rows[column], some
    if ledger.smoothed:
        yield "flat-boundary law", "estimate", far(ledger), correct


def radius_of(ledger: Ledger, level: float) -> Floats:
    """Radius of the certificate of each clean-correct image under a level; 0 where the smoothed model abstains."""
    radius = ledger.rows[column_of("radius", level)][ledger.rows["clean_correct"]]
    return np.where(radius > 0, radius, 0.0)  # NaN is not


def far(ledger: Ledger) -> Floats:
    """The distances of the law; infinite where no draw fails: the boundary is further than noise reaches."""
    distance, flips = ledger.rows["distance"], ledger.by_level("flips")
    unknown = np.where((flips > 0).all(1), 0.0, np.inf)  # where every draw fails, the image is behind its boundary
    return np.where(np.isfinite(distance), distance, unknown)


def quantiles(ledger: Ledger, values: Floats, some: NDArray[np.bool_]) -> tuple[str, str]:
    """The median with its interval, and what the nearest tenth does not exceed; infinite ones count."""
    low, high = intervals.median_ends(values, ledger.units.part(some))
    ordered = np.sort(values)
    median, tenth = (ordered[int(np.ceil(share * len(ordered))) - 1] for share in (0.5, TENTH))
    return f"{number(median)} ({number(low)} to {number(high)})", number(tenth)


def number(value: float) -> str:
    """A distance with three digits; one that is censored, or an end that too few images tell, as such."""
    return f"{value:.3g}" if np.isfinite(value) else "beyond" if value > 0 else NOT_DEFINED


def levels(ledger: Ledger) -> str:
    """A row for each level: how often clean-correct images flip, counted and told, and where images first fail."""
    head = [ledger.label, "flips", "95 %", "by margins", "by attacks", "counted there"]
    head += ["certified", "to a distance of", "first to fail", "open"]
    rows = [[level_in_words(level), *cells(ledger, place)] for place, level in enumerate(ledger.levels)]
    return markdown(head, rows)


def cells(ledger: Ledger, place: int) -> list[str]:
    """The cells of a level beside its name."""
    level, correct = ledger.levels[place], ledger.rows["clean_correct"]
    flips, chances, nearest = (ledger.rows[name] for name in (*names_of(level), "perturbation"))
    drawn, attacked = correct & ~np.isnan(flips), correct & np.isfinite(nearest)
    rate = intervals.mean(flips[drawn][:, None], units=ledger.units.part(drawn))
    law = flip_chance(nearest[attacked], level) if ledger.smoothed else np.zeros(0)
    here = ledger.rows["first_failing"] == level
    return [
        *estimate_cells(rate, 0),
        mean_in_percent(chances[correct]),
        mean_in_percent(law),
        mean_in_percent(flips[attacked & drawn]) if len(law) else NOT_DEFINED,
        *(certified(radius_of(ledger, level)) if ledger.smoothed else [NOT_DEFINED] * 2),
        *(str((here & (ledger.rows["failing"] == word)).sum()) for word in ("fails", "undecided")),
    ]


def certified(radius: Floats) -> list[str]:
    """Share of the images with a certificate, and its median radius."""
    if not len(radius):
        return [NOT_DEFINED] * 2
    return [in_percent(float((radius > 0).mean())), number(float(np.median(radius)))]


def names_of(level: float) -> tuple[str, str]:
    """The columns of counted and of told flips."""
    return column_of("flips", level), column_of("chance", level)


def mean_in_percent(values: Floats) -> str:
    """The mean of those that are known, or a dash where none is."""
    known = values[~np.isnan(values)]
    return in_percent(float(known.mean())) if len(known) else NOT_DEFINED


def sentences(ledger: Ledger) -> Iterator[str]:
    """What may be said, and of what."""
    rows, tolerance = ledger.rows, ledger.settings["tolerance"]
    needed, most = draws_needed(tolerance), ledger.settings["draws"]
    few = f": it takes {needed} draws without a failure to say that a level is withstood" if most < needed else ""
    holds, undecided = (in_percent((rows["failing"] == word).mean()) for word in ("holds", "undecided"))
    yield (
        f"{in_percent(rows['clean_correct'].mean())} of {len(rows['index'])} images are correct when clean. {holds} "
        f"withstand all levels with at most {tolerance:.0%} of their draws failing (error 5 % for each image); for "
        f"{undecided} the draws do not tell which level is the first to fail{few}."
    )
    yield from warnings(ledger)
    if ledger.smoothed:
        yield from near(ledger)
        yield (
            "A certificate holds for the smoothed model, which decides as most noisy copies do, not for the model "
            f"itself. Each is wrong with a chance of at most {ledger.settings['alpha']:g}."
        )


def warnings(ledger: Ledger) -> Iterator[str]:
    """What casts doubt on the least perturbations: searches that were cut off, and gradients that mislead."""
    cut_off = np.isin(ledger.rows["ended"], CUT_OFF).sum()
    if cut_off:
        yield f"{cut_off} of the least perturbations are of searches that a limit cut off: longer ones may find less."
    by_gradients = ledger.settings["by_gradients"]
    without = [name for name in ledger.settings["attacks"] if name not in by_gradients]
    if by_gradients and without:
        white, black = (least_of(ledger, names) for names in (by_gradients, without))
        both = ledger.rows["clean_correct"] & np.isfinite(black) & ~np.isnan(white)
        beaten = int((black[both] < BEATEN * white[both]).sum())
        if beaten > SOME * both.sum():
            yield (
                f"Searches without gradients find clearly less noise than those with them on {beaten} of {both.sum()} "
                "images: the gradients of this model mislead, and so may all that rests on them."
            )


def least_of(ledger: Ledger, attacks: Sequence[str]) -> Floats:
    """The least perturbation over some attacks; NaN where none of them was made."""
    found: Floats = np.fmin.reduce([ledger.rows[f"perturbation_{name}"] for name in attacks])
    return found


def near(ledger: Ledger) -> Iterator[str]:
    """Which share of the images the mildest level can make fail at all: the paper's claim of sigma 1."""
    nearest, least = ledger.rows["perturbation"], ledger.levels[0]
    attacked = ledger.rows["clean_correct"] & ~np.isnan(nearest)
    if attacked.any():
        share = in_percent((nearest[attacked] < SEEN * least).mean())
        yield (
            f"At sigma {least:g} one draw in 200 crosses a flat boundary at {SEEN * least:.3g} grey levels: attacks "
            f"found one so near for {share} of {attacked.sum()} images."
        )


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1) -> str:
    """A table; the first columns are text, the others stand to the right."""
    marks = ["---" if place < texts else "---:" for place in range(len(head))]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, marks, *rows))
