"""The result of an evaluation on disk and in memory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from convstab.errors import InputError
from convstab.evaluation.result import CONFUSION, HISTOGRAM, STABILITY, StabilityResult
from convstab.files.arrays import read_arrays, write_arrays
from convstab.files.tables import read_table, write_table

FILES = (STABILITY, CONFUSION, HISTOGRAM)


def test_what_is_written_is_read(result: StabilityResult, tmp_path: Path) -> None:
    result.write(tmp_path)
    again = StabilityResult.read(tmp_path)
    assert again.classes == result.classes
    assert again.protocol == result.protocol
    assert all(np.array_equal(again.rows[name], column) for name, column in result.rows.items())
    assert np.array_equal(again.confusion, result.confusion)
    assert np.array_equal(again.histogram, result.histogram)


def test_the_same_result_gives_the_same_bytes(result: StabilityResult, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        result.write(tmp_path / name)
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_tables_have_the_documented_columns(result: StabilityResult, tmp_path: Path) -> None:
    result.write(tmp_path)
    stability, confusion = pq.read_table(tmp_path / STABILITY), pq.read_table(tmp_path / CONFUSION)
    documented = ["index", "label", "level", "draws", "correct", "prediction", "score_mean", "score_min", "psnr_mean"]
    assert stability.column_names[: len(documented)] == documented
    assert stability.num_rows == result.images * len(result.levels)
    assert confusion.column_names == ["level", "label", "predicted", "count"]
    assert confusion["count"].to_numpy().sum() == result.rows["draws"].sum()


def test_rates_agree_with_each_other(result: StabilityResult) -> None:
    by_draws = result.confusion.trace(axis1=1, axis2=2) / result.confusion.sum((1, 2))
    np.testing.assert_allclose(result.accuracy.value, by_draws)
    clean, flips = result.rates[:, 0] == 1, result.flip_rate
    np.testing.assert_allclose(flips.value, 1 - result.rates[clean].mean(0))
    assert (flips.low[0], flips.value[0], flips.high[0]) == (0, 0, 0)
    assert result.pooled_confusion.sum() == result.histogram.sum()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", [None, b"", b"PAR1 or PK"])
def test_a_missing_or_damaged_file_is_named(
    result: StabilityResult, tmp_path: Path, name: str, content: bytes | None
) -> None:
    result.write(tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match="whole evaluation"):
        StabilityResult.read(tmp_path)


def lie(name: str, values: Callable[[Any], Any]) -> Callable[[pa.Table], pa.Table]:
    """A table with another column of this name."""

    def change(table: pa.Table) -> pa.Table:
        column = values(table[name].to_numpy().copy())
        return table.set_column(table.column_names.index(name), name, pa.array(column))

    return change


def first(value: Any) -> Callable[[Any], Any]:
    """A column with another first value."""
    return lambda column: [value, *column.tolist()[1:]]


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        (STABILITY, lie("draws", first(0)), "the column draws is not that of the protocol"),
        (STABILITY, lie("correct", first(2)), "the column correct has values that cannot be"),
        (STABILITY, lie("correct", first(-1)), "the column correct has values that cannot be"),
        (STABILITY, lie("correct", first(None)), "the column correct is of float64, or has nulls"),
        (STABILITY, lie("correct", lambda column: 1 - column.clip(0, 1)), "rows and confusion count different"),
        (STABILITY, lie("label", lambda column: column[::-1]), "rows and confusion count different"),
        (STABILITY, lie("label", first(9)), "the column label is not that of the protocol, image by image"),
        (STABILITY, lie("level", lambda column: column * 2), "the column level is not that of the protocol"),
        (STABILITY, lie("score_mean", first(1.5)), "the column score_mean has values that cannot be"),
        (STABILITY, lie("psnr_mean", first(float("nan"))), "the column psnr_mean has values that cannot be"),
        (STABILITY, lie("changed", first(1)), "the column changed has values that cannot be"),
        (STABILITY, lie("changed", lambda column: column + 25), "the column changed has values that cannot be"),
        (STABILITY, lie("brier_mean", first(2.1)), "the column brier_mean has values that cannot be"),
        (STABILITY, lie("nll_mean", first(-0.1)), "the column nll_mean has values that cannot be"),
        (STABILITY, lie("margin_mean", first(-1025.0)), "the column margin_mean has values that cannot be"),
        (STABILITY, lie("margin_sd", first(-0.1)), "the column margin_sd has values that cannot be"),
        (STABILITY, lambda table: table.drop_columns(["changed"]), "there is no column changed"),
        (STABILITY, lambda table: table.append_column("top5", table["index"]), "nothing is known of the column top5"),
        (STABILITY, lie("index", lambda column: column * 0), "an image stands twice"),
        (STABILITY, lambda table: table.slice(1), "the rows are not 4 for each"),
        (STABILITY, lambda table: table.slice(4), "rows and confusion count different"),
        (STABILITY, lambda table: table.drop_columns(["draws"]), "there is no column draws"),
        (STABILITY, lambda table: table.append_column("new", table["index"]), "nothing is known of the column new"),
        (CONFUSION, lie("count", first(-1)), "the confusion does not hold counts"),
        (CONFUSION, lie("count", lambda column: column + 1), "rows and confusion count different"),
        (CONFUSION, lie("count", lambda column: column[::-1]), "rows and confusion count different"),
        (CONFUSION, lambda table: table.slice(16), "the confusion does not hold counts of the shape"),
    ],
)
def test_what_cannot_have_been_counted_is_refused(
    file: str, change: Callable[[pa.Table], pa.Table], said: str, result: StabilityResult, tmp_path: Path
) -> None:
    """Whoever writes it counts its checksum anew."""
    result.write(tmp_path)
    table, metadata = read_table(tmp_path / file)
    write_table(tmp_path / file, change(table), metadata)
    with pytest.raises(InputError, match=said):
        StabilityResult.read(tmp_path)


def one_more(place: tuple[int, ...]) -> Callable[[Any], Any]:
    """Counts with one more draw in a bin."""

    def change(counts: Any) -> Any:
        counts = counts.copy()
        counts[place] += 1
        return counts

    return change


def one_correct_elsewhere(counts: Any) -> Any:
    """A calibration with a correct draw in a bin that has no draw."""
    counts = counts.copy()
    (empty, *_), (full, *_) = (np.flatnonzero((counts[1, :, 1] > 0) == there) for there in (False, True))
    counts[1, [empty, full], 1] += [1, -1]
    return counts


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("calibration", one_more((1, 14, 0)), "calibration has values that cannot be|rows and calibration count"),
        ("calibration", lambda counts: counts[::-1] * [1, 1, 0], "the calibration has values that cannot be"),
        ("calibration", lambda counts: counts * [1, 1, 2], "the calibration has values that cannot be"),
        ("calibration", one_correct_elsewhere, "the calibration has values that cannot be"),
        ("calibration", lambda counts: counts[:, :14], "the calibration does not hold counts of the shape"),
        ("margins", one_more((1, 0, 5)), "rows and margins count different numbers of draws"),
        ("margins", lambda counts: counts[:, ::-1], "rows and margins count different numbers of draws"),
        ("margins", lambda counts: -counts, "the margins does not hold counts"),
    ],
)
def test_calibration_and_margins_of_other_draws_are_refused(
    result: StabilityResult, name: str, change: Callable[[Any], Any], said: str, tmp_path: Path
) -> None:
    result.write(tmp_path)
    arrays = read_arrays(tmp_path / HISTOGRAM)
    write_arrays(tmp_path / HISTOGRAM, arrays | {name: change(arrays[name])})
    with pytest.raises(InputError, match=said):
        StabilityResult.read(tmp_path)


def test_a_histogram_of_other_draws_is_refused(result: StabilityResult, tmp_path: Path) -> None:
    result.write(tmp_path)
    arrays = read_arrays(tmp_path / HISTOGRAM)
    write_arrays(tmp_path / HISTOGRAM, arrays | {"histogram": arrays["histogram"][:, ::-1]})
    with pytest.raises(InputError, match="rows and histogram count different numbers of draws"):
        StabilityResult.read(tmp_path)
