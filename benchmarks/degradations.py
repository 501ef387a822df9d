"""Degraded images a second, beside a loop that takes one image at a time with Pillow or SciPy.

python -m benchmarks.degradations
python -m benchmarks.degradations --clock cpu --threads 1

ours   degrade(), a batch of 128 images (of 224 x 224: 16) at one level, float grey levels in and out
loop   for each image, uint8: Pillow's GaussianBlur (three box blurs, an approximation), resize there and back, JPEG
       written and read; for disks and lines, which Pillow does not have, scipy.ndimage.convolve channel by channel
       with the same kernel

Random pixels, on the same cores; a loop of NumPy uses one of them. They take turns for several rounds, because machines
are shared: medians over the rounds, ratios within a round.

Ours takes double precision, which gives the same bits in batches of any size, where Pillow takes whole grey levels.
JPEG is by imagecodecs where that is installed, else Pillow's itself. Goal: five times the loop.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import ndimage
from torch import Tensor

from benchmarks import timing
from benchmarks.timing import Setting
from convstab.degradations.blur import disk, lines
from convstab.degradations.by_name import degradation

SIZES = {"3x32x32": (128, 3, 32, 32), "3x48x48": (128, 3, 48, 48), "3x224x224": (16, 3, 224, 224)}  # batches
LEVELS = {"gaussian_blur": 2.0, "defocus": 3.0, "motion_blur": 7.0, "resolution": 2.0, "jpeg": 50.0}
Loop = Callable[[NDArray[np.uint8]], Any]


def blurred(pixels: NDArray[np.uint8]) -> Any:
    """Pillow's Gaussian blur."""
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(LEVELS["gaussian_blur"])))


def resized(pixels: NDArray[np.uint8]) -> Any:
    """Pillow's resize, half as large and back."""
    image = Image.fromarray(pixels)
    small = image.resize((image.width // 2, image.height // 2), Image.Resampling.BILINEAR)
    return np.asarray(small.resize(image.size, Image.Resampling.BILINEAR))


def compressed(pixels: NDArray[np.uint8]) -> Any:
    """Pillow's JPEG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=int(LEVELS["jpeg"]))
    return np.asarray(Image.open(file))


def convolved(kernel: NDArray[np.float64], pixels: NDArray[np.uint8]) -> Any:
    """SciPy's convolution of each channel."""
    channels = pixels.transpose(2, 0, 1).astype(np.float32)
    return np.stack([ndimage.convolve(channel, kernel, mode="nearest") for channel in channels])


LOOPS: dict[str, Loop] = {
    "gaussian_blur": blurred,
    "defocus": partial(convolved, disk(LEVELS["defocus"]).numpy()),
    "motion_blur": partial(convolved, lines(LEVELS["motion_blur"], torch.full((1,), 0.5).double())[0].numpy()),
    "resolution": resized,
    "jpeg": compressed,
}


def ours(name: str, images: Tensor) -> Iterator[int]:
    """Whole batches."""
    family = degradation(name)
    shape = (images.shape[1], images.shape[2], images.shape[3])
    random = [torch.rand(len(images), wanted.each, device=images.device) for wanted in family.numbers(shape)]
    levels = torch.full((len(images),), LEVELS[name], dtype=torch.float64, device=images.device)
    while True:
        family.degrade(images, levels, random)
        yield len(images)


def loop(name: str, images: NDArray[np.uint8]) -> Iterator[int]:
    """One image after another."""
    while True:
        for pixels in images:
            LOOPS[name](pixels)
        yield len(images)


def measured(setting: Setting, steps: Callable[[], Iterator[int]]) -> float:
    """Images a second."""
    return setting.rate(steps())


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table."""
    options = timing.speed_options(__doc__, list(SIZES), seconds=1, rounds=3).parse_args(arguments)
    setting: Setting = timing.setting_of(options)
    print(f"{setting.where}; {setting.turns}\n")
    columns = ["images", "family", "ours, images a second", "loop, images a second", "ours is x times"]
    timing.print_head(columns, words=2)
    for size in options.net or SIZES:
        pixels = torch.randint(256, SIZES[size], dtype=torch.uint8)
        images = pixels.float().contiguous(memory_format=torch.channels_last).to(setting.device)
        arrays = pixels.permute(0, 2, 3, 1).contiguous().numpy()
        for name in LEVELS:
            contestants = {"ours": partial(ours, name, images), "loop": partial(loop, name, arrays)}
            turns = {who: partial(measured, setting, steps) for who, steps in contestants.items()}
            rates = timing.race(turns, setting.rounds)
            timing.print_row([size, name, rates.speed("ours"), rates.speed("loop"), rates.ratio("ours", "loop")])


if __name__ == "__main__":
    main()
