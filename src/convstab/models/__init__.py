"""The architectures of the paper, each a Classifier that states only its layers; and own models, see ``own``."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from convstab.models.aghdam import Aghdam
    from convstab.models.cifar_quick import CifarQuick
    from convstab.models.classifier import Classifier
    from convstab.models.lenet import LeNet
    from convstab.models.own.trained import OwnClassifier

__all__ = ["Aghdam", "CifarQuick", "Classifier", "LeNet", "OwnClassifier"]
__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "aghdam": ["Aghdam"],
        "cifar_quick": ["CifarQuick"],
        "classifier": ["Classifier"],
        "lenet": ["LeNet"],
        "own.trained": ["OwnClassifier"],
    },
)
