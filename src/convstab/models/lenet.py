"""LeNet as in Caffe's MNIST example."""

from collections.abc import Sequence
from typing import Any

from torch import nn

from convstab.models.classifier import Classifier


class LeNet(Classifier):
    """Caffe's LeNet, the paper's MNIST model (Figure 1): 431,080 parameters; no ReLU after its convolutions."""

    def __init__(self, shape: Sequence[int], classes: Sequence[str], **training: Any) -> None:
        super().__init__(shape, classes, **training)
        self.net = self.build(
            [nn.Conv2d(self.channels, 20, 5), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2)],
            lambda size: [nn.Linear(size, 500), nn.ReLU(), nn.Linear(500, len(classes))],
        )
