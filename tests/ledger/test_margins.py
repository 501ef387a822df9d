"""Margins against PSNR, on a linear model: under noise they are normal, with a mean and a spread that are known."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch
from scipy.optimize import brentq
from scipy.stats import norm
from torch import nn

import convstab as cs
from convstab.errors import InputError
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.stability import stability
from convstab.figures.margins import margin_pages
from convstab.ledger.margins import ALL, PSNR_EDGES, WITHIN, Margins, crossing
from convstab.statistics.intervals import Floats
from tests.support.half_spaces import half_space, images_around

SIGMAS = [0, 6, 9, 12, 15, 18, 21]  # so that noise is clipped nowhere


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return half_space(192, seed=0)


@pytest.fixture(scope="module")
def images(model: nn.Module) -> cs.Images:
    """120 images around the boundary; the first 20 are misclassified when clean, and class 2 has none."""
    pixels, labels = images_around(model, 120, reach=58, seed=2)
    labels[:20] = 1 - labels[:20]
    return cs.Images(pixels, labels)


@pytest.fixture(scope="module")
def result(model: nn.Module, images: cs.Images) -> cs.StabilityResult:
    return cs.evaluate(model, images, levels=SIGMAS, draws=100)


@pytest.fixture(scope="module")
def margins(result: cs.StabilityResult) -> Margins:
    return Margins.of(result)


def laws(model: nn.Module, images: cs.Images, label: int | None) -> tuple[Floats, Floats]:
    """Means of the margins of the images that are correct when clean, and their spread under each sigma, in logits."""
    with torch.no_grad():
        logits = model(images.pixels / 255).numpy()
    mean = (logits[:, 0] - logits[:, 1]) * np.where(images.labels == 0, 1, -1)
    weight = next(model.parameters()).detach()
    rounded = np.sqrt(np.array(SIGMAS[1:]) ** 2 + 1 / 12)
    some = mean > 0 if label is None else (mean > 0) & (images.labels == label).numpy()
    return mean[some], rounded / 255 * (weight[0] - weight[1]).norm().item()


@pytest.mark.parametrize("label", [None, 0, 1])
def test_shares_below_a_margin_are_those_of_the_normal_law(
    label: int | None, model: nn.Module, images: cs.Images, margins: Margins
) -> None:
    (mean, spread), row = laws(model, images, label), 0 if label is None else label + 1
    assert margins.images[row] == len(mean)
    law = norm.cdf((margins.edges[:, None] - mean) / spread[:, None, None]).mean(2)
    np.testing.assert_allclose(margins.below[row], law, atol=0.02)
    for share in (0.1, 0.5, 0.9):
        true = [brentq(lambda x, s=s, q=share: norm.cdf((x - mean) / s).mean() - q, -20, 20) for s in spread]
        np.testing.assert_allclose(margins.quantile(share)[row], true, atol=0.1)


def test_a_tenth_of_the_draws_flips_at_the_psnr_that_the_law_says(
    model: nn.Module, images: cs.Images, margins: Margins
) -> None:
    mean, spread = laws(model, images, None)
    by_grey_level = spread[0] / np.hypot(SIGMAS[1], 12**-0.5)
    sigma = brentq(lambda sigma: norm.cdf(-mean / (by_grey_level * sigma)).mean() - 0.1, 1, 40)
    assert 9 < sigma < 18
    found = margins.reaches_zero(0.1)
    assert found[0] == pytest.approx(20 * np.log10(255 / sigma), abs=0.5)  # levels are 2.5 apart
    assert f"| {found[0]:.1f} | < {margins.psnr[0, -1]:.1f} |" in margins.table()  # half of them: nowhere
    assert np.isneginf(margins.reaches_zero(0.5)[:3]).all()
    mean_of_logarithm = 10 / np.log(10) / 192  # dB, of a chi-squared law of 192 pixels, to the first order
    true = 20 * np.log10(255 / np.hypot(SIGMAS[1:], 12**-0.5)) + mean_of_logarithm
    np.testing.assert_allclose(margins.psnr[0], true, atol=0.01)


def test_density_counts_every_draw_once(margins: Margins, result: cs.StabilityResult) -> None:
    np.testing.assert_allclose(margins.density.sum((1, 2)), [1, 1, 1])
    edges = margins.edges[::WITHIN]
    assert 0 in edges
    zero = int(np.flatnonzero(margins.edges == 0)[0])
    told = margins.below[:, :, zero].mean(1)
    np.testing.assert_allclose(margins.density[:, :, edges[1:] <= 0].sum((1, 2)), told)
    psnr = result.by_image("psnr_mean")[20:, 1:]
    by_psnr = np.histogram(psnr, PSNR_EDGES)[0] / psnr.size
    np.testing.assert_allclose(margins.density[0].sum(1), by_psnr)


def test_flips_are_counted_and_close_to_what_margins_tell(margins: Margins, result: cs.StabilityResult) -> None:
    flips = 1 - result.rates[20:, 1:]
    labels = result.labels[20:]
    np.testing.assert_allclose(margins.flips[1:], [flips[labels == k].mean(0) for k in (0, 1)])
    np.testing.assert_allclose(margins.flips[0], flips.mean(0))
    columns = margins.columns()
    np.testing.assert_allclose(columns["below_zero"], columns["flips"], atol=0.01)
    above = np.all(result.by_image("margin_mean")[20:, 1:] > 0, axis=1)
    assert margins.never.tolist() == [above.sum(), above[labels == 0].sum(), above[labels == 1].sum()]
    assert 0 < margins.never[0] < margins.images[0] == 100


def test_a_degradation_that_is_not_random_has_steps(model: nn.Module, images: cs.Images) -> None:
    result = cs.evaluate(model, images, "gaussian_blur", levels=[0, 0.5, 1])
    found = Margins.of(result)
    means = result.by_image("margin_mean")[20:, 1:]
    inner = found.edges[1:-1]
    np.testing.assert_allclose(found.below[0, :, 1:-1], (means[:, :, None] < inner).mean(0))
    assert "gaussian_blur" in found.table()


CURVES = [
    ([40, 30, 20], [2, 1, -1], 25.0),
    ([40, 30, 20], [2, 1, 0], 20.0),
    ([40, 30, 20], [1, -3, 5], 37.5),  # the first of several
    ([40, 30, 20], [3, 2, 1], -np.inf),
    ([40, 30, 20], [0, -1, -2], np.inf),
    ([np.inf, 30, 20], [5, np.nan, -1], np.inf),
    ([np.nan], [np.nan], np.nan),
]


@pytest.mark.parametrize(("psnr", "values", "true"), CURVES)
def test_where_a_curve_reaches_zero(psnr: list[float], values: list[float], true: float) -> None:
    np.testing.assert_equal(crossing(np.array(psnr, float), np.array(values, float)), true)


def test_a_class_without_images_is_left_out(result: cs.StabilityResult, model: nn.Module, images: cs.Images) -> None:
    last = nn.Linear(2, 3)
    with torch.no_grad():
        last.weight.copy_(torch.tensor([[1.0, 0], [0, 1], [0, 0]]))
        last.bias.copy_(torch.tensor([0, 0, -1e3]))
    three = nn.Sequential(model, last).eval()
    named = replace(images, classes=("a|b", "$c$", "d"))
    found = Margins.of(cs.evaluate(three, named, levels=[0, 9], draws=5))
    lines = found.table().splitlines()
    assert [line.split(" | ")[0] for line in lines[2:5]] == [f"| {ALL}", "| a\\|b", "| $c$"]
    assert lines[5] == ""
    assert found.as_csv().splitlines()[-1] == "2,d,9,,0,,,,,"
    (page,) = margin_pages(found)
    titles = [axis.get_title().partition(" (")[0] for axis in page.axes if axis.get_title()]
    assert titles == [ALL, "a|b", r"\$c\$"]


def test_the_picture_shows_the_density_in_per_cent(margins: Margins) -> None:
    (page,) = margin_pages(margins)
    page.draw_without_rendering()
    panel, *_, bar = page.axes
    shown: Floats = np.ma.filled(np.ma.asarray(panel.collections[0].get_array()), 0)
    np.testing.assert_allclose(shown.T, 100 * margins.density[0], atol=1e-3)
    low, high = panel.get_ylim()
    assert low < 0 < high
    width = margins.edges[WITHIN] - margins.edges[0]
    assert bar.get_ylabel() == f"% of the draws in 1 dB and {width:.3g} logits\n(colours logarithmic)"
    zero, *curves = (np.asarray(line.get_ydata(), float) for line in panel.get_lines())
    assert not zero.any()
    np.testing.assert_allclose(curves, [margins.quantile(share)[0] for share in (0.1, 0.5, 0.9)])


def test_what_tells_no_margins_is_refused(model: nn.Module, images: cs.Images, result: cs.StabilityResult) -> None:
    wrong = replace(images, labels=1 - model(images.pixels / 255).argmax(1))
    protocol = Protocol((5.0,), draws=3)
    counts = stability(model, images.pixels, images.labels, images.ids, 2, protocol)
    noisy = cs.StabilityResult.of(pa.table(counts.rows), counts.totals, ["0", "1"], protocol)
    for evaluation, said in [
        (noisy, "margins need clean images and degraded ones"),
        (cs.evaluate(model, images, levels=[0], draws=3), "margins need clean images and degraded ones"),
        (cs.evaluate(model, wrong, levels=[0, 5], draws=3), "no image is correct when clean"),
        (replace(result, protocol=replace(result.protocol, score="none")), "the model gave decisions only"),
    ]:
        with pytest.raises(InputError, match=said):
            Margins.of(evaluation)
