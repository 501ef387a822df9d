"""What holds for every figure: nothing lies on the data, shares are in per cent, colours say how they are spaced."""

from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize, PowerNorm
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from tests.figures.every_figure import FIGURES, laid_out

COLOURED = {"heat map": PowerNorm, "confusion": PowerNorm, "scatter": LogNorm, "margins": LogNorm}
UNNAMED = {"heat map", "confusion", "samples", "by class"}  # what they show needs no legend
EVERY = pytest.mark.parametrize("name", FIGURES)


def legends(figure: Figure) -> list[Legend]:
    """Those of the figure, and those of its axes."""
    return [*figure.legends, *filter(None, (axis.get_legend() for axis in figure.axes))]


def said(axis: Axes) -> str:
    """What the vertical axis shows: its own words, or those that it shares with the panels beside it."""
    return axis.get_ylabel() or axis.figure.get_supylabel()


def left_most(axis: Axes) -> bool:
    """Whether a panel is the one of its row that has the numbers."""
    place = axis.get_subplotspec()
    return place is None or place.is_first_col()


@EVERY
def test_no_legend_lies_on_the_data_or_leaves_the_figure(name: str) -> None:
    figure = laid_out(name)
    found = [legend.get_window_extent() for legend in legends(figure)]
    assert bool(found) == (name not in UNNAMED)
    areas = [axis.get_window_extent() for axis in figure.axes]
    around: list[Any] = [axis.get_tightbbox() for axis in figure.axes if axis.get_legend() is None]  # with their words
    for place, box in enumerate(found):
        assert not any(map(box.overlaps, [*areas, *found[:place]]))
        if figure.legends:
            assert not any(map(box.overlaps, around))
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1


@EVERY
def test_a_legend_names_each_line_once(name: str) -> None:
    for legend in legends(laid_out(name)):
        names = [text.get_text() for text in legend.get_texts()]
        assert names
        assert len(set(names)) == len(names)


@EVERY
def test_shares_are_in_per_cent(name: str) -> None:
    figure = laid_out(name)
    for axis in figure.axes:
        if said(axis).startswith(("share", "ECE")):
            ticks = [text.get_text() for text in axis.get_yticklabels()]
            assert ticks or not left_most(axis)
            assert all(tick.endswith(" %") for tick in ticks)


@EVERY
def test_colours_say_where_they_are_not_linear(name: str) -> None:
    shown: list[Any] = [item for axis in laid_out(name).axes for item in (*axis.images, *axis.collections)]
    bars = [(type(item.norm), item.colorbar.ax.get_ylabel()) for item in shown if item.colorbar is not None]
    kinds: list[type[Normalize]] = [kind for kind, _ in bars]
    assert kinds == ([COLOURED[name]] if name in COLOURED else [])
    for kind, label in bars:
        assert ("colours logarithmic" in label) == (kind is LogNorm)
        assert ("colours not linear" in label) == (kind is PowerNorm)
