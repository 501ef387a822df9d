"""What a report says: tables beside the paper's, and findings; the page and the text show nothing else."""

from dataclasses import dataclass, field
from typing import Literal

from convstab.report.ledgers import Joined
from convstab.report.overview import Overview
from convstab.report.requirements import Required
from convstab.report.results import Evidence, Source

OTHER_IMAGES = "Other images than the paper's"  # the section of overviews beside findings
Verdict = Literal["agrees", "disagrees", "mixed", "inconclusive"]


@dataclass(frozen=True)
class Number:
    """A measured share in [0, 1], its 95 % interval and the paper's value; None: not known, or not in the paper."""

    value: float
    low: float | None = None
    high: float | None = None
    paper: float | None = None

    @property
    def difference(self) -> float | None:
        """Ours minus the paper's."""
        return None if self.paper is None else self.value - self.paper

    @property
    def difference_ends(self) -> tuple[float | None, float | None]:
        """The ends of our interval minus the paper's number."""
        if self.paper is None or self.low is None or self.high is None:
            return None, None
        return self.low - self.paper, self.high - self.paper


@dataclass(frozen=True)
class ClassRow:
    """Precision and recall of a class, and its number of test images."""

    name: str
    images: int
    precision: Number
    recall: Number


@dataclass(frozen=True)
class ScoreTable:
    """One table: the classes of a result beside those of a table of the paper.

    id: unique in a report, fit for an anchor of HTML. title: for example "Table 2: one model under noise, GTSRB".
    paper: the table of the paper it stands beside, for example "Table 2", or None. drawn: what was classified, in
    words. overall: "accuracy" and "balanced accuracy". remarks: what limits the comparison. decimals: of the shares in
    the paper's table.
    """

    id: str
    title: str
    paper: str | None
    source: Source
    drawn: str
    rows: list[ClassRow]
    overall: dict[str, Number]
    remarks: list[str] = field(default_factory=list)
    decimals: int = 4


@dataclass(frozen=True)
class Finding:
    """A claim of the paper and what the numbers say of it.

    where: in the paper. verdict: one word for it. decisive: one sentence with the number that the verdict rests on, or
    with what it takes where there is none. text: sentences with all the numbers, computed.
    """

    claim: str
    where: str
    verdict: Verdict
    decisive: str
    text: str


@dataclass(frozen=True)
class Report:
    """All that a report shows.

    remarks: what was left out. contradictions: what the paper contradicts itself in. ledgers: the evaluations image by
    image, with the attacks on the same models. overviews: what is said of each evaluation: first, or after the findings
    where there are some. required: what was required of the models.
    """

    title: str
    evidence: Evidence
    tables: list[ScoreTable]
    findings: list[Finding]
    remarks: list[str]
    contradictions: list[str] = field(default_factory=list)
    ledgers: list[Joined] = field(default_factory=list)
    overviews: list[Overview] = field(default_factory=list)
    required: list[Required] = field(default_factory=list)
