"""The result of an attack: what its run directory holds, in memory and on disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from convstab import attacks
from convstab.attacks import integrity
from convstab.attacks.attack import NOTHING
from convstab.attacks.verification import CUT_OFF, Columns
from convstab.degradations.by_name import recorded
from convstab.errors import InputError
from convstab.files import SUMMARY, read_json, write_json
from convstab.files.arrays import read_arrays, write_arrays
from convstab.files.tables import as_frame, columns, read_table, write_table
from convstab.units import IMAGES, Units

MINIMUM_NOISE, NOISE, CONVERGENCE = "minimum_noise.parquet", "noise.npz", "convergence.parquet"
HISTORY = "history/"  # prefix of columns in a part
SAME_SCORE = 1e-3  # scores of a clean image on two kinds of device differ by less


@dataclass(frozen=True, eq=False, repr=False)
class AttackResult:
    """The least noise that was found for each of n images.

    run, attack: names. protocol: the seed, the limit of queries and the settings of the attack, plain values.
    classes: K names.
    rows: columns of minimum_noise.parquet, see ``attacks.Result``; besides, where the data set has
        any, the group of the image, or the design effect of groups whose members are not known.
    pixels: uint8 (n, C, H, W). noise: float32 (n, C, H, W), in grey levels.
    history: columns of convergence.parquet, one entry for each generation of each image that was attacked: index,
        generation, queries, best and median fitness, share of misclassified individuals (fooled), and the L2 norm of
        the best individual so far; empty for an attack without generations.
    """

    run: str
    attack: str
    protocol: Mapping[str, Any]
    classes: Sequence[str]
    rows: Columns
    pixels: NDArray[np.uint8]
    noise: NDArray[np.float32]
    history: Columns

    @classmethod
    def of(
        cls,
        table: pa.Table,
        pixels: NDArray[np.uint8],
        classes: Sequence[str],
        run: str,
        attack: str,
        protocol: Mapping[str, Any],
        units: Units = IMAGES,
        names: Columns | None = None,
    ) -> "AttackResult":
        """The result that the rows of merged parts hold, of images of which these units are independent.

        names: their column of names, see ``Images.name_column``.
        """
        noise = table["noise"].combine_chunks().flatten().to_numpy().reshape(pixels.shape)
        books = [name for name in table.column_names if name.startswith(HISTORY)]
        history = {name.removeprefix(HISTORY): pc.list_flatten(table[name]).to_numpy() for name in books}
        if history:
            index = pc.take(table["index"], pc.list_parent_indices(table[books[0]]))
            history = {"index": index.to_numpy(), **history}
        rows = columns(table.drop_columns(["noise", *books])) | units.columns(len(table)) | dict(names or {})
        return cls(run, attack, protocol, classes, rows, pixels, noise, history)

    @classmethod
    def read(cls, folder: str | Path) -> "AttackResult":
        """Read what ``write`` left in a folder; InputError when it is not there, not as written, or of two attacks."""
        folder = Path(folder)
        if not (folder / MINIMUM_NOISE).exists():
            raise InputError(f"{folder} does not hold a whole attack: it has no {MINIMUM_NOISE}")
        try:
            summary, arrays = read_json(folder / SUMMARY), read_arrays(folder / NOISE)
            rows = columns(read_table(folder / MINIMUM_NOISE)[0])
            history = columns(read_table(folder / CONVERGENCE)[0]) if (folder / CONVERGENCE).exists() else {}
            integrity.check(rows, arrays, history)
            names, protocol = (str(summary["run"]), str(summary["attack"])), dict(summary["protocol"])
            classes = [str(name) for name in arrays["classes"].tolist()]
            result = cls(*names, protocol, classes, rows, arrays["pixels"], arrays["noise"], history)
            integrity.check_summary(summary, result.summary)
        except (OSError, ValueError, KeyError, TypeError) as error:
            hint = "convstab-attack writes it again from its parts"
            raise InputError(f"{folder} does not hold a whole attack: {error}; {hint}") from error
        return result

    def write(self, folder: str | Path, origin: Mapping[str, Any] | None = None) -> None:
        """Write the tables, the images with their noise, and last the summary, each at once or not at all.

        folder: is made.
        origin: what the summary says besides about where the result comes from.
        """
        names = {"run": self.run, "attack": self.attack}
        summary = names | self.summary | {"protocol": dict(self.protocol)} | dict(origin or {})
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_table(folder / MINIMUM_NOISE, pa.table(self.rows))
        arrays = {"index": self.rows["index"], "pixels": self.pixels, "noise": self.noise}
        write_arrays(folder / NOISE, arrays | {"classes": np.array(self.classes)})
        if self.history:
            write_table(folder / CONVERGENCE, pa.table(self.history))
        write_json(folder / SUMMARY, summary)

    def table(self) -> str:
        """The numbers of the summary, as Markdown."""
        return as_markdown(self)

    def to_pandas(self) -> Any:
        """A pandas DataFrame with one row per image, see ``rows``; InputError without pandas."""
        return as_frame(self.rows)

    def __repr__(self) -> str:
        return self.table()

    def _repr_markdown_(self) -> str:
        """What a notebook shows."""
        return self.table()

    @property
    def norms(self) -> NDArray[np.float64]:
        """L2 norm for pixels in [0, 1]; infinite where no noise was found, (n,)."""
        return np.where(self.rows["success"], self.rows["l2"], np.inf)

    @property
    def units(self) -> Units:
        """What is independent: the groups of the images if the rows have any, or images."""
        return Units.of_rows(self.rows)

    def spread(self, count: int) -> list[int]:
        """At most so many successes, spread evenly over them from the least norm to the greatest, as rows."""
        order = np.argsort(self.norms, kind="stable")[: int(self.rows["success"].sum())]
        places = np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)
        return [int(row) for row in order[places]]

    def part(self, rows: NDArray[Any]) -> "AttackResult":
        """With some of the images, which are given as rows or as a mask."""
        index = self.rows["index"][rows]
        kept = np.isin(self.history["index"], index) if self.history else None
        return replace(
            self,
            rows={name: column[rows] for name, column in self.rows.items()},
            pixels=self.pixels[rows],
            noise=self.noise[rows],
            history={name: column[kept] for name, column in self.history.items()},
        )

    @property
    def level_quantiles(self) -> dict[str, float]:
        """Where levels of a degradation were searched: the median, and what 90 % of the images do not go beyond."""
        if "level" not in self.rows:
            return {}
        family = recorded(self.protocol["degradation"])
        levels = self.rows["level"][self.rows["attacked"]]
        order = np.argsort([np.inf if np.isnan(level) else family.severity(level) for level in levels], kind="stable")
        return {f"level_{name}": quantile_of(levels[order], share) for name, share in (("median", 50), ("90", 90))}

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The numbers of summary.json, over all images that were attacked; InputError when none was.

        A failure counts as an infinite norm. What 90 % of the images do not exceed is l2_90; what 90 % of them do not
        fall short of is psnr_90. None: more images failed than that leaves room for. cut_off: share of the searches
        that a limit of queries or generations ended, not their own rule; what they would have found is not known.
        """
        attacked = self.rows["attacked"]
        if not attacked.any():
            raise InputError(NOTHING)
        success, psnr, queries = (self.rows[name][attacked] for name in ("success", "psnr", "queries"))
        norms, losses = self.norms[attacked], np.where(success, -psnr, np.inf)
        quantiles = {
            "l2_median": quantile(norms, 50),
            "l2_90": quantile(norms, 90),
            "psnr_median": -quantile(losses, 50),
            "psnr_90": -quantile(losses, 90),
            "queries_median": quantile(queries, 50),
            "cut_off": float(np.isin(self.rows["ended"][attacked], CUT_OFF).mean()),
            **self.level_quantiles,
        }
        return {
            "images": len(attacked),
            "attacked": int(attacked.sum()),
            "clean_errors": int((~attacked).sum()),
            "success_rate": float(success.mean()),
            **{name: float(value) if np.isfinite(value) else None for name, value in quantiles.items()},
            "seconds": round(float(self.rows["seconds"].sum()), 3),
        }


def as_table(found: attacks.Result) -> pa.Table:
    """The rows of a part: the table, the noise, and the history of each image as lists, empty where it has none."""
    noise = pa.FixedSizeListArray.from_arrays(pa.array(found.noise.ravel()), found.noise[0].size)
    table = {**found.rows, "noise": noise}
    if found.history:
        lengths = [(found.history["index"] == place).sum() for place in found.rows["index"]]
        offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
        for name, column in found.history.items():
            if name != "index":
                table[HISTORY + name] = pa.ListArray.from_arrays(offsets, pa.array(column))
    return pa.table(table)


def on_common_images(results: Mapping[str, AttackResult]) -> dict[str, AttackResult]:
    """The same images of each result, those that were attacked in all, in the same order.

    Raises InputError when there are none, or when the results are not of one run and its images.
    """
    attacked = [result.rows["index"][result.rows["attacked"]] for result in results.values()]
    index = reduce(np.intersect1d, attacked)
    if not len(index):
        raise InputError(f"no image was attacked by all of {', '.join(results)}; there is nothing to compare")
    parts = {
        name: result.part(np.array([np.flatnonzero(result.rows["index"] == place)[0] for place in index]))
        for name, result in results.items()
    }
    (name, first), *others = parts.items()
    for other, result in others:
        if (result.run, list(result.classes)) != (first.run, list(first.classes)):
            raise InputError(
                f"{name} attacks {first.run}, {other} attacks {result.run}; only attacks of one run compare"
            )
        if not np.array_equal(result.pixels, first.pixels):
            raise InputError(f"{name} and {other} attack different images; only attacks of the same ones compare")
        if not np.allclose(result.rows["clean_score"], first.rows["clean_score"], rtol=0, atol=SAME_SCORE):
            raise InputError(f"{name} and {other} attack different models of the name {first.run}: clean scores differ")
    return parts


def quantile(values: NDArray[Any], percent: int) -> Any:
    """The least value that so many per cent do not exceed, along the first axis."""
    return quantile_of(np.sort(values, axis=0), percent)


def quantile_of(ordered: NDArray[Any], percent: int) -> Any:
    """The first of the values, from the least on, that so many per cent do not go beyond."""
    return ordered[-(-len(ordered) * percent // 100) - 1]


MEANT = (  # by the columns of the table
    "L2: norm of the least noise that was found, of pixels in [0, 1]; times 255 it is in grey levels, as the ledger "
    "says it. Median: over the attacked images, those that withstood it count as infinite; "
    "90 %: what so many of them need at most (PSNR: at least). Queries: median."
)


def as_markdown(result: AttackResult) -> str:
    """One row with the numbers of the summary; level, L2 and PSNR: median, and what 90 % of the images reach."""
    numbers, names = result.summary, {"l2": ("L2", ""), "psnr": ("PSNR", " (dB)")}
    if "level_median" in numbers:
        names = {"level": (recorded(result.protocol["degradation"]).label, "")} | names
    cells = [result.attack, f"{numbers['attacked']} of {numbers['images']}", f"{100 * numbers['success_rate']:.1f} %"]
    for name in names:
        found = [numbers[f"{name}_{share}"] for share in ("median", "90")]
        cells += ["-" if number is None else f"{number:.3g}" for number in found]
    cells += [f"{numbers['queries_median']:.0f}", f"{100 * numbers['cut_off']:.0f} %", f"{numbers['seconds']:.0f}"]
    found_of = [f"{name} {share}{unit}" for name, unit in names.values() for share in ("median", "90 %")]
    head = ["attack", "attacked", "success", *found_of, "queries", "cut off", "seconds in all"]
    note = f"\nLeft out, since they could not be read: {result.units.unread:,}.\n" if result.units.unread else ""
    return f"| {' | '.join(head)} |\n|---|{'---:|' * (len(head) - 1)}\n| {' | '.join(cells)} |\n{note}"
