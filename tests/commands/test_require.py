"""convstab-require on real results of a short training: what it prints, writes and refuses, and its exit codes."""

import shutil
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from convstab.commands import app
from convstab.commands.results import report, require
from convstab.commands.results.require import CASES, PAGE
from convstab.evaluation.result import STABILITY, StabilityResult
from convstab.files import REQUIREMENTS, read_json, write_json
from convstab.runs import directory
from convstab.runs.directory import FINISHED
from tests.support.in_process import call_in, train_short

PASSES = "{metric: accuracy, level: 10, at_least: 0.01}"
FAILS = "{metric: accuracy, level: 60, at_least: 0.9}"
EITHER = "{metric: accuracy, level: 10, at_least: %r}"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of the digits with an evaluation and an attack."""
    folder = train_short(tmp_path_factory.mktemp("required"), {"one": ["seed=0"]})
    few = ("run=one", "logger=none")
    call_in(folder, app.evaluate, *few, "draws=2", "levels=[10,60]", "output=evaluation")
    call_in(folder, app.attack, *few, "images=40", "attack=least_level", "output=attack")
    return folder


@pytest.fixture
def root(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of them, to work in."""
    copy = Path(shutil.copytree(trained, tmp_path / "copy"))
    monkeypatch.chdir(copy)
    return copy


def required(*entries: str, more: str = "") -> str:
    """The path of a file with these requirements."""
    Path("r.yaml").write_text(f"{more}\nrequirements: [{', '.join(entries)}]\n", encoding="utf-8")
    return "r.yaml"


def ended(*words: str) -> object:
    """The exit code."""
    with pytest.raises(SystemExit) as end:
        require.main(words)
    return end.value.code


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line that the command ends with."""
    assert ended(*words) == 2
    captured = capsys.readouterr()
    assert (captured.out, len(captured.err.splitlines())) == ("", 1), captured
    return captured.err


def test_results_are_held_against_requirements(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = StabilityResult.read("evaluation")
    seen = round(float(result.accuracy.value[1]), 3)
    noise = "{metric: least_noise_l2, share: 0.5, at_least: 1e-6, attack: least_level_gaussian, name: <noise>}"
    path = required(PASSES, FAILS, EITHER % seen, "{metric: recall, class: each, level: all, at_least: 0.5}", noise)
    assert ended(path, "evaluation", "attack") == 1
    captured = capsys.readouterr()
    cases = Xml.parse(root / "evaluation" / CASES).getroot().findall("testcase")
    assert [case[0].tag for case in cases][:3] == ["system-out", "failure", "skipped"]
    assert len(cases) == 5
    page = (root / "evaluation" / PAGE).read_text(encoding="utf-8")
    written = [f"evaluation/{PAGE}", f"evaluation/{CASES}"]
    assert captured.out.splitlines()[-3:] == [*written, "next: convstab-report evaluation attack"]
    table = [line for line in page.splitlines() if line.startswith("|")]
    assert len(table) == 7
    assert all(word in captured.out for word in ("pass", "fail", "undecided", f"{result.accuracy.value[1]:.2%}"))
    assert "model one, trained on digits" in page
    assert f"| {result.accuracy.value[1]:.2%} |" in table[2]
    directory.check_files(root / "evaluation")  # which is what it was


@pytest.mark.parametrize(("entries", "code"), [((PASSES,), 0), ((PASSES, FAILS), 1), ((FAILS, "either"), 1)])
def test_the_exit_code_tells_the_verdict(entries: tuple[str, ...], code: int, root: Path) -> None:
    seen = round(float(StabilityResult.read("evaluation").accuracy.value[1]), 3)
    assert ended(required(*(EITHER % seen if entry == "either" else entry for entry in entries)), "evaluation") == code
    assert ended(required(PASSES, EITHER % seen), "evaluation") == 3


def test_the_files_go_where_they_are_asked_to(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(required(PASSES), "evaluation", "--output", "a/b") == 0
    assert {path.name for path in (root / "a/b").iterdir()} == {PAGE, CASES, REQUIREMENTS}
    assert not (root / "evaluation" / PAGE).exists()
    assert capsys.readouterr().out.splitlines()[-1] == "next: convstab-report evaluation a/b"


def test_what_cannot_be_used_ends_in_a_line_and_nothing_is_written(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = required(PASSES)
    assert "nowhere.yaml is not a file; it must be a YAML file" in refusal(capsys, "nowhere.yaml", "evaluation")
    for folder in ("nowhere", "one"):
        assert f"{folder} does not hold a finished evaluation or attack" in refusal(capsys, path, folder)
    assert "one of these folders is named twice" in refusal(capsys, path, "evaluation", "./evaluation")
    assert "accuracy is of an evaluation, and none is given" in refusal(capsys, path, "attack")
    bad = required("{metric: accuracy, level: 11, at_least: 0.5}")
    assert "level is 11; those that it can be of are 0, 10, 60 (grey levels)" in refusal(capsys, bad, "evaluation")
    bad = required("{metric: accuracy, level: 10, at_least: 0.999}")
    assert "it takes 2,995" in refusal(capsys, bad, "evaluation")
    assert "r.yaml: requirement 1: there is no metric 'x'" in refusal(capsys, required("{metric: x}"), "evaluation")
    (root / "evaluation" / STABILITY).unlink()
    assert f"evaluation/{STABILITY} is gone" in refusal(capsys, required(PASSES), "evaluation")
    assert not [*root.rglob(PAGE), *root.rglob(CASES), *root.rglob(REQUIREMENTS)]


def test_results_of_two_models_are_refused(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = root / "other"
    shutil.copytree(root / "evaluation", other)
    summary = read_json(other / "summary.json")
    for change in ({"run": "two"}, {"training": {"seeds": [5]}}, {"model": {"file": "b.onnx"}}):
        write_json(other / "summary.json", summary | change)
        (other / FINISHED).unlink()
        directory.finish(other, "evaluate")
        said = refusal(capsys, required(PASSES), "evaluation", "other")
        assert f"their {next(iter(change))} differs; give results of one model" in said


def evaluate_again(root: Path, *words: str) -> None:
    """Make the evaluation anew, beside what was held against requirements before."""
    for path in (root / "evaluation").iterdir():
        if path.name != REQUIREMENTS:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    few = ("run=one", "logger=none", "draws=2", "levels=[10,60]", "output=evaluation")
    call_in(root, app.evaluate, *few, *words)


def reported(*words: str) -> str:
    """The text of the report about some folders."""
    report.main([*words, "--output", "page"])
    return Path("page/report.md").read_text(encoding="utf-8")


def test_the_report_shows_what_was_required(root: Path) -> None:
    noise = "{metric: least_noise_l2, share: 0.5, at_least: 1e-6, name: noise}"
    assert ended(required(PASSES, FAILS, noise), "evaluation", "attack") == 1
    text = reported("evaluation", "attack")
    assert "- Requirements: 2 pass, 1 fail (r.yaml: one)." in text
    rows = [line for line in text.partition("## Requirements")[2].partition("## Tables")[0].splitlines() if "|" in line]
    assert [row.split(" | ")[2] for row in rows[2:]] == ["pass", "fail", "pass"]
    assert [row.split(" | ")[-1] for row in rows[2:]] == ["evaluation |", "evaluation |", "attack |"]
    page = Path("page/report.html").read_text(encoding="utf-8")
    assert page.index('id="glance"') < page.index('<section id="requirements">') < page.index('<section id="tables">')
    assert '<li><a href="#requirements">Requirements</a></li>' in page
    assert "| noise |" in reported("attack")  # which lies beside it


def test_a_result_that_was_made_again_is_known_by_what_it_holds(root: Path) -> None:
    assert ended(required(PASSES), "evaluation") == 0
    evaluate_again(root)
    assert "- Requirements: 1 pass (" in reported("evaluation")
    evaluate_again(root, "seed=1")
    assert "- Requirements: out of date (" in reported("evaluation")
    assert ended(required(FAILS), "evaluation") == 1
    directory.check_files(root / "evaluation")  # which began with a file of requirements in it
    assert "- Requirements: 1 fail (" in reported("evaluation")


def test_requirements_in_a_folder_of_their_own_can_be_given(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(required(PASSES), "evaluation", "--output", "a/b") == 0
    assert capsys.readouterr().out.endswith("next: convstab-report evaluation a/b\n")
    assert "Requirements" not in reported("evaluation")
    assert "- Requirements: 1 pass (" in reported("evaluation", "a/b")
    capsys.readouterr()
    with pytest.raises(SystemExit):
        report.main(["a/b"])
    assert capsys.readouterr().err.endswith("nothing is finished: there are requirements, and no result\n")
