"""The columns of the ledger that an evaluation fills: what its draws say of each image."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convstab.errors import InputError
from convstab.evaluation.confidence import MOST_MARGIN, NLL_UNIT, SQUARE_UNIT
from convstab.evaluation.result import StabilityResult
from convstab.ledger.least import Clean
from convstab.statistics.boundary import fit, flip_chance_of_margins
from convstab.statistics.intervals import Floats
from convstab.statistics.sequential import FirstFailures, Verdict, first_failures
from convstab.statistics.smoothing import certified_radius
from convstab.units import Integers

FEW = 3  # draws, below which margins tell no chance
FINEST = 10.0  # times the unit of their sums: margins closer together than this are not told apart
DECISIVE = 10.0  # times that: a mean further from 0 is that of draws which all decide alike


def column_of(name: str, level: float) -> str:
    """The column of a level, such as flips_40 or radius_2.5."""
    return f"{name}_{level:g}"


def clean_of(result: StabilityResult) -> Clean:
    """The clean images of an evaluation; InputError where it has none."""
    if result.degraded[0]:
        raise InputError(f"the ledger needs the clean images: add {result.protocol.neutral:g} to the levels")
    known = result.protocol.score == "predicted"
    confidence = result.by_image("sample_score")[:, 0] if known else np.full(result.images, np.nan)
    index = result.by_image("index")[:, 0]
    return Clean(list(result.classes), index, result.labels, result.by_image("prediction")[:, 0], confidence)


def margins(result: StabilityResult) -> dict[str, NDArray[Any]]:
    """The margin of the clean image in logits; NaN where the model gave decisions only."""
    return {"clean_margin": result.drawn("margin_mean")[:, 0]}


def draws(result: StabilityResult, tolerance: float) -> dict[str, NDArray[Any]]:
    """What draws say: the mildest level with a misclassified one, the first that fails, and rates under each level."""
    some = result.degraded
    counted, correct = result.by_image("draws")[:, some], result.by_image("correct")[:, some]
    failures, levels = counted - correct, np.append(result.levels[some], np.nan)
    seen = np.where((failures > 0).any(1), (failures > 0).argmax(1), len(levels) - 1)
    first = first_failures(failures, counted, tolerance) if result.degradation.random else first_failed(failures)
    words = np.array([verdict.name.lower() for verdict in Verdict], object)
    found: dict[str, NDArray[Any]] = {"first_flip": levels[seen], "first_failing": levels[first.place]}
    found["failing"] = words[first.verdict]
    flips, chances = (1 - result.rates)[:, some], by_margins(result)[:, some]
    for place, level in enumerate(levels[:-1]):
        found |= {column_of("flips", level): flips[:, place], column_of("chance", level): chances[:, place]}
    return found


def first_failed(failures: Integers) -> FirstFailures:
    """Of a degradation that is not random, whose only draw tells all; failures (n, levels)."""
    failed = (failures > 0).any(1)
    place = np.where(failed, (failures > 0).argmax(1), failures.shape[1])
    return FirstFailures(place, np.where(failed, Verdict.FAILS, Verdict.HOLDS))


def by_margins(result: StabilityResult) -> Floats:
    """Chance to be misclassified that the margins of the draws tell, (n, levels); NaN where they do not.

    They are too few, or closer together than their sums are kept, or so large that they were cut.
    """
    mean, spread, counted = (result.by_image(name) for name in ("margin_mean", "margin_sd", "draws"))
    finest = FINEST * np.sqrt(1 / SQUARE_UNIT + np.abs(mean) / NLL_UNIT)
    told = (spread > finest) | (np.abs(mean) > DECISIVE * finest)
    told &= (np.abs(mean) + 3 * spread < MOST_MARGIN) & (counted >= FEW) & result.scored
    found: Floats = np.where(told, flip_chance_of_margins(mean, spread, counted), np.nan)
    return found


def boundary(result: StabilityResult) -> dict[str, NDArray[Any]]:
    """The flat-boundary law of each image: distance and its standard error in grey levels, and curvature."""
    some, counted = result.degraded, result.by_image("draws")
    flips = counted - result.by_image("correct")
    found = fit(flips[:, some], counted[:, some], result.levels[some])
    return {"distance": found.distance, "distance_error": found.error, "curvature": found.curvature}


def certificates(result: StabilityResult, alpha: float) -> dict[str, NDArray[Any]]:
    """Radius in grey levels within which the smoothed model decides for the label, under each sigma."""
    radius = certified_radius(result.by_image("correct"), result.by_image("draws"), result.levels, alpha)
    return {column_of("radius", result.levels[place]): radius[:, place] for place in np.flatnonzero(result.degraded)}
