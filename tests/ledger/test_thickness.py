"""Boundary thickness, on linear models: with two classes the way from the image is known in closed form."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import convstab as cs
from convstab.errors import InputError
from convstab.ledger.thickness import boundary_thickness
from tests.support.half_spaces import distances, half_space, images_around

WIDTH = 255 * 2 * np.arctanh(0.75)  # of 0 < tanh(z / 2) < 0.75 in grey levels, where z rises by 1 over a length of 1


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return half_space(192, seed=0)


@pytest.fixture(scope="module")
def images(model: nn.Module) -> cs.Images:
    """60 images, every tenth of which the model misclassifies."""
    pixels, labels = images_around(model, 60, reach=68, seed=3)
    labels[::10] = 1 - labels[::10]
    return cs.Images(pixels, labels)


@pytest.fixture(scope="module")
def found(model: nn.Module, images: cs.Images) -> cs.AttackResult:
    return cs.attack(model, images, "ddn", steps=100)


def test_a_boundary_between_two_half_spaces_is_as_thick_as_its_slope_says(
    model: nn.Module, images: cs.Images, found: cs.AttackResult
) -> None:
    weight = next(model.parameters()).detach()
    whole = WIDTH / (weight[0] - weight[1]).norm().item()
    distance, thickness = distances(model, images.pixels), boundary_thickness(model, found)
    correct = np.arange(60) % 10 != 0
    assert np.isnan(thickness[~correct]).all()
    assert ((distance > whole) & correct).sum() > 10 < ((distance < whole) & correct).sum()
    np.testing.assert_allclose(thickness[correct], np.minimum(distance, whole)[correct], rtol=0.02)  # DDN's own error


@pytest.mark.parametrize(("alpha", "beta"), [(0.0, 0.75), (0.2, 0.3), (-0.5, 0.9999), (-1.0, 1.0)])
def test_where_logits_rise_in_a_line_nothing_is_approximate(
    alpha: float, beta: float, model: nn.Module, images: cs.Images, found: cs.AttackResult
) -> None:
    """Ways beyond the boundary, three times as long as DDN's and not straight across it."""
    generator = torch.Generator().manual_seed(4)
    aside = torch.randint(-6, 7, found.noise.shape, generator=generator).numpy()
    noise = np.clip(3 * found.noise + aside, 0.0 - found.pixels, 255.0 - found.pixels).astype(np.float32)
    ends = torch.from_numpy(np.stack([found.pixels, found.pixels + noise])).double() / 255
    with torch.no_grad():
        logits = torch.stack([model.double()(images) for images in ends])
    model.float()
    crossed = logits[1].argmax(1).numpy() != found.rows["label"]
    longer = replace(found, noise=noise, rows=found.rows | {"success": crossed & found.rows["attacked"]})
    thickness = boundary_thickness(model, longer, alpha=alpha, beta=beta)
    some = np.isfinite(thickness)
    assert some.sum() > 40
    label = torch.from_numpy(found.rows["label"])[None, :, None]
    first, last = (logits.gather(2, label.expand(2, -1, 1)) - logits.gather(2, 1 - label.expand(2, -1, 1)))[
        ..., 0
    ].numpy()
    with np.errstate(divide="ignore"):
        low, high = 2 * np.arctanh([alpha, beta])
    share = (first.clip(low, high) - last.clip(low, high)) / (first - last)
    length = np.linalg.norm(noise.reshape(60, -1), axis=1)
    np.testing.assert_allclose(thickness[some], (share * length)[some], rtol=2e-4, atol=1e-3)


def test_of_three_classes_it_is_what_a_fine_sum_says() -> None:
    torch.manual_seed(5)
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, 3)).eval()
    for weight in model.parameters():
        weight.data.mul_(4)
    pixels = torch.randint(0, 256, (12, 3, 4, 4), dtype=torch.uint8)
    found = cs.attack(model, cs.Images(pixels, model(pixels / 255).argmax(1)), "ddn", steps=50)
    thickness, rows = boundary_thickness(model, found), found.rows
    assert len({*zip(rows["label"], rows["predicted"], strict=True)}) > 2
    times = torch.linspace(0, 1, 20_001)[:, None, None, None]
    for place in np.flatnonzero(rows["success"]):
        clean, noise = torch.from_numpy(found.pixels[place]).float(), torch.from_numpy(found.noise[place])
        with torch.no_grad():
            score = model((clean + times * noise) / 255).softmax(1).double()
        ahead = score[:, rows["label"][place]] - score[:, rows["predicted"][place]]
        share = ((ahead > 0) & (ahead < 0.75)).double().mean().item()
        length = noise.norm().item()
        assert thickness[place] == pytest.approx(share * length, abs=2e-3 * length)
        assert thickness[place] <= 1.0001 * length


def test_where_no_noise_was_found_it_is_missing(model: nn.Module, found: cs.AttackResult) -> None:
    success = found.rows["success"] & (np.arange(60) < 30)
    assert (
        np.isfinite(boundary_thickness(model, replace(found, rows=found.rows | {"success": success}))) == success
    ).all()
    none = replace(found, rows=found.rows | {"success": np.zeros(60, bool)})
    assert np.isnan(boundary_thickness(model, none)).all()


def test_other_models_and_limits_are_refused(model: nn.Module, found: cs.AttackResult) -> None:
    with pytest.raises(InputError, match=r"^DDN attacks another model: confidence in image \d+ is off$"):
        boundary_thickness(half_space(192, seed=9), found)
    for alpha, beta in ((0.75, 0.75), (-2.0, 0.5), (0.0, 1.5)):
        with pytest.raises(InputError, match="they must be from -1 to 1, alpha below beta"):
            boundary_thickness(model, found, alpha=alpha, beta=beta)


def test_the_ledger_keeps_that_of_the_least_perturbation(
    model: nn.Module, images: cs.Images, found: cs.AttackResult
) -> None:
    result = cs.evaluate(model, images, levels=[0, 20], draws=3)
    thickness = boundary_thickness(model, found)
    longer = replace(found, rows=found.rows | {"l2": 2 * found.rows["l2"]})
    both = {"long": longer, "short": found}
    rows = cs.Ledger.of(result, both, thickness={"long": thickness / 2, "short": thickness}).rows
    np.testing.assert_array_equal(rows["thickness"], thickness)
    assert "thickness" not in cs.Ledger.of(result, both).rows
    assert np.isnan(cs.Ledger.of(result, both, thickness={"long": thickness}).rows["thickness"]).all()
    text, some = cs.Ledger.of(result, {"ddn": found}, thickness={"ddn": thickness}).table(), np.isfinite(thickness)
    share = np.median((thickness / (255 * found.norms))[some])
    assert f"undecided over {np.median(thickness[some]):.3g} grey levels" in text
    assert f"{100 * share:.2f} % of the way (boundary thickness, medians of the 54 of 54 attacked images" in text
    for wrong in (thickness[:7], 300 * found.norms):
        with pytest.raises(InputError, match=r"^the thicknesses of ddn are of another attack"):
            cs.Ledger.of(result, {"ddn": found}, thickness={"ddn": wrong})
