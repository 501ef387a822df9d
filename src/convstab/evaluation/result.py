"""The result of an evaluation: what its run directory holds, in memory and on disk."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from convstab.degradations.degradation import Degradation
from convstab.degradations.gaussian import Gaussian
from convstab.errors import InputError
from convstab.evaluation import integrity
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.tally import PSNR_EDGES, SCORE_EDGES
from convstab.files.arrays import read_arrays, write_arrays
from convstab.files.tables import as_frame, columns, read_table, write_table
from convstab.statistics import rates
from convstab.statistics.intervals import Estimate, Floats
from convstab.units import IMAGES, Integers, Units

STABILITY, CONFUSION, HISTOGRAM = "stability.parquet", "confusion.parquet", "histogram.npz"
AGAIN = "evaluate.py writes it again from its parts"
PROTOCOL = b"convstab.protocol"  # in the metadata of stability.parquet


@dataclass(frozen=True, eq=False, repr=False)
class StabilityResult:
    """Counts over all draws of a test set.

    classes: K names. protocol: how the draws were made, and which probability the histogram and the samples show.
    rows: columns of stability.parquet, one entry per image and level, see ``tally.Counts``; besides, where the
        data set has any, the group of the image, or the design effect of groups whose members are not known.
    confusion: (levels, label, predicted). histogram: (label, misclassified or correct, PSNR bin, score bin).
    """

    classes: Sequence[str]
    protocol: Protocol
    rows: dict[str, NDArray[Any]]
    confusion: Integers
    histogram: Integers

    @classmethod
    def of(
        cls,
        table: pa.Table,
        totals: Mapping[str, Integers],
        classes: Sequence[str],
        protocol: Protocol,
        units: Units = IMAGES,
    ) -> "StabilityResult":
        """The result that rows and totals of ``tally.Counts`` make; units: what is independent among the images."""
        rows = {name: table[name].to_numpy() for name in table.column_names}
        levels = len(protocol.levels)
        rows |= units.columns(len(rows["level"]) // levels, levels)
        return cls(classes, protocol, rows, totals["confusion"], totals["histogram"])

    @classmethod
    def read(cls, folder: str | Path) -> "StabilityResult":
        """Read what ``write`` left in a folder; InputError when it is not there or not as it was written."""
        folder = Path(folder)
        try:
            table, metadata = read_table(folder / STABILITY)
            counts, arrays = columns(read_table(folder / CONFUSION)[0]), read_arrays(folder / HISTOGRAM)
            protocol = Protocol.of(json.loads(metadata.get(PROTOCOL, b"{}")))
            classes = [str(name) for name in arrays["classes"].tolist()]
            confusion = counts["count"].reshape(-1, len(classes), len(classes))
            result = cls(classes, protocol, columns(table), confusion, arrays["histogram"])
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
        arrays = {"histogram": self.histogram, "psnr_edges": PSNR_EDGES, "score_edges": SCORE_EDGES}
        names = {"classes": np.array(self.classes), "score": np.array(self.protocol.score)}
        write_arrays(folder / HISTOGRAM, arrays | names)

    def table(self) -> str:
        """Accuracy, balanced accuracy and flip rate under each level with their 95 % intervals, as Markdown."""
        from convstab.evaluation.tables import rates_markdown  # noqa: PLC0415  # which needs this module

        return rates_markdown(self)

    def to_pandas(self) -> Any:
        """A pandas DataFrame with one row per image and level, see ``rows``; InputError without pandas."""
        return as_frame(self.rows)

    def __repr__(self) -> str:
        return self.table()

    def _repr_markdown_(self) -> str:
        """What a notebook shows."""
        return self.table()

    @cached_property
    def applied(self) -> Floats:
        """The level of the degradation of each image under each level, (images, levels); NaN: not to be reached."""
        return self.by_image("applied" if self.protocol.by_psnr else "level")

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self.labels)

    @cached_property
    def levels(self) -> Floats:
        """The levels of the degradation, from the mildest to the worst."""
        return np.array(self.protocol.levels)

    @cached_property
    def psnr(self) -> Floats:
        """Mean PSNR in dB of the draws of each level that differ from the clean image; infinite where there is none."""
        weights = self.by_image("draws") - self.by_image("identical")
        psnr = np.where(weights > 0, self.by_image("psnr_mean"), 0)
        total = weights.sum(0)
        return np.where(total > 0, (psnr * weights).sum(0) / total.clip(1), np.inf)

    @cached_property
    def degraded(self) -> NDArray[np.bool_]:
        """Whether a level changes the images, for each."""
        return np.array(self.protocol.degraded)

    @property
    def as_in_paper(self) -> bool:
        """Whether it was Gaussian noise of given sigmas, the one degradation of the paper."""
        return self.degradation == Gaussian() and not self.protocol.by_psnr

    @property
    def label(self) -> str:
        """What stands at an axis of the levels."""
        return f"{self.protocol.quantity} ({self.protocol.unit})" if self.protocol.by_psnr else self.degradation.label

    @property
    def degradation(self) -> Degradation:
        """What was done to the images."""
        return self.protocol.degradation

    @property
    def draws(self) -> int:
        """Draws of each image under each level that changes it; 1 where there is none."""
        return max(self.protocol.draws_of)

    def by_image(self, column: str) -> NDArray[Any]:
        """A column as (images, levels)."""
        return self.rows[column].reshape(-1, len(self.levels))

    @cached_property
    def labels(self) -> Integers:
        """The label of each image."""
        return self.by_image("label")[:, 0]

    @cached_property
    def rates(self) -> Floats:
        """Share of correct draws, (images, levels); NaN where an image was not drawn: no level leaves it this PSNR."""
        draws = self.by_image("draws")
        rates: Floats = np.where(draws > 0, self.by_image("correct") / draws.clip(1), np.nan)
        return rates

    @cached_property
    def units(self) -> Units:
        """What is independent: the groups of the images if the rows have any, or images."""
        return Units.of_rows(self.rows, len(self.levels))

    @property
    def groups(self) -> Integers | None:
        """The group of each image, (n,), or None."""
        return self.units.groups

    @property
    def accuracy(self) -> Estimate:
        """Share of correct draws under each level."""
        return rates.accuracy(self.rates, self.units)

    @property
    def balanced_accuracy(self) -> Estimate:
        """Mean recall under each level."""
        return rates.balanced_accuracy(self.rates, self.labels, self.units)

    @property
    def flip_rate(self) -> Estimate:
        """Share of misclassified draws of the images that are correct when clean, under each level; 0 must be there."""
        if self.degraded[0]:
            raise InputError(f"the flip rate needs the clean images: add {self.protocol.neutral:g} to the levels")
        flips = rates.flip_rate(self.rates, self.rates[:, 0] == 1, self.units)
        return replace(flips, high=np.where(self.degraded, flips.high, flips.value))  # 0 there by definition

    @property
    def pooled_confusion(self) -> Integers:
        """The confusion of all degraded draws, (K, K)."""
        return rates.over_levels(self.confusion, self.degraded)
