"""What is known before the long work: how good a model is on clean images, and whether its answers can be counted."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convstab.errors import InputError
from convstab.images import ROWS, Images, to_unit
from convstab.precision import true_float32
from convstab.statistics import intervals

TOGETHER = 128  # images in a forward pass
AGAIN = 32  # images that are classified twice
ALIKE = 1e-3  # of the greatest logit: what another batch may change by rounding
LOW, DOMINANT, SHOWN = 0.5, 0.5, 3  # clean accuracy; share of a label's images; confusions in the message


@dataclass(frozen=True)
class Clean:
    """How a model classifies clean images.

    value, low, high: its accuracy with the 95 % interval. confusion: int64 (K, K), label by predicted class.
    again, otherwise: images whose pixels are those of an earlier one, and those of them that have another label.
    groups: that the images come in, which are what the interval is over; 0: each is one.
    """

    value: float
    low: float
    high: float
    confusion: NDArray[np.int64]
    classes: tuple[str, ...]
    again: int = 0
    otherwise: int = 0
    groups: int = 0

    def __str__(self) -> str:
        interval = f"[{100 * self.low:.1f}, {100 * self.high:.1f}]"
        groups = f" in {self.groups:,} group{'s' * (self.groups != 1)}" if self.groups else ""
        return f"clean accuracy {100 * self.value:.1f} % {interval} of {self.confusion.sum():,} images{groups}"

    @property
    def remarks(self) -> list[str]:
        """What is strange about it, in lines."""
        return list(filter(None, (self.repeated, self.suspicion)))

    @property
    def repeated(self) -> str:
        """That images stand in the test set more than once: they are not independent, as intervals take them to be."""
        if not self.again:
            return ""
        labels = f", {self.otherwise} of them with another label" if self.otherwise else ""
        return f"{self.again} of these images have the very pixels of an earlier one{labels}: intervals are too narrow"

    @property
    def suspicion(self) -> str:
        """The most frequent confusions, where few images are correct and most of a label's go to one wrong class."""
        counts = self.confusion.copy()
        there = counts.sum(1)
        np.fill_diagonal(counts, 0)
        shares = counts.max(1) / np.maximum(there, 1)
        dominated = int((shares > DOMINANT).sum())
        taken_for = len(set(counts.argmax(1)[shares > DOMINANT].tolist()))  # of another order each is taken for its own
        if self.high >= LOW or dominated < 2 or 2 * dominated < (there > 0).sum():
            return ""
        said = [
            f"{self.classes[label]} is taken for {self.classes[counts[label].argmax()]} ({100 * shares[label]:.0f} %)"
            for label in np.argsort(-shares, kind="stable")[:SHOWN]
        ]
        reordered = taken_for > DOMINANT * dominated
        question = "are its classes in another order?" if reordered else "is the normalisation another one?"
        return f"most frequent confusions: {', '.join(said)}; {question}"


def gate(model: nn.Module, images: Images, device: torch.device, expected: float | None = None) -> Clean:
    """Classify clean images, in float32, and refuse a model whose answers mean nothing.

    model: on the device: images in [0, 1], float (N, C, H, W) -> logits (N, K). images: with K class names.
    expected: a clean accuracy, in [0, 1], that the interval must hold or exceed; None: any.
    Raises InputError for logits that are not finite, the same for all images, or other ones in a second pass; and for a
    clean accuracy whose interval lies below the expected one.
    """
    logits = torch.cat([one.cpu() for one in answers(model, images.pixels, device, TOGETHER)])
    if not logits.isfinite().all():
        share = 1 - logits.isfinite().all(1).float().mean().item()
        raise InputError(
            f"the model returns logits that are infinite or not a number for {100 * share:.0f} % of images"
        )
    check_again(model, images.pixels, logits, device)
    if (logits == logits[0]).all() and (images.pixels != images.pixels[0]).any():
        raise InputError("the model returns the same logits for all images: are its weights those of a trained model?")
    predicted, count = logits.argmax(1), len(images.classes)
    pairs = torch.bincount(images.labels * count + predicted, minlength=count * count).view(count, count)
    rates = intervals.mean((predicted == images.labels).double()[:, None].numpy(), units=images.units)
    value, low, high = (float(end[0]) for end in (rates.value, rates.low, rates.high))
    groups = 0 if images.units.groups is None else int(images.units.count(len(images)))
    clean = Clean(value, low, high, pairs.numpy(), images.classes, *repetitions(images), groups)
    if expected is not None and clean.high < expected:
        hint = f"; {clean.suspicion}" if clean.suspicion else "; check the normalisation, the classes and the images"
        raise InputError(f"{clean}, and expect_clean is {expected:g}{hint}")
    return clean


def repetitions(images: Images) -> tuple[int, int]:
    """How many images have the pixels of an earlier one, and how many of these another label than the first of them."""
    labels: dict[bytes, int] = {}  # of the first image with these pixels
    again = otherwise = 0
    for pixels, label in zip(images.pixels, images.labels.tolist(), strict=True):
        key = blake2b(pixels.contiguous().numpy()).digest()
        again += key in labels
        otherwise += labels.setdefault(key, label) != label
    return again, otherwise


def check_again(model: nn.Module, pixels: Tensor, logits: Tensor, device: torch.device) -> None:
    """Raise InputError where some images have other logits in a second pass, among others."""
    rows = torch.arange(min(AGAIN, len(pixels))).flip(0)
    second = torch.cat([one.cpu() for one in answers(model, pixels[rows], device, ROWS)])
    apart = (second - logits[rows]).abs().max().item()
    if not apart <= ALIKE * max(1.0, logits[rows].abs().max().item()):
        said = f"two passes over the same images give other logits, by up to {apart:.2g}"
        raise InputError(f"{said}: is dropout or batch normalisation left in training mode? Call model.eval()")


@true_float32()
@torch.inference_mode()
def answers(model: nn.Module, pixels: Tensor, device: torch.device, together: int) -> Iterator[Tensor]:
    """The logits of images, batch by batch, float32."""
    for part in pixels.split(together):
        with torch.autocast(device.type, enabled=False):
            given = to_unit(part.to(device)).contiguous(memory_format=torch.channels_last)
            yield model(given).float()
