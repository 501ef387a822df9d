"""What follows a finished result: where W&B wrote, how to send it, and the command to try next."""

import sys
from pathlib import Path

from convstab.runs import directory
from convstab.runs.configuration import load_config, value


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
    newest = max((folder / "wandb").glob("offline-run-*"), key=lambda path: path.stat().st_mtime, default=None)
    return "" if newest is None else f"W&B, not sent: {shown(newest)}; convstab-publish {shown(folder)} sends it"


def next_command(command: str, folder: Path) -> str:
    """The command to try after another one, in the way that one was typed; empty where none follows."""
    here = shown(folder)
    match command:
        case "train":
            return f"{typed('evaluate')} run={here}"
        case "evaluate":
            run = value(load_config(folder), "run")
            return f"{typed('attack')} run={run} attack=ddn" if isinstance(run, str) else f"convstab-report {here}"
        case "draws":
            return f"convstab-import path=predictions.csv draws={here}"
        case "attack" | "predictions":
            return f"convstab-report {here}"
    return ""


def typed(command: str) -> str:
    """How train, evaluate or attack is called, as the user has called the one that has just ended."""
    program = Path(sys.argv[0])
    if program.suffix == ".py" and program.stem in directory.COMMANDS:
        return f"python {program.with_name(command)}.py"
    return f"convstab {command}" if program.name == "convstab" else f"convstab-{command}"


def shown(folder: Path) -> str:
    """A folder as it is shortest from here."""
    path = folder.absolute()
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
