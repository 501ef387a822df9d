"""The traffic-sign model of Aghdam, Heravi and Puig, 2015."""

from collections.abc import Sequence
from typing import Any

from torch import nn

from convstab.models.classifier import Classifier


class Aghdam(Classifier):
    """The paper's GTSRB model (Figure 2): 1,123,443 parameters at 3x48x48 and 43 classes.

    Rebuilt from the parameter counts in "Recognizing Traffic Signs using a Practical Deep Neural Network" (2015);
    the slope and the dropout are not in any source.

    slope: of the leaky ReLU for negative values.
    dropout: probability, before the last layer.
    """

    def __init__(
        self,
        shape: Sequence[int],
        classes: Sequence[str],
        slope: float = 0.01,
        dropout: float = 0.5,
        **training: Any,
    ) -> None:
        super().__init__(shape, classes, **training)
        self.hparams.update({"slope": slope, "dropout": dropout})

        def stage(convolution: nn.Conv2d) -> list[nn.Module]:
            return [convolution, nn.LeakyReLU(slope), nn.MaxPool2d(2)]

        self.net = self.build(
            [
                *stage(nn.Conv2d(self.channels, 100, 7)),
                *stage(nn.Conv2d(100, 150, 4, groups=2)),
                *stage(nn.Conv2d(150, 250, 4, groups=2)),
            ],
            lambda size: [
                *(nn.Linear(size, 300), nn.LeakyReLU(slope)),
                *(nn.Dropout(dropout), nn.Linear(300, len(classes))),
            ],
        )
