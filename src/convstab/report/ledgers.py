"""The ledgers of a page: each evaluation joined with the attacks on the same model, and the images that fail first."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from convstab.errors import InputError
from convstab.evaluation.cells import NOT_DEFINED, in_percent, level_in_words
from convstab.images import NAME
from convstab.ledger.columns import clean_of, column_of
from convstab.ledger.first import first_to_fail
from convstab.ledger.least import Clean, common
from convstab.ledger.ledger import Ledger
from convstab.ledger.paired import widening
from convstab.ledger.sentences import certifies, far, sentences
from convstab.ledger.tables import number
from convstab.report.inventory import folders_of, unique_names
from convstab.report.results import Attacked, Evaluation, Evidence
from convstab.runs.results import IDENTITY
from convstab.statistics.intervals import Floats
from convstab.units import Integers

MOST, FEWEST = 200, 20  # images that a page lists: of all its ledgers together, and of each at least


class Cell(NamedTuple):
    """What a cell shows, and what a table sorts it by; "": unknown."""

    text: str
    key: str


@dataclass(frozen=True)
class Joined:
    """A ledger, the evaluation it is of, and its attacks by the names that they have in it.

    id: unique in a page, fit for an anchor of HTML. name: of the evaluation. beside: evaluations of the page.
    """

    id: str
    name: str
    evaluation: Evaluation
    ledger: Ledger
    attacks: Mapping[str, Attacked] = field(default_factory=dict)
    beside: int = 1

    @cached_property
    def best_radius(self) -> tuple[Floats, Floats]:
        """The greatest certified radius of each image, 0 without any, and the sigma that it belongs to, (n,) each."""
        radius = np.nan_to_num(self.ledger.by_level("radius"))
        return radius.max(1), np.array(self.ledger.levels)[radius.argmax(1)]

    @cached_property
    def rows(self) -> Integers:
        """The clean-correct images that a page lists: those whose draws flip most often, then the nearest."""
        return first_to_fail(self.ledger)[: max(min(FEWEST, MOST), MOST // self.beside)]


def ledgers(evidence: Evidence, names: list[str]) -> tuple[list[Joined], list[str]]:
    """The ledger of each evaluation, and in sentences what could not be joined.

    names: of the evaluations. An attack belongs to the evaluations of its model that have some of its images.
    """
    found, remarks, folders = list[Joined](), list[str](), folders_of(evidence)
    for place, (name, evaluation) in enumerate(zip(names, evidence.evaluations, strict=False)):
        try:
            clean = clean_of(evaluation.result)
            mine = [one for one in evidence.attacks if same_model(evaluation, one)]
            called = unique_names([one.result.attack for one in mine], [folders[one.source.folder] for one in mine])
            refused = {of: why for of, one in zip(called, mine, strict=True) if (why := apart(clean, of, one))}
            attacks = {of: one for of, one in zip(called, mine, strict=True) if of not in refused}
            ledger = Ledger.of(evaluation.result, {of: one.result for of, one in attacks.items()})
        except InputError as error:
            remarks.append(f"{name}: no image by image account: {error}")
            continue
        remarks += [f"{name}: {why}" for why in refused.values()]
        found.append(Joined(f"ledger-{place}", name, evaluation, ledger, attacks, len(evidence.evaluations)))
    return found, remarks


def same_model(evaluation: Evaluation, attacked: Evaluation | Attacked) -> bool:
    """Whether both say that they are of one model."""
    return all(evaluation.summary.get(key) == attacked.summary.get(key) for key in IDENTITY)


def apart(clean: Clean, name: str, attacked: Attacked) -> str:
    """Why an attack cannot be joined with the clean images of an evaluation; empty where it can."""
    try:
        common(clean, name, attacked.result)
    except InputError as error:
        return str(error)
    return ""


def said_of(joined: Joined, others: Sequence[Joined]) -> list[str]:
    """Sentences on a ledger, and on how much further away its boundaries are than those of others of its images."""
    found = list(sentences(joined.ledger))
    for other in others:
        alike = other.evaluation.source.dataset == joined.evaluation.source.dataset
        if alike and not same_model(other.evaluation, joined.evaluation):
            with suppress(InputError):  # no attack on the same images
                found.append(f"Beside {other.name}: {widening(other.ledger, joined.ledger)}.")
    return found


def image_table(joined: Joined) -> tuple[list[str], list[list[Cell]]]:
    """The images that fail first: head of the columns, and a row of cells for each of ``Joined.rows``."""
    columns = dict(cells(joined))
    return list(columns), [list(row) for row in zip(*columns.values(), strict=True)]


def cells(joined: Joined) -> Iterator[tuple[str, list[Cell]]]:
    """Each column of the table: its name, and a cell for each image."""
    ledger, rows = joined.ledger, joined.rows
    of = {name: column[rows] for name, column in ledger.rows.items()}
    yield "image", [Cell(str(index), str(index)) for index in of["index"]]
    if NAME in of:
        yield "path", [Cell(name, name) for name in of[NAME]]
    yield "class", [Cell(name, name) for name in np.array(ledger.classes, object)[of["label"]]]
    yield "clean margin", [numbered(value) for value in of["clean_margin"]]
    if joined.attacks:
        yield "least perturbation", [numbered(value) for value in of["perturbation"]]
        yield "PSNR (dB)", [numbered(value) for value in of["psnr"]]
    if len(joined.attacks) > 1:
        yield "by", [Cell(name or NOT_DEFINED, name) for name in of["attack"]]
    if ledger.smoothed:
        yield "boundary by draws", [numbered(value) for value in far(ledger)[rows].clip(0)]
    if certifies(ledger) and joined.best_radius[0][rows].any():
        yield "certified radius, best sigma", [numbered(value) for value in joined.best_radius[0][rows]]
    if (of["failing"] != "undecided").any():
        first = zip(of["failing"], of["first_failing"], strict=True)
        yield "first failing level", [failing(word, level) for word, level in first]
    yield (
        f"flips at {level_in_words(ledger.levels[-1])}",
        [
            Cell(in_percent(share), "" if np.isnan(share) else f"{share:.6f}")
            for share in of[column_of("flips", ledger.levels[-1])]
        ],
    )


def numbered(value: float) -> Cell:
    """A number with three digits; one beyond what was searched is greater than all others."""
    if np.isnan(value):
        return Cell(NOT_DEFINED, "")
    return Cell(number(value), f"{value:.6g}" if np.isfinite(value) else "1e300")


def failing(word: str, level: float) -> Cell:
    """What is known of the first level that fails."""
    said = {"fails": f"{level:g}", "undecided": f"open at {level:g}", "holds": "withstands all"}
    return Cell(said[word], f"{level:.6g}" if np.isfinite(level) else "1e300")
