"""Load an own model: ``convstab.load_model``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from convstab.errors import InputError
from convstab.files.digests import digest
from convstab.models.own.estimator import Estimator, is_estimator
from convstab.models.own.files import of_export, of_onnx
from convstab.models.own.found import Found
from convstab.models.own.kinds import KINDS, OF_FILES, OF_LIBRARIES
from convstab.models.own.libraries import classes_of, of_hf, of_timm, of_torchvision
from convstab.models.own.normalisation import Given, normalisation_of, own_normalisation
from convstab.models.own.python import made_by
from convstab.models.own.weights import load_weights
from convstab.models.own.wrapper import Own, Size
from convstab.validation import is_whole

ANY = "any"  # said of a model that takes images of any size


def load_model(
    model: Any,
    *,
    classes: Sequence[str] | str | Path | None = None,
    mean: Given = None,
    std: Given = None,
    size: int | Sequence[int] | str | None = None,
    weights: str | Path | None = None,
    **where: Any,
) -> Own:
    """Make any model one that takes images in [0, 1] and gives logits, knowing its classes and where it is from.

    Args:
        model: a module, which stays as it is; a fitted classifier of scikit-learn, each row of which is an image as
            NumPy's ``image.ravel()`` makes it, (H W C), in [0, 1]; or a kind of model: "python", a function of your own
            that makes one; "timm", "hf" (transformers) or "torchvision", by its name there; "onnx" or "export"
            (torch.export), a file.
        classes: names, in the order of the logits, or a text file with one in each line; None: the model's own, where
            it has them.
        mean: of the images that the model has learnt, for images in [0, 1], a number for each channel; "none": it
            normalises inside; None: the model's own, where it has one.
        std: their standard deviation, likewise.
        size: pixels, S or (H, W), of the images that it takes; "any"; None: the model's own, where it has one.
        weights: a file: a state dict of ``torch.save``, a checkpoint that has one, or .safetensors; None: as they are.
        where: the model is. python: ``target="mypkg.nets:build"``, ``options={...}`` for that function. timm,
            torchvision: ``name``, ``pretrained=True`` for the weights that it comes with, ``options``. hf: ``name``, a
            folder or an id of the hub, ``download=True`` to fetch it. onnx, export: ``path``.

    Raises:
        InputError: no such kind of model, weights that do not fit, or a normalisation that is not known.

    >>> import torch, convstab as cs
    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2)).eval()
    >>> model = cs.load_model(net, classes=["cat", "dog"], mean=0.5, std=0.25)
    >>> model.classes, torch.equal(model(torch.full((1, 1, 8, 8), 0.5)), net(torch.zeros(1, 1, 8, 8)))
    (('cat', 'dog'), True)
    """
    found = made(model, where)
    name = name_of(found.source)
    if weights is not None:
        if found.source["kind"] in OF_FILES:
            raise InputError(f"{name} takes no weights: they are in its file")
        load_weights(found.model, weights)
        found = replace(found, source=dict(found.source) | {"file": Path(weights).name})
    elif not found.trained:
        raise InputError(f"{name} has random weights: give weights=FILE, or pretrained=true where it comes with some")
    known = found.normalisation or own_normalisation(found.model)
    if weights is not None and found.source["kind"] in OF_LIBRARIES:  # what it knows is of the weights it comes with
        normalisation = normalisation_of(mean, std, None, name, known)
        found = replace(found, classes=(), size=None)
    else:
        normalisation = normalisation_of(mean, std, known, name)
    names = found.classes or own_classes(found.model) if classes is None else names_of(classes)
    chosen = None if size == ANY else as_size(size) or found.size
    source = {"weights": digest(found.model.state_dict())} | dict(found.source)
    return Own(found.model, normalisation, names, chosen, source)


def made(model: Any, where: Mapping[str, Any]) -> Found:
    """The module, and what is known of it; InputError for what is none."""
    if isinstance(model, nn.Module) or is_estimator(model):
        if where:
            raise InputError(f"load_model takes no {min(where)} beside a module")
        module = model if isinstance(model, nn.Module) else Estimator(model)
        return Found(module, {"kind": "module", "name": type(model).__qualname__})
    if model not in KINDS:
        known = ", ".join(KINDS)
        raise InputError(f"the model is {model!r:.80}; it can be an nn.Module, or the name of a kind: {known}")
    takes = KINDS[model]
    for name in where:
        if name not in takes:
            raise InputError(f"a {model} model takes no {name}; it takes {', '.join(takes)}")
    if takes[0] not in where:
        raise InputError(f"a {model} model needs {takes[0]}; it takes {', '.join(takes)}")
    return LOADERS[model](**where)


def of_python(target: Any, options: Mapping[str, Any] | None = None) -> Found:
    """What a function of the user's makes."""
    return Found(made_by(target, options), {"kind": "python", "target": target, "options": dict(options or {})})


LOADERS: dict[str, Callable[..., Found]] = {
    "python": of_python,
    "timm": of_timm,
    "hf": of_hf,
    "torchvision": of_torchvision,
    "onnx": of_onnx,
    "export": of_export,
}


def own_classes(model: nn.Module) -> Sequence[str]:
    """The class names that a module has: as its ``classes``, or in its configuration, as those of transformers."""
    return getattr(model, "classes", None) or classes_of(getattr(model, "config", None))


def name_of(source: Mapping[str, Any]) -> str:
    """What a model is called in a message."""
    return f"{source['kind']} model {source.get('target') or source.get('name') or source.get('path')}"


def names_of(classes: Sequence[str] | str | Path) -> tuple[str, ...]:
    """Class names, or those of a text file, one in each line."""
    if not isinstance(classes, str | Path):
        return tuple(map(str, classes))
    try:
        return tuple(line.strip() for line in Path(classes).read_text(encoding="utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"classes={classes} is no text file; give names, or a file with one in each line") from error


def as_size(size: Any) -> Size | None:
    """S or (H, W) as (H, W); InputError for anything else."""
    if size is None:
        return None
    sides = [size, size] if isinstance(size, int) else size
    if not isinstance(sides, list | tuple) or len(sides) != 2 or not all(is_whole(side, 1) for side in sides):
        raise InputError(f"size is {size}; it must be a number of pixels, [height, width], or any")
    return sides[0], sides[1]
