"""The command convstab: the commands, what is in a folder of results, and each command by its name."""

import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from convstab.commands.results import convstab, listing
from convstab.files import write_json
from convstab.runs import directory
from convstab.runs.configuration import write_config
from tests.support.fresh_process import ROOT, environment

SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
NUMBERS: dict[str, tuple[str, dict[str, Any]]] = {
    "train": ("metrics.json", {"test/accuracy": 0.975}),
    "evaluate": ("summary.json", {"accuracy": {"value": [0.98, 0.5]}, "levels": [0.0, 40.0]}),
    "attack": ("summary.json", {"l2_median": 1.614, "success_rate": 1.0}),
}
LINES = {
    "train": ["training", "finished", "clean accuracy 97.5 %", "convstab evaluate run="],
    "evaluate": ["evaluation", "finished", "accuracy 98.0 % clean, 50.0 % at 40", "convstab report "],
    "attack": ["attack", "finished", "median L2 1.61, 100 % found", "convstab report "],
}


def make(folder: Path, command: str, *, finish: bool = True) -> Path:
    """A result as a command leaves it, as far as it is looked at."""
    write_config(folder, {"attack": {}} if command == "attack" else {"seed": 0})
    (folder / ("checkpoints" if command == "train" else "parts")).mkdir()
    if finish:
        write_json(folder / NUMBERS[command][0], NUMBERS[command][1])
        directory.finish(folder, command)
    return folder


def said(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    convstab.main(words)
    return capsys.readouterr().out.splitlines()


def test_every_console_script_is_a_command_and_the_other_way_round(capsys: pytest.CaptureFixture[str]) -> None:
    listed = re.findall(r"^  convstab (\S+) ", "\n".join(said(capsys)), re.M)
    assert sorted(f"convstab-{name}" for name in listed if name != "ls") == sorted(set(SCRIPTS) - {"convstab"})
    for name, (module, _) in convstab.COMPOSED.items():
        assert SCRIPTS[f"convstab-{name}"] == f"convstab.commands.app:{module}"


@pytest.mark.parametrize("command", NUMBERS)
@pytest.mark.parametrize("finish", [True, False])
def test_a_result_has_its_kind_state_and_number(
    command: str, finish: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make(tmp_path / "runs" / "a", command, finish=finish)
    _, line = said(capsys, "ls", str(tmp_path))
    kind, *rest = LINES[command]
    assert line.startswith(f"{folder}  {kind}")
    goes_on = "convstab train ckpt=last output=" if command == "train" else "the same command goes on"
    for word in rest if finish else ["not finished", goes_on]:
        assert word in line
    assert finish != ("not finished" in line)


def test_jobs_of_a_sweep_and_steps_of_a_reproduction_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_config(tmp_path / "sweep", {"seed": 0}, "sweep.yaml")
    for number, status in enumerate(["done", "failed"]):
        job = make(tmp_path / "sweep" / str(number), "train")
        told = {"name": job.name, "overrides": [f"seed={number}"], "status": status, "output": str(job)}
        write_json(job / "job.json", told)
    (tmp_path / "sweep" / "sweep.csv").touch()  # written when no job follows
    for name in ("one", "two"):
        write_json(make(tmp_path / "paper" / name, "evaluate") / "step.json", {"command": "evaluate"})
    lines = {line.split()[0]: line for line in said(capsys, "ls", str(tmp_path))[1:]}
    assert set(lines) == {str(tmp_path / "sweep"), str(tmp_path / "paper")}
    assert re.search(r"sweep +not finished +1 of 2 jobs done", lines[str(tmp_path / "sweep")])
    assert re.search(r"reproduction +not finished +2 steps done", lines[str(tmp_path / "paper")])
    assert len(said(capsys, "ls", str(tmp_path / "paper"))) == 3
    assert len(said(capsys, "ls", str(tmp_path / "sweep"))) == 4  # the sweep, and its trainings


def test_the_newest_comes_first_and_damaged_numbers_are_said(tmp_path: Path) -> None:
    for age, name in enumerate(["new", "old"]):
        mark = make(tmp_path / name, "train") / "finished.json"
        os.utime(mark, (1e9 - age, 1e9 - age))
    (tmp_path / "old/metrics.json").write_text("{")
    found = convstab.listed(tmp_path)
    assert [one.folder.name for one in found] == ["new", "old"]
    assert found[1].number == "its numbers are damaged"


@pytest.mark.parametrize(
    ("seconds", "words"), [(59, "now"), (60, "1 min ago"), (7199, "1 h ago"), (86400 * 3, "3 d ago")]
)
def test_ages_are_in_the_largest_unit_that_fits(seconds: float, words: str) -> None:
    assert listing.age(seconds) == words


@pytest.mark.parametrize(("status", "table"), [("running", True), ("done", False)])
def test_a_sweep_that_goes_on_does_not_know_its_number_of_jobs(status: str, table: bool, tmp_path: Path) -> None:
    write_config(tmp_path / "sweep", {"seed": 0}, "sweep.yaml")
    job = make(tmp_path / "sweep" / "a", "train")
    write_json(job / "job.json", {"name": "a", "overrides": [], "status": status, "output": str(job)})
    if table:
        (tmp_path / "sweep" / "sweep.csv").touch()  # of an earlier start
    found = convstab.listed(tmp_path)[0]
    assert (found.state, found.number) == ("not finished", f"{int(status == 'done')} jobs done so far")


def test_what_is_not_finished_shows_the_command_that_goes_on(tmp_path: Path) -> None:
    write_config(tmp_path / "a", {"run": "runs/my run", "trust": "nets:build"})
    (tmp_path / "a/parts").mkdir()
    said = f"the same command goes on: convstab evaluate 'run=runs/my run' trust=nets:build output={tmp_path / 'a'}"
    assert convstab.listed(tmp_path)[0].opened == f"{said}, and its other words"


def test_a_run_of_an_own_model_is_opened_with_the_word_that_it_takes(tmp_path: Path) -> None:
    model = {"kind": "python", "target": "nets:build"}
    write_config(make(tmp_path / "a", "train"), {"model": model, "dataset": {"load": {"target": "data:images"}}})
    assert convstab.listed(tmp_path)[0].opened.endswith(f"run={tmp_path / 'a'} 'trust=[nets:build,data:images]'")


def test_a_page_about_several_results_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path / "demo" / "train", "train")
    for name in ("report.html", "report.md"):
        (tmp_path / "demo" / name).touch()
    lines = [line.split() for line in said(capsys, "ls", str(tmp_path))[1:]]
    assert {(line[1], line[-1]) for line in lines if line[1] == "page"} == {
        ("page", str(tmp_path / "demo/report.html"))
    }
    assert len(lines) == 2


def test_where_nothing_is_yet_the_first_command_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said(capsys, "ls") == ["no results here yet (looked in runs); convstab demo makes some"]


@pytest.mark.parametrize("words", [["foo"], ["ls", "nowhere"], ["ls", "--foo"], ["--foo"]])
def test_what_is_wrong_is_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        convstab.main(words)
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("convstab: ")
    assert len(error.splitlines()) == 1


def test_its_module_and_its_words_are_those_of_the_scripts(tmp_path: Path) -> None:
    def call(*words: str) -> tuple[int, str]:
        program = [sys.executable, "-m", "convstab", *words]
        done = subprocess.run(
            program, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    assert call("--version") == (0, f"convstab {metadata.version('convstab')}\n")
    code, line = call("evaluate", "draws=ten")
    assert code == 2
    assert line.startswith("convstab: draws is ten")
    code, line = call("report")
    assert code == 2
    assert line.startswith("convstab: convstab-report: the following arguments")


def test_it_loads_nothing_heavy(tmp_path: Path) -> None:
    make(tmp_path / "runs/a", "evaluate")
    heavy = {"torch", "numpy", "pytorch_lightning", "pyarrow", "matplotlib", "wandb"}
    code = f"""
import sys
from convstab.commands.results.convstab import main
main([])
main(["ls"])
print("loaded", *sorted(set(sys.modules) & {heavy!r}))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded"


def test_a_damaged_sweep_hides_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path / "runs" / "a", "evaluate", finish=True)
    job = tmp_path / "runs" / "s" / "one"
    job.mkdir(parents=True)
    (job.parent / "sweep.yaml").touch()
    (job / "job.json").write_text("{")
    lines = said(capsys, "ls", str(tmp_path))
    assert sum("  evaluation  " in line for line in lines) == 1
    assert sum("  sweep " in line and "  damaged  " in line for line in lines) == 1
