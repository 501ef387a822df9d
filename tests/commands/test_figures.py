"""Figures from tables: what was drawn of evaluations and attacks is drawn again, or compared, without a model."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from convstab.attacks.result import MINIMUM_NOISE, NOISE, AttackResult
from convstab.commands.results import figures
from convstab.evaluation.result import CONFUSION, HISTOGRAM, STABILITY, StabilityResult
from convstab.figures import files as drawing
from convstab.files import write_json
from convstab.files.seals import SEAL, sealed
from convstab.runs import directory
from convstab.runs.configuration import write_config
from tests.support.attack_examples import example, history
from tests.support.in_process import one_dot

NAMES = ["calibration", "confusion", "curves", "scatter_0"]
FILES = sorted(f"{name}.{form}" for name in NAMES for form in ("png", "svg"))
OF_ATTACK = ["by_class", "convergence", "samples", "survival"]


def evaluation(folder: Path, result: StabilityResult, run: str, compare: tuple[str, ...] = ()) -> Path:
    """What the tables of an evaluation hold, with a summary and a configuration, and no figures."""
    folder.mkdir(parents=True)
    result.write(folder)
    write_json(folder / "summary.json", {"run": run})
    write_config(folder, {"confusion_level": 20, "compare": list(compare)})
    directory.finish(folder, "evaluate")
    return folder


@pytest.fixture
def one(result: StabilityResult, tmp_path: Path) -> Path:
    return evaluation(tmp_path / "one", result, "first")


@pytest.fixture
def two(result: StabilityResult, tmp_path: Path) -> Path:
    return evaluation(tmp_path / "two", replace(result, protocol=replace(result.protocol, score="label")), "second")


def attack(folder: Path, result: AttackResult, compare: tuple[str, ...] | None = ()) -> Path:
    """What an attack leaves, without its figures; compare None: from before there was this option."""
    folder.mkdir(parents=True)
    result.write(folder)
    write_config(folder, {} if compare is None else {"compare": list(compare)})
    directory.finish(folder, "attack")
    return folder


@pytest.fixture
def genetic(tmp_path: Path) -> Path:
    return attack(tmp_path / "genetic", example([2, 3, 9, 4], history=history({0: [3, 2], 1: [3]})))


@pytest.fixture
def ddn(tmp_path: Path) -> Path:
    return attack(tmp_path / "ddn", example([1, 2, 4, 8], attack="DDN"), compare=None)


@pytest.fixture
def dots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of one pixel: drawing takes longer than all else, and two tests compare what is drawn."""
    monkeypatch.setattr(Figure, "savefig", one_dot)


@pytest.fixture
def drawn(dots: None, monkeypatch: pytest.MonkeyPatch) -> dict[Path, Figure]:
    """The figures that are saved, by their paths without the ending."""
    kept: dict[Path, Figure] = {}
    save = drawing.save

    def keep(figure: Figure, path: Path) -> None:
        kept[path] = figure
        save(figure, path)

    monkeypatch.setattr("convstab.figures.redraw.save", keep)
    return kept


def lines(figure: Figure) -> list[str]:
    return figure.axes[1].get_legend_handles_labels()[1]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line that the command ends with."""
    with pytest.raises(SystemExit) as end:
        figures.main(words)
    error = capsys.readouterr().err
    assert (end.value.code, len(error.splitlines())) == (2, 1), error
    return error


def test_all_figures_but_the_strip_are_drawn_from_the_tables(one: Path, drawn: dict[Path, Figure]) -> None:
    tables = files(one)
    figures.main([str(one)])
    assert list(files(one / "figures")) == FILES
    assert {name: (one / name).read_bytes() for name in tables} == tables
    assert lines(drawn[one / "figures/curves"]) == ["first"]
    assert "sigma 20" in drawn[one / "figures/confusion"].axes[0].get_title()


@pytest.mark.slow
def test_the_same_tables_give_the_same_bytes(one: Path, two: Path, tmp_path: Path) -> None:
    figures.main([str(one), str(two)])
    first = files(one / "figures")
    copies = [shutil.copytree(folder, tmp_path / "copies" / folder.name) for folder in (one, two)]
    shutil.rmtree(copies[0] / "figures")
    figures.main([str(copy) for copy in copies])
    assert files(copies[0] / "figures") == first
    assert {path.split(".")[0] for path in first} == {*NAMES, "differences", "paired"}


def test_what_is_drawn_is_in_the_tables(one: Path, result: StabilityResult, drawn: dict[Path, Figure]) -> None:
    figures.main([str(one)])
    accuracy, flips = drawn[one / "figures/curves"].axes
    np.testing.assert_array_equal(accuracy.lines[0].get_ydata(), result.accuracy.value)
    np.testing.assert_array_equal(flips.lines[0].get_ydata(), result.flip_rate.value)


def test_the_sigma_of_the_confusion_can_be_chosen(one: Path, drawn: dict[Path, Figure]) -> None:
    figures.main([str(one), "--level", "60"])
    assert "sigma 60" in drawn[one / "figures/confusion"].axes[0].get_title()


def test_several_are_compared_in_the_first(
    one: Path, two: Path, drawn: dict[Path, Figure], capsys: pytest.CaptureFixture[str]
) -> None:
    figures.main([str(one), str(two)])
    assert capsys.readouterr().out.splitlines()[-1] == f"next: convstab-report {one} {two}"
    pairs = ["differences.png", "differences.svg", "paired.csv"]
    assert list(files(one / "figures")) == sorted([*FILES, *pairs])
    assert list(files(two / "figures")) == FILES
    assert lines(drawn[one / "figures/curves"]) == ["first", "second"]
    assert lines(drawn[two / "figures/curves"]) == ["second"]


def test_several_are_compared_in_another_folder(one: Path, two: Path, drawn: dict[Path, Figure]) -> None:
    figures.main([str(one), str(two), "--output", str(one / "a/b")])
    assert list(files(one / "a/b")) == ["curves.png", "curves.svg", "differences.png", "differences.svg", "paired.csv"]
    assert lines(drawn[one / "a/b/curves"]) == ["first", "second"]
    assert lines(drawn[one / "figures/curves"]) == ["first"]


def test_evaluations_of_runs_with_one_name_are_told_apart_by_folder(result: StabilityResult, tmp_path: Path) -> None:
    folders = [evaluation(tmp_path / name, result, "same") for name in ("a", "b", "c/a")]
    assert list(drawing.named_evaluations(dict.fromkeys(folders[:2], result))) == ["a", "b"]
    assert list(drawing.named_evaluations(dict.fromkeys(folders, result))) == [str(folder) for folder in folders]


def test_what_joined_the_curves_joins_them_again(
    result: StabilityResult, two: Path, drawn: dict[Path, Figure], capsys: pytest.CaptureFixture[str]
) -> None:
    both = evaluation(two.parent / "both", result, "both", compare=(str(two),))
    figures.main([str(both)])
    assert lines(drawn[both / "figures/curves"]) == ["both", "second"]
    shutil.rmtree(two)
    figures.main([str(both)])
    assert lines(drawn[both / "figures/curves"]) == ["both"]
    assert capsys.readouterr().err == f"{two} is not there any more and leaves the figures of {both}\n"


@pytest.mark.parametrize("name", [STABILITY, CONFUSION, HISTOGRAM, "summary.json", "config.yaml"])
def test_a_folder_that_is_no_evaluation_is_refused(
    name: str, one: Path, two: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (two / name).unlink()
    assert str(two) in refusal(capsys, str(one), str(two))
    assert not list(one.parent.rglob("*.png"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        *((text, "is damaged") for text in ("", "{", f'["{SEAL}"]')),
        (f'{{"images": "{SEAL}"}}', "does not say which run"),
    ],
)
def test_a_summary_that_names_no_run_is_refused(
    content: str, said: str, one: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (one / "summary.json").write_bytes(sealed(content.encode()) if SEAL in content else content.encode())
    directory.finish(one, "evaluate")
    assert f"{one / 'summary.json'} {said}" in refusal(capsys, str(one))


@pytest.mark.usefixtures("dots")
def test_bad_input_ends_in_a_line(one: Path, two: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nowhere does not hold a finished evaluation or attack" in refusal(capsys, "nowhere")
    assert "named twice" in refusal(capsys, str(one), str(one))
    assert "a level of gaussian is -1" in refusal(capsys, str(one), "--level", "-1")
    assert "a level of gaussian is nan" in refusal(capsys, str(one), "--level", "nan")
    (one / "file").touch()
    assert str(one / "file") in refusal(capsys, str(one), str(two), "--output", str(one / "file/x"))


def test_a_mistake_in_the_code_is_not_hidden(one: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Figure:
        raise ZeroDivisionError

    monkeypatch.setattr("convstab.figures.evaluation.confusion", broken)
    with pytest.raises(ZeroDivisionError):
        figures.main([str(one)])


def stems(folder: Path) -> list[str]:
    """The figures in a folder, each of which is there as PNG and as SVG."""
    names = sorted(path.stem for path in folder.glob("*.png"))
    assert sorted(f"{name}.{form}" for name in names for form in ("png", "svg")) == list(files(folder))
    return names


def test_an_attack_is_recognised_and_drawn_from_its_tables(genetic: Path, drawn: dict[Path, Figure]) -> None:
    tables = files(genetic)
    figures.main([str(genetic)])
    assert stems(genetic / "figures") == OF_ATTACK
    assert {name: (genetic / name).read_bytes() for name in tables} == tables
    (line,) = drawn[genetic / "figures/survival"].axes[0].lines
    assert np.asarray(line.get_xdata())[1:-1].tolist() == [2, 3, 4, 9]


@pytest.mark.usefixtures("dots")
def test_an_attack_without_history_or_success_has_fewer_figures(ddn: Path, tmp_path: Path) -> None:
    failed = attack(tmp_path / "failed", example([None, None]))
    figures.main([str(ddn)])
    figures.main([str(failed)])
    assert stems(ddn / "figures") == ["by_class", "samples", "survival"]
    assert stems(failed / "figures") == ["by_class", "survival"]


@pytest.mark.slow
def test_the_same_attack_gives_the_same_bytes(genetic: Path, ddn: Path, tmp_path: Path) -> None:
    figures.main([str(genetic), str(ddn)])
    first = files(genetic / "figures")
    copies = [shutil.copytree(folder, tmp_path / "copies" / folder.name) for folder in (genetic, ddn)]
    shutil.rmtree(copies[0] / "figures")
    figures.main([str(copy) for copy in copies])
    assert files(copies[0] / "figures") == first
    assert sorted({name.partition(".")[0] for name in first}) == sorted([*OF_ATTACK, "against_reference"])


def test_several_attacks_are_compared_in_the_first(genetic: Path, ddn: Path, drawn: dict[Path, Figure]) -> None:
    figures.main([str(genetic), str(ddn)])
    survival = drawn[genetic / "figures/survival"].axes[0]
    assert survival.get_legend_handles_labels()[1] == ["Genetic", "DDN"]
    assert drawn[ddn / "figures/survival"].axes[0].get_legend_handles_labels()[1] == ["DDN"]
    title = drawn[genetic / "figures/against_reference"].get_suptitle()
    assert title == "Genetic: 1.75 times the least of the others (median, 4 images)"  # of 2, 1.5, 2.25, 0.5
    assert "against_reference" not in stems(ddn / "figures")


@pytest.mark.usefixtures("dots")
def test_several_attacks_are_compared_in_another_folder(genetic: Path, ddn: Path, tmp_path: Path) -> None:
    figures.main([str(ddn), str(genetic), "--output", str(tmp_path / "a/b")])
    assert stems(tmp_path / "a/b") == ["against_reference", "survival"]
    assert stems(ddn / "figures") == ["by_class", "samples", "survival"]


def test_what_joined_an_attack_joins_it_again(ddn: Path, tmp_path: Path, drawn: dict[Path, Figure]) -> None:
    joined = attack(tmp_path / "joined", example([2, 3, 9, 4]), compare=(str(ddn),))
    figures.main([str(joined)])
    assert drawn[joined / "figures/survival"].axes[0].get_legend_handles_labels()[1] == ["Genetic", "DDN"]
    assert "against_reference" in stems(joined / "figures")


def test_two_settings_of_an_attack_are_told_apart_by_folder(genetic: Path, tmp_path: Path) -> None:
    other = attack(tmp_path / "other", example([1, 2, 3, 4]))
    assert list(drawing.named_attacks({folder: AttackResult.read(folder) for folder in (genetic, other)})) == [
        "genetic",
        "other",
    ]


@pytest.mark.parametrize("name", [MINIMUM_NOISE, NOISE, "summary.json", "config.yaml"])
def test_an_attack_that_is_not_whole_is_refused(
    name: str, genetic: Path, ddn: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (ddn / name).unlink()
    assert str(ddn) in refusal(capsys, str(genetic), str(ddn))
    assert not list(genetic.parent.rglob("*.png"))


def test_attacks_that_do_not_fit_together_are_refused(
    genetic: Path, one: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = attack(tmp_path / "other", example([1, 2], run="another", attack="DDN"))
    assert "only attacks of one run compare" in refusal(capsys, str(genetic), str(other))
    mixed = refusal(capsys, str(genetic), str(one))
    assert f"evaluations and attacks cannot be compared: {genetic} (attack), {one} (evaluate)" in mixed
    assert "which an attack does not have" in refusal(capsys, str(genetic), "--level", "4")
    assert "named twice" in refusal(capsys, str(genetic), str(genetic))
    assert not list(tmp_path.rglob("*.png"))


@pytest.mark.usefixtures("dots")
def test_errors_are_set_against_those_of_a_reference(
    one: Path, genetic: Path, result: StabilityResult, capsys: pytest.CaptureFixture[str]
) -> None:
    other = evaluation(one.parent / "other", result, "other")
    figures.main([str(one), "--reference", str(other)])
    assert re.search(r"\| mean \| 100\.0 \| [^|]+ \| 100\.0 \| [^|]+ \|", capsys.readouterr().out)
    text = (one / "figures/corruption_error.csv").read_text()
    assert text.splitlines()[1].startswith("gaussian,")
    error = refusal(capsys, str(one), "--reference", str(genetic))
    assert "these are attacks" in error
    seeded = replace(result, protocol=replace(result.protocol, seed=5))
    error = refusal(capsys, str(one), "--reference", str(evaluation(one.parent / "seeded", seeded, "seeded")))
    assert "they are not of the same draws: another seed" in error
