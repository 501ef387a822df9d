"""Degraded copies as files, for a model that is elsewhere, and the counts of what it predicts for them."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor

from convstab.evaluation.protocol import Protocol
from convstab.evaluation.stability import DegradedBatches
from convstab.evaluation.tally import Counts, Tally
from convstab.images import Images, quantise_

BATCH = 128  # draws that are made together


class Draw(NamedTuple):
    """A draw of an image. applied: the level of the degradation, not ``level`` where levels are PSNR. psnr: dB."""

    level: float
    draw: int
    applied: float
    psnr: float


def draws_of(protocol: Protocol, image: Images) -> Iterator[tuple[Draw, Tensor]]:
    """All draws of one image in the order level, draw, with their pixels, uint8 (C, H, W); none of a level it lacks."""
    batches = DegradedBatches(image.pixels, image.ids.tolist(), protocol, BATCH)
    made = (
        pair for copies, psnr in batches for pair in zip(quantise_(copies.float()).byte(), psnr.tolist(), strict=False)
    )
    for _, _, level, first, length in protocol.runs(0, protocol.draws_per_image):
        applied = float(batches.applied[0, level])
        for draw, (pixels, psnr) in zip(range(first, first + length), made, strict=False):
            if not math.isnan(applied):
                yield Draw(protocol.levels[level], draw, applied, psnr), pixels


def name_of(draw: Draw, protocol: Protocol) -> str:
    """The name of the file of a draw: its level, as short as tells it from all others, and its number."""
    if draw.level == protocol.neutral:
        return "clean.png"
    short = f"{draw.level:g}"
    return f"{short if float(short) == draw.level else repr(draw.level)}_{draw.draw:03d}.png"


def counts_of(protocol: Protocol, images: Images, logits: Tensor) -> Counts:
    """What the predictions for all draws of a few images come to, as ``stability`` counts them.

    logits: float32 (draws, K), in the order image, level, draw; zeros where an image is not drawn.
    """
    batches = DegradedBatches(images.pixels, images.ids.tolist(), protocol, BATCH)
    tally = Tally(images.labels, images.ids, logits.shape[1], protocol, "cpu", batches.applied)
    done = 0
    for _, psnr in batches:
        tally.add(logits[done : done + len(psnr)], psnr)
        done += len(psnr)
    return tally.counts()
