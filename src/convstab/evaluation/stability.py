"""Section 4 of the paper: classifier x images x levels x draws -> counts."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from convstab.degradations.similarity import psnr_of_mse
from convstab.errors import InputError
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.tally import Counts, Tally
from convstab.forward.eager import EagerPass, ForwardPass, Precision
from convstab.images import as_images, row_length, whole_groups
from convstab.precision import true_float32

MADE = 2**21  # pixels that are made at once: after a forward pass a core has to find everything anew
TOGETHER = 2048  # draws that are added up at once: what it costs per call then hardly counts


@true_float32()
@torch.inference_mode()
def stability(
    classifier: nn.Module | ForwardPass,
    pixels: Tensor,
    labels: Tensor,
    index: Tensor,
    classes: int,
    protocol: Protocol,
    *,
    batch_size: int = 128,
    precision: Precision = "float32",
    device: torch.device | str = "cpu",
    progress: Callable[[int], object] = lambda _: None,
) -> Counts:
    """Classify degraded copies of images and count the outcomes.

    The counts do not depend on the batch size, on the order of the images, or on how a test set is cut into slices.

    classifier: images in [0, 1], float (N, C, H, W), channels last -> logits (N, K), on ``device``; it is put into
        evaluation mode and its weights into channels last. Or a forward pass of such a one.
    pixels: uint8 (n, C, H, W). labels: int64 (n,), in [0, K). index: int64 (n,), of the images in the test set.
    batch_size: draws per forward pass, rounded up to a multiple of 16; the last batch is padded to one.
    precision: of the forward pass of a module: float32 is never TF32; bfloat16 is autocast's. Degradation, PSNR and
        softmax are float32 in any case.
    progress: is given the number of draws of every batch.
    Raises InputError when logits are not finite, or not (N, K).
    """
    forward = classifier if isinstance(classifier, ForwardPass) else EagerPass(classifier, precision, device)
    batches = DegradedBatches(pixels.to(device), index.tolist(), protocol, whole_rows(batch_size))
    tally = Tally(labels, index, classes, protocol, device, batches.applied)
    waiting: list[tuple[Tensor, Tensor]] = []
    for images, psnr in batches:
        logits = forward(images)[: len(psnr)]
        if logits.shape != (len(psnr), classes):
            raise InputError(
                f"the classifier returned {tuple(logits.shape)} for {len(psnr)} images of {classes} classes"
            )
        waiting.append((logits, psnr))
        if len(waiting) * len(images) >= TOGETHER:
            tally.add(*map(torch.cat, zip(*waiting, strict=True)))
            waiting.clear()
        progress(len(psnr))
    if waiting:
        tally.add(*map(torch.cat, zip(*waiting, strict=True)))
    return tally.counts()


class DegradedBatches:
    """The degraded copies of a slice in batches, in buffers that are used again for every batch.

    Iterating gives (images in grey levels, uint8 or float32 (N, C, H, W), channels last, PSNR of the draws (n,) in
    dB); n <= N: what pads the last batch to a multiple of 16 has no PSNR and does not count.

    applied: the level of each image under each of the protocol's, see ``Protocol``.
    """

    def __init__(self, pixels: Tensor, index: list[int], protocol: Protocol, batch_size: int) -> None:
        self.shape, self.size = tuple(pixels.shape[1:]), pixels[0].numel()
        self.total = len(index) * protocol.draws_per_image
        self.protocol, self.batch_size = protocol, batch_size
        self.applied = protocol.applied(pixels, index)
        self.copies = protocol.copies_of(pixels, index, self.applied)
        made = batch_size * max(1, MADE // (batch_size * self.size))
        self.degraded = torch.zeros(made, row_length(self.size), dtype=self.copies.dtype, device=pixels.device)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for start in range(0, self.total, len(self.degraded)):
            psnr = self.fill(start, min(start + len(self.degraded), self.total))
            for first in range(0, len(psnr), self.batch_size):
                some = psnr[first : first + self.batch_size]
                yield as_images(self.degraded[first : first + whole_rows(len(some))], self.shape), some

    def fill(self, start: int, stop: int) -> Tensor:
        """Make draws start ... stop - 1 in grey levels; their PSNR (n,)."""
        squares = self.copies.fill(self.degraded[: stop - start], list(self.protocol.runs(start, stop)))
        return psnr_of_mse(squares.div_(self.size)).float()


def whole_rows(count: int) -> int:
    """``count`` rounded up to a multiple of 16; InputError below 1."""
    if count < 1:
        raise InputError(f"batch_size is {count}; it must be at least 1")
    return whole_groups(count)
