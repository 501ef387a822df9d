"""Write the page about results: convstab-report <folder> [...], which may hold trainings, evaluations and attacks."""

from collections.abc import Sequence
from pathlib import Path

from convstab.commands.results.arguments import Arguments
from convstab.commands.signals import command


def main(arguments: Sequence[str] | None = None) -> None:
    """Write report.html and report.md about results of train, evaluate and attack, beside the paper's numbers."""
    parser = Arguments(prog="convstab-report", description=main.__doc__)
    said = "with results in it or below it, or that of a sweep"
    parser.add_argument("folders", nargs="+", type=Path, metavar="folder", help=said)
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
        folders = [result for folder in options.folders for result in results_of(folder)]
        report = write_report(folders, output, options.title)
        print(output / PAGE, output / TEXT, sep="\n")
        if options.wandb:
            print(send(report, folders, output, options.wandb))
        say(opened(output / PAGE))


def results_of(folder: Path) -> list[Path]:
    """A folder; or those of the results of its jobs, where it is a sweep whose jobs wrote elsewhere, as evaluations."""
    from convstab.sweeps.jobs import is_sweep, read_jobs

    outputs = [Path(job.output) for job in read_jobs(folder)] if is_sweep(folder) else []
    elsewhere = [output for output in outputs if not output.resolve().is_relative_to(folder.resolve())]
    return list(dict.fromkeys(elsewhere)) or [folder]
