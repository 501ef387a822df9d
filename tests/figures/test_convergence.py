"""The figure of a genetic search: medians over the images, each of which keeps its last value."""

import numpy as np

from convstab.figures.convergence import by_generation, convergence
from tests.support.attack_examples import example, history
from tests.support.drawing import drawn

NORMS = {0: [8, 6, 4, 2], 1: [9, 9], 2: [5, 4, 3]}  # image 1 stops first


def test_an_image_that_stops_early_keeps_its_last_value() -> None:
    queries, tables = by_generation(example([2, 9, 3], history=history(NORMS)))
    assert queries.tolist() == [10, 20, 30, 40]
    assert tables["l2"].tolist() == [[8, 6, 4, 2], [9, 9, 9, 9], [5, 4, 3, 3]]
    assert tables["median"].tolist() == (200 * tables["l2"]).tolist()


def test_curves_are_medians_over_the_images() -> None:
    figure = convergence(example([2, 9, 3], history=history(NORMS)))
    norm, fooled, fitness = figure.axes
    for axis in figure.axes:
        assert np.asarray(axis.lines[0].get_xdata()).tolist() == [10, 20, 30, 40]
        assert axis.get_xlabel() == "queries of an image"
        assert axis.get_xscale() == "log"
    found = np.asarray(norm.lines[0].get_ydata())
    assert np.isnan(found[0])  # nothing was misclassified yet: the norm of the best individual is no result
    assert found[1:].tolist() == [6, 4, 3]
    assert np.asarray(fooled.lines[0].get_ydata()).tolist() == [0, 1, 1, 1]
    curves = {str(line.get_label()): np.asarray(line.get_ydata()).tolist() for line in fitness.lines}
    assert curves == {"median individual": [1600, 1200, 800, 600], "best individual": [800, 600, 400, 300]}
    assert norm.get_ylabel() == "L2 norm for pixels in [0, 1]"
    assert "median of 3 images" in figure.get_suptitle()
    drawn(figure)


def test_the_band_is_the_middle_half() -> None:
    figure = convergence(example([1] * 8, history=history({place: [9, place + 1] for place in range(8)})))
    (band,) = figure.axes[0].collections
    (outline,) = (np.asarray(path.vertices) for path in band.get_paths())
    assert (outline[:, 1].min(), outline[:, 1].max()) == (2, 6)  # of 1 to 8, values that were seen


def test_a_search_that_fools_nothing_is_drawn_too() -> None:
    books = history({0: [5, 4], 1: [3]})
    books["fooled"][:] = 0
    figure = convergence(example([None, None], history=books))
    assert np.isnan(np.asarray(figure.axes[0].lines[0].get_ydata())).all()
    drawn(figure)


def test_fitness_below_zero_is_drawn_too() -> None:
    books = history({0: [5, 4]})
    books["best"] -= 1000
    fitness = convergence(example([1], history=books)).axes[2]
    assert fitness.get_yscale() == "linear"
    assert fitness.get_ylim()[0] < -600
