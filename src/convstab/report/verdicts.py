"""How one word comes out of several results, and how a finding is put together."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from convstab.paper import TABLES
from convstab.report.content import Finding, Verdict
from convstab.report.evidence import Source
from convstab.report.measured import Measured
from convstab.report.words import factor, named, percent, points

SURELY = '"Surely" means that the 95 % interval leaves no other sign.'
OF_THE_PAPER = {table.dataset for table in TABLES}


class Spoken(NamedTuple):
    """What one result says of a claim: its data set, its verdict, and sentences with its numbers."""

    dataset: str
    verdict: Verdict
    text: str


def combined(spoken: Sequence[Spoken]) -> Verdict:
    """One word for several results: theirs where all that can be said is the same, else "mixed".

    Data sets that the paper does not use decide nothing.
    """
    said = {one.verdict for one in spoken if one.dataset in OF_THE_PAPER and one.verdict != "cannot be said"}
    if not said:
        return "cannot be said"
    return said.pop() if len(said) == 1 else "mixed"


def finding(claim: str, where: str, spoken: Sequence[Spoken], rule: str, missing: str) -> Finding:
    """A finding of what each result says, a line for each, and how the verdict comes about; missing: if none does."""
    if not spoken:
        return Finding(claim, where, "cannot be said", missing)
    verdict = combined(spoken)
    lines = [one.text for one in spoken] + ([missing] if verdict == "cannot be said" else [])
    if any(one.dataset not in OF_THE_PAPER for one in spoken):
        rule += " Data sets that the paper does not use decide nothing."
    return Finding(claim, where, verdict, "\n".join([*lines, f"How the verdict comes about: {rule}"]))


def name_among(source: Source, sources: Sequence[Source]) -> str:
    """The data set of a result, with the name of its folder where others are of the same data set."""
    several = sum(other.dataset == source.dataset for other in sources) > 1
    return named(source) + (f", {source.folder.name}" if several else "")


def share_in_words(share: Measured) -> str:
    """A share and its interval."""
    return f"{percent(share.value)} (95 %: {percent(share.low)} to {percent(share.high)})"


def range_in_words(found: Measured) -> str:
    """The interval of a median, which few images do not have."""
    if found.low == -np.inf:
        return "too few images for an interval"
    return f"95 %: {factor(found.low)} to {factor(found.high)}"


def change_in_words(change: Measured) -> str:
    """A difference of shares and its interval."""
    low, high = (points(end).removesuffix(" points") for end in (change.low, change.high))
    return f"{points(change.value)} (95 %: {low} to {high})"
