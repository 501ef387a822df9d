"""Evaluations of members and of their ensemble, made up from what each draw of each image came to."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convstab.evaluation.protocol import Protocol
from convstab.evaluation.result import StabilityResult
from convstab.members.members import Members

CLASSES = "even", "odd", "neither"


def evaluation(correct: NDArray[Any], draws: int, groups: NDArray[Any] | None = None, **more: Any) -> StabilityResult:
    """An evaluation with so many correct draws of each image and level; correct: (n, levels), the clean image first."""
    levels = (0.0, *range(10, 10 * correct.shape[1], 10))
    protocol = Protocol(levels, draws, **more)
    shape = correct.shape
    rows = {
        "index": np.arange(shape[0]).repeat(shape[1]),
        "label": (np.arange(shape[0]) % len(CLASSES)).repeat(shape[1]),
        "level": np.tile(levels, shape[0]),
        "draws": np.tile(protocol.draws_of, shape[0]),
        "correct": correct.ravel().astype(np.int64),
        "psnr_mean": np.tile([np.inf, *([30.0] * (shape[1] - 1))], shape[0]),
        "identical": np.tile([1, *([0] * (shape[1] - 1))], shape[0]),
    }
    rows |= {} if groups is None else {"group": groups.repeat(shape[1])}
    return StabilityResult(CLASSES, protocol, rows, {})


def counted(outcomes: NDArray[np.bool_], clean: NDArray[np.bool_] | None = None, **more: Any) -> StabilityResult:
    """An evaluation at one level, of outcomes (n, draws); clean: whether each image is correct without noise."""
    known = np.ones(len(outcomes), bool) if clean is None else clean
    return evaluation(np.stack([known, outcomes.sum(1)], 1), outcomes.shape[1], **more)


def voting(outcomes: NDArray[np.bool_], **more: Any) -> Members:
    """Members with these outcomes (members, n, draws), and the majority vote on each draw as their ensemble."""
    vote = 2 * outcomes.sum(0) > len(outcomes)
    return Members(counted(vote, **more), named([counted(each, **more) for each in outcomes]), "vote")


def named(results: Sequence[StabilityResult]) -> dict[str, StabilityResult]:
    """Results by names: a, b, c."""
    return dict(zip("abcdefgh", results, strict=False))
