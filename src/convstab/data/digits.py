"""The 1,797 handwritten digits that ship inside scikit-learn: small, and there without a download."""

from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from convstab.data.images import ImageSet
from convstab.images import Images

CLASSES = tuple("0123456789")
MIRROR = {0: 0, 8: 8}  # not 1: many have a flag, which the mirror puts on the wrong side
SIZE = 28  # pixels, MNIST's, so that the two share their models
WHITE = 16  # the originals have 17 grey levels
TEST_SHARE = 0.25
SPLIT_SEED = 0


def load(root: Path | None = None) -> ImageSet:  # noqa: ARG001 - nothing to find: the data is in the package
    """Digits as (N, 1, 28, 28) uint8, white on black, 8 x 8 pixels scaled up; three quarters train.

    The publisher gives no test set: the split is stratified by class and always the same.
    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998.
    """
    pixels, labels = _all()
    halves = train_test_split(pixels, labels, test_size=TEST_SHARE, stratify=labels, random_state=SPLIT_SEED)
    train_pixels, test_pixels, train_labels, test_labels = map(torch.from_numpy, halves)
    return ImageSet(
        Images(train_pixels, train_labels), Images(test_pixels, test_labels), CLASSES, MIRROR, official=True
    )


@cache
def _all() -> tuple[np.ndarray, np.ndarray]:
    """All pixels and labels; each job of a sweep asks for them."""
    digits = load_digits()
    return np.stack([_scaled(image) for image in digits.images])[:, None], digits.target.astype(np.int64)


def _scaled(image: np.ndarray) -> np.ndarray:
    """8 x 8 in [0, 16] -> 28 x 28 uint8, bicubic, in Pillow's integers: the same on every machine."""
    grey = np.rint(image * (255 / WHITE)).astype(np.uint8)
    return np.asarray(Image.fromarray(grey).resize((SIZE, SIZE), Image.Resampling.BICUBIC))
