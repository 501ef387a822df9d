"""From nothing to a page: train, evaluate and attack a small model of the digits: convstab demo [<folder>]."""

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from convstab.commands.next_steps import GOES_ON_ITSELF
from convstab.commands.results.arguments import Arguments
from convstab.commands.signals import GOES_ON, command, goes_on
from convstab.errors import InputError
from convstab.files import CONFIG

FOLDERS = "train", "evaluate", "attack"
FEW = "images=200", "draws=20"  # enough for a page that shows everything, and quick


def main(arguments: Sequence[str] | None = None) -> None:
    """Train LeNet on scikit-learn's digits, degrade and attack the test images, and write the page about it."""
    parser = Arguments(prog="convstab demo", description=main.__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("runs/demo"), help="default: %(default)s")
    with command():
        folder = parser.parse_args(arguments).folder
        check(folder)
        goes_on(lambda: GOES_ON)
        every = steps(folder)
        for words in every:
            print(f"\n$ convstab {shlex.join(words)}", flush=True)
            code = outcome([sys.executable, "-m", "convstab", *words], goes_on_itself=words is not every[-1])
            if code:
                sys.exit(code)


def outcome(words: Sequence[str], *, goes_on_itself: bool) -> int:
    """The exit code of a command, which does not outlive this one; goes_on_itself: whether the next one is known."""
    known = {GOES_ON_ITSELF: "1"} if goes_on_itself else {}
    process = subprocess.Popen(words, env=os.environ | known)  # noqa: S603 - ours
    try:
        return process.wait()
    finally:
        process.terminate()
        process.wait()


def check(folder: Path) -> None:
    """Raise InputError for a folder that holds something else."""
    if folder.is_file() or (folder / CONFIG).exists():
        raise InputError(
            f"{folder} is {'a file' if folder.is_file() else 'a result'}; name a folder for several results"
        )


def steps(folder: Path) -> list[list[str]]:
    """The words of each command, in their order: what a reader may type himself."""
    train, evaluate, attack = (str(folder / name) for name in FOLDERS)
    once = ["logger=csv", "skip_done=true"]  # a second call goes on where the first was stopped
    least = ["attack=ddn", "attack.steps=100", "images=null", f"images_of={evaluate}"]
    return [
        ["train", f"output={train}", *once],
        ["evaluate", f"run={train}", *FEW, f"output={evaluate}", *once],
        ["attack", f"run={train}", *least, f"output={attack}", *once],
        ["report", str(folder), "--title", "How stable is LeNet on handwritten digits?"],
    ]
