"""JPEG as Pillow writes it, and bits by their definition."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from convstab.degradations import compression
from convstab.degradations.by_name import degradation
from convstab.degradations.draws.make import degraded_copies
from convstab.errors import InputError
from tests.degradations.photos import copies, error, photos


@pytest.mark.parametrize("quality", [1, 25, 75, 100])
@pytest.mark.parametrize(("subsampling", "code"), [("4:4:4", 0), ("4:2:2", 1), ("4:2:0", 2)])
def test_jpeg_is_pillows(quality: int, subsampling: str, code: int) -> None:
    image = photos(36)[0, :, :33]
    file = io.BytesIO()
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(file, "JPEG", quality=quality, subsampling=code)
    theirs = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1)
    ours = copies(degradation("jpeg", subsampling=subsampling), quality, image)[0]
    assert (ours - theirs).abs().max() < 1e-4


def test_grey_images_are_grey_files() -> None:
    image = photos()[1, :1]
    file = io.BytesIO()
    Image.fromarray(image[0].numpy()).save(file, "JPEG", quality=10)
    ours = copies(degradation("jpeg"), 10, image)[0, 0]
    assert (ours - torch.from_numpy(np.array(Image.open(file)))).abs().max() < 1e-4


def test_values_are_clipped_and_rounded_before() -> None:
    image, level = torch.tensor([[-80.0, 300.0, 99.6, 100.4]]).repeat(8, 2)[None, None], torch.tensor([100.0]).double()
    family = degradation("jpeg")
    whole = torch.tensor([[0.0, 255.0, 100.0, 100.0]]).repeat(8, 2)[None, None]
    assert torch.equal(family.degrade(image, level, ()), family.degrade(whole, level, ()))


def test_threads_and_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    images, family = photos(36).float(), degradation("jpeg")
    levels = torch.linspace(5, 95, len(images)).round().double()
    expected = family.degrade(images, levels, ())
    monkeypatch.setattr(compression, "NEAR", 1)
    assert torch.equal(family.degrade(images, levels, ()), expected)
    monkeypatch.setattr(compression, "LARGE", 1)
    assert torch.equal(family.degrade(images, levels, ()), expected)


def test_half_a_quality_is_none() -> None:
    with pytest.raises(InputError, match=r"^a level of jpeg is 50.5; it must be a whole number \(quality\)$"):
        degradation("jpeg").check([50, 50.5])


def test_two_channels_are_no_jpeg() -> None:
    with pytest.raises(InputError, match=r"^jpeg takes grey or RGB images; these have 2 channels$"):
        degraded_copies(torch.zeros(2, 8, 8, dtype=torch.uint8), degradation("jpeg"), 50, 1, 0)


@pytest.mark.parametrize("bits", [1.0, 2.0, 3.0, 4.0, 1.585, 7.9])
def test_as_many_grey_levels_are_left_as_the_bits_say(bits: float) -> None:
    ramp = torch.arange(256, dtype=torch.uint8).view(1, 16, 16)
    made = copies(degradation("quantisation"), bits, ramp).flatten().numpy()
    count = round(2**bits)
    palette = np.linspace(0, 255, count)
    assert made == pytest.approx(palette[np.abs(np.arange(256)[:, None] - palette).argmin(1)], abs=1e-3)
    if count < 20:
        assert error(degradation("quantisation"), bits, ramp) == pytest.approx((255 / (count - 1)) ** 2 / 12, rel=0.05)
