"""Set an ensemble beside its members on the same draws: convstab-members <ensemble> <member> <member> ..."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convstab.commands.results.arguments import Arguments
from convstab.commands.signals import command
from convstab.errors import InputError

if TYPE_CHECKING:
    from convstab.members.members import Members

FOLDER = "members"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write what an ensemble gains over its members, how alike they flip, and what independent members would do."""
    parser = Arguments(prog="convstab-members", description=main.__doc__)
    parser.add_argument("ensemble", type=Path, help="folder that evaluate wrote, with run=[a,b,c]")
    said = "folders of evaluations of each of its members, with the same levels, draws and seed"
    parser.add_argument("members", nargs="+", type=Path, metavar="member", help=said)
    parser.add_argument("--output", type=Path, help=f"folder of what is written; default: {FOLDER} in the first folder")
    with command():
        options = parser.parse_args(arguments)
        write(joined(options.ensemble, options.members), options.output or options.ensemble / FOLDER)
        from convstab.commands.next_steps import report_of, say

        say(report_of([options.ensemble, *options.members]))


def joined(ensemble: Path, folders: Sequence[Path]) -> "Members":
    """The ensemble and its members; InputError unless they are evaluations of all of its runs on the same draws."""
    from convstab.evaluation.result import StabilityResult
    from convstab.figures.files import named_evaluations
    from convstab.members.members import FEWEST, Members
    from convstab.runs.configuration import load_config
    from convstab.runs.directory import finished
    from convstab.runs.results import check_finished, each_once

    every = each_once([ensemble, *folders])
    if len(folders) < FEWEST:
        raise InputError(f"one member is given; give evaluations of all members of {ensemble}, at least {FEWEST}")
    check_finished(every)
    for folder in every:
        if finished(folder) != "evaluate":
            raise InputError(f"{folder} is an attack; all folders must be evaluations")
    configs = {folder: load_config(folder) for folder in every}
    check_runs(configs, ensemble)
    results = {folder: StabilityResult.read(folder) for folder in every}
    whole = results.pop(ensemble)
    return Members(whole, named_evaluations(results), str(configs[ensemble].get("rule")))


def check_runs(configs: Mapping[Path, Mapping[str, Any]], ensemble: Path) -> None:
    """Raise InputError unless the evaluations are of an ensemble and of each of its members, once."""
    from convstab.sweeps.jobs import named_runs

    runs = {folder: list(map(Path, named_runs(config.get("run")))) for folder, config in configs.items()}
    wanted = {run.resolve(): run for run in runs.pop(ensemble)}
    if len(wanted) < 2:
        raise InputError(f"{ensemble} is an evaluation of one model; the first folder must be that of an ensemble")
    names, seen = ", ".join(map(str, wanted.values())), dict[Path, Path]()
    for folder, of in runs.items():
        run = of[0] if len(of) == 1 else None
        if run is None or run.resolve() not in wanted:
            said = " and ".join(map(str, of)) or "a model that is no run"
            raise InputError(f"{folder} is of {said}, which is no member of {ensemble}; its members are {names}")
        if run.resolve() in seen:
            raise InputError(f"{seen[run.resolve()]} and {folder} are both of {run}; give one of each member")
        seen[run.resolve()] = folder
    if missing := [str(run) for place, run in wanted.items() if place not in seen]:
        raise InputError(f"an evaluation of {' and '.join(missing)} is missing: give all members of {ensemble}")


def write(members: "Members", folder: Path) -> None:
    """Write the tables and the figure, and show the tables."""
    from rich.markdown import Markdown

    from convstab.commands.console import console
    from convstab.figures.files import save
    from convstab.figures.members import of_members
    from convstab.files import FIGURES, write_text
    from convstab.members.tables import as_csv, as_markdown

    folder.mkdir(parents=True, exist_ok=True)
    said = as_markdown(members)
    write_text(folder / "members.csv", as_csv(members))
    write_text(folder / "members.md", said)
    save(of_members(members), folder / FIGURES / "members")
    console().print(Markdown(said))
    print(folder)
