"""Verdicts as a file that a report reads: what was asked, what came of it, and which results it rests on."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from convstab.files import read_json, write_json
from convstab.files.shapes import shaped
from convstab.requirements.assessment import Assessed
from convstab.requirements.markdown import asked
from convstab.requirements.specification import EACH, Specification
from convstab.runs.results import Results, fingerprint


@dataclass(frozen=True)
class Line:
    """A requirement and its verdict.

    asked: in words. measured, low, high: the share that was tested, and its 95 % interval. of: with each class, the one
    that is shown. over: what is independent. draws: 0: of an attack. met, missed: p-values after Holm, as in
    ``Assessed``. result: its folder, as in ``Record.results``.
    """

    name: str
    asked: str
    verdict: str
    measured: float
    low: float
    high: float
    of: str
    over: str
    draws: int
    met: float
    missed: float
    result: str
    remarks: list[str]


@dataclass(frozen=True)
class Record:
    """All requirements of a file that results were held against.

    file: its name. run: the model. results: fingerprint of each result, by its folder as seen from that of the record.
    """

    file: str
    run: str
    confidence: float
    requirements: list[Line]
    results: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> "Record":
        """Read a record; DamagedError when it is not as it was written."""
        return shaped(cls, read_json(path), path)


def write(path: Path, file: Path, specification: Specification, assessed: Sequence[Assessed], results: Results) -> None:
    """Write the record of requirements that were read from a file."""
    seen = {folder: seen_from(path.parent, folder) for folder in results.summaries}
    lines = [line(one, seen[one.evidence.folder]) for one in assessed]
    run = str(next(iter(results.summaries.values())).get("run"))
    prints = {name: fingerprint(folder) for folder, name in seen.items()}
    write_json(path, asdict(Record(file.name, run, specification.confidence, lines, prints)))


def seen_from(folder: Path, other: Path) -> str:
    """The way from one folder to another, which stays the same when both are moved together."""
    return Path(os.path.relpath(other.resolve(), folder.resolve())).as_posix()


def line(one: Assessed, result: str) -> Line:
    """One requirement; result: where its evidence is."""
    wanted, sample = one.requirement, one.sample
    low, high = sample.interval()
    return Line(
        name=wanted.name,
        asked=asked(wanted),
        verdict=one.verdict,
        measured=sample.counted[0],
        low=low,
        high=high,
        of=sample.of if wanted.of_class == EACH else "",
        over=sample.in_words,
        draws=sample.draws,
        met=one.met,
        missed=one.missed,
        result=result,
        remarks=list(one.evidence.remarks),
    )
