"""Figures from tables: what an evaluation drew is drawn again, and several are compared, without a network."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from convstab import figures, redraw
from convstab.results import CONFUSION, HISTOGRAM, STABILITY, Result

NAMES = ["confusion", "curves", "scatter_0"]
FILES = sorted(f"{name}.{form}" for name in NAMES for form in ("png", "svg"))


def evaluation(folder: Path, result: Result, run: str, compare: tuple[str, ...] = ()) -> Path:
    """What the tables of an evaluation hold, with a summary and a configuration, and no figures."""
    folder.mkdir(parents=True)
    result.write(folder)
    (folder / "summary.json").write_text(json.dumps({"run": run}))
    (folder / "config.yaml").write_text(json.dumps({"confusion_sigma": 20, "compare": compare}))  # JSON is YAML
    return folder


@pytest.fixture
def one(result: Result, tmp_path: Path) -> Path:
    return evaluation(tmp_path / "one", result, "first")


@pytest.fixture
def two(result: Result, tmp_path: Path) -> Path:
    return evaluation(tmp_path / "two", replace(result, score="label"), "second")


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[Path, Figure]:
    """The figures that are saved, by their paths without the ending."""
    kept: dict[Path, Figure] = {}
    save = redraw.save

    def keep(figure: Figure, path: Path) -> None:
        kept[path] = figure
        save(figure, path)

    monkeypatch.setattr(redraw, "save", keep)
    return kept


def lines(figure: Figure) -> list[str]:
    return figure.axes[1].get_legend_handles_labels()[1]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line that the command ends with."""
    with pytest.raises(SystemExit) as end:
        redraw.main(words)
    error = capsys.readouterr().err
    assert (end.value.code, len(error.splitlines())) == (2, 1), error
    return error


def test_all_figures_but_the_strip_are_drawn_from_the_tables(one: Path, drawn: dict[Path, Figure]) -> None:
    tables = files(one)
    redraw.main([str(one)])
    assert list(files(one / "figures")) == FILES
    assert {name: (one / name).read_bytes() for name in tables} == tables
    assert lines(drawn[one / "figures/curves"]) == ["first"]
    assert "sigma 20" in drawn[one / "figures/confusion"].axes[0].get_title()


def test_the_same_tables_give_the_same_bytes(one: Path, tmp_path: Path) -> None:
    redraw.main([str(one)])
    first = files(one / "figures")
    redraw.main([str(shutil.copytree(one, tmp_path / "copy"))])
    assert files(tmp_path / "copy/figures") == first


def test_what_is_drawn_is_in_the_tables(one: Path, result: Result, drawn: dict[Path, Figure]) -> None:
    redraw.main([str(one)])
    accuracy, flips = drawn[one / "figures/curves"].axes
    np.testing.assert_array_equal(accuracy.lines[0].get_ydata(), result.accuracy.value)
    np.testing.assert_array_equal(flips.lines[0].get_ydata(), result.flip_rate.value)


def test_the_sigma_of_the_confusion_can_be_chosen(one: Path, drawn: dict[Path, Figure]) -> None:
    redraw.main([str(one), "--sigma", "60"])
    assert "sigma 60" in drawn[one / "figures/confusion"].axes[0].get_title()


def test_several_are_compared_in_the_first(one: Path, two: Path, drawn: dict[Path, Figure]) -> None:
    redraw.main([str(one), str(two)])
    assert list(files(one / "figures")) == list(files(two / "figures")) == FILES
    assert lines(drawn[one / "figures/curves"]) == ["first", "second"]
    assert lines(drawn[two / "figures/curves"]) == ["second"]


def test_several_are_compared_in_another_folder(one: Path, two: Path, drawn: dict[Path, Figure]) -> None:
    redraw.main([str(one), str(two), "--output", str(one / "a/b")])
    assert list(files(one / "a/b")) == ["curves.png", "curves.svg"]
    assert lines(drawn[one / "a/b/curves"]) == ["first", "second"]
    assert lines(drawn[one / "figures/curves"]) == ["first"]


def test_evaluations_of_runs_with_one_name_are_told_apart_by_folder(result: Result, tmp_path: Path) -> None:
    folders = [evaluation(tmp_path / name, result, "same") for name in ("a", "b", "c/a")]
    assert list(redraw.by_name(folders[:2])) == ["a", "b"]
    assert list(redraw.by_name(folders)) == [str(folder) for folder in folders]


def test_what_joined_the_curves_joins_them_again(
    result: Result, two: Path, drawn: dict[Path, Figure], capsys: pytest.CaptureFixture[str]
) -> None:
    both = evaluation(two.parent / "both", result, "both", compare=(str(two),))
    redraw.main([str(both)])
    assert lines(drawn[both / "figures/curves"]) == ["both", "second"]
    shutil.rmtree(two)
    redraw.main([str(both)])
    assert lines(drawn[both / "figures/curves"]) == ["both"]
    assert capsys.readouterr().err == f"{two} is not there any more and leaves the curves of {both}\n"


@pytest.mark.parametrize("name", [STABILITY, CONFUSION, HISTOGRAM, "summary.json", "config.yaml"])
def test_a_folder_that_is_no_evaluation_is_refused(
    name: str, one: Path, two: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (two / name).unlink()
    assert str(two) in refusal(capsys, str(one), str(two))
    assert not list(one.parent.rglob("*.png"))


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"images": 3}'])
def test_a_summary_that_names_no_run_is_refused(content: str, one: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (one / "summary.json").write_text(content)
    assert "does not say which run" in refusal(capsys, str(one))


def test_bad_input_ends_in_a_line(one: Path, two: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nowhere does not hold a whole evaluation" in refusal(capsys, "nowhere")
    assert "named twice" in refusal(capsys, str(one), str(one))
    assert "sigma is -1" in refusal(capsys, str(one), "--sigma", "-1")
    assert "sigma is nan" in refusal(capsys, str(one), "--sigma", "nan")
    (one / "file").touch()
    assert str(one / "file") in refusal(capsys, str(one), str(two), "--output", str(one / "file/x"))


def test_a_mistake_in_the_code_is_not_hidden(one: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Figure:
        raise ZeroDivisionError

    monkeypatch.setattr(figures, "confusion", broken)
    with pytest.raises(ZeroDivisionError):
        redraw.main([str(one)])
