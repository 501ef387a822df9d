"""Join an evaluation with attacks, image by image: convstab-ledger <evaluation> [<attack> ...]."""

from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from convstab.commands.results.arguments import Arguments
from convstab.commands.signals import command
from convstab.errors import InputError

if TYPE_CHECKING:
    from convstab.evaluation.result import StabilityResult
    from convstab.ledger.ledger import Ledger
    from convstab.ledger.margins import Margins
    from convstab.ledger.paired import Widening
    from convstab.runs.results import Results

FIRST = 5  # images that are named


def main(arguments: Sequence[str] | None = None) -> None:
    """Write ledger.parquet, a row for each image: distances by attacks, draws and certificates; a table and figures."""
    parser = Arguments(prog="convstab-ledger", description=main.__doc__)
    parser.add_argument("evaluation", type=Path, help="folder that evaluate wrote")
    parser.add_argument("attacks", nargs="*", type=Path, metavar="attack", help="folders of attacks on the same run")
    parser.add_argument("--output", type=Path, help="folder of the ledger; default: ledger in that of the evaluation")
    said = "a certificate is too great with at most this chance, for each image and level; default: %(default)s"
    parser.add_argument("--alpha", type=float, default=0.001, help=said)
    said = "share of the draws that may fail under a level that an image withstands; default: %(default)s"
    parser.add_argument("--tolerance", type=float, default=0.05, help=said)
    said = "ledger of another model on the same images: how much longer the least perturbations are here"
    parser.add_argument("--beside", type=Path, action="append", default=[], metavar="LEDGER", help=said)
    said = "a lower bound of each distance, from the layers of the model, whose run and data set must be there"
    parser.add_argument("--bounds", action="store_true", help=said)
    said = "how thick the boundary is on the way to what attacks found, by the model, whose run must be there"
    parser.add_argument("--thickness", action="store_true", help=said)
    with command():
        options = parser.parse_args(arguments)
        folder = options.output or options.evaluation / "ledger"
        found = results_of(options)
        ledger = joined(found, options)
        lines = [f"Beside {other}: {beside(ledger, other)}." for other in options.beside]
        write(ledger, margins_of(found.evaluations[options.evaluation]), folder, lines)
        say_first(ledger, folder)
        print(folder)
        from convstab.commands.next_steps import report_of, say

        say(report_of([options.evaluation, *options.attacks]))


def beside(ledger: "Ledger", other: Path) -> "Widening":
    """How much longer the least perturbations are than in another ledger."""
    from convstab.ledger.ledger import Ledger
    from convstab.ledger.paired import widening

    return widening(Ledger.read(other), ledger)


def results_of(options: Namespace) -> "Results":
    """What these folders hold; InputError unless it is an evaluation and attacks on its model."""
    from convstab.runs.results import Results, check_finished

    folders = [options.evaluation, *options.attacks]
    check_finished(folders)
    found = Results.read(folders)
    if list(found.evaluations) != [options.evaluation]:
        raise InputError("the first folder must be an evaluation, and all others attacks on the same model")
    if options.thickness and not options.attacks:
        raise InputError("--thickness is measured on the way to what attacks found: give an attack, too")
    return found


def joined(found: "Results", options: Namespace) -> "Ledger":
    """The ledger of these results."""
    from convstab.commands.results.bounds import lower_bounds_of
    from convstab.commands.results.thickness import thickness_of
    from convstab.figures.files import named_attacks
    from convstab.ledger.ledger import Ledger

    evaluation = options.evaluation
    named = named_attacks(found.attacks) if options.attacks else {}
    lower = lower_bounds_of(evaluation) if options.bounds else None
    thickness = thickness_of(evaluation, named) if options.thickness else None
    limits = {"alpha": options.alpha, "tolerance": options.tolerance}
    return Ledger.of(found.evaluations[evaluation], named, lower_bound=lower, thickness=thickness, **limits)


def say_first(ledger: "Ledger", folder: Path) -> None:
    """Print which images fail first, and where all are."""
    from convstab.ledger.first import in_lines
    from convstab.ledger.ledger import LEDGER

    print(*in_lines(ledger, FIRST), sep="\n")
    print(f"All images: {folder / LEDGER}; the page of convstab-report lists them, too")


def margins_of(result: "StabilityResult") -> "Margins | None":
    """The margins of the draws of an evaluation; None where the model gave none, or is never correct."""
    from convstab.ledger.margins import Margins

    with suppress(InputError):
        return Margins.of(result)
    return None


def write(ledger: "Ledger", margins: "Margins | None", folder: Path, lines: Sequence[str]) -> None:
    """Write the rows, the tables and the figures, and show the tables; lines: what is said besides."""
    from rich.markdown import Markdown

    from convstab.commands.console import console
    from convstab.figures.files import save
    from convstab.figures.ledger import of_ledger
    from convstab.figures.margins import margin_pages
    from convstab.files import FIGURES, write_text
    from convstab.ledger.margins import MARGINS

    ledger.write(folder)
    said = "\n".join([ledger.table(), *(f"{line}\n" for line in lines)])
    tables, figures = [said, ledger.by_class()], list(of_ledger(ledger))
    if margins is not None:
        write_text(folder / MARGINS, margins.as_csv())
        tables.append(margins.table())
        figures += [(f"margins_{number}", page) for number, page in enumerate(margin_pages(margins))]
    write_text(folder / "ledger.md", "\n".join(tables))
    for name, figure in figures:
        save(figure, folder / FIGURES / name)
    console().print(Markdown(said))
