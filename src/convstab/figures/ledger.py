"""Pictures of a ledger: how far images are from failing, and how well the law tells how often they fail."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convstab.figures.attack import limits, logarithmic
from convstab.figures.legends import legend
from convstab.figures.style import COLOURS, finish_axis, in_percent
from convstab.ledger.ledger import Ledger
from convstab.ledger.sentences import far
from convstab.ledger.tables import radius_of, ways
from convstab.statistics.boundary import flip_chance
from convstab.statistics.intervals import Floats
from convstab.statistics.rates import mean_of_drawn

DISTANCE = "L2 distance in grey levels"
SHOWN = 3  # certificates, of levels spread over all: twelve curves hide each other
LEAST = 1e-4  # share of draws at which a logarithmic axis ends


def of_ledger(ledger: Ledger) -> Iterator[tuple[str, Figure]]:
    """The figures of a ledger, and their names."""
    if shown := chosen_ways(ledger):
        yield "distances", distances(shown)
    if ledger.smoothed and (ledger.by_level("flips")[ledger.rows["clean_correct"]] > 0).any():
        yield "law", law(ledger)


def distances(shown: Sequence[tuple[str, str, Floats]]) -> Figure:
    """Share of the clean-correct images that are further than a distance; shown: see ``chosen_ways``."""
    figure = Figure(figsize=(6.8, 4.1), layout="constrained")
    axis = figure.subplots()
    ends = limits(np.concatenate([values[values > 0] for _, _, values in shown]))
    for number, (name, line, values) in enumerate(shown):
        draw_share(axis, values, ends, label=name, linestyle=line, color=COLOURS[number % len(COLOURS)])
    finish_axis(axis)
    axis.set(xlabel=DISTANCE, ylabel="share of the images that are further", xlim=ends, ylim=(-0.02, 1.02))
    in_percent(axis)
    logarithmic(axis, "x")
    axis.set_title("images that are correct when clean", fontsize=10)
    legend(figure, axis)
    return figure


def chosen_ways(ledger: Ledger) -> list[tuple[str, str, Floats]]:
    """Name, style of the line, and distances of what is shown: attacks, the law, and a few of the certificates."""
    found = [
        (f"{name}, {some.sum()} images", "-" if what == "upper bound" else "--", values[some])
        for name, what, values, some in ways(ledger)
    ]
    if ledger.smoothed:
        places = np.linspace(0, len(ledger.levels) - 1, min(SHOWN, len(ledger.levels))).round().astype(int)
        levels = [ledger.levels[place] for place in places if ledger.rows["clean_correct"].any()]
        found += [(f"certificate at sigma {level:g}", ":", radius_of(ledger, level)) for level in levels]
    return found


def draw_share(axis: Axes, values: Floats, ends: tuple[float, float], **style: str) -> None:
    """A falling curve: how many of the values are greater."""
    found = np.sort(values[np.isfinite(values)])
    share = 1 - np.arange(len(found) + 1) / len(values)
    places = np.concatenate([[ends[0]], found, [ends[1]]]).clip(ends[0])
    axis.step(places, np.append(share, share[-1]), where="post", linewidth=1.5, **style)  # type: ignore[arg-type]


def law(ledger: Ledger) -> Figure:
    """Flips as counted beside those that the law tells from attacks, margins and its own fit; and its distances."""
    panels = 1 + bool(both_told(ledger).any())
    figure = Figure(figsize=(5.2 * panels, 4.2), layout="constrained")
    rates, *others = figure.subplots(1, panels, squeeze=False)[0]
    draw_rates(rates, ledger)
    for axis in others:
        draw_distances(axis, ledger)
    legend(figure, rates)
    return figure


def both_told(ledger: Ledger) -> NDArray[np.bool_]:
    """The clean-correct images whose distance attacks and draws both tell."""
    nearest, distance = ledger.rows["perturbation"], ledger.rows["distance"]
    return np.asarray(ledger.rows["clean_correct"] & np.isfinite(nearest) & (distance > 0))


def draw_rates(axis: Axes, ledger: Ledger) -> None:
    """The mean flip rate under each level, counted and told, of the clean-correct images that were attacked, or all."""
    levels, nearest = np.array(ledger.levels), ledger.rows["perturbation"]
    correct = ledger.rows["clean_correct"]
    attacked = correct & ~np.isnan(nearest)
    some = attacked if attacked.any() else correct
    axis.plot(levels, ledger.by_level("flips")[some].mean(0), "o", color="0.2", label="counted")
    curvature = np.nan_to_num(ledger.rows["curvature"])[some, None]
    told = {
        "by the margins of the draws": ledger.by_level("chance")[some],
        "by the fitted boundary": flip_chance(far(ledger)[some, None], levels, curvature),
    }
    if attacked.any():
        told["by the least perturbation, if flat"] = flip_chance(nearest[some, None], levels)
    for number, (name, chances) in enumerate(told.items()):
        axis.plot(levels, mean_of_drawn(chances.T), "-", color=COLOURS[number], linewidth=1.5, label=name)
    finish_axis(axis)
    axis.set(xlabel=ledger.label, ylabel="share of misclassified draws", ylim=(LEAST, 1))
    for which in ("x", "y"):
        logarithmic(axis, which)
    in_percent(axis)
    axis.set_title(f"{some.sum()} images that are correct when clean", fontsize=10)


def draw_distances(axis: Axes, ledger: Ledger) -> None:
    """The distance that draws tell against the least perturbation, image by image."""
    nearest, distance = ledger.rows["perturbation"], ledger.rows["distance"]
    both = both_told(ledger)
    low, high = limits(np.concatenate([nearest[both], distance[both]]))
    axis.scatter(nearest[both], distance[both], s=12, alpha=0.6, linewidths=0, color=COLOURS[0])
    axis.plot([low, high], [low, high], color="0.3", linewidth=1)
    finish_axis(axis)
    axis.set(xlim=(low, high), ylim=(low, high))
    axis.set(xlabel="least perturbation of the attacks", ylabel="boundary, by the draws")
    for which in ("x", "y"):
        logarithmic(axis, which)
    axis.set_title(f"{DISTANCE}: {both.sum()} images", fontsize=10)
