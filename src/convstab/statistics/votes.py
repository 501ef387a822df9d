"""What a majority vote of models comes to that fail independently of each other, given the image."""

import math

import numpy as np

from convstab.statistics.intervals import Floats


def count_chances(chances: Floats) -> Floats:
    """The chance that so many of independent members are correct, (members + 1, ...): the Poisson-binomial law.

    chances: that each member is correct, (members, ...), in [0, 1].
    """
    found = np.zeros((len(chances) + 1, *chances.shape[1:]))
    found[0] = 1
    for chance in chances:
        one_more = found[:-1] * chance
        found = found * (1 - chance)
        found[1:] += one_more
    return found


def majority_fails(chances: Floats) -> Floats:
    """The chance that not more than half of independent members are correct, (...); chances: (members, ...).

    It is the most that a vote may fail: with three classes and more the label may win with fewer votes.
    """
    return fails(chances, len(chances) // 2)


def plurality_fails(chances: Floats, classes: int) -> Floats:
    """The least that the vote of independent members may fail, (...): their other votes lie as far apart as they can.

    chances: that each member is correct, (members, ...). classes: their number, at least 2. A tie counts as correct.
    """
    members = len(chances)
    most = max(votes for votes in range(members + 1) if votes < max(1, -((votes - members) // (classes - 1))))
    return fails(chances, most)


def fails(chances: Floats, most: int) -> Floats:
    """The chance that at most so many members are correct."""
    found: Floats = count_chances(chances)[: most + 1].sum(0)
    return found


def shared_chance(draws: int, members: int) -> float:
    """The chance that two of some members have the same draw, where each has one of so many by chance."""
    return 1 - math.prod(max(0.0, 1 - member / draws) for member in range(members))


def without_sharing(vote: Floats, failing: Floats, members: int, shared: Floats) -> tuple[Floats, Floats]:
    """The ends between which the failures of an independent vote lie, in expectation, given those told from shares.

    Shares of draws in place of chances make a vote whose members each see one of the draws by chance, since the law is
    linear in each chance. Where the draws are the same for all members, it is the mixture of two votes: of members
    that all see draws of their own, which is wanted, and of members of which two see the same, with the chance
    ``shared``, below 1. The second fails in anything from none to all cases in which half of the members fail (Markov).

    vote: chance that the vote fails, told from shares, (...). failing: how many of the members fail on average, (...).
    """
    most = np.minimum(failing / math.ceil(members / 2), 1)
    alone = np.where(shared < 1, 1 - shared, np.nan)
    low, high = (vote - shared * most) / alone, vote / alone
    return low.clip(0, 1), high.clip(0, 1)
