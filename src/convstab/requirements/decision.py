"""When a share is surely on its side of a bound: exact tests over independent units, and Holm's method over all."""

from math import ceil, log

import numpy as np
from scipy.special import betainc

from convstab.statistics.intervals import Floats

PASS, FAIL, UNDECIDED = "pass", "fail", "undecided"


def chance_of_more(value: Floats, trials: Floats, bound: Floats | float) -> Floats:
    """The chance of as large a share, or a larger one, where the true one is the bound: p-value of "it is no larger".

    The upper tail of the binomial law, of which the exact interval of Clopper and Pearson (1934) is made; as there,
    neither the trials nor the successes need be whole, see ``statistics.intervals.mean``.

    value: shares in [0, 1]. trials: independent ones, at least 1. bound: in (0, 1).
    """
    successes = value * trials
    failures = np.maximum(trials - successes, 0.0)
    found = betainc(np.where(successes > 0, successes, 1.0), failures + 1, bound)
    return np.where(successes > 0, found, 1.0)


def p_values(value: Floats, trials: Floats, bound: float, at_least: bool) -> tuple[Floats, Floats]:
    """The p-values of "the true share is not better than the bound" and of "it is not worse".

    A small first one speaks for the requirement, a small second one against it.
    at_least: whether a larger share is better.
    """
    more = chance_of_more(value, trials, bound)
    less = chance_of_more(1 - value, trials, 1 - bound)
    return (more, less) if at_least else (less, more)


def of_each(met: Floats, missed: Floats) -> tuple[float, float]:
    """The two p-values of "each of several shares is on its side of the bound" from those of each, (K,).

    All must be: the union of what speaks against it is tested by the largest p-value (intersection-union test, Berger
    1982), that one of them is not by the least one times their number (Bonferroni).
    """
    return float(met.max()), min(1.0, float(missed.min()) * len(missed))


def holm(p: Floats) -> Floats:
    """Adjusted p-values: those at most alpha are rejected with a chance of at most alpha for any wrong one among all.

    Holm (1979): the least p-value counts as many times as there are, the next one once less, and so on; however they
    depend on each other. p: (m,).
    """
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return adjusted


def verdict(met: float, missed: float, risk: float) -> str:
    """What adjusted p-values say; risk: of a wrong pass among all, and of a wrong fail, below 0.5."""
    return PASS if met <= risk else FAIL if missed <= risk else UNDECIDED


def units_needed(bound: float, at_least: bool, risk: float, requirements: int) -> int:
    """The least number of units whose perfect result passes in the first of Holm's steps, in which it is hardest."""
    perfect = bound if at_least else 1 - bound
    return ceil(log(risk / requirements) / log(perfect))
