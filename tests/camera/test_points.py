"""Points of a photon transfer curve: the variance of a sensor at each brightness, whatever stays the same."""

import numpy as np
import pytest

from convstab.camera.points import LEVELS, PIXELS, Points, Scale, points_of, step_of
from tests.camera.sensors import light_on, ramp, stored

EIGHT_BITS = Scale(0, 255)


def off(points: Points, gain: float, read_noise: float) -> float:
    """How far the points are from the true law, in standard errors (root mean square): 1 where all is right."""
    true = gain * points.brightness + (gain * read_noise) ** 2
    return float(np.sqrt((((points.variance - true) / points.errors(true)) ** 2).mean()))


@pytest.mark.parametrize("frames", [2, 3, 16])
@pytest.mark.parametrize(("gain", "read_noise"), [(0.1, 8.0), (1.0, 6.0), (4.0, 1.0)])
def test_the_points_lie_on_the_true_law_within_their_errors(frames: int, gain: float, read_noise: float) -> None:
    found = []
    for seed in range(12):
        points = points_of(stored(light_on(ramp(256, 256), gain, read_noise, frames, seed)), EIGHT_BITS)
        assert (np.diff(points.brightness) > 0).mean() > 0.9
        assert points.usable.sum() > 20
        found.append(off(points.part(points.usable), gain, read_noise))
    assert 0.9 < float(np.mean(found)) < 1.1  # chance leaves 0.03


def test_what_stays_from_frame_to_frame_is_no_noise() -> None:
    """A fixed pattern of 12 grey levels and pixels of unequal sensitivity: the scene that the sensor sees."""
    rng = np.random.default_rng(1)
    scene = ramp(256, 256) * rng.normal(1, 0.05, (256, 256)) + rng.normal(0, 12, (256, 256))
    points = points_of(stored(light_on(scene.clip(0, 255), 0.5, 4.0, 4)), EIGHT_BITS)
    assert 0.75 < off(points.part(points.usable), 0.5, 4.0) < 1.25


def test_light_that_flickers_is_no_noise_of_the_sensor() -> None:
    scene = ramp(256, 256)
    frames = [light_on(scene * light, 0.2, 5.0, 1, seed)[0] for seed, light in enumerate((1, 0.97, 1.02, 0.95))]
    points = points_of(stored(np.stack(frames)), EIGHT_BITS)
    assert 0.75 < off(points.part(points.usable), 0.2, 5.0) < 1.5


def test_pixels_that_are_bright_by_chance_do_not_count_as_bright() -> None:
    """Of a flat field each point shows its mean, though its pixels' own means spread over tens of grey levels."""
    frames = light_on(np.full((128, 128), 128.0), 1.0, 20.0, 2)
    points = points_of(stored(frames), EIGHT_BITS)
    assert frames.mean(0).std() > 15
    assert points.brightness.std() < 3 * np.sqrt(528 / 2 / points.pixels.mean())


def test_levels_that_clipping_bends_are_left_out() -> None:
    """Near black and white the stored variance is less than the true one; what is used is within 2 % of it."""
    points = points_of(stored(light_on(ramp(512, 512), 2.0, 4.0, 16)), EIGHT_BITS)
    true = 2.0 * points.brightness + 64
    usable = points.usable
    assert (points.variance / true)[[0, -1]].max() < 0.95
    assert not usable[[0, -1]].any()
    assert usable.mean() > 0.6
    assert abs(float((points.variance / true)[usable].mean()) - 1) < 0.004
    assert np.abs(points.variance / true - 1)[usable].max() < 0.04


def test_white_below_the_highest_value_clips_too() -> None:
    frames = np.minimum(stored(light_on(ramp(256, 256), 1.0, 3.0, 4)), 200)
    points = points_of(frames, Scale(0, 200))
    assert not points.usable[points.brightness > 250].any()
    assert points_of(frames, EIGHT_BITS).usable[-1] == np.False_  # the noise of what is clipped is none


def test_noise_below_half_a_step_is_left_out() -> None:
    for sigma, coarse in ((0.3, True), (0.45, True), (0.55, False), (0.8, False)):
        points = points_of(stored(light_on(ramp(), 1e-4, sigma / 1e-4, 16)), EIGHT_BITS)
        assert set(points.coarse[5:-5]) == {coarse}


def test_rounding_is_taken_off() -> None:
    """A variance of 0.36 and a little is 0.44 in the files."""
    points = points_of(stored(light_on(ramp(256, 256), 1e-4, 6000.0, 16)), EIGHT_BITS)
    inner = points.part(points.usable)
    true = 1e-4 * inner.brightness.mean() + 0.36
    assert float(inner.variance.mean()) == pytest.approx(true, rel=0.01)


def test_sixteen_bits_of_which_twelve_are_used_round_coarsely() -> None:
    light = light_on(ramp(256, 256), 0.01, 60.0, 16) / 255 * 4095  # a variance of 0.36 grey levels and a little
    twelve = stored(light, 4095)
    sixteen = twelve * np.uint16(16)
    assert (step_of(twelve), step_of(sixteen), step_of(stored(light * 0, 255))) == (1, 16, 1)
    fine, coarse = points_of(twelve, Scale(0, 4095)), points_of(sixteen, Scale(0, 16 * 4095))
    np.testing.assert_allclose(fine.variance, coarse.variance)
    assert fine.rounding[0] == pytest.approx((255 / 4095) ** 2 / 12)


def test_points_have_hundreds_of_pixels_and_small_frames_few_points() -> None:
    def of(side: int) -> Points:
        return points_of(stored(light_on(ramp(side, side), 0.5, 2.0, 2)), EIGHT_BITS)

    assert len(of(10).pixels) == 0
    assert 2 <= len(of(32).pixels) <= 4
    assert of(32).pixels.min() >= PIXELS
    assert len(of(256).pixels) == LEVELS


def test_what_lies_beside_white_areas_does_not_spoil_the_levels_between() -> None:
    """Windows of white all over the scene: levels of their edges would hold clipped pixels."""
    scene = 20 + 0.7 * ramp(256, 256)
    rows, columns = np.mgrid[:256, :256]
    scene[(rows % 16 < 8) & (columns % 16 < 8)] = 400
    points = points_of(stored(light_on(scene, 0.5, 4.0, 4)), EIGHT_BITS)
    assert points.usable.mean() > 0.9
    assert 0.75 < off(points.part(points.usable), 0.5, 4.0) < 1.25
