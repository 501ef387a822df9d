"""Models as users write them, found by their names in tests."""

import sys
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

import convstab as cs

CLASSES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class Net(nn.Module):
    """A small model of C x 28 x 28 images; channels: C. dropout: left on when nobody calls eval."""

    def __init__(self, channels: int = 1, classes: int = 10, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.features = nn.Sequential(nn.Conv2d(channels, 4, 5, 4), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
            self.head = nn.Linear(4 * 36, classes)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(images))
        return logits


def build(**options: Any) -> Net:
    """A new model."""
    return Net(**options)


def lenet() -> nn.Module:
    """Caffe's LeNet as one writes it down."""
    return nn.Sequential(
        *(nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10)),
    )


def dropping(**options: Any) -> nn.Module:
    """What drops images' features when it is trained, and is handed over to be asked."""
    return nn.Sequential(Net(**options).features, nn.Dropout(), nn.Linear(144, 10)).eval()


def soft() -> nn.Module:
    """Gives probabilities."""
    return nn.Sequential(Net(), nn.Softmax(1))


def leaving() -> nn.Module:
    """Ends the process, as scripts do."""
    sys.exit(0)


def viewing() -> nn.Module:
    """Takes no channels last."""
    return Viewing(3)


class Viewing(Net):
    """Calls view where reshape is needed."""

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features[:3](images).view(len(images), -1))
        return logits


class Stacked(nn.Module):
    """Two convolutions of grey images, and view: it takes no channels last."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 5, 4), nn.ReLU(), nn.Conv2d(4, 8, 3), nn.ReLU())
        self.head = nn.Linear(8 * 16, 10)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(images).view(len(images), -1))
        return logits


class Coloured(Stacked):
    """Has a normalisation of its own, of three channels."""

    pretrained_cfg: ClassVar = {"mean": (0.4, 0.5, 0.6), "std": (0.1, 0.2, 0.3)}


class Joined(nn.Module):
    """Views grey images as those of three channels: they tell their format by their strides alone."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3 * 784, 10)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(torch.cat([images] * 3, 1).view(len(images), -1))
        return logits


class Solid(nn.Module):
    """A convolution of volumes, whose weights have no format of channels last."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv3d(1, 2, (1, 5, 5), (1, 4, 4)), nn.Flatten(), nn.Linear(72, 10))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.net(images[:, None])
        return logits


class Detached(Net):
    """Gives no gradients."""

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images).detach()


def broken() -> nn.Module:
    """What fails."""
    raise RuntimeError("no GPU\nhere")


def no_module() -> int:
    """What makes something else."""
    return 3


ready = Net()
number = 5


def photographs(count: int = 60) -> dict[str, cs.Images]:
    """Dark and bright images of noise, to train and to test on."""
    labels = torch.arange(count) % 2
    pixels = torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(0)) / 2 + labels.view(-1, 1, 1, 1) / 2
    images = cs.Images(pixels, labels, classes=("dark", "bright"))
    return {"train": images.part(slice(0, count // 2)), "test": images.part(slice(count // 2, count))}
