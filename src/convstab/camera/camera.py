"""A camera's noise at each ISO: gain and read noise of each channel, as ``degradation=sensor`` takes them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from convstab.camera.frames import Scene, scenes
from convstab.camera.law import MID_GREY, Law
from convstab.camera.points import PIXELS, Pixels, Points, Scale, points_of
from convstab.errors import InputError
from convstab.images import GREY_LEVELS

CHANNELS = {1: ("grey",), 3: ("red", "green", "blue")}
SHOWN = (32, 64, 128, 192)  # grey levels at which sigma is said
FEWEST, NARROWEST = 8, 16.0  # points, and grey levels between the darkest and the brightest, that a law needs


@dataclass(frozen=True, eq=False)
class Noise:
    """The noise of a channel at an ISO. frames: how many. points: all; law: of those that can be used."""

    iso: str
    channel: str
    frames: int
    points: Points
    law: Law

    @property
    def row(self) -> dict[str, Any]:
        """What camera.csv has of it; NaN where the affine law does not fit and a number would mean nothing."""
        law = self.law
        numbers = {
            "gain": law.gain,
            "gain_low": law.gain_interval[0],
            "gain_high": law.gain_interval[1],
            "read_noise": law.read_noise,
            "read_noise_low": law.read_noise_interval[0],
            "read_noise_high": law.read_noise_interval[1],
        }
        return {
            "iso": self.iso,
            "channel": self.channel,
            "frames": self.frames,
            "pixels": int(self.points.pixels.sum()),
            "points": len(self.points.pixels),
            "used": int(self.points.usable.sum()),
            "outlying": law.line.outlying,
            "affine": int(law.fits),
            **{name: value if law.fits else np.nan for name, value in numbers.items()},
            **{f"sigma_{grey}": law.sigma_at(grey) for grey in SHOWN},
            f"psnr_{MID_GREY:g}": law.psnr,
            "residual": law.residual,
            "departure": law.departure,
        }


@dataclass(frozen=True, eq=False)
class Camera:
    """All that frames tell. noises: of each channel at each ISO, in their order. compressed: ISOs with JPEG files."""

    noises: Sequence[Noise]
    compressed: Sequence[str] = ()

    @property
    def worst(self) -> Iterator[Noise]:
        """For each ISO the channel with the most noise at mid grey: what the camera is taken for."""
        for _, noises in groupby(self.noises, lambda noise: noise.iso):
            yield max(noises, key=lambda noise: np.nan_to_num(noise.law.variance_at(MID_GREY), nan=-1.0))

    @property
    def affine(self) -> bool:
        """Whether the affine law fits everywhere."""
        return all(noise.law.fits for noise in self.noises)


def measure(folder: str | Path, black: float = 0.0, white: float | None = None) -> Camera:
    """Gain and read noise of a camera from frames of static scenes.

    Args:
        folder: of frames, or of a folder of them for each ISO, see ``frames.scenes``.
        black: value of the files without light, the pedestal of raw frames.
        white: value at and above which they are clipped; None: the highest of 8 or 16 bits.

    Raises:
        InputError: no frames, one only, unreadable or unlike ones, or such that no law can be told from.

    Source: Foi, Trimeche, Katkovnik and Egiazarian 2008 for the law; Janesick 2007 for the photon transfer curve.
    """
    noises: list[Noise] = []
    every = scenes(Path(folder))
    for iso, some in groupby(every, lambda scene: scene.iso):
        noises += noises_of(iso, list(some), black, white)
    compressed = dict.fromkeys(scene.iso for scene in every if scene.compressed)
    return Camera(noises, tuple(compressed))


def noises_of(iso: str, some: Sequence[Scene], black: float, white: float | None) -> Iterator[Noise]:
    """The noise of each channel, from all scenes at one ISO."""
    found: list[list[Points]] = []
    for scene in some:
        pixels = scene.read()
        scale = scale_of(pixels, black, white)
        if (pixels == pixels[0]).all():
            raise InputError(f"{scene.folder}: all frames are the same; give frames, not copies of one")
        found.append([points_of(pixels[..., channel], scale) for channel in range(pixels.shape[-1])])
    if len({len(channels) for channels in found}) > 1:
        raise InputError(f"{where(iso, some)} has grey and RGB frames; give those of one kind")
    frames = sum(len(scene.paths) for scene in some)
    for name, several in zip(CHANNELS[len(found[0])], zip(*found, strict=True), strict=True):
        points = Points.joined(several)
        yield Noise(iso, name, frames, points, law_of(points, f"{where(iso, some)}, {name}"))


def where(iso: str, some: Sequence[Scene]) -> str:
    """How scenes are named in a message."""
    return f"ISO {iso}" if iso.isdecimal() else str(some[0].folder)


def scale_of(pixels: Pixels, black: float, white: float | None) -> Scale:
    """What the values mean; InputError where black and white are none of them."""
    most = np.iinfo(pixels.dtype).max
    scale = Scale(black, most if white is None else white)
    if not 0 <= scale.black < scale.white <= most:
        said = f"black is {black:g} and white {scale.white:g}"
        raise InputError(f"{said}; they must be values of the files, 0 to {most:,}, black below white")
    return scale


def law_of(points: Points, name: str) -> Law:
    """The law that the usable points tell; InputError where they are too few or too much alike."""
    usable = points.usable
    used = points.part(usable)
    if usable.sum() < FEWEST:
        needed = f"it takes {FEWEST} levels of brightness of {PIXELS} pixels each"
        raise InputError(f"{name}: {usable.sum()} levels of brightness can be used; {needed}: {why(points)}")
    low, high = float(used.brightness.min()), float(used.brightness.max())
    if high - low < NARROWEST:
        said = f"brightness that can be used reaches from {low:.0f} to {high:.0f} of {GREY_LEVELS:g} only"
        shades = "a scene of several shades, or flat frames of several exposures, each in a folder of its own"
        raise InputError(f"{name}: {said}; it takes {NARROWEST:g} grey levels: {shades}")
    return Law(used)


def why(points: Points) -> str:
    """What hinders most, and what to do about it."""
    pixels = max(int(points.pixels.sum()), 1)
    if len(points.pixels) < FEWEST:
        return f"the frames are too small, or black or white all over; give {FEWEST * PIXELS:,} pixels in between"
    clipped = int(points.pixels[points.clipped > 0].sum()) / pixels
    if points.coarse.mean() > clipped:
        return "the noise is below half a step of the files; store 16 bits, or raise the ISO"
    return f"{100 * clipped:.0f} % of the pixels are of levels that reach black or white; expose in between"
