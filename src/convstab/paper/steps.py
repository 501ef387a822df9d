"""A step of a reproduction in a process of its own: run, watched, and remembered when it is done."""

import csv
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from convstab.errors import InputError
from convstab.exits import BAD_INPUT, OURS
from convstab.files import BEST, METRICS, STEP, SUMMARY, read_json, write_json
from convstab.paper.experiments import Step
from convstab.runs import configuration, directory
from convstab.runs.directory import PARTS
from convstab.runs.parts import share_done

DONE, LOG, PROMPT = STEP, "step.log", "$ convstab: "


def is_done(step: Step, output: Path) -> bool:
    """Whether a step was finished with the same words, from the same trainings, and its result is still there."""
    if not is_finished(step, output):
        return False
    try:
        before = read_json(output / step.name / DONE)
    except (FileNotFoundError, InputError):
        return False
    result = METRICS if step.command == "train" else SUMMARY
    return bool(before == identity(step, output)) and (output / step.name / result).is_file()


def is_finished(step: Step, output: Path) -> bool:
    """Whether the command of a step has come to its end, and says so in its folder."""
    return directory.finished(output / step.name) == step.command


def identity(step: Step, output: Path) -> dict[str, Any]:
    """What tells whether a result is that of a step: its words, and the weights that it was made from."""
    weights = {need: (output / need / BEST) for need in step.needs}
    made_from = {need: sha256(path.read_bytes()).hexdigest() for need, path in weights.items() if path.is_file()}
    return {"command": step.command, "words": step.words, "made_from": made_from}


def remember(step: Step, output: Path) -> None:
    """Note that a step is done, and from what."""
    write_json(output / step.name / DONE, identity(step, output))


def missing(planned: Sequence[Step], output: Path) -> list[Step]:
    """The steps that are not done, or that read a training that is not; trainings come first."""
    todo: dict[str, Step] = {}
    for step in planned:
        if any(need in todo for need in step.needs) or not is_done(step, output):
            todo[step.name] = step
    return list(todo.values())


def share(step: Step, output: Path) -> float:
    """How much of a step is done, in [0, 1], by what its folder holds; 0 where that cannot be told."""
    folder = output / step.name
    if step.command != "train":
        done, total = share_done(folder / PARTS)
        return done / total if total else 0.0
    with suppress(OSError, ValueError, InputError, KeyError):
        epochs = configuration.value(configuration.load_config(folder), "trainer.max_epochs", 1)
        with (folder / "metrics.csv").open(newline="", encoding="utf-8") as file:
            seen = [int(float(row["epoch"])) for row in csv.DictReader(file) if row.get("val/loss") and row["epoch"]]
        return min(1.0, (max(seen, default=-1) + 1) / int(epochs))
    return 0.0


def reason(step: Step, output: Path, exit_code: int) -> str:
    """Why a step failed: the signal that ended it, or the line that says it since its last start.

    That is the last one of a traceback, ours of bad input, or the first one where Hydra lists what there is.
    """
    if exit_code < 0:
        return f"it was ended by signal {-exit_code}" + (", perhaps for want of memory" if exit_code == -9 else "")
    with suppress(OSError):
        text = (output / step.name / LOG).read_text(encoding="utf-8", errors="replace")
        _, *said = [line.strip() for line in text[text.rindex(PROMPT) :].splitlines() if line.strip()]
        ours = [line.removeprefix(OURS) for line in said if line.startswith(OURS)]
        return (ours or (said[:1] if exit_code == BAD_INPUT else said) or ["it said nothing"])[-1]
    return "it left no log"
