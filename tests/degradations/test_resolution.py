"""Loss of resolution, beside Pillow's resize."""

from typing import Literal

import numpy as np
import pytest
import torch
from PIL import Image

from convstab.degradations.by_name import degradation
from convstab.errors import InputError
from tests.degradations.photos import copies, photos

FILTERS = {"box": Image.Resampling.BOX, "bilinear": Image.Resampling.BILINEAR}


@pytest.mark.parametrize("window", ["box", "bilinear"])
@pytest.mark.parametrize("factor", [1.01, 4 / 3, 2.0, 3.0, 7.3, 100.0])
def test_it_is_pillows_resize_there_and_back(window: Literal["box", "bilinear"], factor: float) -> None:
    image = photos()[0, :, :29, 2:].contiguous()
    theirs = []
    for channel in image.float().numpy():
        small = Image.fromarray(channel).resize((max(1, int(30 / factor)), max(1, int(29 / factor))), FILTERS[window])
        theirs.append(np.asarray(small.resize((30, 29), FILTERS[window])))
    found = copies(degradation("resolution", window=window), factor, image)[0].numpy()
    assert found == pytest.approx(np.stack(theirs), abs=1e-3)


@pytest.mark.parametrize("share", [0.6, 0.5, 0.4, 0.3, 0.25])
def test_boxes_are_imagenet_cs_pixelate_but_for_rounding(share: float) -> None:
    """x.resize((int(w * c), int(h * c)), BOX).resize((w, h), BOX), which rounds after each axis."""
    image = photos(288)[0, :, :224, :224].contiguous()
    picture = Image.fromarray(image.permute(1, 2, 0).numpy())
    theirs = picture.resize((int(224 * share),) * 2, Image.Resampling.BOX).resize((224,) * 2, Image.Resampling.BOX)
    ours = copies(degradation("resolution", window="box"), 1 / share, image, stored=True)[0]
    difference = (ours - torch.from_numpy(np.array(theirs)).permute(2, 0, 1)).abs()
    assert difference.max() < 1.01
    assert difference.mean() < 0.5


def test_another_window_is_refused() -> None:
    with pytest.raises(InputError, match=r"^window is sinc; it must be box or bilinear$"):
        degradation("resolution", window="sinc")
