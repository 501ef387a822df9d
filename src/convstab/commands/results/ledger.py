"""Join an evaluation with attacks, image by image: convstab-ledger <evaluation> [<attack> ...]."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from convstab.commands.signals import command
from convstab.errors import InputError

if TYPE_CHECKING:
    from convstab.ledger.ledger import Ledger


def main(arguments: Sequence[str] | None = None) -> None:
    """Write ledger.parquet, a row for each image: distances by attacks, draws and certificates; a table and figures."""
    parser = argparse.ArgumentParser(prog="convstab-ledger", description=main.__doc__)
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
        run, ledger = joined(options.evaluation, options.attacks, options.alpha, options.tolerance)
        write(ledger, folder)
        print(f"{run}: {folder}")


def joined(evaluation: Path, attacks: Sequence[Path], alpha: float, tolerance: float) -> tuple[str, "Ledger"]:
    """The name of the run, and the ledger of these folders; InputError when an attack is on another run."""
    from convstab.attacks.result import AttackResult
    from convstab.evaluation.result import StabilityResult
    from convstab.figures.files import each_once, named_attacks, run_of
    from convstab.ledger.ledger import Ledger

    result, run = StabilityResult.read(evaluation), run_of(evaluation)
    found = {folder: AttackResult.read(folder) for folder in each_once(attacks)}
    for folder, attack in found.items():
        if attack.run != run:
            raise InputError(f"{folder} attacks {attack.run}, and {evaluation} is of {run}; a ledger is of one model")
    return run, Ledger.of(result, named_attacks(found) if found else {}, alpha=alpha, tolerance=tolerance)


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
