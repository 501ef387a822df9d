"""Own models on data sets: what a run is made of."""

from pathlib import Path

import pytest
import torch

from convstab.data.images import ImageSet
from convstab.data.module import ImageData
from convstab.images import Images
from convstab.runs.own import test_of as images_of


@pytest.mark.parametrize(("own", "expected"), [(True, [70, 50, 60]), (False, [0, 1, 2])])
def test_images_keep_the_ids_that_key_their_noise(own: bool, expected: list[int]) -> None:
    images = Images(torch.zeros(3, 1, 4, 4, dtype=torch.uint8), torch.tensor([0, 1, 0]), ids=[70, 50, 60])

    def load(_: Path) -> ImageSet:
        return ImageSet(images, images, ("a", "b"), own_ids=own)

    assert images_of(ImageData(load, batch_size=2)).ids.tolist() == expected
