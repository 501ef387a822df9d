"""What a page shows of a single image of a ledger: how often it flips under each level, and how far it is from that."""

from collections.abc import Iterator
from itertools import compress

import numpy as np

from convstab.evaluation.cells import level_in_words
from convstab.figures.levels import LevelAxis
from convstab.ledger.ledger import Ledger
from convstab.ledger.sentences import certifies
from convstab.ledger.tables import number
from convstab.report.charts import Plain, axis_of, finite, names_of
from convstab.report.ledgers import Joined
from convstab.report.mosaics import Tiles
from convstab.statistics.boundary import flip_chance
from convstab.statistics.intervals import Floats, clopper_pearson
from convstab.units import Integers

WITHIN = 1.96  # standard errors


def curves(joined: Joined) -> Plain:
    """For each of ``Joined.rows``: shares of its draws and their intervals, what laws tell, distances and facts."""
    ledger, rows, result = joined.ledger, joined.rows, joined.evaluation.result
    axis = LevelAxis([result])
    flips = ledger.by_level("flips")[rows]
    low, high = flips, flips  # one draw tells all of what is not random
    if result.degradation.random:
        low, high = clopper_pearson(flips, result.by_image("draws")[rows][:, result.degraded].astype(float))
    shares = {"flips": flips, "low": low, "high": high} | laws(ledger, rows)
    return {
        "axis": axis_of(axis),
        "x": finite(axis.positions(result)[result.degraded], 12),
        "levels": list(compress(names_of(result), result.degraded)),
        "shares": {name: [finite(of_image, 4) for of_image in values] for name, values in shares.items()},
        "distances": [list(distances(joined, int(row))) for row in rows],
        "facts": [list(facts(joined, int(row))) for row in rows],
    }


def laws(ledger: Ledger, rows: Integers) -> dict[str, Floats]:
    """Chance to flip, (n, levels): by the boundary that draws tell, and by the least perturbation, if it is flat."""
    if not ledger.smoothed:
        return {}
    nearest, distance, curvature = (ledger.rows[name][rows, None] for name in ("perturbation", "distance", "curvature"))
    levels = np.array(ledger.levels)
    return {"boundary": flip_chance(distance, levels, curvature), "attack": flip_chance(nearest, levels)}


def distances(joined: Joined, row: int) -> Iterator[tuple[str, float, float]]:
    """Names of the distances that are known of an image, in grey levels, and half of their 95 % intervals or 0."""
    ledger, of = joined.ledger, {name: column[row] for name, column in joined.ledger.rows.items()}
    if certifies(ledger):
        radius, sigma = (values[row] for values in joined.best_radius)
        if radius > 0:
            yield f"certified at sigma {sigma:g}", rounded(radius), 0.0
    if ledger.smoothed and np.isfinite(of["distance"]):
        yield "boundary by draws", rounded(of["distance"]), rounded(WITHIN * of["distance_error"])
    for name in joined.attacks:
        if np.isfinite(of[f"perturbation_{name}"]):
            yield name, rounded(of[f"perturbation_{name}"]), 0.0


def facts(joined: Joined, row: int) -> Iterator[tuple[str, str]]:
    """What is said of an image: words, and what they mean."""
    ledger, of = joined.ledger, {name: column[row] for name, column in joined.ledger.rows.items()}
    yield "Image", f"id {of['index']}"
    yield "Class", str(ledger.classes[of["label"]])
    if np.isfinite(of["clean_margin"]):
        yield "Clean margin", f"{of['clean_margin']:.3g} logits"
    if of["attack"]:
        how = f"by {of['attack']}, {of['psnr']:.1f} dB, SSIM {of['ssim']:.3f}, ended: {of['ended']}"
        yield "Least perturbation", f"L2 {number(of['perturbation'])} grey levels ({how})"
        yield "It took", f"{int(of['queries']):,} queries, {int(of['gradients']):,} gradients"
    elif not np.isnan(of["perturbation"]):
        yield "Least perturbation", "no search found any" if of["perturbation"] else "none needed when attacked"
    if ledger.smoothed and np.isfinite(of["distance"]):
        beyond = "" if of["distance"] > 0 else ": most draws fail however weak the noise is"
        yield (
            "Boundary by draws",
            f"{of['distance']:.3g} ± {of['distance_error']:.2g} grey levels (standard error){beyond}",
        )
    if certifies(ledger):
        radius, sigma = (values[row] for values in joined.best_radius)
        held = f"{radius:.3g} grey levels, of the model smoothed with sigma {sigma:g}, the best"
        yield "Certified", held if radius > 0 else "under no sigma"
    level = f"{ledger.label.split(' (')[0].lower()} {level_in_words(of['first_failing'])}"
    said = {"fails": f"first at {level}", "undecided": f"open from {level} on", "holds": "under no level"}
    yield "Fails", said[of["failing"]]


def rounded(value: float) -> float:
    """A distance as a page keeps it."""
    return round(float(value), 3)


def pictures(joined: Joined) -> tuple[Integers, Tiles]:
    """Which of ``Joined.rows`` have pictures, and each clean and with its least perturbation, (n, 2, C, H, W)."""
    ledger, places, tiles = joined.ledger, list[int](), list[Tiles]()
    for place, row in enumerate(joined.rows):
        found = joined.attacks.get(ledger.rows["attack"][row])
        if found is not None:
            at = int(np.flatnonzero(found.result.rows["index"] == ledger.rows["index"][row])[0])
            clean = found.result.pixels[at]
            noisy = (clean + found.result.noise[at]).round().clip(0, 255).astype(np.uint8)
            places.append(place)
            tiles.append(np.stack([clean, noisy]))
    return np.array(places, np.int64), np.stack(tiles) if tiles else np.zeros((0, 2, 1, 1, 1), np.uint8)
