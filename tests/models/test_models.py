"""The architectures: exact sizes, what fits, and what the base class does for all of them."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from convstab.errors import InputError
from convstab.models import Aghdam, CifarQuick, Classifier, LeNet
from convstab.models.schedules import inverse, one_cycle

DIGITS = [str(digit) for digit in range(10)]
SIGNS = [f"sign {number}" for number in range(43)]
MODELS: list[tuple[type[Classifier], list[int], list[str], int, int]] = [
    (LeNet, [1, 28, 28], DIGITS, 431_080, 2_293_000),
    (CifarQuick, [3, 32, 32], DIGITS, 145_578, 12_298_240 + 66_176 - 640),
    (Aghdam, [3, 48, 48], SIGNS, 1_123_443, 76_300_000),
]


def multiply_adds(model: Classifier) -> int:
    """Count the multiply-adds of convolutions and linear layers in one forward pass."""
    total = 0

    def count(module: nn.Module, _: Any, output: torch.Tensor) -> None:
        nonlocal total
        weights = getattr(module, "weight", None)
        if weights is not None:
            positions = output[0, 0].numel() if output.ndim == 4 else 1
            total += weights.numel() * positions

    for module in model.modules():
        module.register_forward_hook(count)
    model(torch.zeros(1, *model.shape))
    return total


@pytest.mark.parametrize(("architecture", "shape", "classes", "parameters", "operations"), MODELS)
def test_sizes_are_those_of_the_paper(
    architecture: type[Classifier], shape: list[int], classes: list[str], parameters: int, operations: int
) -> None:
    model = architecture(shape, classes)
    assert sum(value.numel() for value in model.parameters()) == parameters
    assert multiply_adds(model) == pytest.approx(operations, rel=0.01)
    assert model(torch.rand(2, *shape)).shape == (2, len(classes))


@pytest.mark.parametrize("architecture", [LeNet, CifarQuick, Aghdam])
@pytest.mark.parametrize("shape", [[1, 28, 28], [3, 32, 32], [3, 48, 48]])
def test_any_pair_that_fits_works_and_the_other_says_so(architecture: type[Classifier], shape: list[int]) -> None:
    if architecture is Aghdam and shape[1] == 28:
        with pytest.raises(InputError, match="Aghdam cannot take 1x28x28 images"):
            architecture(shape, DIGITS)
    else:
        assert architecture(shape, SIGNS)(torch.rand(2, *shape)).shape == (2, 43)


def test_pool_chooses_between_the_caption_and_caffes_file() -> None:
    counts = {
        pool: [
            sum(isinstance(layer, kind) for layer in CifarQuick([3, 32, 32], DIGITS, pool=pool).net.children())
            for kind in (nn.MaxPool2d, nn.AvgPool2d)
        ]
        for pool in ("max", "caffe")
    }
    assert counts == {"max": [3, 0], "caffe": [1, 2]}
    with pytest.raises(InputError, match=r"model\.pool is 'mean'; it can be max or caffe"):
        CifarQuick([3, 32, 32], DIGITS, pool="mean")


def test_normalisation_happens_inside_and_lives_in_the_state() -> None:
    model = LeNet([1, 28, 28], DIGITS).eval()
    images = torch.rand(16, 1, 28, 28)
    raw = model.net((images - 0.25) / 0.5)
    model.set_statistics(torch.tensor([0.25]), torch.tensor([0.5]))
    torch.testing.assert_close(model(images), raw)
    other = LeNet(**model.hparams).eval()
    other.load_state_dict(model.state_dict())
    torch.testing.assert_close(other(images), raw)


def test_a_constant_channel_does_not_divide_by_zero() -> None:
    model = LeNet([1, 28, 28], DIGITS)
    model.set_statistics(torch.tensor([0.5]), torch.tensor([0.0]))
    assert model(torch.rand(2, 1, 28, 28)).isfinite().all()


def test_the_test_of_a_training_is_as_exact_as_an_evaluation(watched: Callable[[nn.Module], set[Any]]) -> None:
    model = LeNet([1, 28, 28], DIGITS)
    seen = watched(model)
    model.exact_logits(torch.rand(2, 1, 28, 28))
    assert seen == {(False, "highest")}


def test_training_needs_an_optimizer() -> None:
    with pytest.raises(InputError, match="without an optimizer"):
        LeNet([1, 28, 28], DIGITS).configure_optimizers()


def test_one_cycle_rises_to_the_rate_and_falls_to_nothing() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)
    schedule = one_cycle(optimizer, steps=100, warmup=0.2)
    rates = []
    for _ in range(100):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step() if len(rates) < 100 else None
    assert max(rates) == pytest.approx(0.3)
    assert rates.index(max(rates)) == pytest.approx(20, abs=1)
    assert rates[-1] < 1e-4


def test_inverse_is_caffes_formula() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.01)
    schedule = partial(inverse, gamma=1e-4, power=0.75)(optimizer, 1)
    for _ in range(500):
        optimizer.step()
        schedule.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.01 * (1 + 1e-4 * 500) ** -0.75)
