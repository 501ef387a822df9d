"""A user's model as convstab takes models: images in [0, 1] -> logits; it normalises inside."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from convstab.errors import InputError
from convstab.models.own.normalisation import Normalisation

Size = tuple[int, int]


class Own(nn.Module):
    """Images in [0, 1], float (N, C, H, W) -> logits (N, K), by any module; see ``convstab.load_model``.

    model: takes normalised images and gives logits, a tuple that begins with them, or what has them as ``logits``.
    classes: the K class names, in the order of the logits; none: not known.
    size: (H, W) of the images that it takes; None: any that it can.
    source: plain values for the provenance: the kind of model, where it is from, and the digest of its weights.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        model: nn.Module,
        normalisation: Normalisation,
        classes: Sequence[str] = (),
        size: Size | None = None,
        source: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.model, self.classes, self.size = model, tuple(classes), size
        self.source = dict(source or {}) | {"mean": list(normalisation.mean), "std": list(normalisation.std)}
        self.register_buffer("mean", torch.tensor(normalisation.mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(normalisation.std).view(-1, 1, 1), persistent=False)
        self.identity = normalisation.identity
        self.training = model.training  # of this one alone: the user's modules keep theirs

    @property
    def channels(self) -> int | None:
        """Number of colour channels of an image; None: one mean stands for all."""
        return len(self.mean) if len(self.mean) > 1 else None

    def forward(self, images: Tensor) -> Tensor:
        """Images in [0, 1], float (N, C, H, W) -> logits (N, K)."""
        logits: Tensor = logits_of(self.model(images if self.identity else (images - self.mean) / self.std))
        return logits

    def check(self, shape: Sequence[int], what: str = "the images") -> None:
        """Raise InputError for images (C, H, W) of another size or number of channels, naming both."""
        channels, *size = shape
        check_size(self.size, size, what)
        if self.channels is not None and self.channels != channels:
            raise InputError(f"{what} have {count(channels)} and the model takes {count(self.channels)}")


def check_size(size: Size | None, given: Sequence[int], what: str) -> None:
    """Raise InputError for images (H, W) of another size than the model takes, naming both; None: it takes any."""
    if size is not None and size != tuple(given):
        wanted, there = ("x".join(map(str, one)) for one in (size, given))
        said = f"{what} are {there} pixels and the model takes {wanted}; resize them, or say size=any"
        raise InputError(f"{said} where it takes other sizes as well")


def count(channels: int) -> str:
    """How many channels, in words."""
    return f"{channels} channel{'s' if channels != 1 else ''}"


def logits_of(output: Any) -> Any:
    """The logits in what a model gives: the tensor itself, the first of several, or what is called ``logits``."""
    if isinstance(output, Tensor):
        return output
    if isinstance(output, Mapping) and "logits" in output:
        return output["logits"]
    if hasattr(output, "logits"):
        return output.logits
    return output[0] if isinstance(output, tuple | list) and output else output  # else own_model says what it is
