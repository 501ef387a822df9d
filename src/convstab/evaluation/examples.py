"""Images of an evaluation with the degraded copies that its tables keep one draw of, for those who point at a dot."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from convstab.degradations.similarity import ssim
from convstab.errors import InputError
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.result import StabilityResult
from convstab.files.arrays import read_arrays, write_arrays
from convstab.images import GREY_LEVELS, Images, to_grey
from convstab.statistics.intervals import Floats
from convstab.statistics.rates import mean_of_drawn
from convstab.units import Integers

EXAMPLES = "examples.npz"
TOGETHER = 120  # images of all classes, about; at least two of each class
COMPARED = 100  # images whose structural similarity is measured, evenly spaced


@dataclass(frozen=True)
class Examples:
    """Some images of each class: those that fail most, those that fail least, and some between.

    index: int64 (n,), ids. levels: (s,), from the mildest to the worst, without the neutral one.
    clean: uint8 (n, C, H, W). degraded: uint8 (n, s, C, H, W), the draw that stability.parquet calls sample_draw, in
    8 bit (also where the evaluation neither clipped nor rounded).
    """

    index: Integers
    levels: Floats
    clean: NDArray[np.uint8]
    degraded: NDArray[np.uint8]

    @classmethod
    def of(cls, images: Images, result: StabilityResult, protocol: Protocol, device: torch.device) -> "Examples":
        """Choose images of each class, and make their degraded copies again, on the device that classified them."""
        chosen, places = choose(result.rates, result.labels), np.flatnonzero(result.degraded)
        draws = result.by_image("sample_draw")
        clean = images.pixels[torch.from_numpy(chosen)]
        degraded = np.empty((len(chosen), len(places), *clean.shape[1:]), np.uint8)
        for place, row in enumerate(chosen.tolist()):
            image = int(images.ids[row])
            for level, at in enumerate(places.tolist()):
                draw = int(draws[row, at])
                applied = float(result.applied[row, at])
                copies = protocol.copies(clean[place].to(device), float(result.levels[at]), 1, image, applied, draw)
                degraded[place, level] = to_grey(copies[0]).cpu().numpy()
        return cls(images.ids.numpy()[chosen], result.levels[places], clean.numpy(), degraded)

    @classmethod
    def read(cls, folder: Path) -> "Examples | None":
        """What ``write`` left in a folder, None where it left nothing; InputError when it is damaged."""
        try:
            arrays = read_arrays(folder / EXAMPLES)
        except FileNotFoundError:
            return None
        except (InputError, OSError) as error:
            raise InputError(f"{error}; convstab-evaluate writes it again") from error
        found = cls(**{name: arrays.get(name, np.zeros(0)) for name in ("index", "levels", "clean", "degraded")})
        n, s, *shape = found.degraded.shape if found.degraded.ndim == 5 else (-1, -1)
        fits = found.index.shape == (n,) and found.levels.shape == (s,) and found.clean.shape == (n, *shape)
        if (
            not fits
            or {found.clean.dtype, found.degraded.dtype} != {np.dtype(np.uint8)}
            or found.index.dtype.kind != "i"
        ):
            raise InputError(
                f"{folder / EXAMPLES} does not hold images with degraded copies; convstab-evaluate writes it again"
            )
        return found

    def write(self, folder: Path) -> None:
        """Write examples.npz, at once or not at all."""
        write_arrays(folder / EXAMPLES, vars(self))


def choose(rates: Floats, labels: Integers) -> Integers:
    """Rows of some images of each class, spread evenly over the order of their share of correct draws, int64 (n,).

    rates: (images, levels). labels: (images,).
    """
    classes, order = np.unique(labels), np.argsort(mean_of_drawn(rates), kind="stable")
    count = max(2, TOGETHER // len(classes))
    members = [order[labels[order] == label] for label in classes]
    places = [np.unique(np.linspace(0, len(rows) - 1, count).round().astype(int)) for rows in members]
    return np.concatenate([rows[at] for rows, at in zip(members, places, strict=True)])


def with_similarity(result: StabilityResult, images: Images, device: torch.device) -> StabilityResult:
    """The result with a column ``ssim``: of the first draw of some images under each level; NaN for the others.

    images: those of the result. device: the one that classified them, which makes the same draws again.
    """
    values = np.full(result.applied.shape, np.nan, np.float32)
    for row in np.unique(np.linspace(0, len(images) - 1, min(COMPARED, len(images))).round().astype(int)).tolist():
        pixels, image = images.pixels[row].to(device), int(images.ids[row])
        levels = np.flatnonzero(~np.isnan(result.applied[row]))
        drawn = zip(result.levels[levels].tolist(), result.applied[row, levels].tolist(), strict=True)
        copies = torch.cat([result.protocol.copies(pixels, level, 1, image, applied) for level, applied in drawn])
        values[row, levels] = ssim(copies, (pixels / GREY_LEVELS).expand_as(copies)).cpu().numpy()
    return replace(result, rows=result.rows | {"ssim": values.ravel()})
