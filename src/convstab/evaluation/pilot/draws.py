"""How many draws each level takes: a few images, on draws that are not counted, tell how much draws differ."""

import time
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from convstab.errors import InputError
from convstab.evaluation.cells import level_in_words
from convstab.evaluation.measures import Measures
from convstab.evaluation.protocol import PAPER_DRAWS, Protocol
from convstab.evaluation.result import StabilityResult
from convstab.evaluation.workers import Workers
from convstab.statistics.correlation import draw_variance
from convstab.statistics.draws import NORMAL, PART, error
from convstab.statistics.intervals import CONFIDENCE, Floats
from convstab.statistics.rates import mean_of_drawn
from convstab.units import Integers
from convstab.validation import AUTO, POINTS, is_number

LEAST, SHARE, EACH = 256, 10, 2  # of the pilot: a tenth of the images, at least so many, and draws under each level
OTHER = 2**62  # is changed in the seed: no draw of the pilot is counted later, so what it decides biases nothing
COUNTS = np.array(sorted(one * 2**power for one in (2, 3) for power in range(12)))  # their multiples stay small
ONE_SIDED = float(ndtri(CONFIDENCE))  # 1.64: standard deviations, below which lie 95 %


def check_auto(draws: object, within: float | None) -> None:
    """Raise InputError for a word that is not auto, and a ``within`` that is no distance in points or has no effect."""
    if isinstance(draws, str) and draws != AUTO:
        raise InputError(f"draws is {draws!r}; it can be a whole number, one for each level, or auto")
    if within is None:
        return
    if not POINTS.holds(within):
        shown = f"{within:g}" if is_number(within) else repr(within)
        raise InputError(f"within is {shown}; it must be {POINTS.words}")
    if not isinstance(draws, str):
        raise InputError(f"within={within:g} has no effect without draws=auto")


@dataclass(frozen=True)
class Enough:
    """Draws of each image under each level, and a line that says how they were found."""

    draws: tuple[int, ...]
    said: str


@dataclass(frozen=True)
class Pilot:
    """What a few images tell of each level; arrays (levels,).

    images: that the whole evaluation will have there. accuracy: share of correct draws. spread: an upper 95 % limit of
    the mean variance of one draw of an image, of this level and of all milder ones: what few images show of a rare
    failure is little.
    """

    images: Floats
    accuracy: Floats
    spread: Floats

    @classmethod
    def of(cls, seen: Measures, images: int) -> "Pilot":
        """From the result of the pilot, for an evaluation of so many images."""
        drawn, each = seen.share_drawn, draw_variance(seen.rates, EACH) * EACH
        count = np.maximum(drawn * seen.images, 1)
        accuracy, mean, square = (
            np.nan_to_num(mean_of_drawn(values.T))
            for values in (seen.rates, each, each**2)  # nothing is drawn: 0
        )
        limit = np.maximum.accumulate(mean + ONE_SIDED * np.sqrt((square - mean**2).clip(0) / count))
        return cls(drawn * images, (accuracy * count + 1) / (count + 2), np.minimum(limit, 0.25))

    def enough(self, within: float | None) -> Integers:
        """The draws of each level that leave an error of ``within`` points, or a fifth of half the interval.

        Raises InputError where no number of draws does that can be had.
        """
        images = np.maximum(self.images, 1)
        errors = np.stack([error(self.spread, images, np.array(count)) for count in COUNTS])
        errors[:, self.images == 0] = 0  # where none can have this PSNR
        sampling = NORMAL * np.sqrt(self.accuracy * (1 - self.accuracy) / images)
        allowed = PART * sampling if within is None else np.full_like(sampling, within / 100)
        reached = errors <= allowed
        if within is not None and not reached[-1].all():
            best = np.ceil(errors[-1].max() * 1e4) / 100  # points
            raise InputError(
                f"within={within:g} points would take more than {COUNTS[-1]:,} draws of each image under a level; "
                f"so many of {self.images.max():,.0f} images come to within={best:g}"
            )
        reached[-1] = True
        found: Integers = COUNTS[reached.argmax(0)]
        return found


def enough_draws(workers: Workers, within: float | None = None) -> Enough:
    """How many draws of each level keep what they leave uncertain small beside what the images do.

    An accuracy differs from that of all images that could have been there, and of all draws, for two reasons. More
    draws help against one of them alone, and mostly against the smaller one. So each level gets as many as keep the
    error that draws leave below a fifth of half the interval of accuracy, or below ``within`` points. Errors add in
    squares: a fifth makes the whole 2 % larger than it is of endless draws. The interval stays as it is, for it counts
    an image as one trial however many draws it has. Images that belong together make intervals wider: it may then be
    more than is needed. The pilot is small, so now and then a level gets too few: ``Measures.draws_error`` says it.

    workers: of all images; how many draws their protocol has is not looked at. within: points, in (0, 50).
    Raises InputError where ``within`` cannot be reached.
    """
    protocol, images = workers.protocol, workers.images
    if not protocol.degradation.random:
        return Enough((1,) * len(protocol.levels), "draws=auto: one of each level, all others would be the same")
    start = time.monotonic()
    some = images.spread(max(LEAST, len(images) // SHARE))
    pool = Workers(workers.model, some, of_pilot(protocol), workers.device, workers.batch_size, workers.count)
    pilot = Pilot.of(tried(pool), len(images))
    chosen = np.where(protocol.degraded, pilot.enough(within), 1)
    seconds = time.monotonic() - start
    draws: tuple[int, ...] = tuple(chosen.tolist())
    return Enough(draws, said(replace(protocol, draws=draws), len(some), seconds))


def of_pilot(protocol: Protocol) -> Protocol:
    """The protocol of the pilot: few draws, and those of another seed."""
    return replace(protocol, draws=EACH, seed=protocol.seed ^ OTHER)


def tried(pool: Workers) -> Measures:
    """The result of the pilot."""
    whole = pool.whole()
    return StabilityResult.of(whole.table(), whole.totals, pool.images.classes, pool.protocol)


def said(protocol: Protocol, images: int, seconds: float) -> str:
    """What was chosen, level by level."""
    pairs = [
        f"{draws:,} at {level_in_words(level)}"
        for level, draws, degraded in zip(protocol.levels, protocol.draws_of, protocol.degraded, strict=True)
        if degraded
    ]
    share = protocol.draws_per_image / protocol.in_paper.draws_per_image
    return (
        f"draws=auto, from {images} images in {seconds:.0f} s: {', '.join(pairs)} ({protocol.quantity}); "
        f"{100 * share:.1f} % of the passes of {PAPER_DRAWS} draws, beside the pilot's"
    )
