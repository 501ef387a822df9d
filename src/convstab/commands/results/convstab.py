"""The command ``convstab``: which commands there are, what is in a folder of results, and each of them by its name."""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from convstab.commands.results.arguments import Arguments
from convstab.commands.signals import command
from convstab.errors import InputError

if TYPE_CHECKING:
    from convstab.commands.results.listing import Found

COMPOSED = {  # what Hydra composes: their names, those of their module, and what they do
    "train": ("train", "train a classifier"),
    "evaluate": ("evaluate", "classify degraded copies of the test images of a model"),
    "attack": ("attack", "search the least noise that makes a model fail, image by image"),
    "draws": ("draws", "write degraded copies as files, for a model that is elsewhere"),
    "import": ("predictions", "make an evaluation of what that model predicts for them"),
    "reproduce": ("reproduce", "reproduce the paper, or some of its tables and figures"),
}
OTHERS = {
    "demo": "train, evaluate and attack a model of the digits, and write the page",
    "report": "a page for the browser about results",
    "figures": "draw the figures of results again, and compare several",
    "ledger": "join an evaluation with attacks, image by image",
    "instances": "questions for a complete verifier (ONNX, VNN-LIB), and its answers",
    "members": "set an ensemble beside its members: gain, correlation, independent vote",
    "require": "hold results against requirements: pass, fail or undecided",
    "camera": "measure the noise of a camera, in the units of degradation=sensor",
    "publish": "send results to Weights & Biases",
    "wandb": "a workspace and a report in Weights & Biases, and sweeps for its agents",
}
LS, RUNS = "ls", Path("runs")
HEAD = "folder", "kind", "state", "number", "age", "open"
NEWEST = 5  # results that the command shows alone


def main(arguments: Sequence[str] | None = None) -> None:
    """List the commands and the newest results, or do what a command does: convstab train is convstab-train."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = words[0] if words else ""
    if name in COMPOSED or name in OTHERS:
        sys.argv = [str(Path(sys.argv[0]).with_name("convstab")), *words[1:]]  # also of python -m convstab
        start(name)
        return
    with command():
        if name in ("", "-h", "--help"):
            print(overview())
        elif name in ("--version", "-V"):
            from convstab.commands.app import version

            print(version())
        elif name == LS:
            list_results(words[1:])
        else:
            raise InputError(f"there is no command {name}; it can be {', '.join([*COMPOSED, *OTHERS, LS])}")


def start(name: str) -> None:
    """Do what a command does with the words that sys.argv has."""
    if name in COMPOSED:
        from convstab.commands import app

        getattr(app, COMPOSED[name][0])()
    else:
        import_module(f"convstab.commands.results.{name}").main()


def overview() -> str:
    """The commands with a line each, and the newest results below runs."""
    lines = {name: says for name, (_, says) in COMPOSED.items()} | OTHERS
    lines[LS] = "what is in a folder of results, runs where none is said"
    commands = "\n".join(f"  convstab {name:10} {says}" for name, says in lines.items())
    newest = listed(RUNS)[:NEWEST]
    found = (
        "\n".join(f"  {line}" for line in table(newest)) if newest else "  none below runs: convstab train makes one"
    )
    more = "--help after a command says what it takes; convstab-train is convstab train, and so for all."
    return f"How stable is an image classifier?\n\n{commands}\n\n{more}\n\nNewest results:\n{found}"


def list_results(words: Sequence[str]) -> None:
    """Print what is in a folder, the newest first."""
    parser = Arguments(prog="convstab ls", description="What is in a folder of results, the newest first.")
    parser.add_argument("folder", nargs="?", type=Path, help=f"default: {RUNS}")
    named = parser.parse_args(words).folder
    if named is not None and not named.is_dir():
        raise InputError(f"{named} is not a folder; convstab ls lists {RUNS} where none is said")
    found = listed(named or RUNS)
    none = f"no results here yet (looked in {RUNS}); convstab demo makes some"
    print(*(table(found) if found else [none if named is None else f"{named} holds no results of convstab"]), sep="\n")


def listed(folder: Path) -> "list[Found]":
    """What is in a folder, the newest first."""
    from convstab.commands.results.listing import results_below

    return sorted(results_below(folder), key=lambda found: -found.time)


def table(found: "Sequence[Found]") -> list[str]:
    """Lines with aligned columns: what it is, how it is, its number, its age, and how it is opened."""
    rows = [HEAD, *(one.cells() for one in found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
