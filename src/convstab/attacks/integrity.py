"""Whether what was read is the result of one attack: columns, ranges, and norms that are those of the noise."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convstab import units
from convstab.attacks.verification import Columns
from convstab.files.tables import Ranges, check_columns, check_ranges
from convstab.images import GREY_LEVELS, NAME

MEASURED = {"success": "b", "predicted": "i", "margin": "f", "l2": "f", "rms": "f", "max": "f", "psnr": "f"}
COLUMNS = {  # of minimum_noise.parquet: kinds of their types, as NumPy names them
    **{"index": "i", "label": "i", "clean_predicted": "i", "clean_score": "f", "attacked": "b"},
    **MEASURED,
    **{"score": "f", "label_score": "f"},
    **{f"{name}_rounded": kind for name, kind in MEASURED.items()},
    **{"queries": "i", "gradients": "i", "generations": "i", "seconds": "f", "ended": "OU"},
}
OWN_COLUMNS = {NAME: "OU", "level": "f"}  # that only some attacks, or images, have
HISTORY = {"index": "i", "generation": "i", "queries": "i", "best": "f", "median": "f", "fooled": "f", "l2": "f"}
ENDS = ("", "stall", "steps", "generations", "queries")
CLOSE = 1e-3  # relative: norms in the table are those of noise that was kept in float32


def check(rows: Columns, arrays: Mapping[str, NDArray[Any]], history: Columns) -> None:
    """Raise ValueError, which says what is wrong, unless all files of a result fit each other."""
    check_columns(rows, COLUMNS, units.COLUMNS | OWN_COLUMNS)
    index, pixels, noise = arrays["index"], arrays["pixels"], arrays["noise"]
    if not np.array_equal(rows["index"], index):
        raise ValueError("the table and the noise list different images")
    if pixels.ndim != 4 or len(pixels) != len(index) or noise.shape != pixels.shape:
        raise ValueError("there is not one image with its noise for each row")
    if pixels.dtype != np.uint8 or noise.dtype != np.float32 or not np.isfinite(noise).all():
        raise ValueError("the images are not uint8, or the noise is not float32 and finite")
    check_rows(rows, len(arrays["classes"]))
    norms = np.linalg.norm(noise.reshape(len(noise), -1).astype(float), axis=1) / GREY_LEVELS
    if not np.allclose(rows["l2"], norms, rtol=CLOSE, atol=CLOSE):
        raise ValueError("the norms of the table are not those of the noise")
    if history:
        check_history(history, index)


def check_rows(rows: Columns, classes: int) -> None:
    """The ranges of all columns."""
    ranges: Ranges = {
        **dict.fromkeys(("label", "clean_predicted", "predicted", "predicted_rounded"), (0, classes - 1)),
        **dict.fromkeys(("queries", "gradients", "generations", "seconds"), (0, np.inf)),
        **dict.fromkeys(("l2", "rms", "max", "l2_rounded", "rms_rounded", "max_rounded"), (0, np.finfo(float).max)),
        **dict.fromkeys(("psnr", "psnr_rounded", "margin", "margin_rounded"), (-np.inf, np.inf)),
        **dict.fromkeys(("clean_score", "score", "label_score"), (0, 1.0001)),
        **dict.fromkeys(("success", "success_rounded"), (False, rows["attacked"])),
        **units.RANGES,
    }
    check_ranges(rows, ranges)
    if not set(rows["ended"].tolist()) <= set(ENDS):
        raise ValueError(f"the column ended has other words than {', '.join(ENDS[1:])}")
    if not np.array_equal(rows["success"], rows["attacked"] & (rows["predicted"] != rows["label"])):
        raise ValueError("the column success does not say whether the image is misclassified")


def check_history(history: Columns, index: NDArray[Any]) -> None:
    """The columns of the generations, and that they are of images in the table."""
    check_columns(history, HISTORY, {})
    if not np.isin(history["index"], index).all() or len({len(column) for column in history.values()}) > 1:
        raise ValueError("the convergence is that of other images")


def check_summary(said: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Raise ValueError unless a summary says the numbers that its table gives."""
    for name, number in found.items():
        if said.get(name) != number:
            raise ValueError(f"the summary says {name} {said.get(name)!r:.80}, the table gives {number}")
