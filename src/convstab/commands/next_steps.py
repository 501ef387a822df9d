"""What follows a finished result: where W&B wrote, how to send it, and the command to try next."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from shlex import quote

from convstab.errors import InputError
from convstab.files import COPIES, PAGE, REQUIREMENTS, read_json
from convstab.runs import directory
from convstab.runs.configuration import load_config, value
from convstab.runs.trust import trust_of, trust_of_draws, word

NO_RESULT = "draws", "reproduce"  # what they leave is no result by itself
OPENERS = {"darwin": "open", "win32": "start"}  # of files, by the system
GOES_ON_ITSELF = "CONVSTAB_GOES_ON"  # set by a command for those that it calls one after another
ENSEMBLE = "sweep=ensemble"  # the word for the sweep whose trainings are one model
RUNS = "runs"  # where trainings are, unless it is said


def say_next(command: str, folder: Path) -> None:
    """Print where W&B wrote what it has not sent, if it did, and the next command to try, once a result is finished."""
    result = directory.finished(folder)
    if result is not None and (sent := unsent(folder)):
        print(sent)
    if result is not None or command in NO_RESULT:
        say(next_command(command, folder))


def say(follows: str) -> None:
    """Print the next command to try; nothing where none follows, or another command goes on by itself."""
    if follows and GOES_ON_ITSELF not in os.environ:
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
            return attack_of(folder) or page_of(folder)
        case "draws":
            return f"convstab-import path=predictions.csv draws={here}{trust_of_draws(read_json(folder / COPIES))}"
        case "attack" | "predictions":
            return page_of(folder)
        case "reproduce" if (folder / PAGE).exists():
            return opened(folder / PAGE)
    return ""


def attack_of(evaluation: Path) -> str:
    """An attack on the run of an evaluation; empty where it would take more words than the run."""
    config = load_config(evaluation)
    run, stage = run_of(evaluation), value(config, "stage")
    more = value(config, "dataset.load") or value(config, "dataset.root") or stage not in (None, "input")
    return f"{typed('attack')} {run} attack=ddn" if run and not more else ""


def after_sweep(command: str, sweep: Path, outputs: Sequence[Path]) -> str:
    """The command to try after a sweep all of whose jobs are done; empty where none follows.

    outputs: the folders of the jobs; several shards have one, which may not be finished yet.
    """
    results = [folder for folder in outputs if directory.finished(folder)]
    if command == "draws":
        return next_command(command, outputs[0]) if outputs else ""
    if command == "train" and results:
        told = f"run={shown(sweep)}" if makes_ensemble(sweep) else f"sweep=runs of={shown(sweep)}"
        return f"{typed('evaluate')} {told}{trust_of(results)}"
    if len(results) == 1:
        return next_command(command, results[0])
    return f"convstab-report {shown(sweep)}" if results else ""


def makes_ensemble(sweep: Path) -> bool:
    """Whether a sweep is of trainings that are the members of one ensemble, as sweep=ensemble has them."""
    from convstab.sweeps.jobs import is_sweep, read_jobs

    return is_sweep(sweep) and any(ENSEMBLE in job.overrides for job in read_jobs(sweep))


def after_camera(words: str, evaluation: Path | None, picture: Path) -> str:
    """The command to try after a camera is measured: its noise, for a model that is there; else what is drawn of it.

    words: of evaluate, the camera's noise; empty: it is not known. evaluation: that was given, whose run is taken.
    """
    if not words or not (model := newest_training() if evaluation is None else run_of(evaluation)):
        return opened(picture)
    return f"{typed('evaluate')} {model} {' '.join(map(quote, words.split()))}"


def newest_training() -> str:
    """The words for the newest training; empty where there is none."""
    with suppress(InputError):
        newest = directory.find_run("latest", RUNS)
        return f"run={shown(newest)}{trust_of([newest])}"
    return ""


def run_of(evaluation: Path) -> str:
    """The words for the run of an evaluation; empty where it is of several, or of none."""
    config = load_config(evaluation)
    run = value(config, "run")
    return f"run={quote(run)}{word(value(config, 'trust'))}" if isinstance(run, str) else ""


def report_of(folders: Sequence[Path]) -> str:
    """How the page about some folders of results is made; of one result, how it is opened where it is made."""
    if len(folders) == 1 and directory.finished(folders[0]):
        return page_of(folders[0])
    return f"convstab-report {' '.join(map(shown, folders))}" if folders else ""


def opened(file: Path) -> str:
    """How a page or a picture is opened."""
    return f"{OPENERS.get(sys.platform, 'xdg-open')} {shown(file)}"


def page_of(folder: Path) -> str:
    """How the page about a result is opened, where it was made after what it shows, or else how it is made."""
    page, held = folder / PAGE, folder / REQUIREMENTS
    made = page.exists() and changed(page) >= changed(folder / directory.FINISHED)
    made = made and not (held.exists() and changed(held) > changed(page))
    return opened(page) if made else f"convstab-report {shown(folder)}"


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
