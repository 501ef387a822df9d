"""Trainings beside each other: every line has its band, every cell of the heat map its number."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from convstab.figures.comparison import heat_map
from convstab.statistics.intervals import Estimate
from tests.figures.every_figure import compared, curved, paired, swept, trained


def bands(axis: Axes) -> list[Any]:
    """The intervals around lines."""
    return [item for item in axis.collections if isinstance(item, PolyCollection)]


def opacities(axis: Axes) -> set[float]:
    """Those of all bands."""
    return {float(band.get_facecolor()[0, 3]) for band in bands(axis)}


def check_bands(axis: Axes, estimates: Sequence[Estimate]) -> None:
    """Each line is surrounded by the interval of its estimate, in its colour."""
    assert len(axis.lines) == len(bands(axis)) == len(estimates)
    for line, band, estimate in zip(axis.lines, bands(axis), estimates, strict=True):
        assert to_rgb(line.get_color()) == pytest.approx(to_rgb(band.get_facecolor()[0, :3]))
        outline = band.get_paths()[0].vertices
        for (x, value), low, high in zip(np.asarray(line.get_xydata()), estimate.low, estimate.high, strict=True):
            there = outline[outline[:, 0] == x, 1]
            assert (there.min(), there.max()) == pytest.approx((low, high))
            assert low <= value <= high


@pytest.mark.parametrize("draw", [curved, swept])
@pytest.mark.parametrize("count", [1, 6])
def test_every_line_has_the_band_of_its_interval(draw: Callable[[int], Figure], count: int) -> None:
    accuracy, flips = draw(count).axes
    check_bands(accuracy, [result.accuracy for result in trained(count)])
    check_bands(flips, [result.flip_rate for result in trained(count)])


@pytest.mark.parametrize("draw", [curved, swept, paired])
def test_the_more_bands_the_paler(draw: Callable[[int], Figure]) -> None:
    seen = []
    for count in (2, 4, 5, 6):
        (opacity,) = {opacity for axis in draw(count).axes for opacity in opacities(axis)}
        seen.append(opacity)
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 4
    assert 0.05 < seen[-1] < 0.75 * seen[0]  # each can be seen, and six are clearly paler than two
    (alone,) = {opacity for axis in draw(13).axes for opacity in opacities(axis)}
    assert alone == seen[0]


def test_every_difference_has_a_band() -> None:
    (axis,) = paired(6).axes
    assert len(bands(axis)) == len(axis.lines) - 1 == 6  # one line is at 0


def test_the_heat_map_says_each_accuracy() -> None:
    comparison = compared(6)
    axis = heat_map(comparison).axes[0]
    percent = np.array([100 * result.accuracy.value for result in trained(6)])
    np.testing.assert_allclose(np.asarray(axis.images[0].get_array()), percent)
    cells = {text.get_position(): text.get_text() for text in axis.texts}
    assert cells == {(column, row): f"{value:.1f}" for (row, column), value in np.ndenumerate(percent)}
    assert [text.get_text() for text in axis.get_yticklabels()] == ["0", "5", "10", "15", "20", "25"]
    assert [text.get_text() for text in axis.get_xticklabels()] == ["0", "10", "20", "30", "40"]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("sigma (grey levels) of the test", "trained with sigma")


def test_lines_are_named_by_what_their_trainings_differ_in() -> None:
    (legend,) = swept(6).legends
    assert legend.get_title().get_text() == "sigma"
    assert [text.get_text() for text in legend.get_texts()] == [str(5 * place) for place in range(6)]
