"""The classes of a model and those of images are the same by their names, not by their places."""

from collections.abc import Callable, Sequence
from typing import Any, get_args

import torch
from torch import Tensor, nn

from convstab.errors import InputError
from convstab.validation import Match


class Chosen(nn.Module):
    """A model whose logits stand in another order, and perhaps are fewer.

    order: for each class of the images, its place among the logits of the model.
    """

    order: Tensor

    def __init__(self, model: Callable[[Tensor], Any], order: Sequence[int]) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("order", torch.tensor(order), persistent=False)
        self.training = getattr(model, "training", False)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, K) in the order of the images' classes."""
        logits: Tensor = self.model(images).index_select(1, self.order.to(images.device))
        return logits


def matched(model: Any, known: Sequence[str] | None, classes: Sequence[str], match: Match | None = None) -> Any:
    """The model, with logits in the order of the images' classes.

    Names are the same whatever their case, and with spaces or hyphens in place of underscores.

    model: any. known: the names of its classes; none: there is nothing to compare. classes: of the images, likewise.
    match: None: they must be in the same order; "names": the logits are put into that of the images, and those of
        other classes are left out; "order": the names are not compared.
    Raises InputError that names the first class that is another one.
    """
    if match is not None and match not in get_args(Match):
        raise InputError(f"match is {match}; it can be {', '.join(get_args(Match))}, or null (None)")
    own, wanted = [plain(name) for name in known or ()], [plain(name) for name in classes]
    if match == "order" or not own or not wanted or own == wanted:
        return model
    if match == "names":
        for name, spoken in zip(wanted, classes, strict=True):
            if own.count(name) != 1:
                raise InputError(f"match=names: the model knows no class {spoken!r}; it knows {some(known or ())}")
        return Chosen(model, [own.index(name) for name in wanted])
    if len(own) != len(wanted):
        said = f"the model knows {len(own)} classes ({some(known or ())}), the images have {len(wanted)}"
        raise InputError(f"{said} ({some(classes)}); match=names leaves the others out")
    place = next(place for place, (one, other) in enumerate(zip(own, wanted, strict=True)) if one != other)
    said = f"class {place} is {(known or ())[place]!r} of the model and {classes[place]!r} of the images"
    if sorted(own) == sorted(wanted):
        raise InputError(
            f"{said}: the same names in another order; match=names puts the logits into that of the images"
        )
    raise InputError(f"{said}; match=order takes them for the same, class by class")


def plain(name: str) -> str:
    """A name without what may be written otherwise."""
    return " ".join(str(name).replace("_", " ").replace("-", " ").casefold().split())


def some(names: Sequence[str]) -> str:
    """The first three names."""
    return ", ".join(map(str, names[:3])) + (", ..." if len(names) > 3 else "")
