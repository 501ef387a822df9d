"""The training curves as a CSV file that survives a kill."""

import csv
import io
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only

from convstab.errors import InputError
from convstab.files import write_text
from convstab.files.seals import regular

log = logging.getLogger(__name__)


def read_curves(path: Path) -> list[dict[str, Any]]:
    """The rows of a metrics.csv; half a row at its end, which a full disk or a kill leaves, is left out, and said.

    Raises InputError for anything else that is no row of numbers.
    """
    regular(path)
    try:
        text = path.read_text(encoding="utf-8")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path} is damaged: {error}; delete it to train without it") from error
    wrong = next((place for place, row in enumerate(rows) if not is_row(row)), len(rows))
    if wrong < len(rows) - 1:
        raise InputError(f"{path} is damaged: row {wrong + 2} does not hold numbers; delete it to train without it")
    if rows and (wrong < len(rows) or not text.endswith("\n")):
        log.warning("%s: its last row is not whole and is left out", path)
        rows.pop()
    return rows


def is_row(row: Mapping[str, Any]) -> bool:
    """Whether a row has a step, and a number or nothing in each column."""
    try:
        return int(row["step"]) >= 0 and all(value == "" or float(value) is not None for value in row.values())
    except (KeyError, TypeError, ValueError):
        return False


class MetricsCsv(Logger):
    """Writes ``<save_dir>/metrics.csv``, one row a call, each at once.

    Lightning's CSVLogger deletes the file of an earlier start and holds 100 steps in memory; a resumed run must keep
    its history. Rows of an earlier start that the resumed one repeats (same or later step) are replaced.
    """

    def __init__(self, save_dir: str) -> None:
        super().__init__()
        self.path = Path(save_dir) / "metrics.csv"
        self.rows: list[dict[str, Any]] = []
        self.resumed = self.path.exists()
        if self.resumed:
            self.rows = read_curves(self.path)

    @property
    def name(self) -> str:
        """The file has no other name."""
        return ""

    @property
    def version(self) -> str:
        """The file has no version."""
        return ""

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Do nothing: the run directory has a config.yaml."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Write one row."""
        now = step or 0
        if self.resumed:
            self.rows = [row for row in self.rows if int(row["step"]) < now]
        rewrite = self.resumed or not self.rows or metrics.keys() - self.rows[0].keys()
        self.resumed = False
        self.rows.append({"step": now, **metrics})
        if rewrite:
            self.rewrite()
        else:
            with self.path.open("a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, self.rows[0].keys()).writerow(self.rows[-1])

    def rewrite(self) -> None:
        """Write the whole file; every row gets all columns, in the order of their first appearance."""
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        self.rows = [{name: row.get(name, "") for name in columns} for row in self.rows]
        text = io.StringIO()
        writer = csv.DictWriter(text, columns)
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self.path, text.getvalue())
