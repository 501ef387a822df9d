"""Several curves in one figure: in one panel or, where they are many, in a panel each, the others grey behind it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from textwrap import wrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from convstab.figures.legends import legend
from convstab.figures.style import COLOURS, labelled
from convstab.statistics.intervals import Floats

MOST = 6  # curves of a panel; more of them, with their bands, would hide each other
BAND, FULL = 0.2, 3  # opacity of a band, and the most bands that have all of it: more would hide each other
WIDTH, COLUMNS, ROW = 10, 6, 1.5  # inches; panels beside each other at most; inches
LETTERS = 140  # of the names above all panels of a row, side by side
CHOSEN, OTHER = COLOURS[0], "0.8"


@dataclass(frozen=True)
class Curve:
    """A line and what it is called.

    look: among others, as matplotlib says it. ends: of its 95 % intervals, where it has any.
    """

    name: str
    x: Floats
    y: Floats
    look: Mapping[str, Any]
    ends: tuple[Floats, Floats] | None = None

    def draw(self, axis: Axes, label: str = "", among: int = 1, **look: Any) -> None:
        """The line, and its interval as a band that is the paler, the more there are; among: so many."""
        style = {"markersize": 4, "linewidth": 1.4, **self.look, **look}
        axis.plot(self.x, self.y, label=label, **style)
        if self.ends is not None:
            opacity = BAND * min(1, FULL / among) ** 0.5
            axis.fill_between(self.x, *self.ends, color=style["color"], alpha=opacity, linewidth=0)


@dataclass(frozen=True)
class Chart:
    """Curves of one measure.

    finish: gives an axis that has some of them its words and limits.
    """

    title: str
    curves: Sequence[Curve]
    finish: Callable[[Axes], None]


def drawn(charts: Sequence[Chart], what: str = "") -> Figure:
    """Charts of the same things, side by side; of many things as small multiples, one chart above the other.

    what: the names of the curves say, for example what trainings differ in.
    """
    return multiples(charts, what) if len(charts[0].curves) > MOST else side_by_side(charts, what)


def side_by_side(charts: Sequence[Chart], what: str) -> Figure:
    """A panel for each chart, and a legend."""
    figure = Figure(figsize=(2 + 4 * len(charts), 4), layout="constrained")
    axes = figure.subplots(1, len(charts), squeeze=False)[0]
    for axis, chart in zip(axes, charts, strict=True):
        for curve in chart.curves:
            curve.draw(axis, labelled(curve.name), len(chart.curves))
        axis.set_title(chart.title)
        chart.finish(axis)
    legend(figure, axes[0], title=labelled(what))
    return figure


def multiples(charts: Sequence[Chart], what: str) -> Figure:
    """A panel for each curve of each chart, and what the colours mean."""
    count = len(charts[0].curves)
    rows = ceil(count / min(COLUMNS, ceil(sqrt(1.5 * count))))
    columns = ceil(count / rows)
    figure = Figure(figsize=(WIDTH, len(charts) * (ROW * rows + 0.7)), layout="constrained")
    for part, chart in zip(figure.subfigures(len(charts), squeeze=False)[:, 0], charts, strict=True):
        draw_panels(part, chart, rows, columns, f"{labelled(what) or 'the one'} that is named above the panel")
    legend(figure, figure.axes[0])
    return figure


def draw_panels(part: SubFigure, chart: Chart, rows: int, columns: int, label: str) -> None:
    """One curve in each, with its name; the axes are alike, and say once what they show. label: of that curve."""
    axes = part.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axis, curve in zip(axes, chart.curves, strict=False):
        for other in chart.curves:
            if other is not curve:
                Curve("", other.x, other.y, other.look).draw(axis, "the others", color=OTHER, marker="", linewidth=0.8)
        curve.draw(axis, label, color=CHOSEN, markersize=2.5)
        axis.set_title("\n".join(map(labelled, wrap(curve.name, LETTERS // columns))), fontsize=8)
        chart.finish(axis)
    once(part, list(axes[: len(chart.curves)]), columns)
    for axis in axes[len(chart.curves) :]:
        axis.set_axis_off()
    part.suptitle(chart.title)


def once(part: SubFigure, axes: Sequence[Axes], columns: int) -> None:
    """What the axes are called, for all panels together; the lowest panel of each column has numbers."""
    part.supxlabel(axes[0].get_xlabel(), fontsize=9)
    part.supylabel(axes[0].get_ylabel(), fontsize=9)
    for axis in axes:
        axis.set(xlabel="", ylabel="")
        axis.tick_params(labelsize=7)
    for axis in axes[-columns:]:
        axis.tick_params(labelbottom=True)
