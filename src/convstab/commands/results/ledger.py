"""Join an evaluation with attacks, image by image: convstab-ledger <evaluation> [<attack> ...]."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from convstab.commands.results.arguments import Arguments
from convstab.commands.signals import command
from convstab.errors import InputError

if TYPE_CHECKING:
    from convstab.ledger.ledger import Ledger


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
    with command():
        options = parser.parse_args(arguments)
        folder = options.output or options.evaluation / "ledger"
        write(joined(options.evaluation, options.attacks, options.alpha, options.tolerance), folder)
        print(folder)


def joined(evaluation: Path, attacks: Sequence[Path], alpha: float, tolerance: float) -> "Ledger":
    """The ledger of these folders; InputError unless it is an evaluation and attacks on its model."""
    from convstab.figures.files import named_attacks
    from convstab.ledger.ledger import Ledger
    from convstab.runs.results import Results, check_finished

    check_finished([evaluation, *attacks])
    found = Results.read([evaluation, *attacks])
    if list(found.evaluations) != [evaluation]:
        raise InputError("the first folder must be an evaluation, and all others attacks on the same model")
    named = named_attacks(found.attacks) if attacks else {}
    return Ledger.of(found.evaluations[evaluation], named, alpha=alpha, tolerance=tolerance)


def write(ledger: "Ledger", folder: Path) -> None:
    """Write the rows, the tables and the figures, and show the tables."""
    from rich.markdown import Markdown

    from convstab.commands.console import console
    from convstab.figures.files import save
    from convstab.figures.ledger import of_ledger
    from convstab.files import FIGURES, write_text

    ledger.write(folder)
    write_text(folder / "ledger.md", ledger.table())
    for name, figure in of_ledger(ledger):
        save(figure, folder / FIGURES / name)
    console().print(Markdown(ledger.table()))
