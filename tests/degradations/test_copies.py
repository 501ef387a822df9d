"""Draws in batches: what is said of one depends on no other, and what is no image is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from convstab.degradations.degradation import Degradation
from convstab.degradations.draws.make import copies_of, degraded_copies
from convstab.degradations.gaussian import Gaussian
from convstab.errors import InputError
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.stability import stability
from convstab.generators.draws import DrawRange
from convstab.images import row_length

LARGE = (3, 100, 101)  # sums of squares are near 2^24, from where float32 rounds


@pytest.mark.parametrize("rounding", [True, False])
def test_the_error_of_a_draw_depends_on_no_other(rounding: bool) -> None:
    pixels = torch.randint(0, 256, (1, *LARGE), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    runs = [DrawRange(0, 0, 0, 0, 20), DrawRange(20, 0, 1, 0, 1)]

    def squares(count: int) -> Tensor:
        copies = copies_of(Gaussian(), torch.tensor([[20.0, 200.0]]), pixels, [0], rounding=rounding)
        rows = torch.zeros(20 + count - 1, row_length(30300), dtype=copies.dtype)
        return copies.fill(rows, runs[:count])

    alone, together = squares(1), squares(2)
    assert alone.max() < 2**24 < together[20]
    assert torch.equal(alone, together[:20])


@dataclass(frozen=True)
class Nothing(Degradation):
    """Divides nothing by nothing."""

    name: ClassVar[str] = "nothing"
    unit: ClassVar[str] = "parts"
    grid: ClassVar[tuple[float, ...]] = (1.0,)

    def degrade(self, images: Tensor, levels: Tensor, random: Sequence[Tensor]) -> Tensor:
        return images * 0 / 0


@pytest.mark.parametrize("rounding", [True, False])
def test_copies_that_are_no_numbers_are_refused(rounding: bool) -> None:
    protocol = Protocol((0.0, 1.0), draws=2, rounding=rounding, degradation=Nothing())
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    pixels, index = torch.zeros(4, 1, 8, 8, dtype=torch.uint8), torch.arange(4)
    said = r"^nothing makes copies of test images 0 to 3 that hold what is not a number$"
    with pytest.raises(InputError, match=said):
        stability(model, pixels, torch.zeros(4).long(), index, 3, protocol)


def test_ids_seeds_and_draws_may_be_numpys() -> None:
    pixels = torch.full((1, 8, 8), 128, dtype=torch.uint8)
    made = degraded_copies(pixels, Gaussian(), 20, 2, image=5, seed=3, first=1)
    again = degraded_copies(pixels, Gaussian(), 20, 2, np.int64(5), np.int32(3), first=np.int64(1))  # type: ignore[arg-type]
    assert torch.equal(made, again)
