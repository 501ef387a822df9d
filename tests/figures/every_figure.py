"""Every figure that the commands draw, of results that are made up, with few and with many lines."""

import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from convstab.camera.camera import measure
from convstab.evaluation.paired import comparable
from convstab.evaluation.result import StabilityResult
from convstab.figures import evaluation
from convstab.figures.attack import against_reference, by_class, samples, survival
from convstab.figures.calibration import calibration
from convstab.figures.camera import transfer
from convstab.figures.comparison import heat_map, lines
from convstab.figures.convergence import convergence
from convstab.figures.ledger import of_ledger
from convstab.figures.margins import margin_pages
from convstab.figures.members import of_members
from convstab.figures.paired import differences
from convstab.figures.rates import curves
from convstab.ledger.ledger import Ledger
from convstab.ledger.margins import Margins
from convstab.members.members import Members
from convstab.sweeps.comparison import Comparison
from tests.camera.sensors import light_on, ramp, stored, write
from tests.support import ledger_examples
from tests.support.attack_examples import example, history
from tests.support.made_up_members import evaluation as counted
from tests.support.made_up_members import named

LONG = "a model with a name of some length, training "
LEVELS, DRAWS = 5, 9


class Compared(Comparison):
    """A comparison of trainings that never were, with sigma 0, 5, ..."""

    def __init__(self, results: list[StabilityResult]) -> None:
        self.name, self.values, self.results = "sigma", [5 * place for place in range(len(results))], results
        self.levels = results[0].levels


@cache
def trained(count: int) -> list[StabilityResult]:
    """Evaluations of 30 images, the first of the least stable model."""
    rng = np.random.default_rng(count)
    correct = rng.binomial(DRAWS, np.linspace(0.3, 0.9, count)[:, None, None], (count, 30, LEVELS))
    correct[:, :, 0] = 1
    return [counted(one, DRAWS) for one in correct]


def compared(count: int) -> Comparison:
    """So many trainings."""
    return Compared(trained(count))


def by_name(count: int) -> dict[str, StabilityResult]:
    """So many evaluations by names that fill a legend."""
    return {f"{LONG}{number}": result for number, result in enumerate(trained(count))}


def curved(count: int) -> Figure:
    """So many evaluations in one figure."""
    return curves(by_name(count))


def swept(count: int) -> Figure:
    """So many trainings in one figure."""
    return lines(compared(count))


def paired(count: int) -> Figure:
    """The first model against the others."""
    return differences(by_name(count + 1), comparable(by_name(count + 1))[0])


def calibrated(count: int) -> Figure:
    """So many results that hold probabilities."""
    return calibration({f"training {number}": ledger_examples.result() for number in range(count)})


def attacked(count: int) -> Figure:
    """Images that withstand attacks for long, so that any legend on the axes hides a line."""
    return survival({f"{LONG}{number}": example([1, 2, 3, None]) for number in range(count)})


def ensemble(count: int) -> Figure:
    """So many members of an ensemble."""
    first, *others = trained(count + 1)
    return of_members(Members(first, named(others), "logits"))


def ledger(name: str) -> Figure:
    """A figure of the ledger of an evaluation and an attack."""
    found = Ledger.of(ledger_examples.result(), {"DDN": ledger_examples.found("ddn", steps=5)})
    return dict(of_ledger(found))[name]


def photons(count: int) -> Figure:
    """A camera with so many ISOs."""
    with tempfile.TemporaryDirectory() as folder:
        for iso in range(count):
            write(Path(folder) / str(100 * 2**iso), stored(light_on(ramp(), 0.5 + 0.2 * iso, 3.0, 4)))
        return transfer(measure(Path(folder)))


ATTACKS = {f"{name}, by its full name": example([1, 2, 3, None]) for name in ("first", "second", "third")}
FIGURES: dict[str, Callable[[], Figure]] = {
    **{f"curves of {count}": partial(curved, count) for count in (1, 6, 20)},
    **{f"lines of {count}": partial(swept, count) for count in (2, 6, 13, 30)},
    **{f"differences from {count}": partial(paired, count) for count in (1, 6, 8)},
    **{f"calibration of {count}": partial(calibrated, count) for count in (1, 8)},
    **{f"survival of {count}": partial(attacked, count) for count in (1, 9)},
    **{f"{count} members": partial(ensemble, count) for count in (3, 7)},
    **{f"camera with {count} ISOs": partial(photons, count) for count in (1, 6)},
    "heat map": lambda: heat_map(compared(6)),
    "confusion": lambda: evaluation.confusion(ledger_examples.result()),
    "scatter": lambda: evaluation.scatter_pages(ledger_examples.result())[0],
    "margins": lambda: margin_pages(Margins.of(ledger_examples.result()))[0],
    "against the reference": lambda: against_reference(ATTACKS),
    "samples": lambda: samples(example([1, 2, 3])),
    "by class": lambda: by_class(example([1, 2, 3, None])),
    "convergence": lambda: convergence(example([2, 9], history=history({0: [8, 6, 4, 2], 1: [9, 9]}))),
    "distances": lambda: ledger("distances"),
    "law": lambda: ledger("law"),
}


@cache
def laid_out(name: str) -> Figure:
    """One of the figures, with all in its place."""
    figure = FIGURES[name]()
    figure.draw_without_rendering()
    return figure
