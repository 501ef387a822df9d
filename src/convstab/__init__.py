"""Measures how stable image classifiers are against image degradation.

import convstab as cs

images = cs.Images(pixels, labels, classes=names)              uint8, or floats in [0, 1], (N, C, H, W)
result = cs.evaluate(model, images, sigmas=[1, 8, 40])         any nn.Module or callable: [0, 1] -> logits
found = cs.attack(model, images, "ddn")                        the least noise that each image does not survive
run = cs.load_run("runs/m")                                    what train.py made: run.model, run.test

Names are loaded when they are used: the import itself loads no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convstab.attacks.by_name import attack
    from convstab.attacks.result import AttackResult
    from convstab.errors import InputError
    from convstab.evaluation.evaluate import evaluate
    from convstab.evaluation.result import StabilityResult
    from convstab.images import Images
    from convstab.runs.run import Run, load_run

HOMES = {
    "AttackResult": "attacks.result",
    "Images": "images",
    "InputError": "errors",
    "Run": "runs.run",
    "StabilityResult": "evaluation.result",
    "attack": "attacks.by_name",
    "evaluate": "evaluation.evaluate",
    "load_run": "runs.run",
}

__all__ = ["AttackResult", "Images", "InputError", "Run", "StabilityResult", "attack", "evaluate", "load_run"]


def __getattr__(name: str) -> Any:
    """A public name, from the module that it lives in."""
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)


def __dir__() -> list[str]:
    """The public names."""
    return __all__
