"""The architectures of the paper; each is a Classifier that states only its layers."""

from convstab.models.aghdam import Aghdam
from convstab.models.cifar_quick import CifarQuick
from convstab.models.classifier import Classifier
from convstab.models.lenet import LeNet

__all__ = ["Aghdam", "CifarQuick", "Classifier", "LeNet"]
