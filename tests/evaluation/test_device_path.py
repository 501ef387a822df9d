"""The path of a GPU where there is none: on the meta device, where nothing may wait for a value.

There an operation on two devices raises, and so does one that would have to know a value: ``item``, ``tolist``,
``nonzero``, a boolean mask as an index. (PyTorch without CUDA makes no fake CUDA tensors.)
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from convstab.degradations.draws.grey import DeviceCopies
from convstab.degradations.similarity import psnr_of_mse
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.tally import Tally
from convstab.generators.draws import DrawRange
from convstab.images import row_length

SHAPE, SIZE, CLASSES = (3, 8, 8), 192, 12
PROTOCOL = Protocol((0, 8, 40), draws=5)
MOST = 700  # operations of a batch, whatever its size: each of the ten rounds of Philox is some 45
META = torch.device("meta")


class Counter(TorchDispatchMode):
    """Counts operations."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return func(*args, **(kwargs or {}))


def copies_of(images: int, device: str = "cpu") -> DeviceCopies:
    pixels = torch.zeros(images, *SHAPE, dtype=torch.uint8, device=device)
    return DeviceCopies([0.0, 8.0, 40.0], pixels, range(images), 0)


def runs_of(images: int, draws: int) -> list[DrawRange]:
    return [DrawRange(draws * place, place // 2, 1 + place % 2, 0, draws) for place in range(2 * images)]


def test_noise_and_psnr_are_made_on_the_device_and_nothing_waits() -> None:
    rows = torch.zeros(24, row_length(SIZE), dtype=torch.uint8, device=META)
    psnr = psnr_of_mse(copies_of(4, "meta").fill(rows, runs_of(4, 3)))
    assert (psnr.device, psnr.shape) == (META, (24,))


def test_counts_are_added_up_on_the_device_and_nothing_waits() -> None:
    index = torch.arange(4)
    applied = PROTOCOL.applied(torch.zeros(4, *SHAPE), index.tolist())
    tally = Tally(index, index, CLASSES, PROTOCOL, META, applied)
    for _ in range(2):
        tally.add(torch.zeros(11, CLASSES, device=META), torch.zeros(11, device=META))
    assert tally.votes.device == META
    assert tally.added == 22


def test_a_batch_takes_as_many_operations_for_many_images_as_for_few() -> None:
    counts = []
    for images, draws in [(2, 2), (50, 2), (2, 50)]:
        copies, rows = copies_of(images), torch.zeros(2 * images * draws, SIZE, dtype=torch.uint8)
        with Counter() as counter:
            copies.fill(rows, runs_of(images, draws))
        counts.append(counter.count)
    assert len(set(counts)) == 1
    assert counts[0] < MOST


@pytest.mark.parametrize(
    "waits",
    [
        lambda there: there + torch.zeros(3),
        lambda there: there.sum().item(),
        lambda there: there.nonzero(),
        lambda there: there[there > 0],
        lambda there: there.tolist(),
        lambda there: bool(there.max() < 3),
    ],
)
def test_what_waits_and_what_mixes_devices_is_found(waits: Callable[[Tensor], object]) -> None:
    with pytest.raises((RuntimeError, NotImplementedError)):
        waits(torch.zeros(3, device=META))
