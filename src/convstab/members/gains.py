"""How much more often an ensemble is correct than its members, on the same draws."""

import numpy as np

from convstab.statistics import intervals, rates
from convstab.statistics.intervals import TAIL, Estimate, Floats
from convstab.units import Units


def change(changes: Floats, units: Units, tail: float = TAIL) -> Estimate:
    """Mean over the images that were drawn of changes in [-1, 1], (n, levels), with intervals over units."""
    return rates.where_drawn(changes, lambda drawn, rows: intervals.mean_change(drawn, units.part(rows), tail))


def over_mean(ensemble: Floats, members: Floats, units: Units) -> Estimate:
    """The accuracy of an ensemble less the mean of those of its members, (levels,), with 95 % intervals.

    ensemble: shares of correct draws, (n, levels). members: likewise, (members, n, levels).
    """
    return change((ensemble - members).mean(0), units)


def over_best(ensemble: Floats, members: Floats, units: Units) -> Estimate:
    """The accuracy of an ensemble less that of its best member, (levels,), with intervals that cover in 95 % of cases.

    Which member is the best under a level is told by the same draws: the member with luck looks the best, so that the
    gain looks too small where members are alike. The interval knows it, as it holds for the least of all gains. Its
    low end is the least of theirs, which is too high only where that over the best is; its high end is the least of
    high ends that are too low with a chance of 2.5 % for all members together (Bonferroni).

    The arguments are those of ``over_mean``.
    """
    each = [change(ensemble - member, units) for member in members]
    cautious = [change(ensemble - member, units, TAIL / len(members)) for member in members]
    value, low = (np.min([getattr(found, name) for found in each], axis=0) for name in ("value", "low"))
    return Estimate(value, low, np.min([found.high for found in cautious], axis=0))
