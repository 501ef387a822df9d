"""Predictions that were made elsewhere: a CSV file with a row for each image file, read into logits."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from pyarrow import csv
from torch import Tensor

from convstab.errors import InputError

FILE, PREDICTION = "file", "prediction"
SUM, TINY = 0.05, 1e-30  # rows that sum to 1 within this are probabilities, rounded; the least that one is taken for
MANY = 0.5  # of the rows: logits of so many do not sum to 1 by chance
LONGEST_HEAD = 2**20  # bytes of the first line: the names of a hundred thousand classes
DECIDED = 1.0  # the logit of a class that is predicted without a score; the others have 0


def read_predictions(path: Path, files: Sequence[str], classes: Sequence[str]) -> tuple[Tensor, bool]:
    """The logits for these files, float32 (n, K), and whether the table has scores and not decisions alone.

    path: a CSV file with the columns ``file`` and ``prediction`` (the name of a class, or its number), or in place of
        that one with the name of each class: its logit, or its probability, whose logarithm is then taken.
    files, classes: n and K names, in the order that is wanted.
    Raises InputError for a file that is not there or no such table; a class that there is not; a row that is missing or
    there twice; a score that is not a number.
    """
    table = read_table(path)
    if FILE not in table.column_names:
        raise InputError(f"{path} has no column file; it has {', '.join(table.column_names)}")
    order = rows_of(path, table[FILE].to_pylist(), files)
    if PREDICTION in table.column_names:
        scored = [name for name in classes if name in table.column_names]
        if scored:
            raise InputError(f"{path} has the column prediction and scores, such as {scored[0]}; leave one of them out")
        return decided(path, [table[PREDICTION][row].as_py() for row in order], classes), False
    missing = [name for name in classes if name not in table.column_names]
    if missing:
        raise InputError(f"{path} has neither a column prediction nor one for each class: {missing[0]} is missing")
    scores = np.stack([as_floats(path, name, table[name].to_pylist()) for name in classes], axis=1)[order]
    return torch.from_numpy(as_logits(path, scores)), True


def read_table(path: Path) -> pa.Table:
    """A CSV file, all of its columns as text; InputError where it is none.

    What stands between its columns is what its first line has most of: commas, semicolons or tabs.
    """
    try:
        with path.open("rb") as file:
            head = file.readline(LONGEST_HEAD).decode(errors="replace")
        parsing = csv.ParseOptions(delimiter=max(",;\t", key=head.count))
        with csv.open_csv(path, parse_options=parsing) as opened:
            names = opened.schema.names
        texts = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
        table = csv.read_csv(path, parse_options=parsing, convert_options=texts)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path} cannot be read as a CSV table: {' '.join(str(error).split())}") from error
    for name in table.column_names:
        if table.column_names.count(name) > 1:
            raise InputError(f"{path} has two columns {name}; each needs a name of its own")
    return table


def rows_of(path: Path, found: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Where the files that are wanted stand in the table; InputError where one is not there, twice, or not known."""
    place = {name.removeprefix("./"): row for row, name in enumerate(found)}
    if len(place) < len(found):
        twice = next(name for row, name in enumerate(found) if place[name.removeprefix("./")] != row)
        raise InputError(f"{path} lists {twice} twice; it must list each file once")
    missing = [name for name in wanted if name not in place]
    others = sorted(set(place) - set(wanted))
    if missing:
        lists = f"; it lists {others[0]}, which the manifest does not" if others else ""
        raise InputError(f"{path} lacks {len(missing):,} of {len(wanted):,} files, such as {missing[0]}{lists}")
    for other in others:
        raise InputError(f"{path} lists {other}, which the manifest does not; it must list the files of the manifest")
    return [place[name] for name in wanted]


def decided(path: Path, predictions: Sequence[str], classes: Sequence[str]) -> Tensor:
    """Logits that say which class was predicted, and nothing more: all of them are names, or all are numbers."""
    names = {name: number for number, name in enumerate(classes)}
    numbers = {text: number for number in range(len(classes)) for text in (str(number), f"{number}.0")}  # as pandas has
    known = names if set(predictions) <= names.keys() or not set(predictions) <= numbers.keys() else numbers
    for prediction in predictions:
        if prediction not in known:
            raise InputError(f"{path} predicts {prediction!r}, which is no class; they are {', '.join(classes)}"[:300])
    if names.keys() & numbers.keys() and names != numbers:
        print(f"{path}: the predictions are taken for {'names' if known is names else 'numbers'} of classes")
    chosen = torch.tensor([known[prediction] for prediction in predictions])
    return torch.nn.functional.one_hot(chosen, len(classes)).float() * DECIDED


def as_floats(path: Path, name: str, values: Sequence[str]) -> NDArray[np.float32]:
    """A column of scores; InputError for one that is not a finite number."""
    try:
        found = np.array(values, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}, column {name}: {' '.join(str(error).split())}") from error
    if not np.isfinite(found).all():
        raise InputError(f"{path}, column {name} holds scores that are infinite or not numbers")
    return found.astype(np.float32)


def as_logits(path: Path, scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits as they are; of probabilities, which may be rounded, their logarithms; which of the two is said.

    scores: (n, K). Raises InputError for what can be neither: numbers in [0, 1] that do not sum to 1.
    """
    sums, positive = scores.sum(1), scores.min(1) >= 0
    for whole, words in ((1, "probabilities"), (100, "percentages, which are to be divided by 100")):
        such = (positive & (np.abs(sums / whole - 1) <= SUM)).mean()
        if such > MANY and not (whole == 1 and such == 1):
            raise InputError(
                f"{path}: {100 * such:.1f} % of the rows of scores are {words}; it must be logits, or probabilities"
            )
    if scores.min() < 0 or scores.max() > 1:
        print(f"{path}: the scores are taken for logits")
        return scores
    worst = float(sums[np.abs(sums - 1).argmax()])
    if abs(worst - 1) > SUM:
        said = f"{path} has scores in [0, 1] that sum to {worst:.3g}"
        raise InputError(f"{said} for a file; probabilities sum to 1, and logits are not bounded")
    print(f"{path}: the scores are taken for probabilities")
    logits: NDArray[np.float32] = np.log(scores.clip(TINY))  # softmax makes the sum 1
    return logits
