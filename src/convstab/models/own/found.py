"""What a loader has found: a module, and what is known of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from convstab.models.own.normalisation import Normalisation
from convstab.models.own.wrapper import Size


@dataclass(frozen=True)
class Found:
    """A module in the mode that it is to be asked in, and what it says of itself.

    normalisation, size: None: not known. classes: none: not known. source: see ``Own``; "weights" where these are not
    those of the module's state dict. trained: whether it has other weights than random ones.
    """

    model: nn.Module
    source: Mapping[str, Any]
    normalisation: Normalisation | None = None
    classes: Sequence[str] = field(default=())
    size: Size | None = None
    trained: bool = True
