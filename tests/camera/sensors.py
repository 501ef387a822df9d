"""Frames of a sensor whose gain and read noise are known, made with NumPy's random numbers and not with ours."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from convstab.statistics.intervals import Floats


def ramp(height: int = 128, width: int = 128) -> Floats:
    """A scene from black to white, brighter to the right and a little to the bottom."""
    rows, columns = np.mgrid[:height, :width]
    return np.asarray(255 * (0.9 * columns / width + 0.1 * rows / height))


def light_on(scene: Floats, gain: float, read_noise: float, frames: int, seed: int = 0) -> Floats:
    """What a sensor sees, neither clipped nor rounded: grey levels (frames, H, W); scene: (H, W)."""
    rng = np.random.default_rng(seed)
    shape = (frames, *scene.shape)
    electrons = rng.poisson(np.broadcast_to(scene / gain, shape)) + rng.normal(0, read_noise, shape)
    return np.asarray(electrons * gain)


def stored(light: Floats, most: int = 255) -> NDArray[Any]:
    """Clipped and rounded to what a file holds."""
    return np.clip(np.round(light), 0, most).astype(np.uint8 if most == 255 else np.uint16)


def write(folder: Path, frames: NDArray[Any], suffix: str = ".png") -> Path:
    """The frames as files, (frames, H, W) or (frames, H, W, 3); the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{number:03}{suffix}")
    return folder
