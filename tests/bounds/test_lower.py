"""Lower bounds of distances: exact on a linear model, and below every attack on a network."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import convstab as cs
from convstab.bounds.lower import lower_bounds
from convstab.data import digits
from convstab.models import LeNet
from tests.support.half_spaces import distances, half_space

ATTACKS: list[tuple[str, dict[str, Any]]] = [
    ("ddn", {"steps": 300}),
    ("deepfool", {}),
    ("carlini_wagner", {"steps": 50, "searches": 3}),
]


def grey(count: int, seed: int = 2) -> torch.Tensor:
    return torch.randint(90, 166, (count, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def test_of_a_linear_model_it_is_the_distance_and_below_every_attack() -> None:
    model, pixels = half_space(192, seed=0), grey(40)
    labels = model(pixels / 255).argmax(1)
    labels[::10] = 1 - labels[::10]
    images = cs.Images(pixels, labels)
    found, true = lower_bounds(model, images), distances(model, pixels)
    correct = np.arange(40) % 10 != 0
    assert (found[~correct] == 0).all()
    assert (found[correct] <= true[correct]).all()
    np.testing.assert_allclose(found[correct], true[correct], rtol=1e-3, atol=0.01)
    for name, settings in ATTACKS:
        attack = cs.attack(model, images, name, **settings)
        done = attack.rows["attacked"] & attack.rows["success"]
        assert done.sum() > 30
        assert (found[done] <= attack.norms[done] * 255).all(), name


def test_of_several_classes_the_nearest_counts() -> None:
    """The boundary to a class is flat: the nearest of three is known, each as far as its margin by its own norm."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 4, bias=False)).eval()
    with torch.no_grad():
        next(model.parameters()).copy_(torch.diag(torch.tensor([1.0, 2.0, 3.0, 4.0])))
    pixels = torch.tensor([255, 51, 0, 102], dtype=torch.uint8).view(1, 1, 2, 2)  # logits 1, 0.4, 0, 1.6
    found = lower_bounds(model, cs.Images(pixels, torch.tensor([3])))
    each = [(1.6 - other) / np.hypot(4, 1 + place) for place, other in enumerate([1.0, 0.4, 0.0])]
    assert found[0] == pytest.approx(255 * min(each), rel=1e-3)


@pytest.fixture(scope="module")
def trained() -> tuple[nn.Module, cs.Images]:
    """LeNet after a few steps on the digits, and images of them."""
    data = digits.load()
    torch.manual_seed(0)
    train, model = data.train, LeNet(data.train.pixels.shape[1:], data.classes)
    optimizer = torch.optim.Adam(model.parameters(), 0.002)
    for step in range(40):
        some = slice(step % 20 * 50, step % 20 * 50 + 50)
        loss = nn.functional.cross_entropy(model(train.pixels[some] / 255), train.labels[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval().requires_grad_(False), data.test.part(slice(0, 20))


def test_it_is_below_every_attack_on_a_trained_network(trained: tuple[nn.Module, cs.Images]) -> None:
    model, images = trained
    found = lower_bounds(model, images)
    for name, settings in ATTACKS:
        attack = cs.attack(model, images, name, **settings)
        assert ((found > 0) == attack.rows["attacked"]).all()
        done = attack.rows["success"]
        assert done.sum() > 10
        assert (found[done] <= attack.norms[done] * 255).all(), name


def test_a_model_stays_as_it_is(trained: tuple[nn.Module, cs.Images]) -> None:
    model, images = trained
    model.train()
    lower_bounds(model, images)
    assert model.training
    assert next(model.parameters()).dtype == torch.float32
    model.eval()


def test_rounding_of_the_greatest_logit_is_taken_off() -> None:
    """A margin that float32 cannot tell beside logits of 1,000 tells no distance."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2)).eval()
    with torch.no_grad():
        weight, bias = model.parameters()
        weight.copy_(torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 0]]))
        bias.fill_(1000.0)
    pixels = torch.tensor([[128, 127, 0, 0], [255, 0, 0, 0]], dtype=torch.uint8).view(2, 1, 2, 2)
    found = lower_bounds(model, cs.Images(pixels, torch.zeros(2, dtype=torch.int64)))
    assert found[0] == 0
    assert found[1] == pytest.approx(255 / np.sqrt(2), rel=0.02)


def test_a_model_that_knows_nothing_has_a_bound_of_0() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
    images = cs.Images(torch.zeros(2, 1, 2, 2, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64))
    assert lower_bounds(model, images).tolist() == [0, 0]
