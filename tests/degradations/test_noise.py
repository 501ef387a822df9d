"""Noise: moments in closed form, and those of scikit-image."""

import numpy as np
import pytest
import torch
from scipy import stats
from skimage.util import random_noise

from convstab.degradations.by_name import degradation
from tests.degradations.photos import copies, error, photos


def flat(grey: int) -> torch.Tensor:
    return torch.full((3, 32, 32), grey, dtype=torch.uint8)


@pytest.mark.parametrize("name", ["gaussian", "uniform", "laplace"])
@pytest.mark.parametrize("level", [1.0, 20.0])
def test_the_level_is_the_root_of_the_mean_squared_error(name: str, level: float) -> None:
    count = 32 * 3 * 32 * 32
    assert error(degradation(name), level, photos()[0], 32) == pytest.approx(level**2, rel=5 * (5 / count) ** 0.5)


@pytest.mark.parametrize(
    ("name", "law"), [("uniform", stats.uniform(-(3**0.5), 12**0.5)), ("laplace", stats.laplace(0, 0.5**0.5))]
)
def test_noise_follows_its_law(name: str, law: stats.rv_continuous) -> None:
    noise = (copies(degradation(name), 10.0, flat(128), 8) - 128) / 10
    assert stats.kstest(noise.flatten().numpy(), law.cdf).pvalue > 1e-3


def test_the_tails_of_laplacian_noise_are_finite() -> None:
    family = degradation("laplace")
    numbers = torch.tensor([[0.0, 0.5, 1 - 2.0**-24]])
    noise = family.degrade(torch.zeros(1, 1, 1, 3), torch.ones(1, dtype=torch.float64), [numbers]).flatten()
    end = 24 * np.log(2) / 2**0.5
    assert noise.tolist() == pytest.approx([-end, 0, end], abs=1e-3)


@pytest.mark.parametrize("level", [0.1, 0.6])
def test_speckle_grows_with_the_value(level: float) -> None:
    image = photos()[1]
    square = float(image.double().square().mean())
    assert error(degradation("speckle"), level, image, 32) == pytest.approx(level**2 * square, rel=0.02)
    theirs = random_noise(image.numpy(), "speckle", rng=0, clip=False, var=level**2) * 255 - image.numpy()  # type: ignore[no-untyped-call]
    assert error(degradation("speckle"), level, image, 32) == pytest.approx(np.square(theirs).mean(), rel=0.1)
    assert error(degradation("speckle"), level, flat(0)) == 0


@pytest.mark.parametrize("level", [0.01, 0.27, 1.0])
def test_impulses_are_black_or_white_in_equal_shares(level: float) -> None:
    made = copies(degradation("impulse"), level, flat(100), 32)
    count = made.numel()
    for grey, share in ((0, level / 2), (255, level / 2), (100, 1 - level)):
        spread = 5 * (share * (1 - share) / count) ** 0.5
        assert float((made - grey).abs().lt(1e-3).double().mean()) == pytest.approx(share, abs=spread)
    theirs = random_noise(flat(100).numpy(), "s&p", rng=0, amount=level) * 255  # type: ignore[no-untyped-call]
    for grey in (0, 255):
        share = float((made - grey).abs().lt(1e-3).double().mean())
        assert share == pytest.approx((theirs.round() == grey).mean(), abs=0.03)


def test_impulses_err_as_the_closed_form_says() -> None:
    image = photos()[2]
    mean, square = (float(image.double().pow(power).mean()) for power in (1, 2))
    expected = 0.1 * (2 * square - 510 * mean + 255**2) / 2
    assert error(degradation("impulse"), 0.1, image, 64) == pytest.approx(expected, rel=0.03)
