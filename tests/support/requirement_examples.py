"""Evaluations that were never made, with shares of correct draws that a test can choose, held against requirements."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from convstab.attacks.result import AttackResult
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.result import StabilityResult
from convstab.requirements import parsing
from convstab.requirements.assessment import Assessed, assess
from convstab.runs.results import Results
from convstab.units import IMAGES, Units

DRAWS = 10


def evaluation(
    correct: Any, levels: Sequence[float] = (0.0, 8.0, 30.0), units: Units = IMAGES, labels: Any = 0, **protocol: Any
) -> StabilityResult:
    """An evaluation with these shares of correct draws, (n, levels) or one for all; NaN: not drawn."""
    made = Protocol(tuple(levels), **{"draws": DRAWS} | protocol)
    shares = np.array(correct, float)
    images = len(shares)
    draws = np.where(np.isnan(shares), 0, DRAWS)
    rows: dict[str, Any] = {
        "index": np.arange(images).repeat(len(levels)),
        "label": np.broadcast_to(labels, (images,)).repeat(len(levels)),
        "level": np.tile(made.levels, images),
        "draws": draws.ravel(),
        "correct": (np.nan_to_num(shares) * DRAWS).round().astype(int).ravel(),
    }
    rows["changed"] = rows["draws"] - rows["correct"]  # of images that are correct when clean
    return StabilityResult(["stop", "yield", "turn"], made, rows | units.columns(images, len(levels)), {})


def alike(failing: int, images: int, level: int = 1) -> np.ndarray[Any, Any]:
    """Shares of images that are always right, but for some that are always wrong at one level of three."""
    shares = np.ones((images, 3))
    shares[:failing, level] = 0
    return shares


def held(wanted: Any, *results: StabilityResult | AttackResult, confidence: float = 0.95) -> list[Assessed]:
    """What comes of requirements, as YAML or as values, against results, whose folders are a, b, ..."""
    listed = yaml.safe_load(wanted) if isinstance(wanted, str) else wanted
    content = {"confidence": confidence, "requirements": listed if isinstance(listed, list) else [listed]}
    folders = dict(zip(map(Path, "abcd"), results, strict=False))
    evaluations = {folder: one for folder, one in folders.items() if isinstance(one, StabilityResult)}
    attacks = {folder: one for folder, one in folders.items() if isinstance(one, AttackResult)}
    return assess(parsing.parsed(content), Results(evaluations, attacks))


def verdicts(wanted: Any, *results: StabilityResult | AttackResult, confidence: float = 0.95) -> list[str]:
    """The verdicts of the same."""
    return [one.verdict for one in held(wanted, *results, confidence=confidence)]
