"""What follows a finished result: where W&B wrote, how to send it, and the command to try next."""

import sys
from pathlib import Path
from shlex import quote

from convstab.files import COPIES, PAGE, read_json
from convstab.runs import directory
from convstab.runs.configuration import load_config, value
from convstab.runs.trust import trust_of, trust_of_draws, word


def say_next(command: str, folder: Path) -> None:
    """Print where W&B wrote what it has not sent, if it did, and the next command to try, once a result is finished."""
    result = directory.finished(folder)
    if result is not None and (sent := unsent(folder)):
        print(sent)
    follows = next_command(command, folder)
    if follows and (result is not None or command == "draws"):
        print(f"next: {follows}")


def unsent(folder: Path) -> str:
    """Where W&B has written a run that is offline, and how it is sent; empty where there is none."""
    kept = [path for path in (folder / "wandb").glob("offline-run-*") if not any(path.glob("*.wandb.synced"))]
    sent = max((changed(path) for path in (folder / "wandb").glob("run-*")), default=0.0)
    newest = max((path for path in kept if changed(path) >= sent), key=changed, default=None)
    return "" if newest is None else f"W&B, not sent: {shown(newest)}; convstab-publish {shown(folder)} sends it"


def changed(path: Path) -> float:
    """When a folder was last changed."""
    return path.stat().st_mtime


def next_command(command: str, folder: Path) -> str:
    """The command to try after another one, in the way that one was typed; empty where none follows."""
    here = shown(folder)
    match command:
        case "train":
            return f"{typed('evaluate')} run={here}{trust_of([folder])}"
        case "evaluate":
            config = load_config(folder)
            run, stage = value(config, "run"), value(config, "stage")
            given = value(config, "dataset.load") or value(config, "dataset.root")
            more = given or stage not in (None, "input")
            if isinstance(run, str) and not more:  # else it takes more words than the run
                return f"{typed('attack')} run={quote(run)}{word(value(config, 'trust'))} attack=ddn"
            return page_of(folder)
        case "draws":
            return f"convstab-import path=predictions.csv draws={here}{trust_of_draws(read_json(folder / COPIES))}"
        case "attack" | "predictions":
            return page_of(folder)
    return ""


def page_of(folder: Path) -> str:
    """How the page about a result is opened, where it was made after the result, or else how it is made."""
    page = folder / PAGE
    made = page.exists() and changed(page) >= changed(folder / directory.FINISHED)
    return f"open {shown(page)}" if made else f"convstab-report {shown(folder)}"


def typed(command: str) -> str:
    """How train, evaluate or attack is called, as the user has called the one that has just ended."""
    program = Path(sys.argv[0])
    if program.suffix == ".py" and program.stem in directory.COMMANDS:
        return f"python {program.with_name(command)}.py"
    return f"convstab {command}" if program.name == "convstab" else f"convstab-{command}"


def shown(folder: Path) -> str:
    """A folder as it is shortest from here, and as a shell takes it."""
    path = folder.absolute()
    return quote(str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path))
