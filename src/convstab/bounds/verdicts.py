"""What a verifier answered, beside what an attack found."""

import csv
import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Literal

from convstab.bounds.instances import Question
from convstab.errors import InputError

Verdict = Literal["verified", "falsified", "unknown"]
WORDS: dict[str, Verdict] = {
    **dict.fromkeys(("unsat", "holds", "safe", "verified"), "verified"),
    **dict.fromkeys(("sat", "violated", "unsafe", "falsified"), "falsified"),
    **dict.fromkeys(("timeout", "unknown", "error"), "unknown"),
}
NO_ANSWER = "error_", "run_instance_", "prepare_instance_", "no_result"  # as scripts of VNN-COMP begin what is none
ENDING = ".vnnlib"
ROUNDED = 1e-3  # grey levels: what float32 and nine decimals of the box leave open


@dataclass(frozen=True)
class Answer:
    """What a verifier said of a question; seconds: NaN where it did not say, or there was no answer."""

    question: Question
    verdict: Verdict
    seconds: float


def read_answers(path: Path, questions: Sequence[Question]) -> list[Answer]:
    """The answers to questions, in their order; unknown where there is none.

    path: a CSV file with a row for each instance, in which its .vnnlib file comes before the result, and the seconds,
        if any, last: results.csv of VNN-COMP has category, onnx, vnnlib, prepare time, result, run time.
    Raises InputError for a word that is no result, and for a row of another question, or of one that is there twice.
    """
    found: dict[str, tuple[Verdict, float]] = {}
    names = {PurePath(one.file).name for one in questions}
    for number, name, cells in rows_of(path):
        if name not in names or name in found:
            what = "is there twice" if name in found else "is not among the questions of this folder"
            raise InputError(f"{path}, line {number}: {name} {what}")
        found[name] = result_of(cells, f"{path}, line {number}")
    answers = [(one, found.get(PurePath(one.file).name, ("unknown", math.nan))) for one in questions]
    return [Answer(one, verdict, seconds) for one, (verdict, seconds) in answers]


def rows_of(path: Path) -> Iterator[tuple[int, str, list[str]]]:
    """Of each row its line, the name of its .vnnlib file, and the cells after it; a heading may come first."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file)]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table of results: {error}") from error
    for number, row in enumerate(rows, 1):
        place = next((place for place, cell in enumerate(row) if cell.endswith(ENDING)), None)
        if place is not None:
            yield number, PurePath(row[place]).name, row[place + 1 :]
        elif row and number > 1:
            raise InputError(f"{path}, line {number}: none of its cells is a {ENDING} file")


def result_of(cells: Sequence[str], where: str) -> tuple[Verdict, float]:
    """The verdict in the cells after the name of a file, and the seconds in the last of them."""
    words = [cell for cell in cells if cell and not is_number(cell)]
    if len(words) != 1:
        raise InputError(f"{where}: it must have one result, such as unsat, sat or timeout; it has {words}")
    word = words[0].lower().partition(" ")[0].partition("-")[0]  # "safe (timed out)", "safe-incomplete"
    verdict = WORDS.get(word, "unknown" if word.startswith(NO_ANSWER) else None)
    if verdict is None:
        raise InputError(f"{where}: {words[0]} is no result; it can be {', '.join(WORDS)}")
    return verdict, float(cells[-1]) if is_number(cells[-1]) else math.nan


def is_number(text: str) -> bool:
    """Whether a cell is a number."""
    with suppress(ValueError):
        return math.isfinite(float(text))
    return False


def check(answers: Sequence[Answer]) -> None:
    """Raise InputError where a proof contradicts a counterexample: an attack's, or the verifier's own, within it."""
    for one in answers:
        image, radius = one.question.image, one.question.radius
        distance, who = nearest_counterexample(image, answers)
        if one.verdict == "verified" and distance < radius - ROUNDED:
            said = f"image {image} is verified within {radius:g} grey levels, and {who} has a counterexample at"
            raise InputError(f"{said} {distance:.6g}: one of them is wrong, or the results are of another model")


def nearest_counterexample(image: int, answers: Sequence[Answer]) -> tuple[float, str]:
    """The least L-infinity distance of one for an image, in grey levels, and who has found it; infinite: nobody."""
    own = [one for one in answers if one.question.image == image]
    found = [(one.question.radius, "the verifier") for one in own if one.verdict == "falsified"]
    found += [(one.question.attack, "the attack") for one in own if math.isfinite(one.question.attack)]
    return min(found, default=(math.inf, "nobody"))
