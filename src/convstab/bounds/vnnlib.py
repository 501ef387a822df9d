"""The question whether a model decides otherwise within a box around an image, in VNN-LIB as verifiers read it."""

import numpy as np
from numpy.typing import NDArray

from convstab.images import GREY_LEVELS
from convstab.statistics.intervals import Floats

DECIMALS = 9  # of the bounds of an input: finer than float32 has them


def box(pixels: NDArray[np.uint8], radius: float) -> tuple[Floats, Floats]:
    """The least and the greatest value of each input, in [0, 1], flat, of all images within an L-infinity distance.

    Rounded outward to ``DECIMALS``: what holds in the box holds within the distance.

    Args:
        pixels: (C, H, W), grey levels.
        radius: in grey levels, above 0.

    >>> [side.tolist() for side in box(np.array([[[0, 51, 255]]], np.uint8), 5.1)]
    [[0.0, 0.18, 0.98], [0.02, 0.22, 1.0]]
    """
    grey, unit = pixels.astype(np.float64).ravel(), 10.0**DECIMALS
    lowest = np.floor((grey - radius) / GREY_LEVELS * unit) / unit
    highest = np.ceil((grey + radius) / GREY_LEVELS * unit) / unit
    return lowest.clip(0, 1), highest.clip(0, 1)


def question(pixels: NDArray[np.uint8], label: int, classes: int, radius: float, about: str) -> str:
    """The text of a VNN-LIB 1.0 file: it asks for an image in the box with another logit as great as the label's.

    X_i are the inputs in the order of (C, H, W), Y_j the logits.

    Args:
        pixels: see ``box``.
        label: from 0 on.
        classes: the number of logits.
        radius: see ``box``.
        about: a line that says what is asked.

    Source: Demarchi et al., Supporting standardization of neural networks verification with VNNLIB and CoCoNet,
    FoMLAS 2023; the subset that VNN-COMP uses.
    """
    lowest, highest = box(pixels, radius)
    lines = [f"; {about}", "; unsat: it decides for the label in all of the box; sat: somewhere not, or there is a tie"]
    lines += [f"(declare-const X_{place} Real)" for place in range(len(lowest))]
    lines += [f"(declare-const Y_{place} Real)" for place in range(classes)]
    for place, (low, high) in enumerate(zip(lowest, highest, strict=True)):
        lines += [f"(assert (>= X_{place} {low:.{DECIMALS}f}))", f"(assert (<= X_{place} {high:.{DECIMALS}f}))"]
    others = (f"    (and (>= Y_{other} Y_{label}))" for other in range(classes) if other != label)
    return "\n".join([*lines, "(assert (or", *others, "))", ""])
