"""Caffe's "quick" model for CIFAR-10."""

from collections.abc import Sequence
from typing import Any

from torch import nn

from convstab.errors import InputError
from convstab.models.classifier import Classifier

POOLS: dict[str, tuple[type[nn.Module], type[nn.Module]]] = {
    "max": (nn.MaxPool2d, nn.MaxPool2d),  # the paper's caption
    "caffe": (nn.MaxPool2d, nn.AvgPool2d),  # Caffe's file: MAX, AVE, AVE
}


class CifarQuick(Classifier):
    """The paper's CIFAR-10 model (Figure 1): 145,578 parameters at 3x32x32; no ReLU between the two linear layers.

    pool: "max" for maximum pooling everywhere, "caffe" for maximum, average, average.
    """

    def __init__(self, shape: Sequence[int], classes: Sequence[str], pool: str = "max", **training: Any) -> None:
        super().__init__(shape, classes, **training)
        if pool not in POOLS:
            raise InputError(f"model.pool is {pool!r}; it can be {' or '.join(POOLS)}")
        self.hparams["pool"] = pool
        first, later = POOLS[pool]
        shrink = {"kernel_size": 3, "stride": 2, "ceil_mode": True}  # Caffe's pools round up: 32, 16, 8, 4
        self.net = self.build(
            [
                *(nn.Conv2d(self.channels, 32, 5, padding=2), first(**shrink), nn.ReLU()),
                *(nn.Conv2d(32, 32, 5, padding=2), nn.ReLU(), later(**shrink)),
                *(nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), later(**shrink)),
            ],
            lambda size: [nn.Linear(size, 64), nn.Linear(64, len(classes))],
        )
