"""What was required of the models of a page, as convstab-require left it, and whether the results still are those."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from convstab.errors import InputError
from convstab.files import REQUIREMENTS
from convstab.report.formatting import count
from convstab.report.inventory import folders_of
from convstab.report.ledgers import same_model
from convstab.report.overview import REQUIRE, Answer, Overview
from convstab.report.results import Attacked, Evaluation, Evidence
from convstab.requirements.decision import FAIL, PASS, UNDECIDED
from convstab.requirements.record import Line, Record
from convstab.runs.results import fingerprint

HEAD = "verdict", "measured", "95 %", "over", "draws", "p if not met", "p if met", "result"
OUTDATED, NONE = "out of date", "\u2013"  # the verdict on a result that is there no more; in a cell: no such number
SCOPE = (
    "This is evidence for or against each requirement, on the images and under the degradation of the result that is "
    "named. It is no certificate: whether it is enough is for those to say who know what the system is used for."
)
AGAIN = "convstab-require again."
WHOLE = "The whole account, laid out in the spirit of ISO/IEC 24029-3 (statistical methods)"


@dataclass(frozen=True)
class Row:
    """A requirement: its name, what it asks in words, and the cells of the columns of ``HEAD``."""

    name: str
    asked: str
    cells: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """Pass, fail, undecided or out of date."""
        return self.cells[0]


@dataclass(frozen=True)
class Required:
    """The requirements of a file and what came of them.

    said: sentences. results: those of the page that were held against them.
    """

    title: str
    rows: list[Row]
    said: list[str]
    results: list[Evaluation | Attacked]

    @property
    def counts(self) -> str:
        """How many of each verdict there are, for example "2 pass, 1 undecided"."""
        found = Counter(row.verdict for row in self.rows)
        return ", ".join(f"{found[word]} {word}" for word in (PASS, FAIL, UNDECIDED, OUTDATED) if found[word])


def required(evidence: Evidence, folders: Sequence[Path]) -> tuple[list[Required], list[str]]:
    """The requirements that results of a page were held against, and in sentences which of those there were not used.

    They are looked for in the folders that were given and below them, and beside the results.
    """
    both: list[Evaluation | Attacked] = [*evidence.evaluations, *evidence.attacks]
    results = {one.source.folder: one for one in both}
    names, found, left_out = folders_of(evidence), list[Required](), list[str]()
    there = list(records(folders, {folder.parent for folder in results}))
    prints = {fingerprint(folder): folder for folder in results} if there else {}
    for path, record in there:
        now = {name: standing(path.parent / name, made, prints) for name, made in record.results.items()}
        held = [results[folder] for folder, _ in now.values() if folder in results]
        if held:
            found.append(told(path, record, now, names, held))
        elif any(path.is_relative_to(folder.resolve()) for folder in folders):
            left_out.append(f"{path.parent.name}/{path.name} is about no result of this page and not used")
    return found, left_out


def records(folders: Sequence[Path], beside: set[Path]) -> Iterator[tuple[Path, Record]]:
    """The records in folders and below them, each once; then those beside results that are ones of convstab."""
    inside = dict.fromkeys(path.resolve() for folder in folders for path in sorted(folder.rglob(REQUIREMENTS)))
    yield from ((path, Record.read(path)) for path in inside)
    for path in sorted({path for folder in beside for path in folder.glob(f"*/{REQUIREMENTS}")} - inside.keys()):
        with suppress(InputError):  # another program's, or of others
            yield path, Record.read(path)


def standing(folder: Path, made: str, prints: Mapping[str, Path]) -> tuple[Path, bool]:
    """Where a result is, and whether it is the one that was held against requirements, as far as can be told.

    folder: where it was. made: its fingerprint then. prints: the results of the page by their fingerprints now.
    """
    where = folder.resolve()
    if unchanged(where, made):
        return where, True
    return prints.get(made, where), made in prints or not where.exists()


def unchanged(folder: Path, made: str) -> bool:
    """Whether a folder holds the finished result with this fingerprint."""
    with suppress(InputError, OSError, KeyError):
        return fingerprint(folder) == made
    return False


def told(
    path: Path,
    record: Record,
    now: Mapping[str, tuple[Path, bool]],
    names: Mapping[Path, str],
    held: list[Evaluation | Attacked],
) -> Required:
    """A record in words. now: see ``standing``. names: of the results of the page."""
    called = {of: names.get(folder, f"{folder.name}, not on this page") for of, (folder, _) in now.items()}
    rows = [row(one, called[one.result], now[one.result][1]) for one in record.requirements]
    told_of = dict.fromkeys(one.result for one in record.requirements if not now[one.result][1])
    said = [f"{called[of]} is not the result that was held against {record.file}: ask {AGAIN}" for of in told_of]
    said += [method(record), f"{WHOLE}: {path.parent.name}/{path.with_suffix('.md').name}."]
    said += [f"{one.name}: {'; '.join(one.remarks)}." for one in record.requirements if one.remarks]
    return Required(f"{record.file}: {record.run}", rows, said, held)


def row(one: Line, result: str, stands: bool) -> Row:
    """A requirement; without numbers where its result is there no more."""
    if not stands:
        return Row(one.name, one.asked, (OUTDATED, *[NONE] * (len(HEAD) - 2), result))
    of = f" ({one.of})" if one.of else ""
    measured, interval = f"{one.measured:.2%}{of}", f"{100 * one.low:.2f}-{100 * one.high:.2f}"
    draws = f"{one.draws:,}" if one.draws else NONE
    p = (f"{one.met:.2g}", f"{one.missed:.2g}")
    return Row(one.name, one.asked, (one.verdict, measured, interval, one.over, draws, *p, result))


def method(record: Record) -> str:
    """What the verdicts rest on."""
    number, risk = count(len(record.requirements), "requirement"), f"{1 - record.confidence:.6g}"
    return (
        f"Pass: p if not met, the chance of so good a result if the requirement were not met, is at most {risk}; fail: "
        f"p if met is; undecided: neither. Both are adjusted by Holm's method for {number}, so that the confidence "
        f"that no pass is wrong is at least {record.confidence:.6g}, of all together. Intervals are of 95 %, each for "
        "itself."
    )


def with_requirements(overview: Overview, evaluation: Evaluation, found: Sequence[Required]) -> Overview:
    """An overview of an evaluation that says what came of the requirements of its model, where there are any."""
    mine = [one for one in found if any(same_model(evaluation, result) for result in one.results)]
    if not mine:
        return overview
    answers = [Answer("Requirements", f"{one.counts} ({one.title}).", "requirements") for one in mine]
    return replace(
        overview, answers=[*overview.answers, *answers], next=[step for step in overview.next if step != REQUIRE]
    )
