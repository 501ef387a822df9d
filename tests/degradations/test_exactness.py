"""Last bits lead nowhere."""

import torch

from convstab.degradations.exactness import STEP, by_level, settled


def test_last_bits_do_not_matter() -> None:
    """Also where a value lies between two that float32 has, and where it is half a grey level."""
    values = torch.cat((torch.arange(-300, 300) / 2, torch.arange(256) + 2.0**-17, torch.tensor([1 / 3, 254.9, 0.1])))
    values = values.double()
    for nudge in (-1e-12, 1e-12):
        assert torch.equal(settled(values + nudge), settled(values))


def test_values_are_settled_to_the_nearest_step() -> None:
    values = torch.linspace(-300, 600, 10001, dtype=torch.float64)
    found = settled(values)
    assert found.dtype == torch.float32
    assert (found.double() - values).abs().max() <= STEP / 2
    assert torch.equal(found / STEP, (found / STEP).round())
    assert STEP < 1e-3


def test_each_level_is_met_once_with_its_images() -> None:
    levels = torch.tensor([3.0, 1.5, 3.0])
    assert {level: mask.tolist() for level, mask in by_level(levels)} == {
        1.5: [False, True, False],
        3.0: [True, False, True],
    }
