"""The affine law: exact on exact points, intervals that cover, and what is not affine is told."""

import numpy as np
import pytest
from scipy import optimize

from convstab.camera.law import Law, polynomial, read_variance_ends
from convstab.camera.points import Points, Scale, points_of
from convstab.statistics.intervals import Floats
from tests.camera.sensors import light_on, ramp, stored


def points(variance: Floats, brightness: Floats, relative: float = 0.02) -> Points:
    each = np.ones_like(variance)
    return Points(brightness, variance, each / 12, relative * each, (200 * each).astype(int), 0 * each)


BRIGHTNESS = np.linspace(5.0, 240.0, 40)


def law_of_frames(gain: float, read_noise: float, frames: int, seed: int, side: int = 80) -> Law:
    found = points_of(stored(light_on(ramp(side, side), gain, read_noise, frames, seed)), Scale(0, 255))
    return Law(found.part(found.usable))


def test_exact_points_give_the_exact_law() -> None:
    law = Law(points(0.5 * BRIGHTNESS + 9, BRIGHTNESS))
    assert (law.gain, law.read_variance, law.read_noise) == pytest.approx((0.5, 9, 6))
    assert (law.residual, law.departure) == pytest.approx((0, 0), abs=1e-9)
    assert law.fits
    assert law.sigma_at(128) == pytest.approx(73**0.5)
    assert law.psnr == pytest.approx(10 * np.log10(255**2 / 73))


def test_without_outliers_it_is_nearly_weighted_least_squares() -> None:
    """SciPy's Huber fit of the same residuals, whose errors are those of the true law."""
    rng = np.random.default_rng(0)
    true = 2 * BRIGHTNESS + 50
    noisy = points(true * (1 + 0.02 * rng.standard_normal(40)), BRIGHTNESS)
    errors = noisy.errors(true)

    def residuals(values: Floats) -> Floats:
        return np.asarray((noisy.variance - values[0] - values[1] * BRIGHTNESS) / errors)

    theirs = optimize.least_squares(residuals, [1, 1], loss="huber", f_scale=1.345)
    ours = polynomial(noisy, 1)
    np.testing.assert_allclose(ours.coefficients, theirs.x, rtol=0.01)
    jacobian = np.asarray(theirs.jac)
    spread = np.sqrt(np.diag(np.linalg.inv(jacobian.T @ jacobian)))
    np.testing.assert_allclose(np.sqrt(np.diag(ours.covariance)), spread, rtol=0.35)


def test_a_few_levels_far_off_count_little_and_are_told() -> None:
    variance = 0.5 * BRIGHTNESS + 9
    variance[[3, 20, 31]] *= [4, 3, 2]
    law = Law(points(variance * (1 + 0.02 * np.random.default_rng(0).standard_normal(40)), BRIGHTNESS))
    assert law.gain == pytest.approx(0.5, rel=0.03)
    assert law.line.outlying == 3


CASES = [(0.5, 6.0, 4), (0.2, 0.0, 2), (2.0, 4.0, 3), (0.1, 10.0, 8)]


@pytest.mark.parametrize(("gain", "read_noise", "frames"), CASES)
def test_intervals_cover_the_truth(gain: float, read_noise: float, frames: int) -> None:
    """In 400 simulated cameras; 93 % or more, and a law that holds is not doubted."""
    laws = [law_of_frames(gain, read_noise, frames, seed) for seed in range(400)]
    for true, intervals in (
        (gain, [law.gain_interval for law in laws]),
        (read_noise, [law.read_noise_interval for law in laws]),
    ):
        assert np.mean([low <= true <= high for low, high in intervals]) >= 0.93
    assert np.mean([law.gain for law in laws]) == pytest.approx(gain, rel=0.02)
    assert np.mean([law.fits for law in laws]) >= 0.995
    widths = np.array([law.gain_interval for law in laws])
    assert (widths[:, 1] - widths[:, 0]).mean() < 6 * np.std([law.gain for law in laws])  # and is no wider than needed


def test_the_ends_of_the_read_noise_are_those_of_fieller() -> None:
    covariance = np.array([[4.0, -0.01], [-0.01, 1e-4]])
    low, high = read_variance_ends(0.5, 9.0, covariance, 2.0)
    for end in (low, high):
        spread = covariance[0, 0] - 2 * end * covariance[0, 1] + end**2 * covariance[1, 1]
        off = (9.0 - end * 0.25) / spread**0.5
        assert abs(off) == pytest.approx(2.0)
    assert low < 36 < high
    assert read_variance_ends(0.5, 1.0, covariance, 2.0)[0] == 0
    assert read_variance_ends(0.5, -9.0, covariance, 2.0) == (0, 0)
    assert read_variance_ends(0.5, 9.0, np.diag([1, 1.0]), 2.0) == (0, np.inf)


CURVES = [(1.1, 1.0), (1.3, 1.0), (1.8, 6.0), (2.0, 1.0), (2.0, 6.0), (2.2, 1.0), (2.2, 6.0), (2.4, 1.0), (2.4, 6.0)]


@pytest.mark.parametrize(("gamma", "read_noise"), CURVES)
def test_the_law_does_not_fit_frames_that_are_gamma_encoded(gamma: float, read_noise: float) -> None:
    light = light_on(ramp(256, 256), 0.5, read_noise, 8)
    found = points_of(stored(255 * (light.clip(0, 255) / 255) ** (1 / gamma)), Scale(0, 255))
    law = Law(found.part(found.usable))
    assert not law.fits
    near = int(np.abs(law.points.brightness - 128).argmin())
    assert law.variance_at(law.points.brightness[near]) == pytest.approx(law.points.variance[near])
    assert np.isnan(law.sigma_at(0.0))


def test_noise_that_does_not_grow_with_light_has_no_gain() -> None:
    law = Law(points(25 * (1 + 0.02 * np.random.default_rng(0).standard_normal(40)), BRIGHTNESS))
    assert law.gain_interval[0] < 0 < law.gain_interval[1]
    assert not law.fits
    assert not law.bent
