"""The picture of calibration: its dots and lines are the counts of the result."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PathCollection

from convstab.evaluation.exact import UNIT
from convstab.evaluation.result import StabilityResult
from convstab.figures.calibration import FEWEST, calibration
from tests.support.drawing import drawn


def test_dots_are_the_bins_that_have_draws(result: StabilityResult) -> None:
    axis = calibration({"m": result}).axes[0]
    dots: list[Any] = [item for item in axis.collections if isinstance(item, PathCollection)]
    assert len(dots) == len(result.levels)
    for place, item in enumerate(dots):
        draws, correct, confidence = result.totals["calibration"][place].T
        kept = draws >= FEWEST
        assert kept.any()
        expected = np.stack([confidence[kept] / UNIT / draws[kept], correct[kept] / draws[kept]], 1)
        np.testing.assert_allclose(item.get_offsets(), expected)
        assert (np.diff(draws[kept]) > 0).tolist() == (np.diff(item.get_sizes()) > 0).tolist()
    assert [scale.get_major_formatter()(0.125, None) for scale in (axis.xaxis, axis.yaxis)] == ["12.5 %"] * 2
    names = axis.get_legend_handles_labels()[1]
    assert names == ["sigma 0", "sigma 1", "sigma 20", "sigma 60"]


@pytest.mark.parametrize("rare", [0, 1, FEWEST - 1, FEWEST])
def test_bins_that_are_not_shown_are_mentioned(rare: int, result: StabilityResult) -> None:
    counts = np.zeros_like(result.totals["calibration"])
    counts[:, 3, 0], counts[1, 5, 0] = 50, rare
    axis = calibration({"m": replace(result, totals=result.totals | {"calibration": counts})}).axes[0]
    assert ("not shown: bins of fewer than 10 draws" in axis.get_xlabel()) == (0 < rare < FEWEST)


def test_the_errors_of_several_stand_beside_each_other(result: StabilityResult) -> None:
    figure = calibration({"a $name$": result, "b": result})
    lines = figure.axes[1].lines
    assert len(lines) == 2
    for line in lines:
        assert np.asarray(line.get_ydata()) == pytest.approx(result.ece)
        assert np.asarray(line.get_xdata()) == pytest.approx(result.levels)
    assert drawn(figure)
