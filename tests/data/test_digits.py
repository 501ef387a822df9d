import numpy as np
import torch
from sklearn.datasets import load_digits

from convstab.data import digits


def test_three_quarters_train_and_the_classes_stay_balanced() -> None:
    images = digits.load()
    assert (len(images.train), len(images.test)) == (1347, 450)
    assert images.train.pixels.shape[1:] == (1, 28, 28)
    assert images.train.pixels.dtype == torch.uint8
    shares = images.test.labels.bincount() / (images.train.labels.bincount() + images.test.labels.bincount())
    assert torch.allclose(shares, torch.full((10,), 0.25), atol=0.01)


def test_the_split_is_always_the_same() -> None:
    first, second = digits.load(), digits.load()
    assert torch.equal(first.train.pixels, second.train.pixels)
    assert torch.equal(first.test.labels, second.test.labels)


def test_scaled_images_keep_the_grey_level_and_every_original_is_there_once() -> None:
    images = digits.load()
    pixels = torch.cat((images.train.pixels, images.test.pixels)).numpy()[:, 0]
    assert pixels.min() == 0
    assert pixels.max() == 255
    originals = load_digits().images * (255 / 16)
    means = np.sort(pixels.mean((1, 2)))
    np.testing.assert_allclose(means, np.sort(originals.mean((1, 2))), atol=6)  # grey levels lost to clipping


def test_only_digits_that_a_mirror_keeps_are_mirrored() -> None:
    assert digits.load().mirror == {0: 0, 8: 8}
