"""What may be said of a ledger in words, and what casts doubt on it."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from convstab.attacks.result import quantile
from convstab.attacks.verification import CUT_OFF
from convstab.evaluation.cells import in_percent
from convstab.images import GREY_LEVELS
from convstab.statistics.intervals import Floats, median_ends
from convstab.statistics.sequential import draws_needed
from convstab.statistics.smoothing import draws_for_one_sigma

if TYPE_CHECKING:
    from convstab.ledger.ledger import Ledger

SEEN = 2.576  # standard deviations: a boundary at this distance lets one draw in 200 through
BEATEN, SOME = 0.95, 0.05  # a norm so many times as large is clearly less; and what share of images may be so by luck


def sentences(ledger: "Ledger") -> Iterator[str]:
    """What may be said, and of what."""
    correct = ledger.rows["clean_correct"]
    yield f"{in_percent(correct.mean())} of {len(correct)} images are correct when clean; this account is of these."
    if correct.any():
        yield from filter(None, (withstood(ledger), lacking(ledger)))
    if ledger.smoothed and correct.any() and not law_tells(ledger):
        told = (correct & (far(ledger) < np.inf)).sum()
        yield f"The flat-boundary law is left out: it tells the distance of {told} images, no draw of the others fails."
    yield from filter(None, (attacked(ledger), told_flips(ledger)))
    if ledger.smoothed or ledger.settings["attacks"] or "lower_bound" in ledger.rows:
        said = "L2 norms are in grey levels; attacks and requirements give them for pixels in [0, 1]"
        yield f"{said}, so that 1 there is {GREY_LEVELS:g} here."
    yield from doubts(ledger)
    yield from bounded(ledger)
    yield from thick(ledger)
    if ledger.smoothed:
        yield from near(ledger)
    if certifies(ledger):
        yield (
            "A certificate holds for the smoothed model, which decides as most noisy copies do, not for the model "
            f"itself. Each is wrong with a chance of at most {ledger.settings['alpha']:g}."
        )


def tells_first_failing(ledger: "Ledger") -> bool:
    """Whether any level has draws enough to be said to hold: else the mildest is always the first in question."""
    return not ledger.settings["random"] or ledger.settings["most_draws"] >= draws_needed(ledger.settings["tolerance"])


def certifies(ledger: "Ledger") -> bool:
    """Whether an image all of whose draws agree gets a certificate of at least sigma."""
    return ledger.smoothed and ledger.settings["most_draws"] >= draws_for_one_sigma(ledger.settings["alpha"])


def far(ledger: "Ledger") -> Floats:
    """The distances of the law: infinite where no draw fails, beyond what noise reaches; where all do, minus that."""
    distance, flips = ledger.rows["distance"], ledger.by_level("flips")
    unknown = np.where((flips == 1).all(1), -np.inf, np.inf)
    return np.where(np.isfinite(distance), distance, unknown)


def law_tells(ledger: "Ledger") -> bool:
    """Whether the law tells distances of a tenth of the clean-correct images: else all that is to be said is beyond."""
    correct = ledger.rows["clean_correct"]
    return ledger.smoothed and bool(correct.any()) and bool(quantile(far(ledger)[correct], 10) < np.inf)


def lacking(ledger: "Ledger") -> str:
    """What is left out of tables and sentences for want of draws, and how many it takes; empty where nothing is."""
    left_out, takes = list[str](), list[str]()
    if not tells_first_failing(ledger):
        needed = draws_needed(ledger.settings["tolerance"])
        left_out.append("first failing levels")
        takes.append(f"{needed:,} draws without a failure to say that a level is withstood")
    if ledger.smoothed and not certifies(ledger):
        left_out.append("certificates")
        takes.append(f"{draws_for_one_sigma(ledger.settings['alpha']):,} that agree for a certificate as far as sigma")
    said = f"left out: it takes {' and '.join(takes)}; this evaluation has {ledger.settings['most_draws']:,}."
    return f"{' and '.join(left_out).capitalize()} are {said}" if takes else ""


def withstood(ledger: "Ledger") -> str:
    """How many clean-correct images withstand all levels, and for how many that is open; empty: too few draws."""
    failing = ledger.rows["failing"][ledger.rows["clean_correct"]]
    holds, undecided = (in_percent((failing == word).mean()) for word in ("holds", "undecided"))
    if not ledger.settings["random"]:
        return f"{holds} withstand all levels; the degradation is not random, so one draw of each tells."
    tolerance = ledger.settings["tolerance"]
    needed, fewest = draws_needed(tolerance), ledger.settings["fewest_draws"]
    if not tells_first_failing(ledger):
        return ""
    few = f": it takes {needed} draws without a failure to say that a level is withstood" if fewest < needed else ""
    return (
        f"{holds} are shown to withstand all levels with at most {100 * tolerance:g} % of their draws failing (error 5 "
        f"% for each image); for {undecided} the draws do not tell which level is the first to fail (open){few}."
    )


def attacked(ledger: "Ledger") -> str:
    """Of how many of the clean-correct images attacks tell anything; empty where it is all, or none was attacked."""
    correct = ledger.rows["clean_correct"]
    tried = int((correct & ~np.isnan(ledger.rows["perturbation"])).sum())
    if tried in (0, int(correct.sum())):
        return ""
    return f"Attacks tell of {tried} of these {int(correct.sum())} images only; the others were not attacked."


def told_flips(ledger: "Ledger") -> str:
    """What the columns of flips that are told, not counted, mean; empty where there are none."""
    if not ledger.smoothed:
        return ""
    found = ["by margins: the share that the margins of the draws tell, if they are normal"]
    if ledger.settings["attacks"]:
        found.append("by attacks: the share that the least perturbations tell, if the boundary is flat")
        found.append("counted there: the draws of the attacked images")
    return f"Flips under each level are counted; {'; '.join(found)}."


def doubts(ledger: "Ledger") -> Iterator[str]:
    """What casts doubt on the least perturbations: searches that were cut off, and gradients that mislead."""
    cut_off = np.isin(ledger.rows["ended"], CUT_OFF).sum()
    if cut_off:
        yield f"{cut_off} of the least perturbations are of searches that a limit cut off: longer ones may find less."
    by_gradients = ledger.settings["by_gradients"]
    without = [name for name in ledger.settings["attacks"] if name not in by_gradients]
    if by_gradients and without:
        white, black = (least_of(ledger, names) for names in (by_gradients, without))
        both = ledger.rows["clean_correct"] & np.isfinite(black) & np.isfinite(white)
        beaten = int((black[both] < BEATEN * white[both]).sum())
        if beaten > SOME * both.sum():
            yield (
                f"Searches without gradients found clearly less noise than those with them on {beaten} of {both.sum()} "
                "images: those with them were too short, or the gradients of this model mislead."
            )


def least_of(ledger: "Ledger", attacks: Sequence[str]) -> Floats:
    """The least perturbation over some attacks; NaN where none of them was made."""
    found: Floats = np.fmin.reduce([ledger.rows[f"perturbation_{name}"] for name in attacks])
    return found


def bounded(ledger: "Ledger") -> Iterator[str]:
    """What a lower bound holds for, and how far it is from the least perturbations."""
    if "lower_bound" not in ledger.rows:
        return
    said = "The lower bound is certain, of the model itself in exact arithmetic: no attack can find less"
    lower, nearest = ledger.rows["lower_bound"], ledger.rows["perturbation"]
    both = ledger.rows["clean_correct"] & (lower > 0) & np.isfinite(nearest)
    if both.any():
        times = np.median(nearest[both] / lower[both])
        said += f"; it is loose: the least perturbation is {times:.3g} times as long (median of {both.sum()} images)"
    yield f"{said}."


def thick(ledger: "Ledger") -> Iterator[str]:
    """Over what length models are undecided on the way to the least perturbations, and how much of the way that is."""
    thickness = ledger.rows.get("thickness", np.zeros(0))
    known = ~np.isnan(thickness)
    if known.any():
        length = ledger.rows["perturbation"][known]
        tried = int((ledger.rows["perturbation"] > 0).sum())  # NaN, not tried, is not
        low, high = median_ends(thickness[known], ledger.units.part(known))
        ends = f" (95 % {low:.3g} to {high:.3g})" if np.isfinite(low) and np.isfinite(high) else ""
        yield (
            f"On the way to the least perturbation the model is undecided over {np.median(thickness[known]):.3g} grey "
            f"levels{ends}, {in_percent(np.median(thickness[known] / length))} of the way (boundary thickness, medians "
            f"of the {known.sum()} of {tried} attacked images where noise was found)."
        )


def near(ledger: "Ledger") -> Iterator[str]:
    """Which share of the images the mildest level can make fail at all: the paper's claim of sigma 1."""
    nearest, least = ledger.rows["perturbation"], ledger.levels[0]
    attacked = ledger.rows["clean_correct"] & ~np.isnan(nearest)
    if attacked.any():
        share = in_percent((nearest[attacked] < SEEN * least).mean())
        yield (
            f"At sigma {least:g} one draw in 200 crosses a flat boundary at {SEEN * least:.3g} grey levels: attacks "
            f"found one so near for {share} of {attacked.sum()} images."
        )
