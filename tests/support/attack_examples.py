"""Results of attacks that were never made, with numbers that a test can choose."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from convstab.attacks.result import AttackResult


def example(
    l2: Sequence[float | None], channels: int = 1, classes: Sequence[str] = "abcd", **more: Any
) -> AttackResult:
    """An attack on images with these norms; None: it failed on the image.

    more: columns of the table, or fields of the result, in place of those of this example.
    """
    count = len(l2)
    success = np.array([norm is not None for norm in l2])
    norms = np.array([9.0 if norm is None else norm for norm in l2], float)
    label = np.arange(count) % len(classes)
    random = np.random.default_rng(0)
    pixels = random.integers(100, 150, (count, channels, 8, 6), dtype=np.uint8)
    noise = random.uniform(-1, 1, pixels.shape)
    lengths = np.linalg.norm(noise.reshape(count, -1), axis=1)
    noise = (noise * (255 * norms / lengths)[:, None, None, None]).astype(np.float32)
    measured = {
        "success": success,
        "predicted": np.where(success, (label + 1) % len(classes), label),
        "margin": np.where(success, -0.1, 1.0),
        "l2": norms,
        "rms": norms,
        "max": 2 * norms,
        "psnr": 40 - norms,
    }
    rows: dict[str, Any] = {
        "index": np.arange(count),
        "label": label,
        "clean_predicted": label,
        "clean_score": np.linspace(0.5, 1, count, dtype=np.float32),
        "attacked": np.ones(count, bool),
        **measured,
        "score": np.full(count, 0.625, np.float32),
        "label_score": np.full(count, 0.25, np.float32),
        **{f"{name}_rounded": column for name, column in measured.items()},
        "queries": np.arange(count),
        "gradients": np.arange(count),
        "generations": np.arange(count),
        "seconds": np.ones(count),
        "ended": np.full(count, "steps", object),
    }
    fields: dict[str, Any] = {
        "run": "model",
        "attack": "Genetic",
        "protocol": {"seed": 0},
        "pixels": pixels,
        "noise": noise,
        "history": {},
    }
    for name, value in more.items():
        (rows if name in rows else fields)[name] = np.broadcast_to(value, (count,)) if name in rows else value
    return AttackResult(classes=list(classes), rows=rows, **fields)


def history(values: Mapping[int, Sequence[float]], population: int = 10) -> dict[str, np.ndarray[Any, Any]]:
    """A history whose every column is derived from these numbers, which are the norms of each image's generations.

    best = 100 x norm, median = 200 x norm; misclassified are all individuals from the second generation on.
    """
    index = np.concatenate([np.full(len(norms), place) for place, norms in values.items()])
    generation = np.concatenate([np.arange(1, len(norms) + 1) for norms in values.values()])
    l2 = np.concatenate([np.asarray(norms, float) for norms in values.values()])
    columns = {"best": 100 * l2, "median": 200 * l2, "fooled": (generation > 1).astype(float), "l2": l2}
    return {"index": index, "generation": generation, "queries": generation * population, **columns}
