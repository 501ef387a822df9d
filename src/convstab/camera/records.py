"""What is written of a camera: the columns of camera.csv and points.csv, and the keys of summary.json."""

import math
from collections.abc import Sequence
from typing import Any

from convstab.camera.camera import Camera, Noise
from convstab.camera.light import Failure
from convstab.camera.tables import words_for_evaluate
from convstab.evaluation.cells import as_cell
from convstab.files.csv_text import csv_text


def rows_text(camera: Camera) -> str:
    """The text of camera.csv: a row for each channel at each ISO."""
    rows = [noise.row for noise in camera.noises]
    return csv_text(list(rows[0]), ([as_cell(value) for value in row.values()] for row in rows))


def points_text(camera: Camera) -> str:
    """The text of points.csv: a row for each level of brightness, also of those that are left out."""
    head = "iso", "channel", "brightness", "variance", "error", "fitted", "pixels", "clipped", "used"
    rows: list[Sequence[Any]] = []
    for noise in camera.noises:
        points, fitted = noise.points, noise.law.line.at(noise.points.brightness)
        errors, used = points.errors(points.variance), points.usable.astype(int)
        columns = (points.brightness, points.variance, errors, fitted, points.pixels, points.clipped, used)
        cells = zip(*(column.tolist() for column in columns), strict=True)
        rows += [(noise.iso, noise.channel, *map(as_cell, row)) for row in cells]
    return csv_text(head, rows)


def summary(camera: Camera, failure: Failure | None, black: float, white: float | None) -> dict[str, Any]:
    """What summary.json holds; null where there is no number."""
    found: dict[str, Any] = {"black": black, "white": white, "affine": camera.affine, "jpeg": list(camera.compressed)}
    found["noises"] = [{name: finite(value) for name, value in noise.row.items()} for noise in camera.noises]
    found["evaluate"] = {noise.iso: words_for_evaluate(noise) for noise in camera.worst}
    if failure:
        found["failure"] = vars(failure) | {"degradation": failure.degradation.settings}
        found["stops"] = {noise.iso: stops_of(noise, failure) for noise in camera.worst}
    return found


def stops_of(noise: Noise, failure: Failure) -> list[float | None]:
    """The stops that hold and that fail; null where none is told."""
    ends = failure.stops(noise.law.gain, noise.law.read_noise) if noise.law.fits else (math.nan, math.nan)
    return [finite(end) for end in ends]


def finite(value: Any) -> Any:
    """A value, or None for a number that is infinite or not defined, which JSON does not know."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
