"""The folder of an attack: what is written is read, what is damaged is refused, what is compared fits together."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from convstab import attacks
from convstab.attacks.result import (
    CONVERGENCE,
    HISTORY,
    MEANT,
    MINIMUM_NOISE,
    NOISE,
    AttackResult,
    as_markdown,
    as_table,
    on_common_images,
    quantile,
)
from convstab.errors import InputError
from convstab.files import SUMMARY, read_json
from convstab.files.arrays import read_arrays, write_arrays
from convstab.files.tables import read_table, write_table
from tests.support.attack_examples import example, history

BOOKS = history({0: [4, 3], 2: [5, 4, 3]})


def assert_same(one: AttackResult, other: AttackResult) -> None:
    for field in fields(AttackResult):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, dict) and field.name != "protocol":
            assert mine.keys() == theirs.keys()
            for name in mine:
                assert mine[name].dtype == theirs[name].dtype, name
                np.testing.assert_array_equal(mine[name], theirs[name], err_msg=name)
        elif isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype
            np.testing.assert_array_equal(mine, theirs)
        else:
            assert mine == theirs, field.name


@pytest.mark.parametrize("books", [{}, BOOKS], ids=["without history", "with history"])
@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_written_is_read(channels: int, books: dict[str, np.ndarray], tmp_path: Path) -> None:
    result = example([1, None, 2], channels, classes=["stop", "yield", "größer"], history=books)
    result.write(tmp_path)
    assert_same(AttackResult.read(tmp_path), result)
    assert (tmp_path / CONVERGENCE).exists() == bool(books)
    assert not list(tmp_path.glob("*.tmp"))


def test_the_rows_of_a_part_hold_the_result() -> None:
    """Image 1 was not attacked and has no history; it must not take that of a neighbour."""
    result = example([3, 1, 3], attacked=[True, False, True], history=BOOKS)
    table = as_table(attacks.Result(result.rows, result.noise, result.history))
    assert pc.list_value_length(table[f"{HISTORY}l2"]).to_pylist() == [2, 0, 3]
    assert_same(
        AttackResult.of(table, result.pixels, result.classes, result.run, result.attack, result.protocol), result
    )


def test_the_summary_is_written_with_the_names(tmp_path: Path) -> None:
    result = example([1, 2, 3, 5])
    result.write(tmp_path)
    numbers = read_json(tmp_path / SUMMARY)
    assert numbers == {"run": "model", "attack": "Genetic", "protocol": {"seed": 0}} | result.summary
    assert (numbers["l2_median"], numbers["l2_90"], numbers["psnr_median"], numbers["psnr_90"]) == (2, 5, 38, 35)


def test_failures_count_as_infinite() -> None:
    numbers = example([0, 1, 2, 3, 4, None, None, None, None, None]).summary
    assert (numbers["l2_median"], numbers["psnr_median"]) == (4, 36)
    assert (numbers["l2_90"], numbers["psnr_90"]) == (None, None)
    assert (numbers["success_rate"], numbers["seconds"]) == (0.5, 10)


def test_images_that_were_not_attacked_do_not_count() -> None:
    numbers = example([7, 1, 2, 3], attacked=[False, True, True, True]).summary
    assert (numbers["images"], numbers["attacked"], numbers["clean_errors"], numbers["l2_90"]) == (4, 3, 1, 3)
    with pytest.raises(InputError, match="nothing to attack"):
        _ = example([1, 2], attacked=[False, False]).summary


@pytest.mark.parametrize(("count", "median", "high"), [(1, 0, 0), (2, 0, 1), (10, 4, 8), (11, 5, 9), (100, 49, 89)])
def test_quantiles_are_values_that_were_seen(count: int, median: int, high: int) -> None:
    values = np.arange(count)[::-1]
    assert (quantile(values, 50), quantile(values, 90)) == (median, high)
    np.testing.assert_array_equal(quantile(np.stack([values, values + 1], 1), 50), [median, median + 1])


def test_the_table_has_a_dash_where_too_many_failed() -> None:
    row = as_markdown(example([1, 2, None])).splitlines()[-1]
    assert row == "| Genetic | 3 of 3 | 66.7 % | 2 | - | 38 | - | 1 | 0 % | 3 |"


def test_searches_that_a_limit_ended_are_counted_among_those_that_were_made() -> None:
    ended = ["stall", "queries", "generations", "steps", ""]
    result = example([1, 2, 3, 4, 5], ended=ended, attacked=[True] * 4 + [False])
    assert result.summary["cut_off"] == 0.5
    assert "| 50 % |" in as_markdown(result)


def test_each_column_says_of_what_its_share_is() -> None:
    head = [cell.strip() for cell in as_markdown(example([1, 2, None])).splitlines()[0].split("|")[1:-1]]
    assert [cell for cell in head if "90 %" in cell] == ["L2 90 %", "PSNR 90 % (dB)"]
    assert "times 255 it is in grey levels" in MEANT


def test_samples_are_spread_from_the_least_norm_to_the_greatest() -> None:
    result = example([5, None, 1, 4, 3, 2, 6, None, 7])
    assert result.rows["l2"][result.spread(4)].tolist() == [1, 3, 5, 7]
    assert result.rows["l2"][result.spread(1)].tolist() == [1]
    assert sorted(result.spread(100)) == [0, 2, 3, 4, 5, 6, 8]
    assert example([None, None]).spread(3) == []


@pytest.mark.parametrize("name", [SUMMARY, MINIMUM_NOISE, NOISE])
def test_a_folder_without_one_of_its_files_is_refused(name: str, tmp_path: Path) -> None:
    example([1, 2]).write(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(InputError, match=rf"does not hold a whole attack: .*{name}"):
        AttackResult.read(tmp_path)


@pytest.mark.parametrize("name", [SUMMARY, MINIMUM_NOISE, NOISE, CONVERGENCE])
def test_a_damaged_folder_is_refused(name: str, tmp_path: Path) -> None:
    example([3, 1, 3], history=BOOKS).write(tmp_path)
    content = (tmp_path / name).read_bytes()
    for damaged in (b"", content[: len(content) // 2]):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(InputError, match="does not hold a whole attack"):
            AttackResult.read(tmp_path)


@pytest.mark.parametrize("content", ["[]", "3", '{"run": "model"}'])
def test_a_summary_that_names_nothing_is_refused(content: str, tmp_path: Path) -> None:
    example([1, 2]).write(tmp_path)
    (tmp_path / SUMMARY).write_text(content)
    with pytest.raises(InputError, match="does not hold a whole attack"):
        AttackResult.read(tmp_path)


def test_a_folder_from_before_the_classes_were_kept_says_what_to_do(tmp_path: Path) -> None:
    example([1, 2]).write(tmp_path)
    arrays = read_arrays(tmp_path / NOISE)
    del arrays["classes"]
    write_arrays(tmp_path / NOISE, arrays)
    with pytest.raises(InputError, match=r"'classes'; convstab-attack writes it again from its parts"):
        AttackResult.read(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("l2", 5.0, "the norms of the table are not those of the noise"),
        ("success", False, "success does not say whether the image is misclassified"),
        ("predicted", 7, "the column predicted has values that cannot be"),
        ("queries", -1, "the column queries has values that cannot be"),
        ("psnr", float("nan"), "the column psnr has values that cannot be"),
        ("psnr", 12.0, "the summary says psnr_median"),
        ("ended", "tired", "the column ended has other words than stall"),
        ("label", None, "the column label is of float64, or has nulls"),
    ],
)
def test_what_cannot_have_been_found_is_refused(name: str, value: Any, said: str, tmp_path: Path) -> None:
    """Whoever writes it counts its checksum anew."""
    example([1, 2, 3]).write(tmp_path)
    table, metadata = read_table(tmp_path / MINIMUM_NOISE)
    column = [value, *table[name].to_pylist()[1:]] if name != "psnr" or value != 12 else [value] * 3
    changed = table.set_column(table.column_names.index(name), name, pa.array(column))
    write_table(tmp_path / MINIMUM_NOISE, changed, metadata)
    with pytest.raises(InputError, match=said):
        AttackResult.read(tmp_path)


@pytest.mark.parametrize("noise", [np.zeros((3, 1, 8, 6)), np.zeros((3, 1, 8, 7), np.float32)])
def test_noise_of_another_type_or_shape_is_refused(noise: np.ndarray, tmp_path: Path) -> None:
    example([1, 2, 3]).write(tmp_path)
    write_arrays(tmp_path / NOISE, read_arrays(tmp_path / NOISE) | {"noise": noise})
    with pytest.raises(InputError, match=r"not one image with its noise for each row|not float32 and finite"):
        AttackResult.read(tmp_path)


def test_a_convergence_of_other_images_is_refused(tmp_path: Path) -> None:
    example([3, 1, 3], history=history({0: [4, 3], 9: [5]})).write(tmp_path)
    with pytest.raises(InputError, match="the convergence is that of other images"):
        AttackResult.read(tmp_path)


def test_files_of_two_attacks_are_not_mixed(tmp_path: Path) -> None:
    example([1, 2]).write(tmp_path)
    noise = (tmp_path / NOISE).read_bytes()
    example([1, 2], index=[0, 7]).write(tmp_path)
    (tmp_path / NOISE).write_bytes(noise)
    with pytest.raises(InputError, match="list different images"):
        AttackResult.read(tmp_path)


def test_what_is_compared_are_the_images_that_all_attacked() -> None:
    one = example([1, 2, 3, 4], attacked=[True, True, False, True], history=history({0: [1], 1: [2], 3: [4]}))
    other = one.part(np.array([3, 2, 1]))
    parts = on_common_images({"one": one, "other": other})
    for part in parts.values():
        assert part.rows["index"].tolist() == [1, 3]
        assert part.norms.tolist() == [2, 4]
        assert part.history["index"].tolist() == [1, 3]
        np.testing.assert_array_equal(part.pixels, one.pixels[[1, 3]])


def test_what_does_not_fit_together_is_refused() -> None:
    one = example([1, 2, 3, 4])
    with pytest.raises(InputError, match="no image was attacked by all of one, other"):
        on_common_images({"one": one, "other": replace(one, rows=one.rows | {"index": np.arange(4) + 4})})
    with pytest.raises(InputError, match="one attacks model, other attacks another"):
        on_common_images({"one": one, "other": replace(one, run="another")})
    with pytest.raises(InputError, match="one and other attack different images"):
        on_common_images({"one": one, "other": replace(one, pixels=one.pixels + 1)})
    with pytest.raises(InputError, match="different models of the name model"):
        on_common_images(
            {"one": one, "other": replace(one, rows=one.rows | {"clean_score": one.rows["clean_score"] - 0.01})}
        )
    assert on_common_images({"one": one, "other": replace(one, attack="DDN")}).keys() == {"one", "other"}
