"""Write the page about results: convstab-report <folder> [...], which may hold trainings, evaluations and attacks."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from convstab.commands.results.arguments import Arguments
from convstab.commands.signals import command
from convstab.errors import InputError

if TYPE_CHECKING:
    from convstab.sweeps.jobs import Job


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
        results, missing = zip(*map(results_of, options.folders), strict=True)
        folders = list(dict.fromkeys(chain.from_iterable(results)))
        report = write_report(folders, output, options.title, list(chain.from_iterable(missing)))
        print(output / PAGE, output / TEXT, sep="\n")
        if options.wandb:
            print(send(report, folders, output, options.wandb))
        say(opened(output / PAGE))


def results_of(folder: Path) -> tuple[list[Path], list[str]]:
    """A folder; of a sweep also those that its jobs wrote elsewhere, and in sentences which jobs have no result.

    Raises InputError for a sweep of which no result is there.
    """
    from convstab.files import REQUIREMENTS
    from convstab.runs.directory import begun_below
    from convstab.sweeps.jobs import is_sweep, read_jobs

    jobs = read_jobs(folder) if is_sweep(folder) else []
    outputs = [Path(job.output) for job in jobs if job.status == "done"]
    elsewhere = [output for output in outputs if output.is_dir() and not inside(output, folder)]
    remarks = [f"{folder.name}/{job.name} {why}" for job in jobs if (why := why_missing(job))]
    own = [folder] if not jobs or begun_below(folder) or any(folder.rglob(REQUIREMENTS)) else []
    if not elsewhere and not own:
        raise InputError(f"no result of the sweep {folder} is there: {'; '.join(remarks)}")
    return [*elsewhere, *own], remarks


def inside(path: Path, folder: Path) -> bool:
    """Whether a path is below a folder."""
    return path.resolve().is_relative_to(folder.resolve())


def why_missing(job: "Job") -> str:
    """Why a job of a sweep has no result; empty where it has one."""
    if job.status == "failed":
        return f"failed: {job.reason}"
    if job.status == "running":
        return "has not ended"
    return "" if Path(job.output).is_dir() else f"wrote to {job.output}, which is not there"
