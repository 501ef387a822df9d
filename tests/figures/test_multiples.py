"""Many curves in a figure: each has a panel with its name and its interval, before the others in grey."""

from collections.abc import Callable
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from convstab.figures.multiples import CHOSEN, MOST, OTHER, Chart, Curve, drawn
from convstab.statistics.intervals import Estimate
from tests.figures.every_figure import curved, swept, trained
from tests.figures.test_comparison import bands
from tests.support import drawing

MANY = [MOST + 1, 13, 24]


def panels(figure: Figure) -> list[Axes]:
    """Those that show a curve."""
    return [axis for axis in figure.axes if axis.axison]


def many(names: list[str]) -> Figure:
    """A curve for each name, the first the highest."""
    x = np.array([0.0, 1.0])
    curves = [Curve(name, x, x - number, {"color": "red"}) for number, name in enumerate(names)]

    def finish(axis: Axes) -> None:
        axis.set(xlabel="level", ylabel="share")

    return drawn([Chart("the title", curves, finish)])


@pytest.mark.parametrize("draw", [curved, swept])
@pytest.mark.parametrize("count", MANY)
def test_each_curve_is_in_front_of_the_others_with_its_band(draw: Callable[[int], Figure], count: int) -> None:
    found = panels(draw(count))
    results = trained(count)
    estimates: list[Estimate] = [*(one.accuracy for one in results), *(one.flip_rate for one in results)]
    for axis, estimate in zip(found, estimates, strict=True):
        *others, line = axis.lines
        assert len(others) == count - 1
        assert {to_rgb(other.get_color()) for other in others} == {to_rgb(OTHER)}
        assert to_rgb(line.get_color()) == to_rgb(CHOSEN)
        np.testing.assert_array_equal(line.get_ydata(), estimate.value)
        (band,) = bands(axis)
        outline: Any = band.get_paths()[0].vertices
        assert (outline[:, 1].min(), outline[:, 1].max()) == pytest.approx((estimate.low.min(), estimate.high.max()))


def test_up_to_six_share_a_panel() -> None:
    assert len(panels(many([str(number) for number in range(6)]))) == 1
    assert len(panels(many([str(number) for number in range(7)]))) == 7


@pytest.mark.parametrize("count", MANY)
def test_panels_have_names_and_one_scale(count: int) -> None:
    figure = swept(count)
    found = panels(figure)
    assert [axis.get_title() for axis in found] == 2 * [str(5 * place) for place in range(count)]
    for half in (found[:count], found[count:]):
        assert len({(axis.get_xlim(), axis.get_ylim()) for axis in half}) == 1
    assert [part.get_suptitle() for part in figure.subfigs] == ["accuracy", "flip rate of clean-correct images"]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["the others", "sigma that is named above the panel"]


@pytest.mark.parametrize("count", MANY)
def test_the_axes_say_once_what_they_show_and_each_column_has_numbers(count: int) -> None:
    figure = many([str(number) for number in range(count)])
    (part,) = figure.subfigs
    assert (part.get_supxlabel(), part.get_supylabel()) == ("level", "share")
    assert not any(axis.get_xlabel() or axis.get_ylabel() for axis in figure.axes)
    drawing.drawn(figure)
    lowest = {axis.get_position().x0: axis for axis in panels(figure)}  # the last of each column
    assert len(lowest) > 1
    assert all(any(label.get_visible() for label in axis.get_xticklabels()) for axis in lowest.values())


@pytest.mark.parametrize("count", MANY)
def test_long_names_do_not_run_into_each_other(count: int) -> None:
    names = [f"a model with a name that is as long as a line, number {number} of many" for number in range(count)]
    figure = many(names)
    assert [axis.get_title().replace("\n", " ") for axis in panels(figure)] == names
    drawing.drawn(figure)
    boxes = [axis.title.get_window_extent() for axis in panels(figure)]
    assert not any(one.overlaps(other) for one, other in product(boxes, boxes) if one is not other)
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes) if left.y0 == right.y0)


def test_names_with_dollars_are_no_formulas() -> None:
    figure = many(["$x^$", *map(str, range(MOST))])
    assert figure.axes[0].get_title() == r"\$x^\$"
    drawing.drawn(figure)
