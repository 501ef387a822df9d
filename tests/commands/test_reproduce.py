"""From nothing to a report with one command, once, and whatever stops it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from convstab.commands import app
from convstab.commands.next_steps import opened
from convstab.paper.report import PAGE, TEXT
from convstab.paper.steps import DONE
from tests.support.fresh_process import environment
from tests.support.in_process import Main, caller
from tests.support.report_text import report

COMMAND = [sys.executable, "-c", "from convstab.commands.app import reproduce; reproduce()", "size=smoke"]
NEXT = f"next: {opened(Path('out', PAGE))}"


def reproduce(cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Give the command in a folder; the results go to "out" there."""
    command = [*COMMAND, "output=out", *words]
    return subprocess.run(command, cwd=cwd, env=environment(cwd), capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a reproduction of all experiments, and what the command said."""
    cwd = tmp_path_factory.mktemp("smoke")
    done = reproduce(cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return cwd, done.stdout


@pytest.fixture
def copy(smoke: tuple[Path, str], tmp_path: Path) -> Path:
    """The same results in another folder, to be changed."""
    shutil.copytree(smoke[0] / "out", tmp_path / "out")
    return tmp_path


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of every file."""
    found = {str(path.relative_to(folder)): path.stat() for path in folder.rglob("*") if path.name != ".lock"}
    return {name: (status.st_size, status.st_mtime_ns) for name, status in found.items()}


@pytest.mark.slow
def test_all_experiments_end_in_a_report(smoke: tuple[Path, str]) -> None:
    cwd, said = smoke
    lines = said.splitlines()
    assert lines[0] == f"19 of 19 steps to do: {cwd / 'out'}"
    assert len([line for line in lines if re.match(r"\d+/19 \S+ done \(", line)]) == 19
    assert lines[-2:] == [f"report: {cwd / 'out' / PAGE}", NEXT]
    assert len(list((cwd / "out").rglob(DONE))) == 19
    assert "digits" in report(cwd)


@pytest.mark.slow
def test_a_second_call_does_nothing_and_says_so(smoke: tuple[Path, str]) -> None:
    cwd, _ = smoke
    before = contents(cwd)
    done = reproduce(cwd)
    assert (done.returncode, done.stdout) == (0, f"nothing to do, all is done: {cwd / 'out' / PAGE}\n{NEXT}\n")
    assert contents(cwd) == before


@pytest.mark.slow
def test_only_what_is_missing_is_done_again(copy: Path) -> None:
    shutil.rmtree(copy / "out/evaluate/digits_jitter")
    text = report(copy)
    done = reproduce(copy)
    assert done.stdout.splitlines()[0].startswith("1 of 19 steps to do")
    assert report(copy) == text


@pytest.mark.endurance
def test_a_report_that_is_older_than_a_step_is_written_again(copy: Path) -> None:
    os.utime(copy / "out" / PAGE, (0, 0))  # as if a kill had come before the report
    done = reproduce(copy)
    assert (done.returncode, done.stdout) == (0, f"report: {copy / 'out' / PAGE}\n{NEXT}\n")
    assert (copy / "out" / PAGE).stat().st_mtime > 0


@pytest.mark.slow
def test_a_step_that_fails_is_named_and_the_report_written_without_it(copy: Path) -> None:
    said = "max_queries is 0; it must be a whole number, at least 1"
    done = reproduce(copy, "experiment=figure2", "attacks=[ddn,deepfool]", "size.attack.all=['max_queries=0']")
    assert done.returncode == 2
    assert f"attack/digits_jitter_deepfool failed: {said}" in done.stdout
    assert "deepfool: its command failed" in (copy / "out" / TEXT).read_text()


@pytest.mark.endurance
def test_what_needs_a_failed_training_is_left_out(tmp_path: Path) -> None:
    done = reproduce(tmp_path, "experiment=table4", "size.train.all=['model=nonsense']")
    assert done.returncode == 2
    assert done.stdout.endswith("nothing is done, so there is nothing to report\n")
    assert "evaluate/digits_jitter_x2 left out: it needs train/digits_jitter_0, train/digits_jitter_1" in done.stdout
    assert not (tmp_path / "out" / PAGE).exists()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Main:
    """The command in this process, in an empty folder: its exit code and errors."""
    return caller(monkeypatch, capfd, tmp_path, app.reproduce, "output=out")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["+experiment.table2.model=3"], "Key 'model' not in 'Experiment'"),
        (["hydra.mode=MULTIRUN", "experiment=table2,table4"], "has no multirun"),
        (["attacks=[ddn,nonsense]"], "attacks is [ddn, nonsense]; it must be"),
    ],
)
def test_bad_input_ends_in_a_line(run: Main, words: list[str], said: str) -> None:
    code, told = run("size=smoke", *words)
    assert (code, said in told) == (2, True), told
    assert "Traceback" not in told


def test_two_at_once_in_one_folder_are_refused(run: Main, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out/.lock"):
        code, told = run("size=smoke")
    assert code == 2
    instead = "wait for it, stop it, or choose another output="
    assert told == f"convstab: another convstab-reproduce is at work in {tmp_path / 'out'}: {instead}\n"
