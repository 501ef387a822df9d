"""How one word comes out of several results, and how a finding is put together."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from convstab.paper import TABLES
from convstab.paper.measured import Measured
from convstab.report.content import Finding, Verdict
from convstab.report.formatting import factor, in_percent, named, points
from convstab.report.inventory import folders_of
from convstab.report.results import Evidence, Source

SIGNIFICANTLY = '"Significantly" means that the 95 % interval leaves no other sign.'
OF_THE_PAPER = {table.dataset for table in TABLES}
OPEN = "more images may tell, or what is not there yet"


class Assessment(NamedTuple):
    """What one result says of a claim, or several say together: data set, verdict, and sentences with the numbers.

    verdict: None where the claim is not about it, and its numbers are only told beside the others. decisive: one
    sentence with the number that decides; "": the text is one. lacking: what it takes, where it is inconclusive.
    """

    dataset: str
    verdict: Verdict | None
    text: str
    decisive: str = ""
    lacking: str = OPEN

    @property
    def sentence(self) -> str:
        """One sentence with the number that decides, without its full stop."""
        return (self.decisive or self.text).removesuffix(".")


def combined(spoken: Sequence[Assessment]) -> Verdict:
    """One word for several results: theirs where all that can be said is the same, else "mixed".

    Data sets that the paper does not use decide nothing.
    """
    said = decided(spoken)
    if not said:
        return "inconclusive"
    return said.pop() if len(said) == 1 else "mixed"


def decided(spoken: Sequence[Assessment]) -> set[Verdict]:
    """The different verdicts of results that decide something."""
    return asked(spoken) - {"inconclusive"}


def asked(spoken: Sequence[Assessment]) -> set[Verdict]:
    """The different verdicts of the results that the claim is about."""
    return {one.verdict for one in spoken if one.dataset in OF_THE_PAPER and one.verdict is not None}


def of_halves(first: Verdict, second: Verdict) -> Verdict:
    """One word for a claim that says two things: theirs where it is the same; "mixed" where only one of them holds."""
    if "inconclusive" in (first, second):
        return "inconclusive"
    return first if first == second else "mixed"


def finding(claim: str, where: str, spoken: Sequence[Assessment], rule: str, missing: str, remedy: str = "") -> Finding:
    """A finding of what each result says, a line for each, and how the verdict comes about.

    missing: a sentence that says what it takes if no result tells. remedy: the commands that make it, in sentences.
    """
    decisive, missing = decisive_sentence(spoken, missing), f"{missing} {remedy}".strip()
    if not spoken:
        return Finding(claim, where, "inconclusive", decisive, missing)
    verdict = combined(spoken)
    lines = lines_of(spoken)
    if verdict == "inconclusive":
        lacking = [f"{one.lacking[:1].upper()}{one.lacking[1:]}." for one in spoken if asked([one])]
        lines.append(" ".join([*lacking[:1], missing]))
    if len(decided(spoken)) > 1:
        rule += " Where results differ it is mixed."
    if decided(spoken) and "inconclusive" in asked(spoken):
        rule += " Inconclusive results decide nothing."
    if any(one.dataset not in OF_THE_PAPER for one in spoken):
        rule += " Data sets that the paper does not use decide nothing."
    return Finding(claim, where, verdict, decisive, "\n".join([*lines, f"How the verdict comes about: {rule}"]))


def decisive_sentence(spoken: Sequence[Assessment], missing: str) -> str:
    """What decides, of the first result of each verdict, in one sentence, and how many others have it.

    Where none decides: of the first asked, and what it lacks. missing: what it takes, where the claim is about no
    result.
    """
    about = [one for one in spoken if asked([one])]
    if not about:
        return missing
    alike = defaultdict[Verdict | None, list[Assessment]](list)
    for one in about:
        alike[one.verdict].append(one)
    undecided = alike.pop("inconclusive", [])
    if not alike:
        return f"{first_of(undecided)}; {undecided[0].lacking}."
    rest = [f"{more(undecided, 'is', 'are')} inconclusive"] if undecided else []
    return "; ".join([*map(first_of, alike.values()), *rest]) + "."


def first_of(alike: Sequence[Assessment]) -> str:
    """What the first of results of one verdict says, and how many others have it."""
    others = f", and {more(alike[1:], 'has', 'have')} the same verdict" if len(alike) > 1 else ""
    return alike[0].sentence + others


def more(results: Sequence[Assessment], one: str, several: str) -> str:
    """How many more there are, with the verb."""
    return f"{len(results):,} more {one if len(results) == 1 else several}"


def lines_of(spoken: Sequence[Assessment]) -> list[str]:
    """What each result says, with its own verdict where these differ among those that the claim is about."""
    alone = [f" Taken alone: {one.verdict}." if asked([one]) and len(asked(spoken)) > 1 else "" for one in spoken]
    return [one.text + verdict for one, verdict in zip(spoken, alone, strict=True)]


def names_of(sources: Sequence[Source], evidence: Evidence) -> list[str]:
    """The data set of each result, with its folder where others of them are of the same data set."""
    folders, times = folders_of(evidence), Counter(source.dataset for source in sources)
    return [named(one) + (f", {folders[one.folder]}" if times[one.dataset] > 1 else "") for one in sources]


def share_in_words(share: Measured) -> str:
    """A share and its interval."""
    return f"{in_percent(share.value)} (95 %: {in_percent(share.low)} to {in_percent(share.high)})"


def range_in_words(found: Measured) -> str:
    """The interval of a median, which few images do not have."""
    if found.low == -np.inf:
        return "too few images for an interval"
    return f"95 %: {factor(found.low)} to {factor(found.high)}"


def change_in_words(change: Measured) -> str:
    """A difference of shares and its interval."""
    low, high = (points(end).removesuffix(" points") for end in (change.low, change.high))
    return f"{points(change.value)} (95 %: {low} to {high})"
