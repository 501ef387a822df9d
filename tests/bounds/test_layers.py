"""Bounds of layers against the matrix of the layer itself, column by column, and its singular values by NumPy."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from convstab.bounds.layers import lipschitz
from convstab.errors import InputError


def exact(layer: nn.Module, size: tuple[int, ...]) -> float:
    """The norm of a linear layer: of the matrix whose columns it makes of unit images, less its bias."""
    layer = layer.double()
    count = int(np.prod(size))
    with torch.no_grad():
        columns = layer(torch.eye(count, dtype=torch.float64).view(count, *size)) - layer(
            torch.zeros(1, *size, dtype=torch.float64)
        )
    return float(np.linalg.svd(columns.flatten(1).numpy(), compute_uv=False)[0])


CONVOLUTIONS = [
    {},
    {"padding": 1},
    {"padding": 2},
    {"padding": 4},  # more zeros than the filter is wide
    {"padding": (0, 2)},
    {"padding": "same"},
    {"padding": "valid"},
    {"stride": 2},
    {"stride": 2, "padding": 1},
    {"stride": 3, "padding": 2},
    {"stride": (1, 2), "padding": 1},
    {"stride": 4},  # wider than the filter
    {"dilation": 2, "padding": 1},
    {"dilation": (1, 3), "stride": 2},
    {"dilation": 2, "padding": "same"},
    {"groups": 2, "padding": 1},
    {"groups": 2, "stride": 2},
]


@pytest.mark.parametrize("settings", CONVOLUTIONS, ids=str)
@pytest.mark.parametrize("size", [(8, 8), (9, 7)])
def test_a_convolution_is_never_steeper_than_its_bound_and_hardly_less(
    settings: dict[str, Any], size: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(2, 4, 3, **settings)
    bound, true = lipschitz(layer, (2, *size)), exact(layer, (2, *size))
    assert true <= bound <= 1.3 * true


@pytest.mark.parametrize("size", [(1, 1), (2, 3)])
@pytest.mark.parametrize("padding", [1, 2, 4])
def test_images_smaller_than_the_filter_see_all_of_it(size: tuple[int, int], padding: int) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(2, 4, 3, padding=padding)
    assert exact(layer, (2, *size)) <= lipschitz(layer, (2, *size))


def test_groups_are_as_steep_as_the_steepest_of_them() -> None:
    torch.manual_seed(0)
    layer, apart = nn.Conv2d(4, 6, 3, groups=2), [nn.Conv2d(2, 3, 3) for _ in range(2)]
    for place, one in enumerate(apart):
        one.weight.data.copy_(layer.weight[3 * place : 3 * place + 3])
    assert lipschitz(layer, (4, 9, 9)) == pytest.approx(max(lipschitz(one, (2, 9, 9)) for one in apart))


def test_dilation_is_a_filter_with_zeros_between() -> None:
    torch.manual_seed(0)
    layer, whole = nn.Conv2d(2, 3, 3, dilation=4), nn.Conv2d(2, 3, 9)
    nn.init.zeros_(whole.weight)
    whole.weight.data[:, :, ::4, ::4] = layer.weight
    assert lipschitz(layer, (2, 12, 12)) == pytest.approx(lipschitz(whole, (2, 12, 12)))


def test_a_filter_that_is_all_alike_is_as_steep_as_its_bound_where_images_are_large() -> None:
    layer = nn.Conv2d(1, 1, 3, padding=1)
    nn.init.ones_(layer.weight)
    assert lipschitz(layer, (1, 40, 40)) == pytest.approx(9)  # a grey image is nine times as bright, but for its edge
    assert 8.9 < exact(layer, (1, 40, 40)) < 9


def test_a_filter_as_large_as_the_image_is_exact() -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 5, 6, stride=6)
    whole = np.linalg.svd(layer.weight.detach().double().flatten(1).numpy(), compute_uv=False)[0]
    assert lipschitz(layer, (3, 12, 12)) == pytest.approx(whole)


def test_a_linear_layer_is_exact() -> None:
    layer = nn.Linear(30, 20)
    assert lipschitz(layer, (30,)) == pytest.approx(exact(layer, (30,)))


POOLS: list[dict[str, Any]] = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2},
    {"kernel_size": 3, "stride": 2, "ceil_mode": True},
    {"kernel_size": 3, "stride": 1, "padding": 1},
    {"kernel_size": (2, 3), "stride": (2, 1), "padding": (1, 0)},
    {"kernel_size": 2, "stride": 3},
]


@pytest.mark.parametrize("settings", POOLS, ids=str)
@pytest.mark.parametrize("size", [(9, 8), (10, 10)])
@pytest.mark.parametrize("counted", [True, False])
def test_average_pooling_is_exact(settings: dict[str, Any], size: tuple[int, int], counted: bool) -> None:
    layer = nn.AvgPool2d(**settings, count_include_pad=counted)
    assert lipschitz(layer, (2, *size)) == pytest.approx(exact(layer, (2, *size)))


@pytest.mark.parametrize("settings", [*POOLS, {"kernel_size": 2, "stride": 1, "dilation": 2}], ids=str)
def test_one_bright_pixel_attains_the_bound_of_maximum_pooling(settings: dict[str, Any]) -> None:
    layer = nn.MaxPool2d(**settings)
    each = layer(torch.eye(9 * 8).view(72, 1, 9, 8)).flatten(1).norm(dim=1)  # from the black image, by 1
    assert lipschitz(layer, (1, 9, 8)) == pytest.approx(float(each.max()))


@pytest.mark.parametrize(
    ("layer", "steepness"),
    [(nn.ReLU(), 1), (nn.LeakyReLU(0.1), 1), (nn.LeakyReLU(3), 3), (nn.LeakyReLU(-2), 2), (nn.Tanh(), 1)],
)
def test_the_steepest_slope_of_an_activation(layer: nn.Module, steepness: float) -> None:
    values = torch.linspace(-3, 3, 6001, dtype=torch.float64)
    slopes = (layer(values).diff() / values.diff()).abs()
    assert float(slopes.max()) == pytest.approx(steepness, abs=1e-3)
    assert lipschitz(layer, (1,)) == steepness


class Doubled(nn.ReLU):
    def forward(self, given: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(given)


@pytest.mark.parametrize(
    ("layer", "line"),
    [
        (
            nn.LocalResponseNorm(2),
            "no bound for the layer LocalResponseNorm; a bound needs a Sequential of these: Conv2d,",
        ),
        (Doubled(), "no bound for the layer Doubled"),
        (nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular"), "padding_mode is 'circular' in Conv2d"),
        (nn.AvgPool2d(2, divisor_override=1), "no bound for divisor_override in AvgPool2d"),
    ],
)
def test_what_has_no_bound_is_refused(layer: nn.Module, line: str) -> None:
    with pytest.raises(InputError, match=line):
        lipschitz(layer, (1, 8, 8))
