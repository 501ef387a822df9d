"""Measures how stable image classifiers are against image degradation.

import convstab as cs

images = cs.Images(pixels, labels, classes=names)              uint8, or floats in [0, 1], (N, C, H, W)
result = cs.evaluate(model, images, levels=[1, 8, 40])         any nn.Module or callable: [0, 1] -> logits
found = cs.attack(model, images, "ddn")                        the least noise that each image does not survive
cs.plot(result)                                                accuracy and flip rate against the noise
result.by_level()                                              every measure, level by level: calibration, flips, ...
cs.paired_difference(result, other)                            two models on the same draws, with intervals
cs.Ledger.of(result, {"ddn": found})                           image by image: attacks, draws, law and certificates
cs.corruption_error(results, others)                           errors relative to another model: mCE of ImageNet-C
images = cs.folder("photos", size=224)                         your own: a folder for each class; or cs.table, cs.arrays
images = cs.as_images(dataset)                                 of PyTorch, Lightning or MAITE
run = cs.load_run("runs/m")                                    what train.py made: run.model, run.test
own = cs.load_model(net, mean=[0.5], std=[0.25])               a model that is to be given normalised images

Names are loaded when they are used: the import itself loads no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import lazy_loader

if TYPE_CHECKING:
    from convstab.attacks.by_name import attack
    from convstab.attacks.result import AttackResult
    from convstab.data.own.arrays import arrays
    from convstab.data.own.folder import folder
    from convstab.data.own.foreign import as_images
    from convstab.data.own.table import table
    from convstab.errors import InputError
    from convstab.evaluation.corruption_error import corruption_error
    from convstab.evaluation.evaluate import evaluate
    from convstab.evaluation.paired import paired_difference
    from convstab.evaluation.result import StabilityResult
    from convstab.figures.plot import plot
    from convstab.images import Images
    from convstab.ledger.ledger import Ledger
    from convstab.models.own.load import load_model
    from convstab.models.own.wrapper import Own
    from convstab.runs.run import Run, load_run

__all__ = [
    "AttackResult",
    "Images",
    "InputError",
    "Ledger",
    "Own",
    "Run",
    "StabilityResult",
    "arrays",
    "as_images",
    "attack",
    "corruption_error",
    "evaluate",
    "folder",
    "load_model",
    "load_run",
    "paired_difference",
    "plot",
    "table",
]
_loaded, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "attacks.by_name": ["attack"],
        "attacks.result": ["AttackResult"],
        "data.own.arrays": ["arrays"],
        "data.own.folder": ["folder"],
        "data.own.foreign": ["as_images"],
        "data.own.table": ["table"],
        "errors": ["InputError"],
        "evaluation.corruption_error": ["corruption_error"],
        "evaluation.evaluate": ["evaluate"],
        "evaluation.paired": ["paired_difference"],
        "evaluation.result": ["StabilityResult"],
        "figures.plot": ["plot"],
        "images": ["Images"],
        "ledger.ledger": ["Ledger"],
        "models.own.load": ["load_model"],
        "models.own.wrapper": ["Own"],
        "runs.run": ["Run", "load_run"],
    },
)


def __getattr__(name: str) -> Any:
    """A public name, or ``__version__``: that of the package that is installed, see ``pyproject.toml``.

    Raises InputError where a torchvision is installed that does not fit torch, without which it would be loaded.
    """
    if name == "__version__":
        return import_module("importlib.metadata").version(__name__)
    try:
        return _loaded(name)
    except (RuntimeError, AttributeError, OSError) as error:
        exits = import_module("convstab.exits")
        if exits.fails_to_load("torchvision", error):
            raise exits.InputError(exits.misfit(error)) from error
        raise
