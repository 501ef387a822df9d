"""Questions for a complete verifier, and its answers: convstab-instances <evaluation or attack folder>."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from convstab.commands.results.arguments import Arguments
from convstab.commands.signals import command
from convstab.errors import InputError

if TYPE_CHECKING:
    from convstab.bounds.instances import Question
    from convstab.commands.results.subjects import Subjects

FOLDER, VERDICTS = "instances", "verdicts"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write what a complete verifier takes, model.onnx and a .vnnlib file for each question; or read its answers."""
    parser = Arguments(prog="convstab-instances", description=main.__doc__)
    parser.add_argument("result", type=Path, help="folder of an evaluation or attack; asked of are its correct images")
    said = "L-infinity distances within which to look, in grey levels"
    parser.add_argument("--radius", type=float, nargs="+", help=said)
    said = "the same as shares of what the attack found, image by image; default: 0.5, where no --radius is given"
    parser.add_argument("--share", type=float, nargs="+", help=said)
    said = "at most so many images, evenly spaced; default: %(default)s"
    parser.add_argument("--images", type=int, default=50, help=said)
    parser.add_argument("--timeout", type=float, default=300, help="seconds for each question; default: %(default)s")
    said = "function of yours that makes the model of the run, which runs your code"
    parser.add_argument("--trust", action="append", default=[], metavar="module:name", help=said)
    said = "results.csv of the verifier: read it, and set it beside what the attack found"
    parser.add_argument("--verdicts", type=Path, metavar="results.csv", help=said)
    parser.add_argument("--output", type=Path, help=f"folder of the questions; default: {FOLDER} in that of the result")
    with command():
        options = parser.parse_args(arguments)
        folder = options.output or options.result / FOLDER
        if options.verdicts:
            read(folder, options)
        else:
            write(folder, options)
        print(folder)


def write(folder: Path, options: Namespace) -> None:
    """Write the questions, and say how many there are."""
    from convstab.bounds import instances
    from convstab.commands.results.subjects import subjects_of

    found = subjects_of(options.result, options.trust, options.images)
    questions = questions_of(found, options)
    asked = {one.image for one in questions}
    instances.write(folder, found.model, found.images, questions, options.timeout)
    print(*found.remarks, sep="\n", end="\n" if found.remarks else "")
    answered = sum(one.attack <= one.radius for one in questions)
    more = f"; the attack has a counterexample for {answered} already" if answered else ""
    print(f"{len(questions)} questions about {len(asked)} of {found.correct} correct images{more}")
    print(f"how to ask a verifier: {folder / instances.README}")


def questions_of(found: "Subjects", options: Namespace) -> "list[Question]":
    """The questions that the options ask for."""
    from convstab.bounds.instances import by_radii, by_shares

    if options.radius and options.share:
        raise InputError("--radius and --share both say how far to look; give one of them")
    if options.radius:
        return by_radii(found.images, found.nearest, options.radius)
    if not found.attacked:
        raise InputError(
            f"{options.result} is an evaluation, which has found no distances: give --radius, such as 0.5 1"
        )
    return by_shares(found.images, found.nearest, options.share or [0.5])


def read(folder: Path, options: Namespace) -> None:
    """Write verdicts.csv and verdicts.md, and show the second."""
    from rich.markdown import Markdown

    from convstab.bounds import instances, tables, verdicts
    from convstab.commands.console import console
    from convstab.files import write_text

    if options.radius or options.share:
        raise InputError("--verdicts reads what was asked before: leave out --radius and --share")
    answers = verdicts.read_answers(options.verdicts, instances.read(folder))
    verdicts.check(answers)
    said = tables.as_markdown(answers)
    write_text(folder / f"{VERDICTS}.csv", tables.as_csv(answers))
    write_text(folder / f"{VERDICTS}.md", said)
    console().print(Markdown(said))
