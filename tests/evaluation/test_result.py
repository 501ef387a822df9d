"""The result of an evaluation on disk and in memory."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from convstab.errors import InputError
from convstab.evaluation.result import CONFUSION, HISTOGRAM, STABILITY, StabilityResult

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
    documented = ["index", "label", "sigma", "draws", "correct", "prediction", "score_mean", "score_min", "psnr_mean"]
    assert stability.column_names[: len(documented)] == documented
    assert stability.num_rows == result.images * len(result.sigmas)
    assert confusion.column_names == ["sigma", "label", "predicted", "count"]
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
