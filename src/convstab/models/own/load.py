"""Load an own model: ``convstab.load_model``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from convstab.errors import InputError
from convstab.files.digests import digest
from convstab.models.own.kinds import KINDS
from convstab.models.own.normalisation import Given, normalisation_of, own_normalisation
from convstab.models.own.python import made_by
from convstab.models.own.weights import load_weights
from convstab.models.own.wrapper import Own, Size
from convstab.validation import is_whole

ANY = "any"  # said of a model that takes images of any size


def load_model(
    model: nn.Module | str,
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
        model: a module, which stays as it is; or a kind of model: "python", a function of your own that makes one.
        classes: names, in the order of the logits, or a text file with one in each line; None: the model's own, where
            it has them.
        mean: of the images that the model has learnt, for images in [0, 1], a number for each channel; "none": it
            normalises inside; None: the model's own, where it has one.
        std: their standard deviation, likewise.
        size: pixels, S or (H, W), of the images that it takes; "any"; None: the model's own, where it has one.
        weights: a file: a state dict of ``torch.save``, a checkpoint that has one, or .safetensors; None: as they are.
        where: the model is: ``target="mypkg.nets:build"``, and ``options={...}`` for that function.

    Raises:
        InputError: no such kind of model, weights that do not fit, or a normalisation that is not known.

    >>> import torch, convstab as cs
    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2)).eval()
    >>> model = cs.load_model(net, classes=["cat", "dog"], mean=0.5, std=0.25)
    >>> model.classes, torch.equal(model(torch.full((1, 1, 8, 8), 0.5)), net(torch.zeros(1, 1, 8, 8)))
    (('cat', 'dog'), True)
    """
    found, source = made(model, where)
    normalisation = normalisation_of(mean, std, own_normalisation(found), name_of(source))
    if weights is not None:
        load_weights(found, weights)
    names = names_of(classes) if classes is not None else getattr(found, "classes", None) or ()
    chosen = None if size == ANY else as_size(size)
    return Own(found, normalisation, names, chosen, source | {"weights": digest(found.state_dict())})


def made(model: Any, where: Mapping[str, Any]) -> tuple[nn.Module, dict[str, Any]]:
    """The module, and where it is from; InputError for what is none."""
    if isinstance(model, nn.Module):
        if where:
            raise InputError(f"load_model takes no {min(where)} beside a module")
        return model, {"kind": "module", "name": type(model).__qualname__}
    if model not in KINDS:
        known = ", ".join(KINDS)
        raise InputError(f"the model is {model!r:.80}; it can be an nn.Module, or the name of a kind: {known}")
    takes = KINDS[model]
    for name in where:
        if name not in takes:
            raise InputError(f"a {model} model takes no {name}; it takes {', '.join(takes)}")
    options = dict(where.get("options") or {})
    return made_by(where.get("target"), options), {"kind": "python", "target": where["target"], "options": options}


def name_of(source: Mapping[str, Any]) -> str:
    """What a model is called in a message."""
    return f"{source['kind']} model {source.get('target') or source.get('name')}"


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
