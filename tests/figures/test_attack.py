"""Figures of attacks: what they show is what the tables hold."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb

from convstab.attacks.result import AttackResult
from convstab.errors import InputError
from convstab.figures import attack
from convstab.figures.attack import against_reference, by_class, samples, survival
from tests.support.attack_examples import example
from tests.support.drawing import drawn


def points(axis: Axes) -> dict[str, np.ndarray]:
    """The points of a scatter plot by the beginning of their labels, before the count."""
    found = [item for item in axis.collections if isinstance(item, PathCollection)]
    return {str(item.get_label()).partition(" (")[0]: np.asarray(item.get_offsets()) for item in found}


def withstanding(axis: Axes, norm: float) -> list[float]:
    """What each line of a survival figure says at a norm."""
    values = []
    for line in axis.lines:
        assert line.get_drawstyle() == "steps-post"
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        values.append(float(y[x <= norm][-1]))
    return values


def test_survival_is_the_share_of_greater_norms() -> None:
    one, other = example([1, 2, 2, 4]), example([0.5, None, 3, None], attack="DDN")
    figure = survival({"one": one, "other": other})
    (axis,) = figure.axes
    for norm in (0.45, 0.5, 0.9, 1, 1.5, 2, 3, 3.5, 4, 4.5):
        assert withstanding(axis, norm) == [float((result.norms > norm).mean()) for result in (one, other)]
    assert axis.get_legend_handles_labels()[1] == ["one", "other (2 failed)"]
    assert axis.get_xlabel() == "L2 norm for pixels in [0, 1]"
    assert axis.get_ylabel() == "share of the images that withstand it"
    assert axis.get_title() == "4 images"
    drawn(figure)


def test_failures_never_reach_zero() -> None:
    figure = survival({"one": example([1, None, 2]), "other": example([None, None, None])})
    (axis,) = figure.axes
    assert withstanding(axis, axis.get_xlim()[1]) == pytest.approx([1 / 3, 1])
    drawn(figure)
    drawn(survival({"failed": example([None, None])}))


def test_survival_is_of_the_images_that_all_attacked() -> None:
    one = example([1, 2, 3, 4], attacked=[True, True, True, False])
    figure = survival({"one": one, "other": one.part(np.array([1, 2, 3]))})
    assert figure.axes[0].get_title() == "2 images"
    assert withstanding(figure.axes[0], 2) == [0.5, 0.5]
    with pytest.raises(InputError, match="only attacks of one run compare"):
        survival({"one": one, "other": replace(one, run="another")})


def test_many_attacks_have_a_panel_each() -> None:
    results = {str(number): example([1, 2 + number]) for number in range(9)}
    figure = survival(results)
    panels = [axis for axis in figure.axes if axis.get_title()]
    assert [axis.get_title() for axis in panels] == list(results)
    for axis, result in zip(panels, results.values(), strict=True):
        assert np.asarray(axis.lines[-1].get_xdata())[1:-1].tolist() == result.norms.tolist()
    drawn(figure)


def test_the_reference_is_the_least_of_the_others() -> None:
    first, ddn, walk = example([2, 3, 9, 4]), example([1, 2, 4, 8]), example([3, 1.5, 3, 16])
    figure = against_reference({"Genetic": first, "DDN": ddn, "Boundary": walk})
    (axis,) = figure.axes
    found = points(axis)
    assert found["least of the others: DDN"].tolist() == [[1, 2], [8, 4]]
    assert found["least of the others: Boundary"].tolist() == [[1.5, 3], [3, 9]]
    assert figure.get_suptitle() == "Genetic: 2 times the least of the others (median, 4 images)"  # of 0.5, 2, 2, 3
    diagonal, twice = (line.get_xydata() for line in axis.lines)
    assert isinstance(diagonal, np.ndarray)
    assert isinstance(twice, np.ndarray)
    np.testing.assert_allclose(diagonal[:, 1], diagonal[:, 0])
    np.testing.assert_allclose(twice[:, 1], 2 * twice[:, 0])
    assert (axis.get_xscale(), axis.get_yscale(), axis.get_xlim()) == ("log", "log", axis.get_ylim())
    assert axis.get_ylabel() == "L2 norm for pixels in [0, 1] of Genetic"
    assert axis.get_xlabel() == "least L2 norm for pixels in [0, 1] of the other attacks"
    drawn(figure)


def test_failures_stand_at_the_edges_and_are_counted() -> None:
    first, other = example([None, None, 2, 2, None, 3, 1.0]), example([1, 2, None, 2, None, 1, 1])
    figure = against_reference({"Genetic": first, "DDN": other})
    (axis,) = figure.axes
    found, beyond = points(axis), 3.0
    assert found["Genetic failed"][:, 0].tolist() == [1, 2]
    assert found["all others failed"][:, 1].tolist() == [2]
    assert len(found["all failed"]) == 1
    at_edges = [*found["Genetic failed"][:, 1], *found["all others failed"][:, 0], *found["all failed"][0]]
    assert all(beyond < value < axis.get_xlim()[1] for value in at_edges)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[1:4] == ["Genetic failed (2)", "all others failed (1)", "all failed (1)"]
    assert figure.get_suptitle().startswith("Genetic: 2 times")  # the median of inf, inf, 0, 1, 3, 1
    assert figure.get_suptitle().endswith("6 images)")
    drawn(figure)


@pytest.mark.parametrize("channels", [1, 3])
def test_samples_are_successes_with_their_numbers(channels: int) -> None:
    result = example([3, None, 1, 2, 5, 4, 6, 7, 8], channels, classes=["stop", "yield", "bumpy road"])
    figure = samples(result)
    assert len(figure.axes) == 18
    clean, noise, noisy = (figure.axes[6 * row : 6 * row + 6] for row in range(3))
    chosen = result.spread(6)
    assert len(chosen) == 6
    assert 1 not in chosen
    for column, row in enumerate(chosen):
        rows = {name: values[row] for name, values in result.rows.items()}
        label, predicted = result.classes[rows["label"]], result.classes[rows["predicted"]]
        assert clean[column].get_xlabel() == f"{label}\nscore {rows['clean_score']:.3f}"
        said = f"{predicted}\nscore 0.625\nL2 {rows['l2']:.3g}\nPSNR {rows['psnr']:.1f} dB"
        assert noisy[column].get_xlabel() == said
        greatest = np.abs(result.noise[row]).max()
        assert noise[column].get_xlabel() == f"x {127 / greatest:.1f}"
    drawn(figure)


def test_grey_noise_is_signed_and_colours_are_shifted_to_the_middle() -> None:
    grey, colour = example([1], 1), example([1], 3)
    image = samples(grey).axes[1].images[0]
    np.testing.assert_array_equal(np.asarray(image.get_array()), grey.noise[0, 0])
    low, high = image.get_clim()
    assert -low == high == np.abs(grey.noise).max()
    assert image.cmap(0.5)[:3] == pytest.approx((0.97, 0.97, 0.97), abs=0.01)  # no noise is white
    shown = np.asarray(samples(colour).axes[1].images[0].get_array())
    expected = 128 + colour.noise[0].transpose(1, 2, 0) * (127 / np.abs(colour.noise).max())
    np.testing.assert_allclose(shown, expected / 255, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_noisy_image_is_the_clean_one_and_the_noise(channels: int) -> None:
    result = example([1], channels)
    clean, _, noisy = (np.asarray(axis.images[0].get_array()) for axis in samples(result).axes)
    top = 255 if channels == 1 else 1
    np.testing.assert_allclose((noisy - clean) * (255 / top), result.noise[0].transpose(1, 2, 0).squeeze(), atol=1e-4)


def test_classes_without_an_attacked_image_are_left_out() -> None:
    result = example([1, 2, 3, 5, None], classes=["stop", "yield", "wait"], label=[0, 0, 0, 2, 0])
    result.rows["attacked"][2] = False
    figure = by_class(result)
    (axis,) = figure.axes
    assert [text.get_text() for text in axis.get_yticklabels()] == ["stop (3)", "wait (1)"]
    norms = [np.asarray(item.get_offsets())[:, 0].tolist() for item in axis.collections]
    assert [sorted(found) for found in norms[::2]] == [[1, 2], [5]]
    assert [len(failed) for failed in norms[1::2]] == [1, 0]
    assert norms[1][0] > 5
    assert "triangles: 1 failed" in figure.get_suptitle()
    assert figure.get_suptitle().endswith("\nno attacked image of yield")
    assert to_rgb(attack.BLUE) != to_rgb(attack.ORANGE)
    drawn(figure)


def test_the_median_of_a_class_counts_failures_as_infinite() -> None:
    def median(result: AttackResult) -> list[float]:
        lines = [np.asarray(line.get_xdata()) for line in by_class(result).axes[0].lines]
        return [float(line[0]) for line in lines if line[0] == line[1]]

    assert median(example([1, 2, 4], classes="ab", label=[0, 0, 0])) == [2]
    assert median(example([1, 4, None], classes="ab", label=[0, 0, 0])) == [4]
    assert median(example([1, None, None], classes="ab", label=[0, 0, 0])) == []


def test_43_classes_are_legible() -> None:
    names = [f"a traffic sign with a long name, number {number}" for number in range(43)]
    figure = by_class(example(list(np.linspace(1, 2, 129)), classes=names))
    drawn(figure)
    renderer: Any = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    boxes = [text.get_window_extent(renderer) for text in figure.axes[0].get_yticklabels()]
    assert len(boxes) == 43
    assert all(above.y0 >= below.y1 for above, below in pairwise(boxes))
    assert min(box.x0 for box in boxes) >= 0
