"""Augmentations of training batches: (images in [0, 1] (N, C, H, W), labels (N,)) -> the same, on their device.

All randomness comes from torch's global generators, which are seeded for each epoch.
"""

import math
from collections.abc import Sequence

import kornia.augmentation as K
import torch
from torch import Tensor, nn

from convstab.errors import InputError
from convstab.images import grey_to_unit_, round_to_grey

Batch = tuple[Tensor, Tensor]
SHARPER = (1.0, 3.0)  # factors of sharpening: 0 is the blurred image, 1 changes nothing


class Chain(nn.Module):
    """Applies named parts in order; without parts it changes nothing."""

    def __init__(self, **parts: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleDict(parts)

    def forward(self, images: Tensor, labels: Tensor) -> Batch:
        """Images and labels after all parts."""
        for part in self.parts.values():
            images, labels = part(images, labels)
        return images, labels


class GaussianNoise(nn.Module):
    """Adds Gaussian noise to every image, clipped and rounded to 8 bit.

    sigma: grey levels, at least 0; or (low, high), from which each image draws its own.
    """

    def __init__(self, sigma: float | Sequence[float]) -> None:
        super().__init__()
        ends = [sigma] if isinstance(sigma, int | float) else list(sigma)
        self.low, self.high = ends[0], ends[-1]
        if len(ends) > 2 or not 0 <= self.low <= self.high < math.inf:
            raise InputError(f"augment.sigma is {sigma}; it is a number of grey levels from 0, or [low, high]")

    def forward(self, images: Tensor, labels: Tensor) -> Batch:
        """Noisy images, unchanged labels."""
        sigma = torch.empty(len(images), device=images.device).uniform_(self.low, self.high)
        return with_noise(images, sigma), labels


def with_noise(images: Tensor, sigma: Tensor) -> Tensor:
    """Images (N, C, H, W) in [0, 1] plus Gaussian noise of ``sigma`` grey levels (N,), clipped and rounded to 8 bit."""
    scale = grey_to_unit_(sigma.clone()).view(-1, 1, 1, 1)
    return round_to_grey(images + scale * torch.randn_like(images))


class NoisyCopies(nn.Module):
    """The paper's training set of each image and its noisy copies (Section 4), drawn on the fly.

    sigmas: grey levels; a noisy copy has one of them.
    copies: noisy copies of each image, so that an image is clean with probability 1 / (copies + 1).
    """

    def __init__(self, sigmas: Sequence[float], copies: int = 15) -> None:
        super().__init__()
        if not sigmas or not all(0 <= sigma < math.inf for sigma in sigmas):
            raise InputError(f"augment.sigmas is {list(sigmas)}; it is a list of grey levels from 0")
        if copies < 0:
            raise InputError(f"augment.copies is {copies}; it must be at least 0")
        self.copies = copies
        self.register_buffer("sigmas", torch.tensor(sigmas, dtype=torch.float32))
        self.sigmas: Tensor

    def forward(self, images: Tensor, labels: Tensor) -> Batch:
        """Images with the noise that each of them drew, unchanged labels."""
        count, device = len(images), images.device
        sigma = self.sigmas.to(device)[torch.randint(len(self.sigmas), (count,), device=device)]
        clean = torch.randint(self.copies + 1, (count,), device=device) == 0
        return with_noise(images, sigma.masked_fill(clean, 0)), labels


class Mirror(nn.Module):
    """Mirrors images left to right where the mirror image has a class, and gives it that class.

    probability: of mirroring an image that may be mirrored.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability
        self.register_buffer("mirrored", torch.empty(0, dtype=torch.int64), persistent=False)
        self.mirrored: Tensor

    def use(self, classes: int, mirror: dict[int, int]) -> None:
        """Take the data set's {label: label of the mirrored image}; other classes are left alone."""
        self.mirrored = torch.tensor([mirror.get(label, -1) for label in range(classes)])

    def forward(self, images: Tensor, labels: Tensor) -> Batch:
        """Images and labels after mirroring."""
        target = self.mirrored.to(labels.device)[labels]
        flip = (target >= 0) & (torch.rand(len(labels), device=labels.device) < self.probability)
        return torch.where(flip.view(-1, 1, 1, 1), images.flip(3), images), torch.where(flip, target, labels)


class Jitter(nn.Module):
    """Small random changes of geometry, colour and sharpness: an approximation of Aghdam et al. 2015.

    Every amplitude or probability of 0 switches its part off. Hue and saturation do not apply to grey images.

    rotation: degrees, either way.
    translation, scale, value, saturation, hue: shares, either way.
    gaussian_blur, motion_blur, sharpening, mirror: probabilities.
    """

    def __init__(
        self,
        rotation: float,
        translation: float,
        scale: float,
        value: float,
        saturation: float,
        hue: float,
        gaussian_blur: float,
        motion_blur: float,
        sharpening: float,
        mirror: float,
    ) -> None:
        super().__init__()
        shares = {"translation": translation, "scale": scale, "value": value, "saturation": saturation}
        probabilities = {"gaussian_blur": gaussian_blur, "motion_blur": motion_blur, "sharpening": sharpening}
        for name, share in (shares | probabilities | {"mirror": mirror}).items():
            _in_range(name, share, 1)
        _in_range("hue", hue, 0.5)
        _in_range("rotation", rotation, 180)

        geometry = K.RandomAffine(
            rotation,
            (translation, translation),
            (1 - scale, 1 + scale),
            p=1.0,
            padding_mode="border",
            align_corners=True,  # without it kornia before 0.9 moves images too far (its issue 3904)
        )
        self.mirror = Mirror(mirror)
        self.geometry = nn.Sequential(*[geometry] * bool(rotation or translation or scale))
        self.colour = nn.Sequential(*[K.ColorJiggle(0.0, 0.0, saturation, hue, p=1.0)] * bool(saturation or hue))
        self.value = value
        self.sharpness = nn.Sequential(
            *[K.RandomGaussianBlur((3, 3), (0.3, 1.5), p=gaussian_blur)] * bool(gaussian_blur),
            *[K.RandomMotionBlur(3, 180.0, 0.5, "replicate", p=motion_blur)] * bool(motion_blur),
            *[K.RandomSharpness(SHARPER, p=sharpening)] * bool(sharpening),
        )

    def forward(self, images: Tensor, labels: Tensor) -> Batch:
        """Changed images, clipped to [0, 1], and labels (mirroring may change a label)."""
        images, labels = self.mirror(images, labels)
        images = self.geometry(images)
        if images.shape[1] == 3:
            images = self.colour(images)
        factor = torch.empty(len(images), 1, 1, 1, device=images.device).uniform_(1 - self.value, 1 + self.value)
        images = self.sharpness((images * factor).clamp(0, 1)).clamp(0, 1)
        return images.contiguous(memory_format=torch.channels_last), labels


def _in_range(name: str, value: float, high: float) -> None:
    if not 0 <= value <= high:
        raise InputError(f"augment.{name} is {value}; it must be in [0, {high}]")
