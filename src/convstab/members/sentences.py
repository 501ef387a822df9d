"""What the tables of an ensemble and its members rest on, in words."""

from collections.abc import Iterator

from convstab.members.members import Members
from convstab.statistics.pairwise import FEWEST
from convstab.units import Units

RULES = {"probabilities": "The ensemble averages probabilities", "logits": "The ensemble averages logits"}


def sentences(members: Members) -> Iterator[str]:
    """What is compared, on which images, and how far it may be off."""
    ensemble, count = members.ensemble, len(members.members)
    over, common = ensemble.units.in_words(ensemble.images), int(members.common.sum())
    yield (
        f"Accuracy of {count} members and of their ensemble on the same draws of {ensemble.images} images, and what it "
        f"gains over the mean and over the best member, in points. 95 %: over {over}; that over the best member "
        "allows for not knowing which it is."
    )
    yield (
        f"Flips: misclassified draws of the {common} images that all members and the ensemble classify correctly when "
        f"clean. Correlation: of the members' flip rates, in ranks of images, mean over {pairs(count)}; "
        f"no interval below {FEWEST} failing {units_in_words(ensemble.units)} of each member."
    )
    yield (
        "Independent vote: a majority vote of members that fail as often on each image as these do, but independently "
        f"of each other given the image. {told_apart(members)}"
    )
    if members.random.any():
        yield shared_draws(members)


def pairs(count: int) -> str:
    """The number of pairs of so many members."""
    return "one pair" if count == 2 else f"{count * (count - 1) // 2} pairs"


def units_in_words(units: Units) -> str:
    """What fails: images, or groups of them."""
    return "images" if units.groups is None else "groups"


def told_apart(members: Members) -> str:
    """How the independent vote differs from the ensemble beside being independent."""
    found = "" if members.rule == "vote" else f"{RULES[members.rule]}, which is not a vote: the difference holds both. "
    if len(members.ensemble.classes) > 2 or len(members.members) % 2 == 0:
        found += (
            "It fails where no more than half of its votes are for the label, the most that such a vote may fail: with "
            "fewer votes the label may still have the most (`independent_least` in members.csv)."
        )
    return found.strip()


def shared_draws(members: Members) -> str:
    """What the shares of few draws do to the independent vote."""
    shared = members.shared[members.random]
    return (
        f"It is told from shares of {members.ensemble.draws_in_words} draws, the same for all members, which moves it "
        f"towards members that see the same draw, by at most {100 * shared.max():.1f} % of the way; without that it "
        "lies between the two ends, which are no interval; that of the difference allows for it."
    )
