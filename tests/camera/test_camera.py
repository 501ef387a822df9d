"""A camera measured from files: known gains and read noises are recovered, and what is no sensor's noise is told."""

import csv
import io
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from convstab.camera.camera import Camera, measure
from convstab.camera.records import points_text, rows_text
from convstab.camera.tables import document, sentences
from convstab.degradations.by_name import degradation
from convstab.degradations.draws.make import degraded_copies
from convstab.errors import InputError
from tests.camera.sensors import light_on, ramp, stored, write


def told(camera: Camera) -> tuple[float, float]:
    """Gain and read noise of the only channel."""
    (noise,) = camera.noises
    assert noise.law.fits
    return noise.law.gain, noise.law.read_noise


@pytest.mark.parametrize(("gain", "read_noise"), [(0.25, 4.0), (1.0, 3.0), (4.0, 2.0), (0.1, 10.0)])
def test_our_own_sensor_is_recovered(gain: float, read_noise: float, tmp_path: Path) -> None:
    """Both within 5 %, from frames that ``degradation=sensor`` has made at this level."""
    scene = torch.linspace(5, 250, 400).round().byte().repeat(1, 300, 1)
    copies = degraded_copies(scene, degradation("sensor", read_noise=read_noise), gain, draws=16, image=0)
    frames = (copies[:, 0] * 255).round().byte().numpy()
    assert told(measure(write(tmp_path, frames))) == pytest.approx((gain, read_noise), rel=0.05)


def test_the_words_for_evaluate_make_the_same_noise_again(tmp_path: Path) -> None:
    camera = measure(write(tmp_path, stored(light_on(ramp(300, 300), 0.5, 5.0, 16))))
    found = re.search(
        r"degradation=sensor degradation.read_noise=([\d.]+) levels=\[([\d.,]+)\]", document(camera, None)
    )
    assert found
    levels = [float(level) for level in found[2].split(",")]
    assert np.diff(np.log2(levels)) == pytest.approx(np.ones(6), abs=1e-3)
    family = degradation("sensor", read_noise=float(found[1]))
    flat = torch.full((1, 128, 128), 128, dtype=torch.uint8)
    copies = degraded_copies(flat, family, levels[0], 4, 0, rounding=False) * 255
    assert float((copies - 128).square().mean()) == pytest.approx(0.5 * 128 + 2.5**2, rel=0.05)


def test_sigma_and_psnr_are_those_of_the_law(tmp_path: Path) -> None:
    (noise,) = measure(write(tmp_path, stored(light_on(ramp(300, 300), 0.5, 5.0, 16)))).noises
    row = noise.row
    for grey in (32, 64, 128, 192):
        assert row[f"sigma_{grey}"] == pytest.approx((0.5 * grey + 2.5**2) ** 0.5, rel=0.02)
    assert row["psnr_128"] == pytest.approx(10 * math.log10(255**2 / (0.5 * 128 + 2.5**2)), abs=0.1)


def test_each_channel_has_its_gain_and_the_noisiest_is_the_camera(tmp_path: Path) -> None:
    gains = {"red": 1.0, "green": 0.4, "blue": 1.6}
    channels = [stored(light_on(ramp(256, 256), gain, 4.0, 8, seed)) for seed, gain in enumerate(gains.values())]
    camera = measure(write(tmp_path, np.stack(channels, 3)))
    assert [noise.channel for noise in camera.noises] == list(gains)
    assert [noise.law.gain for noise in camera.noises] == pytest.approx(list(gains.values()), rel=0.05)
    assert [noise.channel for noise in camera.worst] == ["blue"]


def test_twelve_bits_above_a_pedestal(tmp_path: Path) -> None:
    """Black lies at 256 of 4,095 values, and values below it are noise as well; stored 16 times as large."""
    light = light_on(ramp(256, 256), 0.05, 20.0, 8) / 255 * (4095 - 256) + 256
    folder = write(tmp_path, stored(light, 4095) * np.uint16(16))
    assert told(measure(folder, black=16 * 256, white=16 * 4095)) == pytest.approx((0.05, 20.0), rel=0.05)


def test_flat_frames_of_several_exposures_are_one_curve(tmp_path: Path) -> None:
    for seed, grey in enumerate((10, 30, 60, 100, 150, 200)):
        write(tmp_path / "iso200" / str(grey), stored(light_on(np.full((128, 128), float(grey)), 0.5, 6.0, 8, seed)))
    camera = measure(tmp_path)
    assert told(camera) == pytest.approx((0.5, 6.0), rel=0.05)
    assert (camera.noises[0].iso, camera.noises[0].frames) == ("200", 48)


def test_something_that_moves_is_told_and_hardly_counts(tmp_path: Path) -> None:
    light = light_on(ramp(256, 256), 0.5, 6.0, 4)
    light[2, 100:130, 20:50] += 40
    camera = measure(write(tmp_path, stored(light)))
    assert told(camera)[0] == pytest.approx(0.5, rel=0.05)
    assert re.search(r"\d+ of \d+ levels stand out and count less: something moved", document(camera, None))


def gamma_encoded() -> NDArray[Any]:
    light = light_on(ramp(256, 256), 0.5, 4.0, 4).clip(0, 255)
    return stored(255 * (light / 255) ** (1 / 2.2))


def test_frames_of_a_gamma_curve_are_told_to_be_none_of_a_sensor(tmp_path: Path) -> None:
    camera = measure(write(tmp_path, gamma_encoded()))
    said = document(camera, None)
    assert "ISO -, grey: the affine law does not fit: the variance does not grow with brightness" in said
    assert "degradation=sensor d" not in said
    (row,) = csv.DictReader(io.StringIO(rows_text(camera)))
    assert (row["affine"], row["gain"], row["read_noise"]) == ("0", "", "")
    slope = 1 / 2.2 * (128 / 255) ** (1 - 2.2)  # of the curve where it shows 128
    light = 255 * (128 / 255) ** 2.2
    expected = slope * math.sqrt(0.5 * light + 2.0**2)
    assert float(row["sigma_128"]) == pytest.approx(expected, rel=0.05)
    assert f"degradation=gaussian levels=[{float(row['sigma_128']):.4g}]" in said


def test_a_mild_curve_under_little_noise_is_told_by_its_bend(tmp_path: Path) -> None:
    light = light_on(ramp(256, 256), 0.5, 0.5, 16).clip(0, 255)
    camera = measure(write(tmp_path, stored(255 * (light / 255) ** (1 / 1.2))))
    assert re.search(r"affine law does not fit: the variance lies \d\.\d\d % off a line", document(camera, None))


def test_a_read_noise_that_no_sensor_has_is_told(tmp_path: Path) -> None:
    camera = measure(write(tmp_path, stored(light_on(ramp(256, 256), 0.05, 100.0, 8))))
    assert "electrons is more than sensors have (1 to 30): the frames may not be linear" in document(camera, None)


def test_compression_is_warned_of(tmp_path: Path) -> None:
    write(tmp_path / "100", stored(light_on(ramp(256, 256), 1.0, 4.0, 4)), ".jpg")
    write(tmp_path / "200", stored(light_on(ramp(256, 256), 2.0, 4.0, 4)))
    said = document(measure(tmp_path), None)
    assert "ISO 100: JPEG frames. Compression removes noise and adds its own" in said


def test_the_points_of_the_curve_are_written_as_they_are(tmp_path: Path) -> None:
    camera = measure(write(tmp_path, stored(light_on(ramp(256, 256), 1.0, 4.0, 4))))
    rows = list(csv.DictReader(io.StringIO(points_text(camera))))
    used = [row for row in rows if row["used"] == "1"]
    assert len(rows) > len(used) > 40
    for row in used:
        true = float(row["brightness"]) + 16
        assert abs(float(row["variance"]) - true) < 5 * float(row["error"])
        assert float(row["fitted"]) == pytest.approx(true, rel=0.05)


RNG = np.random.default_rng(0)
USELESS: list[tuple[NDArray[Any], str]] = [
    (
        stored(np.repeat(ramp()[None], 3, 0)),
        r"^frames: all frames are the same; give frames, not copies of one$",
    ),
    (
        stored(300 + light_on(ramp(), 1.0, 3.0, 2)) - (RNG.random((2, 128, 128)) < 1e-3).astype(np.uint8),
        r"^frames, grey: 0 levels of brightness can be used; it takes 8 levels of brightness of 200 pixels each: the "
        r"frames are too small, or black or white all over; give 1,600 pixels in between$",
    ),
    (
        stored(light_on(ramp(), 8.0, 4.0, 2)),
        r"^frames, grey: \d levels of brightness can be used; .* each: \d+ % of the pixels are of levels that reach "
        r"black or white; expose in between$",
    ),
    (
        stored(light_on(np.full((128, 128), 120.0), 1.0, 3.0, 2)),
        r"^frames, grey: brightness that can be used reaches from 1[12]\d to 12\d of 255 only; it takes 16 grey levels"
        r": a scene of several shades, or flat frames of several exposures, each in a folder of its own$",
    ),
    (
        stored(light_on(ramp(), 1e-4, 2000.0, 4)),
        r"^frames, grey: 0 levels .*: the noise is below half a step of the files; store 16 bits, or raise the ISO$",
    ),
    (
        stored(light_on(ramp(12, 12), 1.0, 3.0, 2)),
        r"^frames, grey: 0 levels .* give 1,600 pixels in between$",
    ),
]


@pytest.mark.parametrize(("frames", "words"), USELESS)
def test_frames_that_tell_no_law_are_refused(frames: NDArray[Any], words: str, tmp_path: Path) -> None:
    write(tmp_path, frames)
    with pytest.raises(InputError) as error:
        measure(tmp_path)
    assert re.search(words, str(error.value).replace(str(tmp_path), "frames")), error.value


@pytest.mark.parametrize(("black", "white"), [(-1, None), (255, None), (0, 256), (100, 50), (math.nan, None)])
def test_black_and_white_are_values_of_the_files(black: float, white: float | None, tmp_path: Path) -> None:
    write(tmp_path, stored(light_on(ramp(), 1.0, 3.0, 2)))
    with pytest.raises(InputError, match=r"they must be values of the files, 0 to 255, black below white$"):
        measure(tmp_path, black, white)


def test_grey_and_colour_at_one_iso_are_refused(tmp_path: Path) -> None:
    frames = stored(light_on(ramp(), 1.0, 3.0, 2))
    write(tmp_path / "100/a", frames)
    write(tmp_path / "100/b", np.stack([frames] * 3, 3))
    with pytest.raises(InputError, match=r"^ISO 100 has grey and RGB frames; give those of one kind$"):
        measure(tmp_path)


def test_colour_is_doubted_since_most_cameras_interpolate_it(tmp_path: Path) -> None:
    frames = stored(light_on(ramp(300, 300), 0.5, 5.0, 16))
    grey, colour = write(tmp_path / "grey", frames), write(tmp_path / "colour", np.stack([frames] * 3, 3))
    of_grey, of_colour = (list(sentences(measure(folder))) for folder in (grey, colour))
    assert not [line for line in of_grey if "interpolate" in line]
    assert len([line for line in of_colour if "most cameras interpolate RGB" in line]) == 3  # of each channel
