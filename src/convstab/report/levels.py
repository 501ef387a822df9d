"""What each level does to a model, and to one more than to another: tables that have no counterpart in the paper."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from convstab.evaluation.cells import estimate_cells, four_digits, in_percent, level_in_words
from convstab.evaluation.paired import paired_cells
from convstab.evaluation.result import StabilityResult
from convstab.report.figures import told_apart_names
from convstab.report.results import Evidence

NOTE = (
    "Flip rate: misclassified draws of the images that are correct when clean. Flip probability: draws of all images "
    "whose decision is not that of the clean image. ECE in 15 bins, which is too high where draws are few; Brier score "
    "from 0 to 2; NLL in nats; AURC: area under the risk-coverage curve. Paired differences are of the same draws, "
    "in points, with 95 % intervals; one that holds 0 is inconclusive."
)


@dataclass(frozen=True)
class LevelTable:
    """The rates under each level of one evaluation, or how far two are apart, in words.

    id: unique in a report, fit for an anchor of HTML. title: which evaluation. head: of the columns. rows: cells.
    """

    id: str
    title: str
    head: list[str]
    rows: list[list[str]]


def level_tables(evidence: Evidence) -> list[LevelTable]:
    """A table for each evaluation, in their order, and for those on the same draws."""
    names = told_apart_names(evidence)[: len(evidence.evaluations)]  # the names of attacks follow
    results = [each.result for each in evidence.evaluations]
    alone = [
        LevelTable(f"levels-{number}", f"Under each level: {name}", head(result), list(rows(result)))
        for number, (name, result) in enumerate(zip(names, results, strict=True))
    ]
    return [*alone, *paired_tables(names, evidence)]


def paired_tables(names: Sequence[str], evidence: Evidence) -> Iterator[LevelTable]:
    """How much higher the accuracy of a model is than those of all that saw the same draws; each is in one table."""
    told = set[int]()
    for number, (name, found) in enumerate(zip(names, evidence.differences, strict=True)):
        others = {other: difference for other, difference in found.items() if other not in told}
        if others and number not in told:
            differences = {names[other]: difference for other, difference in others.items()}
            cells = paired_cells({name: evidence.evaluations[number].result}, differences)
            yield LevelTable(f"paired-{number}", f"Paired differences: {name}", *cells)
            told |= set(others)
        told.add(number)


def head(result: StabilityResult) -> list[str]:
    """What the columns are called."""
    top5 = ["top-5"] if result.top5 else []
    rates = ["accuracy", "95 %", *top5, "balanced", "flip rate", "95 %", "flip probability", "95 %"]
    return [result.protocol.quantity, *rates, "ECE", "Brier", "NLL", "AURC"]


def rows(result: StabilityResult) -> Iterator[list[str]]:
    """The cells of each level."""
    accuracy, balanced, top5 = result.accuracy, result.balanced_accuracy.value, result.top5
    flips, changes = result.flip_rate, result.flip_probability
    numbers = result.ece, result.brier.value, result.nll, result.aurc
    for place, level in enumerate(result.levels):
        cells = [level_in_words(level), *estimate_cells(accuracy, place)]
        cells += [in_percent(top5.value[place])] if top5 else []
        cells += [in_percent(balanced[place]), *estimate_cells(flips, place), *estimate_cells(changes, place)]
        yield [*cells, *(four_digits(column[place]) for column in numbers)]
