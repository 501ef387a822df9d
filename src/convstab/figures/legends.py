"""Legends beside the data, never on them."""

from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend

Place = Literal[
    "outside lower left", "outside lower center", "outside lower right", "outside upper center", "outside upper right"
]
SIZE = 8  # points
LETTER, SAMPLE = 0.062, 0.55  # inches: a letter of this size, and a piece of line with the space around it
ROW, AROUND = 0.17, 0.1  # inches


def legend(
    figure: Figure, *axes: Axes, where: Place = "outside lower center", share: float = 1, title: str = "", **more: Any
) -> Legend:
    """Name what some axes show, each name once, outside all axes, in as many columns as there is room for.

    The figure grows by the legend's rows, so that the axes keep their size.

    Args:
        figure: of a constrained layout.
        axes: whose names are listed.
        where: as matplotlib says it.
        share: of the figure's width that the legend may take.
        title: above the names.
        more: for matplotlib.
    """
    named = {name: item for one in axes for item, name in zip(*one.get_legend_handles_labels(), strict=True)}
    widest = LETTER * max(map(len, named), default=0) + SAMPLE
    columns = max(1, min(len(named), int(share * figure.get_figwidth() / widest)))
    rows = -(-len(named) // columns) + bool(title)
    figure.set_figheight(figure.get_figheight() + ROW * rows + AROUND)
    style: dict[str, Any] = {"ncols": columns, "frameon": False, "fontsize": SIZE, "title_fontsize": SIZE, **more}
    style["title"] = title or None
    return figure.legend(list(named.values()), list(named), loc=where, **style)
