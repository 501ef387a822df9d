"""What an attack found: verified by a fresh forward pass, measured, and listed image by image."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from convstab.degradations.similarity import psnr_of_mse
from convstab.errors import InputError
from convstab.forward.margins import margin
from convstab.images import GREY_LEVELS, ROWS, grey_to_unit_, quantise_
from convstab.precision import true_float32

TOGETHER = 256  # images in one forward pass of the verification
CUT_OFF = ("generations", "queries")  # what is no end of the search itself: how far it would have come is not known
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Found:
    """What a search returns for the n images that it attacked.

    noise: float32 (n, C, H, W), in grey levels: the least noise that was seen to be misclassified, or else that of the
        best try. Of LeastLevel: the draw that fails most clearly at the least level.
    queries, gradients, generations: int64 (n,): images that were classified, backward passes, generations evolved.
    seconds: float64 (n,), the share of the time that the image took.
    ended: n words, why the search ended. By its own rule: "stall" (no improvement for so long) or "steps" (all that the
        attack wanted to try is tried). Cut off by a limit: "generations" or "queries".
    history: columns of equal length, one entry for each generation of each image; "row" is the position in the batch.
    columns: of the attack's own, (n,) each, see ``Attack.columns``.
    """

    noise: Tensor
    queries: Tensor
    gradients: Tensor
    generations: Tensor
    seconds: Tensor
    ended: list[str]
    history: Columns = field(default_factory=dict)
    columns: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """The table of an attack, one row for each image that was asked for.

    rows: index, label, clean_predicted and clean_score (class and softmax probability without noise), attacked (whether
        the image was correct when clean), success, predicted, margin (logit of the label minus the highest other: below
        0 when misclassified), score and label_score (softmax probabilities of the predicted class and of the label), l2
        (Euclidean norm for pixels in [0, 1], the unit of the literature), rms and max (grey levels), psnr (dB; infinite
        without noise); success, predicted, margin, l2, rms, max and psnr once more for the 8-bit image, with the suffix
        _rounded; queries, gradients, generations, seconds; ended, see ``Found``. The norms of a failure are those of
        its best try; of an image that was not attacked everything is 0, and ended is empty. LeastLevel has
        one more column: level, of the degradation; NaN without success.
    noise: float32 (n, C, H, W), in grey levels, clipped to the box, before rounding.
    history: as in ``Found``, with "index" (of the image in the test set) in place of "row".
    """

    rows: Columns
    noise: NDArray[np.float32]
    history: Columns = field(default_factory=dict)


def noisy_grey(clean: Tensor, grey_levels: Tensor, rounding: bool = False) -> Tensor:
    """Clean pixels plus noise, clipped to the box, float32, in grey levels; rounded to an 8-bit image if asked."""
    return quantise_(torch.add(clean.float(), grey_levels), clip=True, rounding=rounding)


def as_input(noisy: Tensor) -> Tensor:
    """Grey levels (N, C, H, W), overwritten -> what a classifier takes: pixels in [0, 1], channels last."""
    return grey_to_unit_(noisy).contiguous(memory_format=torch.channels_last)


@true_float32()
@torch.inference_mode()
def classify(classifier: nn.Module, images: Tensor) -> Tensor:
    """Logits (N, K), in batches of whole groups of 16 rows: each row's bits do not depend on the others.

    float32 in any case: neither autocast nor TF32. Raises InputError when a logit is not finite.
    """
    outputs = []
    for batch in images.split(TOGETHER):
        padded = torch.cat([batch, batch[:1].expand(-len(batch) % ROWS, *batch.shape[1:])])
        with torch.autocast(images.device.type, enabled=False):
            outputs.append(classifier(padded.contiguous(memory_format=torch.channels_last))[: len(batch)].float())
    logits = torch.cat(outputs)
    if not logits.isfinite().all():
        raise InputError("the classifier returned logits that are infinite or not a number; it cannot be attacked")
    return logits


def measure(classifier: nn.Module, pixels: Tensor, labels: Tensor, grey_levels: Tensor, rounding: bool) -> Columns:
    """Classify the noisy images afresh and measure the noise that is left after clipping, and rounding if asked."""
    noisy = noisy_grey(pixels, grey_levels, rounding)
    effective = (noisy - pixels).flatten(1).double()
    logits = classify(classifier, as_input(noisy))
    predicted = logits.argmax(1)
    l2 = effective.norm(dim=1)
    rms = l2 / effective.shape[1] ** 0.5
    values = {
        "success": predicted != labels,
        "predicted": predicted,
        "margin": margin(logits, labels),
        "l2": l2 / GREY_LEVELS,
        "rms": rms,
        "max": effective.abs().amax(1),
        "psnr": psnr_of_mse(rms.square()),
    }
    if not rounding:
        scores = logits.softmax(1)
        values["score"] = scores.gather(1, predicted[:, None])[:, 0]
        values["label_score"] = scores.gather(1, labels[:, None])[:, 0]
    return {name: column.cpu().numpy() for name, column in values.items()}


def verify(classifier: nn.Module, pixels: Tensor, labels: Tensor, grey_levels: Tensor) -> Columns:
    """The columns of ``Result.rows`` that a fresh float32 forward pass gives; what a search believes does not count.

    pixels: uint8 (n, C, H, W). labels: int64 (n,). grey_levels: float32 (n, C, H, W).
    """
    exact = measure(classifier, pixels, labels, grey_levels, rounding=False)
    rounded = measure(classifier, pixels, labels, grey_levels, rounding=True)
    return exact | {f"{name}_rounded": column for name, column in rounded.items()}
