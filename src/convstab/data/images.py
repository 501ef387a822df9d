"""Labelled images in memory, and the one LightningDataModule that serves them."""

from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class Images:
    """Labelled images held in memory.

    pixels: uint8, (N, C, H, W), in [0, 255]; may be memory-mapped.
    labels: int64, (N,), in [0, K).
    groups: int64, (N,), or None. Images of one group (the frames of one GTSRB track) are near copies and must not
        be split between training and validation.
    """

    pixels: Tensor
    labels: Tensor
    groups: Tensor | None = None


@dataclass(frozen=True)
class ImageSet:
    """A data set as its publisher splits it.

    classes: K names, in the order of the labels.
    mirror: {label: label of the mirrored image}; a class that is not a key must not be mirrored.
    official: whether the files are known by their MD5 sums to be the publisher's own.
    """

    train: Images
    test: Images
    classes: tuple[str, ...]
    mirror: dict[int, int] = field(default_factory=dict)
    official: bool = False
