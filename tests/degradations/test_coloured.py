"""Noise of a band: its power lies where it should, and nowhere else."""

import numpy as np
import pytest
import torch

from convstab.degradations.by_name import degradation
from convstab.degradations.draws.make import degraded_copies
from convstab.errors import InputError
from tests.degradations.photos import copies

GREY = torch.full((3, 24, 33), 128, dtype=torch.uint8)


@pytest.mark.parametrize(("lowest", "highest"), [(0.0, 0.125), (0.2, 0.3), (0.4, 1.0), (0.0, 1.0)])
def test_the_power_lies_in_the_band(lowest: float, highest: float) -> None:
    noise = (copies(degradation("coloured", lowest=lowest, highest=highest), 10.0, GREY, 64) - 128).numpy()
    rows, columns = np.meshgrid(np.fft.fftfreq(24), np.fft.fftfreq(33), indexing="ij")
    within = (np.hypot(rows, columns) >= lowest) & (np.hypot(rows, columns) <= highest)
    power = np.square(np.abs(np.fft.fft2(noise))).mean((0, 1)) / noise[0, 0].size
    count = noise.size * within.mean()
    assert np.square(noise).mean() == pytest.approx(100, rel=5 * (2 / count) ** 0.5)
    assert power[within] == pytest.approx(100 / within.mean(), rel=0.6)
    assert (power[~within] < 1e-4).all()


def test_channels_have_noise_of_their_own() -> None:
    noise = copies(degradation("coloured"), 10.0, GREY, 32).transpose(0, 1).flatten(1).numpy()
    assert np.abs(np.corrcoef(noise)[np.triu_indices(3, 1)]).max() < 0.15


def test_a_band_without_frequencies_is_refused() -> None:
    family = degradation("coloured", lowest=0.3, highest=0.31)
    with pytest.raises(InputError, match=r"^coloured noise from 0.3 to 0.31 .* on 4 x 4 pixels: widen the band$"):
        degraded_copies(torch.zeros(1, 4, 4, dtype=torch.uint8), family, 1.0, 1, 0)
