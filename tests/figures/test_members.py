"""The picture of an ensemble beside its members shows the numbers of its table."""

import numpy as np
import pytest

from convstab.figures.members import of_members
from convstab.members.members import Members
from tests.support.drawing import drawn
from tests.support.made_up_members import evaluation, named


def members(count: int) -> Members:
    rng = np.random.default_rng(count)
    correct = np.concatenate([np.ones((count + 1, 30, 1), int), rng.integers(3, 8, (count + 1, 30, 3))], 2)
    each = [evaluation(one, 9) for one in correct]
    return Members(each[0], named(each[1:]), "logits")


def test_lines_are_the_flip_rates_and_the_independent_vote() -> None:
    found = members(3)
    figure = of_members(found)
    left, right = figure.axes
    lines = {str(line.get_label()): np.asarray(line.get_ydata(), float) for line in left.lines}
    for name, flips in zip("abc", found.flip_rates, strict=True):
        assert lines[name] == pytest.approx(flips)
    assert lines["ensemble, logits"] == pytest.approx(found.ensemble_flips.value)
    assert lines["independent vote"] == pytest.approx(found.independent.mean(0))
    difference = np.asarray(right.lines[1].get_ydata(), float)
    assert difference == pytest.approx(100 * found.beyond.value[1:])
    widths = {str(line.get_label()): line.get_linewidth() for line in left.lines}
    assert widths["a"] < widths["independent vote"] < widths["ensemble, logits"]
    assert drawn(figure)


def test_many_members_share_a_line_of_the_legend() -> None:
    figure = of_members(members(7))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["7 members", "ensemble, logits", "independent vote"]
    assert drawn(figure)
