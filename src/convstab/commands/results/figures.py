"""Draw results from their tables, without a model: convstab-figures <evaluation or attack folder> [...]."""

from collections.abc import Sequence
from pathlib import Path

from convstab.commands.results.arguments import Arguments
from convstab.commands.signals import command


def main(arguments: Sequence[str] | None = None) -> None:
    """Redraw the figures of evaluations, or of attacks, in place; of several, also what compares them."""
    parser = Arguments(prog="convstab-figures", description=main.__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="folder", help="that evaluate or attack wrote")
    parser.add_argument("--level", type=float, help="of the confusion; default: confusion_level of the evaluation")
    parser.add_argument("--output", type=Path, help="folder of what compares several; default: that of the first one")
    said = "evaluations of another model under the same degradations: the errors relative to it, as mCE of ImageNet-C"
    parser.add_argument("--reference", nargs="+", default=[], type=Path, metavar="folder", help=said)
    with command():
        options = parser.parse_args(arguments)
        from convstab.commands.next_steps import report_of, say
        from convstab.figures.redraw import redraw

        redraw(options.folders, options.level, options.output, options.reference)
        say(report_of([*options.folders, *options.reference]))
