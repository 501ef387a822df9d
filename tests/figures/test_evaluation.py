"""Figures: what they show is what the tables hold."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb

from convstab.evaluation.cells import shortened
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.result import StabilityResult
from convstab.evaluation.tally import PSNR_EDGES, SCORE_EDGES
from convstab.figures import evaluation, rates
from tests.support.drawing import drawn
from tests.support.made_up_counts import totals_of


def with_classes(count: int) -> StabilityResult:
    shape = count, 2, len(PSNR_EDGES) - 1, len(SCORE_EDGES) - 1
    one_row = {"label": [0], "level": [1.0], "sample_psnr": [40.0], "sample_score": [0.5], "sample_prediction": [0]}
    names = [f"a traffic sign with a long name, number {i}" for i in range(count)]
    rows = {name: np.array(column) for name, column in one_row.items()}
    totals = totals_of(np.ones((1, count, count), np.int64)) | {"histogram": np.ones(shape, np.int64)}
    return StabilityResult(names, Protocol((1.0,)), rows, totals)


@pytest.mark.parametrize(("count", "rows"), [(3, 1), (10, 2)])
def test_the_titles_of_panels_do_not_overlap(count: int, rows: int) -> None:
    (figure,) = evaluation.scatter_pages(with_classes(count))
    drawn(figure)
    boxes = [axis.title.get_window_extent() for axis in figure.axes[:count]]
    apart = [right.x0 - left.x1 for left, right in pairwise(boxes) if right.y0 == left.y0]
    assert len(apart) == count - rows
    assert min(apart) > 0


def test_every_sampled_noisy_draw_is_one_point_of_its_colour(result: StabilityResult) -> None:
    (figure,) = evaluation.scatter_pages(result)
    shown = np.isfinite(result.rows["sample_psnr"])
    assert shown.sum() == result.images * 3  # sigmas above 0
    misclassified = shown & (result.rows["sample_prediction"] != result.rows["label"])
    for label in range(4):
        points: list[Any] = [item for item in figure.axes[label].collections if isinstance(item, PathCollection)]
        of_class = shown & (result.rows["label"] == label)
        assert [len(item.get_offsets()) for item in points] == [
            (of_class & ~misclassified).sum(),
            (of_class & misclassified).sum(),
        ]
        assert to_rgb(points[1].get_edgecolor()[0]) == to_rgb(evaluation.MISCLASSIFIED)


def test_a_panel_shows_no_more_draws_than_the_eye_can_tell_apart(
    result: StabilityResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convstab.figures.evaluation.PER_PANEL", 5)
    first, second = (
        [item.get_offsets().tolist() for axis in page.axes[:4] for item in axis.collections[1:]]  # type: ignore[union-attr]
        for _ in range(2)
        for page in evaluation.scatter_pages(result)
    )
    assert first == second
    assert sum(map(len, first)) == 4 * 5


def test_the_density_holds_every_noisy_draw(result: StabilityResult) -> None:
    (figure,) = evaluation.scatter_pages(result)
    density: list[Any] = [axis.collections[0].get_array() for axis in figure.axes[:4]]
    total = sum(np.ma.filled(counts, 0).sum() for counts in density)
    assert total == result.rows["draws"][result.rows["level"] > 0].sum()


@pytest.mark.parametrize(("count", "pages"), [(2, 1), (10, 1), (15, 1), (16, 2), (43, 3)])
def test_classes_are_spread_over_pages(count: int, pages: int) -> None:
    made = evaluation.scatter_pages(with_classes(count))
    titles = [axis.get_title() for figure in made for axis in figure.axes if axis.get_title()]
    assert (len(made), len(titles)) == (pages, count)
    drawn(made[-1])


def test_curves_show_the_rates_of_each_run(result: StabilityResult) -> None:
    figure = rates.curves({"one": result, "two": replace(result, classes=list("abcd"))})
    accuracy, flips = figure.axes
    for line in accuracy.lines:
        np.testing.assert_array_equal(line.get_xydata(), np.stack([result.levels, result.accuracy.value], 1))
    np.testing.assert_array_equal(flips.lines[0].get_ydata(), result.flip_rate.value)
    assert flips.yaxis.get_major_formatter()(0.125, None) == "12.5 %"
    assert flips.get_legend_handles_labels()[1] == ["one", "two"]
    assert len({line.get_color() for line in accuracy.lines}) == 2
    assert len({line.get_marker() for line in accuracy.lines}) == 2
    drawn(figure)


def test_confusion_shows_shares_at_the_nearest_sigma(result: StabilityResult) -> None:
    figure = evaluation.confusion(result, 19)
    shares = np.asarray(figure.axes[0].images[0].get_array())
    np.testing.assert_allclose(shares.sum(1), 1)
    np.testing.assert_allclose(shares, result.confusion[2] / result.confusion[2].sum(1, keepdims=True))
    assert "sigma 20" in figure.axes[0].get_title()
    assert figure.axes[1].get_ylabel() == "share of the draws of the label (colours not linear)"
    clean = evaluation.confusion(result, 0)
    assert clean.axes[1].get_ylabel() == "share of the images of the label (colours not linear)"
    assert clean.axes[0].get_title().startswith("clean images")
    drawn(figure)
    drawn(evaluation.confusion(with_classes(43), 40))


@pytest.mark.parametrize(("count", "channels", "blocks"), [(2, 1, 1), (10, 1, 1), (43, 3, 2)])
def test_the_strip_holds_every_class_under_every_sigma(count: int, channels: int, blocks: int) -> None:
    images = np.random.default_rng(0).random((count, 3, 8, 6, channels)) * 0.9
    misread = np.zeros((count, 3), bool)
    misread[1, 2] = misread[count - 1, 0] = True
    figure = evaluation.strip(images, [0, 1, 40], [f"class {i}" for i in range(count)], "sigma", misread)
    assert len(figure.axes) == blocks
    tables = [np.asarray(axis.images[0].get_array()) for axis in figure.axes]
    assert sum(len(scores) for scores in tables) == count * 9  # a line of white below every image
    np.testing.assert_array_equal(tables[0][9:17, 7:13], images[1, 1].squeeze())
    frames: list[Any] = [frame for axis in figure.axes for frame in axis.patches]
    assert (13.5, 8.5) in [(frame.get_x(), frame.get_y()) for frame in frames]  # around image (1, 2)
    assert (len(frames), frames[-1].axes) == (2, figure.axes[-1])
    drawn(figure)


def test_figures_can_be_vector_graphics(result: StabilityResult) -> None:
    (figure,) = evaluation.scatter_pages(result)
    assert b"<svg" in drawn(figure, "svg")


@pytest.mark.parametrize(("name", "short"), [("yield", "yield"), ("no passing for trucks", "no …cks")])
def test_long_names_keep_both_ends(name: str, short: str) -> None:
    assert shortened(name, 7) == short


def test_names_with_dollars_are_no_formulas(result: StabilityResult) -> None:
    names = ["$x^$", "price in $", *result.classes[2:]]
    named = replace(result, classes=names)
    curves = rates.curves({"$x^$": named})
    for figure in (evaluation.confusion(named), *evaluation.scatter_pages(named), curves):
        drawn(figure)  # matplotlib raises for a formula that it cannot read
    (legend,) = curves.legends
    assert [text.get_text() for text in legend.get_texts()] == [r"\$x^\$"]
    strip = evaluation.strip(np.zeros((2, 2, 8, 8, 1)), [0, 1], names[:2], "sigma", np.zeros((2, 2), bool))
    assert strip.get_suptitle() == ""
    drawn(strip)
    assert [text.get_text() for text in strip.axes[0].get_yticklabels()] == [r"\$x^\$", r"price in \$"]
