"""What was required of the models of a page, as convstab-require left it, and whether the results still are those."""

from collections import Counter
from collections.abc import Mapping, Sequence
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

    said: sentences. results: those of the page that were held against them. replaced: those in whose folders others
    were.
    """

    title: str
    rows: list[Row]
    said: list[str]
    results: list[Evaluation | Attacked]
    replaced: list[Evaluation | Attacked]

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
    names, found = folders_of(evidence), list[Required]()
    there, left_out = records(folders, {folder.parent for folder in results})
    prints = {fingerprint(folder): folder for folder in results} if there else {}
    for path, record in there.items():
        now = {name: standing(path.parent / name, made, prints) for name, made in record.results.items()}
        on_page = [(results[folder], stands) for folder, stands in now.values() if folder in results]
        if on_page:
            found.append(told(path, record, now, names, on_page))
        elif any(path.is_relative_to(folder.resolve()) for folder in folders):
            left_out.append(f"{path.parent.name}/{path.name} is about no result of this page and not used")
    return found, left_out


def records(folders: Sequence[Path], beside: set[Path]) -> tuple[dict[Path, Record], list[str]]:
    """The records in folders and below them, and those beside results; and in sentences what else is called like one.

    What is called so beside a result may be of another program, and is left alone.
    """
    inside = dict.fromkeys(path.resolve() for folder in folders for path in sorted(folder.rglob(REQUIREMENTS)))
    found, left_out = dict[Path, Record](), list[str]()
    for path in inside:
        try:
            found[path] = Record.read(path)
        except InputError as error:
            left_out.append(f"{error}; it is not used")
    for path in sorted({path for folder in beside for path in folder.glob(f"*/{REQUIREMENTS}")} - inside.keys()):
        with suppress(InputError):
            found[path] = Record.read(path)
    return found, left_out


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
    on_page: Sequence[tuple[Evaluation | Attacked, bool]],
) -> Required:
    """A record in words.

    now: see ``standing``. names: of the results of the page. on_page: those of them that the record is about, and
    whether each is what was held against the requirements.
    """
    called = {of: names.get(folder, f"{folder.name}, not on this page") for of, (folder, _) in now.items()}
    rows = [row(one, called[one.result], now[one.result][1]) for one in record.requirements]
    told_of = dict.fromkeys(one.result for one in record.requirements if not now[one.result][1])
    said = [f"{called[of]} is not the result that was held against {record.file}: ask {AGAIN}" for of in told_of]
    said += [method(record), f"{WHOLE}: {path.parent.name}/{path.with_suffix('.md').name}."]
    said += [f"{one.name}: {'; '.join(one.remarks)}." for one in record.requirements if one.remarks]
    held, replaced = ([one for one, stands in on_page if stands is wanted] for wanted in (True, False))
    return Required(f"{record.file}: {record.run}", rows, said, held, replaced)


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


def is_about(found: Required, evaluation: Evaluation) -> bool:
    """Whether requirements were held against an evaluation; or against attacks alone, on its model."""
    evaluations = [result for result in found.results if isinstance(result, Evaluation)]
    if evaluations:
        return any(evaluation is result for result in evaluations)
    return any(same_model(evaluation, result) for result in found.results)


def with_requirements(overview: Overview, evaluation: Evaluation, found: Sequence[Required]) -> Overview:
    """An overview of an evaluation that says what came of the requirements of its model, where there are any."""
    mine = [one for one in found if is_about(one, evaluation)]
    said = [f"{one.counts} ({one.title})." for one in mine]
    said += [
        f"{OUTDATED} ({one.title}): another result stood in this folder then; ask {AGAIN}"
        for one in found
        if one not in mine and any(evaluation is result for result in one.replaced)
    ]
    answers = [Answer("Requirements", text, "requirements") for text in said]
    steps = [step for step in overview.next if not mine or step != REQUIRE]
    return replace(overview, answers=[*overview.answers, *answers], next=steps)
