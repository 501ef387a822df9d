"""Levels by PSNR: each image at the level of its own that leaves it this quality."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from skimage import data
from torch import nn

import convstab as cs
from convstab.evaluation import tables
from convstab.evaluation.examples import Examples
from convstab.evaluation.result import PROTOCOL, STABILITY, StabilityResult
from convstab.files.tables import read_table, write_table

SIDE, IMAGES = 16, 40


@pytest.fixture(scope="module")
def photos() -> cs.Images:
    """Pieces of a photo; the last one is flat, which no blur changes."""
    picture = torch.from_numpy(data.coffee()).permute(2, 0, 1)  # type: ignore[no-untyped-call]
    tiles = picture.unfold(1, SIDE, 50).unfold(2, SIDE, 50).flatten(1, 2).transpose(0, 1)
    by_contrast = tiles[tiles.float().flatten(1).std(1).argsort(descending=True)[: IMAGES - 1]]
    flat = torch.full((1, 3, SIDE, SIDE), 90, dtype=torch.uint8)
    return cs.Images(torch.cat([by_contrast, flat]), torch.zeros(IMAGES, dtype=torch.long))


@pytest.fixture(scope="module")
def linear() -> nn.Module:
    """Two classes, and a plane between them that goes through the middle of the images."""
    torch.manual_seed(3)
    weights = torch.randn(3 * SIDE * SIDE)
    weights -= weights.mean()
    plane = nn.Linear(3 * SIDE * SIDE, 2)
    plane.weight.data, plane.bias.data = torch.stack([weights, -weights]), torch.zeros(2)
    return nn.Sequential(nn.Flatten(), plane).eval()


@pytest.fixture(scope="module")
def blurred(photos: cs.Images, linear: nn.Module) -> StabilityResult:
    return cs.evaluate(linear, photos, "gaussian_blur", psnr=[35, 30], draws=4)


@pytest.mark.parametrize("name", ["gaussian", "shot", "gaussian_blur", "haze"])
def test_copies_have_the_quality_that_was_asked_for(name: str, photos: cs.Images, linear: nn.Module) -> None:
    result = cs.evaluate(linear, photos.part(slice(0, 12)), name, psnr=[35, 30], draws=40)
    assert result.levels.tolist() == [np.inf, 35, 30]
    np.testing.assert_allclose(result.psnr[1:], [35, 30], atol=0.4)
    assert len(np.unique(result.applied[:, 1])) > 6  # each image has a level of its own


def test_an_image_that_cannot_have_it_is_not_drawn(blurred: StabilityResult, tmp_path: Path) -> None:
    assert np.isnan(blurred.applied[-1, 1:]).all()
    assert blurred.by_image("draws")[-1].tolist() == [1, 0, 0]
    drawn = (~np.isnan(blurred.applied)).sum(0)
    assert drawn[0] == IMAGES
    assert IMAGES / 2 < drawn[2] < IMAGES
    assert blurred.confusion.sum((1, 2)).tolist() == drawn.tolist()
    np.testing.assert_allclose(blurred.accuracy.value, np.nanmean(blurred.rates, 0))
    assert f"| {drawn[1]} |" in tables.rates_markdown(blurred).splitlines()[3]
    blurred.write(tmp_path)
    again = StabilityResult.read(tmp_path)
    assert again.protocol == blurred.protocol
    np.testing.assert_array_equal(again.applied, blurred.applied)


def test_draws_where_there_is_no_level_are_refused(blurred: StabilityResult, tmp_path: Path) -> None:
    blurred.write(tmp_path)
    table, metadata = read_table(tmp_path / STABILITY)
    applied = table["applied"].to_numpy().copy()
    applied[1] = np.nan
    forged = table.set_column(table.column_names.index("applied"), "applied", pa.array(applied))
    write_table(tmp_path / STABILITY, forged, {PROTOCOL: metadata[PROTOCOL].decode()})
    with pytest.raises(cs.InputError, match="the column draws is not that of the protocol"):
        StabilityResult.read(tmp_path)


def test_batches_and_neighbours_change_nothing(blurred: StabilityResult, photos: cs.Images, linear: nn.Module) -> None:
    part = cs.evaluate(linear, photos.part(slice(5, 9)), "gaussian_blur", psnr=[35, 30], draws=4, batch_size=16)
    for name, values in part.rows.items():
        np.testing.assert_array_equal(values, blurred.rows[name][15:27])


def test_examples_are_the_draws_of_the_table(photos: cs.Images, linear: nn.Module) -> None:
    images = photos.part(slice(0, 6))
    result = cs.evaluate(linear, images, "gaussian", psnr=[30], draws=9)
    images = cs.Images(images.pixels, images.labels, result.classes, ids=images.ids)
    examples = Examples.of(images, result, result.protocol, torch.device("cpu"))
    error = examples.degraded[:, 0].astype(float) - examples.clean
    psnr = 10 * np.log10(255**2 / np.square(error).mean((1, 2, 3)))
    places = [result.rows["index"][::2].tolist().index(image) for image in examples.index]
    np.testing.assert_allclose(psnr, result.by_image("sample_psnr")[places, 1], rtol=1e-5)


def test_white_noises_coincide_on_a_linear_model_and_blur_does_not(photos: cs.Images, linear: nn.Module) -> None:
    """A sum of many independent values is normal whatever their law; what a blur takes away is not independent."""
    images = photos.part(slice(0, 24))
    mean = images.pixels.float().mean(0)
    labels = linear(images.pixels.float()[:, None].flatten(1)).argmax(1)
    assert mean.shape == (3, SIDE, SIDE)
    own = cs.Images(images.pixels, labels)

    def flips(name: str) -> Any:
        return cs.evaluate(linear, own, name, psnr=[25, 15], draws=150).flip_rate.value[1:]

    white = [flips(name) for name in ("gaussian", "uniform", "laplace")]
    for other in white[1:]:
        np.testing.assert_allclose(other, white[0], atol=0.02)
    assert white[0].min() > 0.03
    assert np.abs(flips("gaussian_blur") - white[0]).max() > 0.05


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"psnr": [30], "levels": [8]}, "levels and psnr are both given"),
        ({"psnr": 30}, "psnr is 30; it must be a list of numbers of dB"),
        ({"psnr": [0]}, "psnr has 0; it must be a number of dB above 0 and at most 60"),
        ({"psnr": ["a"]}, "psnr has a; it must be a number of dB"),
        ({"psnr": [30, 30]}, r"psnr is \[30, 30\]; it must name each target once"),
        ({"psnr": []}, r"psnr is \[\]; it must name each target once"),
    ],
)
def test_other_targets_are_refused(asked: Any, said: str, photos: cs.Images, linear: nn.Module) -> None:
    with pytest.raises(cs.InputError, match=said):
        cs.evaluate(linear, photos, draws=1, **asked)


def test_where_nothing_is_drawn_there_is_no_psnr(photos: cs.Images, linear: nn.Module) -> None:
    result = cs.evaluate(linear, photos, "jpeg", psnr=[20, 3])
    assert result.by_image("draws")[:, -1].sum() == 0
    assert np.isinf(result.psnr[0])
    assert np.isnan(result.psnr[-1])
    assert tables.summary(result)["psnr"][-1] is None
    assert [cell.strip() for cell in tables.rates_markdown(result).splitlines()[4].split("|")][7] == "-"
