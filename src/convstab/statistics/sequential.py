"""What draws say of a chance to fail, whenever one stops to draw: the mildest level that an image does not withstand.

The error levels hold for any number of draws, also one that was chosen because of the draws before.
"""

from bisect import bisect_left
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, xlog1py, xlogy

from convstab.statistics.intervals import Floats
from convstab.units import Integers
from convstab.validation import FRACTION, check_limit

MOST = 2**40  # draws that are thought of


class Verdict(IntEnum):
    """Of an image under a level: whether its chance to fail is above the tolerance."""

    HOLDS = 0
    FAILS = 1
    UNDECIDED = 2


def log_evidence(failures: Integers, draws: Integers, tolerance: float) -> Floats:
    """The logarithm of the wealth of a gambler who bets against a chance of ``tolerance``; any shape.

    It is the likelihood of the draws under a mixture of all chances, with the weights of Krichevsky and Trofimov
    (Beta(1/2, 1/2)), over that under ``tolerance``: a martingale if this is the chance, so it ever reaches 1 / alpha
    with a chance of at most alpha (Ville 1939; Robbins 1970).
    """
    successes = draws - failures
    mixture = betaln(failures + 0.5, successes + 0.5) - betaln(0.5, 0.5)
    return np.asarray(mixture - xlogy(failures, tolerance) - xlog1py(successes, -tolerance), np.float64)


def decide(
    failures: Integers, draws: Integers, tolerance: float, alpha_holds: float, alpha_fails: float
) -> NDArray[np.int64]:
    """A ``Verdict`` for each entry; of chances that are not above, and not below, the tolerance in turn.

    HOLDS is wrong with a chance of at most ``alpha_holds``, FAILS of at most ``alpha_fails``: where the chance is not
    the tolerance but beyond it, draws that speak against it are rarer still.
    """
    evidence, above = log_evidence(failures, draws, tolerance), failures > tolerance * draws
    holds, fails = (evidence >= -np.log(alpha_holds)) & ~above, (evidence >= -np.log(alpha_fails)) & above
    return np.where(holds, Verdict.HOLDS, np.where(fails, Verdict.FAILS, Verdict.UNDECIDED)).astype(np.int64)


@dataclass(frozen=True)
class FirstFailures:
    """place: of the mildest level at which it is not certain that an image holds, (n,); the number of levels: none.

    verdict: what is known of this level, FAILS or UNDECIDED; HOLDS: the image holds under all levels.
    """

    place: NDArray[np.int64]
    verdict: NDArray[np.int64]


def first_failures(failures: Integers, draws: Integers, tolerance: float, alpha: float = 0.05) -> FirstFailures:
    """The mildest level under which each image fails more often than is tolerated.

    Levels are tested from the mildest on, until one does not hold: so no level that is said to hold spends the error
    of another (fixed-sequence testing, Maurer, Hothorn and Lehmacher 1995). That an image fails may be said too early
    at any of them, and half of ``alpha`` is shared among them. So all that is said of one image is right with a chance
    of at least 1 - alpha: that it holds under the levels before, and that it fails under this one.

    Args:
        failures: misclassified draws, (n, levels), from the mildest level to the worst.
        draws: all draws, of the same shape.
        tolerance: the chance to fail that is tolerated, in (0, 1).
        alpha: of what is said of one image, in (0, 1).

    Raises:
        InputError: tolerance or alpha out of range.
    """
    for name, value in (("tolerance", tolerance), ("alpha", alpha)):
        check_limit(name, value, FRACTION)
    levels = failures.shape[1]
    verdicts = decide(failures, draws, tolerance, alpha / 2, alpha / 2 / levels)
    open_yet = verdicts != Verdict.HOLDS
    place = np.where(open_yet.any(1), open_yet.argmax(1), levels)
    last = np.take_along_axis(verdicts, np.minimum(place, levels - 1)[:, None], axis=1)[:, 0]
    return FirstFailures(place, np.where(place < levels, last, Verdict.HOLDS))


def draws_needed(tolerance: float, alpha: float = 0.05) -> int:
    """Draws of an image, none of which fails, after which ``first_failures`` says that it holds under a level.

    >>> draws_needed(0.05), draws_needed(0.01)
    (131, 754)
    """
    enough = -np.log(alpha / 2)

    def evidence(draws: int) -> float:  # it rises with the draws
        return float(log_evidence(np.array(0), np.array(draws), tolerance))

    return 1 + bisect_left(range(1, MOST), enough, key=evidence)
