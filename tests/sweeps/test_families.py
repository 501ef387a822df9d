"""Several degradations at equal quality: the order, the area, and what cannot be compared."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

import convstab as cs
from convstab.commands import app
from convstab.errors import InputError
from convstab.sweeps.families import Families, families_csv, families_markdown
from tests.support.in_process import call_in, train_short

TARGETS = (30.0, 24.0, 20.0)


@pytest.fixture(scope="module")
def results() -> list[cs.StabilityResult]:
    """A linear model on smooth and on flat images: blur cannot bring the flat ones to any PSNR."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.nn.functional.interpolate(torch.rand(120, 1, 4, 4, generator=generator), (16, 16), mode="bilinear")
    pixels[:20] = 0.5
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(256, 3)).eval()
    with torch.no_grad():
        model[1].bias -= model(pixels).mean(0)  # the boundaries go through the middle of the images
        labels = model(pixels.mul(255).round() / 255).argmax(1)
    images = cs.Images(pixels, labels)
    families = ("gaussian", "uniform", "gaussian_blur", "brightness")
    return [cs.evaluate(model, images, family, psnr=TARGETS, draws=16) for family in families]


def test_the_mean_is_the_area_under_the_curve(results: list[cs.StabilityResult]) -> None:
    families = Families(results)
    assert families.psnr.tolist() == list(TARGETS)
    for name in ("gaussian", "uniform", "brightness"):
        accuracy = families.results[name].accuracy.value[1:]
        wanted = (6 * (accuracy[0] + accuracy[1]) / 2 + 4 * (accuracy[1] + accuracy[2]) / 2) / 10
        assert families.area(name) == pytest.approx(wanted)
    order = [families.area(name) for name in families.worst_first if name != "gaussian_blur"]
    assert order == sorted(order)


def test_a_mean_over_other_images_is_not_shown(results: list[cs.StabilityResult]) -> None:
    families = Families(results)
    assert families.images["gaussian"].tolist() == [1, 1, 1]
    assert (families.images["gaussian_blur"] < 0.9).any()
    assert np.isnan(families.area("gaussian_blur"))
    assert families.worst_first[-1] == "gaussian_blur"
    found = [line for line in families_markdown(families).splitlines() if line.startswith("| gaussian_blur")]
    assert found[0].endswith("| - |")
    rows = [row for row in csv.DictReader(families_csv(families).splitlines()) if row["degradation"] == "gaussian_blur"]
    assert [float(row["psnr"]) for row in rows] == list(TARGETS)
    assert [float(row["share_of_images"]) for row in rows] == pytest.approx(
        families.images["gaussian_blur"].tolist(), abs=1e-6
    )
    assert {row["area"] for row in rows} == {""}


def test_white_noise_of_one_psnr_is_the_same_for_a_linear_model_and_blur_is_not(
    results: list[cs.StabilityResult],
) -> None:
    """What a linear model sees of white noise is normal, whatever the noise is: a sum over many pixels."""
    drawn = ~np.isnan(results[2].rates).any(1)  # by the blur
    gaussian, uniform, blur, _ = (result.rates[drawn].mean(0) for result in results)
    assert drawn.sum() > 60
    np.testing.assert_allclose(gaussian, uniform, atol=0.04)
    assert np.abs(gaussian - blur).max() > 0.06


def test_of_one_psnr_the_mean_is_its_accuracy() -> None:
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2)).eval()
    images = cs.Images(torch.rand(20, 1, 8, 8), torch.arange(20) % 2)
    families = Families([cs.evaluate(model, images, name, psnr=[12], draws=2) for name in ("gaussian", "shot")])
    for name, result in families.results.items():
        assert families.area(name) == result.accuracy.value[1]
    with pytest.raises(InputError, match="no PSNR but that of the clean images"):
        Families([cs.evaluate(model, images, name, psnr=[np.inf]) for name in ("gaussian", "shot")])


def test_what_cannot_be_compared_is_refused(results: list[cs.StabilityResult]) -> None:
    gaussian, uniform = results[:2]
    with pytest.raises(InputError, match="not of several degradations, each once"):
        Families([gaussian, gaussian])
    pixels = torch.rand(120, 1, 16, 16)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(256, 3)).eval()
    images = cs.Images(pixels, torch.zeros(120, dtype=torch.int64))
    with pytest.raises(InputError, match="speckle has no PSNR for levels, or other ones"):
        Families([uniform, cs.evaluate(model, images, "speckle", draws=1)])
    with pytest.raises(InputError, match="speckle has no PSNR for levels, or other ones"):
        Families([uniform, cs.evaluate(model, images, "speckle", psnr=TARGETS[:2], draws=1)])
    fewer = cs.evaluate(model, images.part(torch.arange(119)), "speckle", psnr=TARGETS, draws=1)
    with pytest.raises(InputError, match="speckle is of other images"):
        Families([uniform, fewer])


def test_a_sweep_over_degradations_ends_with_their_table(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    where = train_short(tmp_path, {"one": []})
    words = ["-m", "run=one", "degradation=gaussian,laplace", "psnr=[25,15]", "images=20", "draws=2", "logger=none"]
    call_in(where, app.evaluate, *words, "hydra.sweep.dir=study")
    with (where / "study/families.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["degradation"], row["psnr"]) for row in rows if row["degradation"] == "gaussian"] == [
        ("gaussian", "25"),
        ("gaussian", "15"),
    ]
    assert len(rows) == 4
    assert (where / "study/figures/families.png").exists()
    assert "| degradation | 25 dB | 15 dB | mean |" in capfd.readouterr().out


def test_the_structural_similarity_stands_beside(results: list[cs.StabilityResult]) -> None:
    families = Families(results)
    rows = list(csv.DictReader(families_csv(families).splitlines()))
    for name, result in families.results.items():
        assert [float(row["ssim"]) for row in rows if row["degradation"] == name] == pytest.approx(
            result.ssim[1:].tolist(), abs=1e-6
        )
        (row,) = [line for line in families_markdown(families).splitlines() if line.startswith(f"| {name} |")][1:]
        shown = [cell.strip() for cell in row.strip("|").split("|")][1:]
        assert shown == [
            f"{value:.4f}" if share > 0.9 else "-"
            for value, share in zip(result.ssim[1:], families.images[name], strict=True)
        ]
