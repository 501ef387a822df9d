"""Write the page about results: convstab-report <folder> [...], which may hold trainings, evaluations and attacks."""

from collections.abc import Sequence
from pathlib import Path

from convstab.commands.results.arguments import Arguments
from convstab.commands.signals import command


def main(arguments: Sequence[str] | None = None) -> None:
    """Write report.html and report.md about results of train, evaluate and attack, beside the paper's numbers."""
    parser = Arguments(prog="convstab-report", description=main.__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="folder", help="with results in it or below it")
    parser.add_argument("--output", type=Path, help="folder of the report; default: the first folder")
    parser.add_argument("--title", help="of the page; default: what suits the results")
    parser.add_argument(
        "--wandb", choices=("auto", "online", "offline"), help="send it to W&B; auto: online with a key, else offline"
    )
    with command():
        options = parser.parse_args(arguments)
        from convstab.commands.next_steps import opened, say
        from convstab.paper.report import PAGE, TEXT, send, write_report

        output = options.output or options.folders[0]
        report = write_report(options.folders, output, options.title)
        print(output / PAGE, output / TEXT, sep="\n")
        if options.wandb:
            print(send(report, options.folders, output, options.wandb))
        say(opened(output / PAGE))
