"""One row for each image of an evaluation: how far it is from failing, by draws, certificate, law and attacks."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from convstab.attacks.result import AttackResult
from convstab.errors import InputError
from convstab.evaluation.result import StabilityResult
from convstab.files.tables import as_frame, columns, read_table, write_table
from convstab.images import NAME
from convstab.ledger.columns import boundary, certificates, clean_of, column_of, draws, margins
from convstab.ledger.least import least_perturbation, lower_bounds_of
from convstab.statistics.intervals import Floats
from convstab.statistics.smoothing import ALPHA
from convstab.units import Units
from convstab.validation import FRACTION, check_limit

LEDGER = "ledger.parquet"
SETTINGS = b"convstab.ledger"  # in the metadata of the file
TOLERANCE = 0.05  # share of the draws of an image that may fail


@dataclass(frozen=True, eq=False, repr=False)
class Ledger:
    """What is known of each of n images.

    levels: those that degrade, from the mildest to the worst. label: what stands at an axis of them. classes: names.
    settings: alpha of a certificate, tolerance of a failing level, the fewest and most draws of a level, whether they
        are random, the names of the attacks, and which of them took gradients.
    rows: columns of ledger.parquet, (n,) each, see docs/margins.md.
    """

    levels: Sequence[float]
    label: str
    classes: Sequence[str]
    settings: Mapping[str, Any]
    rows: Mapping[str, NDArray[Any]]

    @classmethod
    def of(
        cls,
        result: StabilityResult,
        attacks: Mapping[str, AttackResult] | None = None,
        *,
        alpha: float = ALPHA,
        tolerance: float = TOLERANCE,
        lower_bound: Floats | None = None,
        thickness: Mapping[str, Floats] | None = None,
    ) -> "Ledger":
        """Join an evaluation with attacks on the same model and images.

        Args:
            result: with the clean images. Certificates and the law are those of Gaussian noise of given sigmas; of
                other degradations the ledger has neither.
            attacks: by their names; each on some or all of the images.
            alpha: how often a certified radius may be too great, for each image and level, in (0, 1).
            tolerance: share of the draws of an image that may fail under a level that it is said to withstand.
            lower_bound: of the distances, (n,), L2 in grey levels, see ``bounds.lower.lower_bounds``.
            thickness: of the boundary, by the names of the attacks, see ``ledger.thickness.boundary_thickness``.

        Raises:
            InputError: no clean images, no degraded ones, or attacks or bounds of other images or another model.

        >>> import torch, convstab as cs
        >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 2)).eval()
        >>> images = cs.Images(torch.rand(20, 3, 8, 8), torch.arange(20) % 2)
        >>> result = cs.evaluate(model, images, levels=[10, 40], draws=10)
        >>> ledger = cs.Ledger.of(result, {"ddn": cs.attack(model, images, "ddn")})
        >>> bool((ledger.rows["radius_40"] > ledger.rows["perturbation"]).any())
        False
        """
        clean, attacks = clean_of(result), attacks or {}
        if not result.degraded.any():
            raise InputError("the ledger needs degraded images: the evaluation has clean ones only")
        check_settings(result, alpha, tolerance)
        rows: dict[str, NDArray[Any]] = {
            "index": clean.index,
            "label": clean.label,
            "clean_correct": clean.predicted == clean.label,
        }
        rows |= {NAME: result.by_image(NAME)[:, 0]} if NAME in result.rows else {}
        rows |= result.units.columns(result.images) | margins(result)
        rows |= least_perturbation(clean, attacks, thickness)
        if lower_bound is not None:
            rows |= lower_bounds_of(clean, rows, lower_bound)
        rows |= draws(result, tolerance)
        if result.as_in_paper:
            rows |= boundary(result) | certificates(result, alpha)
        settings: dict[str, Any] = {"alpha": alpha, "tolerance": tolerance, "attacks": list(attacks)}
        settings |= {"fewest_draws": min(result.protocol.degraded_draws), "most_draws": result.draws}
        settings["random"] = result.degradation.random
        settings["by_gradients"] = [name for name, attack in attacks.items() if attack.rows["gradients"].any()]
        levels = result.levels[result.degraded].tolist()
        return cls(levels, result.label, list(result.classes), settings, rows)

    @classmethod
    def read(cls, folder: str | Path) -> "Ledger":
        """Read what ``write`` left in a folder; InputError when it is not there or damaged."""
        path = Path(folder) / LEDGER
        try:
            table, metadata = read_table(path)
            about = json.loads(metadata[SETTINGS])
            levels, label, classes = (about.pop(name) for name in ("levels", "label", "classes"))
            return cls(levels, label, classes, about, columns(table))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{folder} does not hold a ledger: {error}; convstab-ledger writes it") from error

    def write(self, folder: str | Path) -> None:
        """Write ledger.parquet, at once or not at all; the folder is made."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        about = {"levels": list(self.levels), "label": self.label, "classes": list(self.classes), **self.settings}
        write_table(Path(folder) / LEDGER, pa.table(dict(self.rows)), {SETTINGS: json.dumps(about)})

    @property
    def units(self) -> Units:
        """What is independent: the groups of the images if the rows have any, or images."""
        return Units.of_rows(self.rows)

    @property
    def smoothed(self) -> bool:
        """Whether there are certificates and a law: the noise was Gaussian."""
        return "distance" in self.rows

    def by_level(self, name: str) -> NDArray[Any]:
        """Columns of all levels as (n, levels): flips, chance or radius."""
        return np.stack([self.rows[column_of(name, level)] for level in self.levels], axis=1)

    def to_pandas(self) -> Any:
        """A pandas DataFrame with one row per image; InputError without pandas."""
        return as_frame(self.rows)

    def table(self) -> str:
        """What the ledger comes to, as Markdown."""
        from convstab.ledger.tables import as_markdown  # noqa: PLC0415  # which needs this module

        return as_markdown(self)

    def by_class(self) -> str:
        """How far the images of each class are from failing, as Markdown."""
        from convstab.ledger.tables import classes  # noqa: PLC0415  # which needs this module

        return classes(self).as_markdown()

    def __repr__(self) -> str:
        return self.table()

    def _repr_markdown_(self) -> str:
        """What a notebook shows."""
        return self.table()


def check_settings(result: StabilityResult, alpha: float, tolerance: float) -> None:
    """Raise InputError for chances out of range, and for levels that the names of columns do not tell apart."""
    for name, value in (("alpha", alpha), ("tolerance", tolerance)):
        check_limit(name, value, FRACTION)
    names = [column_of("flips", level) for level in result.levels]
    if len(set(names)) < len(names):
        raise InputError("two levels of the evaluation are the same to six digits: the ledger cannot tell them apart")
