"""The result of an evaluation: what its run directory holds, in memory and on disk."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from convstab.errors import InputError
from convstab.evaluation import integrity
from convstab.evaluation.confidence import MARGIN_EDGES
from convstab.evaluation.levels import confidence_markdown, level_columns
from convstab.evaluation.measures import Measures
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.tally import PSNR_EDGES, SCORE_EDGES
from convstab.files.arrays import read_arrays, write_arrays
from convstab.files.tables import as_frame, columns, read_table, write_table
from convstab.units import IMAGES, Units

STABILITY, CONFUSION, HISTOGRAM = "stability.parquet", "confusion.parquet", "histogram.npz"
BINNED = "histogram", "calibration", "margins"  # the totals in histogram.npz
AGAIN = "convstab-evaluate writes it again from its parts"
PROTOCOL = b"convstab.protocol"  # in the metadata of stability.parquet


class StabilityResult(Measures):
    """Counts over all draws of a test set, and their files."""

    @classmethod
    def of(
        cls,
        table: pa.Table,
        totals: Mapping[str, NDArray[np.int64]],
        classes: Sequence[str],
        protocol: Protocol,
        units: Units = IMAGES,
        names: Mapping[str, NDArray[Any]] | None = None,
    ) -> "StabilityResult":
        """The result that rows and totals of ``tally.Counts`` make; units: what is independent among the images.

        names: their column of names, see ``Images.name_column``.
        """
        rows = {name: table[name].to_numpy() for name in table.column_names}
        levels = len(protocol.levels)
        rows |= units.columns(len(rows["level"]) // levels, levels) | dict(names or {})
        return cls(classes, protocol, rows, dict(totals))

    @classmethod
    def read(cls, folder: str | Path) -> "StabilityResult":
        """Read what ``write`` left in a folder; InputError when it is not there or not as it was written."""
        folder = Path(folder)
        if not (folder / STABILITY).exists():
            raise InputError(f"{folder} does not hold a whole evaluation: it has no {STABILITY}")
        try:
            table, metadata = read_table(folder / STABILITY)
            counts, arrays = columns(read_table(folder / CONFUSION)[0]), read_arrays(folder / HISTOGRAM)
            protocol = Protocol.of(json.loads(metadata.get(PROTOCOL, b"{}")))
            classes = [str(name) for name in arrays["classes"].tolist()]
            totals = {name: arrays[name] for name in BINNED}
            totals["confusion"] = counts["count"].reshape(-1, len(classes), len(classes))
            result = cls(classes, protocol, columns(table), totals)
            integrity.check(result)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{folder} does not hold a whole evaluation: {error}; {AGAIN}") from error
        return result

    def write(self, folder: str | Path) -> None:
        """Write stability.parquet, confusion.parquet, histogram.npz, each at once or not at all; the folder is made."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_table(folder / STABILITY, pa.table(self.rows), {PROTOCOL: json.dumps(self.protocol.settings)})
        level, label, predicted = np.indices(self.confusion.shape).reshape(3, -1)
        columns = {"level": self.levels[level], "label": label, "predicted": predicted, "count": self.confusion.ravel()}
        write_table(folder / CONFUSION, pa.table(columns))
        arrays: dict[str, NDArray[Any]] = {name: self.totals[name] for name in BINNED}
        arrays |= {"psnr_edges": PSNR_EDGES, "score_edges": SCORE_EDGES, "margin_edges": MARGIN_EDGES}
        names = {"classes": np.array(self.classes), "score": np.array(self.protocol.score)}
        write_arrays(folder / HISTOGRAM, arrays | names)

    def table(self) -> str:
        """Accuracy, balanced accuracy and flip rate under each level with their 95 % intervals, as Markdown.

        A second table has flip probability, calibration, losses and selective risk.
        """
        from convstab.evaluation.tables import rates_markdown  # noqa: PLC0415  # which needs this module

        return f"{rates_markdown(self)}\n{confidence_markdown(self)}"

    def by_level(self) -> Any:
        """A pandas DataFrame with one row per level: the rates that results.csv has; InputError without pandas."""
        return as_frame(level_columns(self))

    def to_pandas(self) -> Any:
        """A pandas DataFrame with one row per image and level, see ``rows``; InputError without pandas."""
        return as_frame(self.rows)

    def __repr__(self) -> str:
        return self.table()

    def _repr_markdown_(self) -> str:
        """What a notebook shows."""
        return self.table()
