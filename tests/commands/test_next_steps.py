"""What is said after a finished result."""

import os
import shlex
import sys
from pathlib import Path

import pytest

from convstab.commands import next_steps
from convstab.commands.console import LONGEST, class_table
from convstab.evaluation.cells import shortened
from convstab.files import write_json
from convstab.runs import directory
from convstab.runs.configuration import write_config
from tests.documentation.test_commands import understood


def finished(folder: Path, command: str, run: object) -> Path:
    write_config(folder, {"run": run})
    write_json(folder / "summary.json", {})
    directory.finish(folder, command)
    return folder


@pytest.mark.parametrize(
    ("program", "next_one"),
    [
        ("train.py", "python evaluate.py run=a"),
        ("code/train.py", "python code/evaluate.py run=a"),
        ("/usr/bin/convstab-train", "convstab-evaluate run=a"),
        ("/usr/bin/convstab", "convstab evaluate run=a"),
    ],
)
def test_the_next_command_is_called_as_the_last_one_was(
    program: str, next_one: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [program])
    monkeypatch.chdir(tmp_path)
    next_steps.say_next("train", finished(Path("a"), "train", None))
    assert capsys.readouterr().out == f"next: {next_one}\n"


@pytest.mark.parametrize(
    ("command", "run", "line"),
    [
        ("evaluate", "runs/m", "next: convstab-attack run=runs/m attack=ddn\n"),
        ("evaluate", None, "next: convstab-report a\n"),
        ("attack", "runs/m", "next: convstab-report a\n"),
    ],
)
def test_after_each_command_comes_another_one(
    command: str,
    run: str | None,
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", [f"convstab-{command}"])
    monkeypatch.chdir(tmp_path)
    folder = finished(Path("a"), command, run)
    next_steps.say_next(command, folder)
    assert capsys.readouterr().out == line
    (folder / "finished.json").unlink()
    next_steps.say_next(command, folder)
    assert capsys.readouterr().out == ""


OWN = {"kind": "python", "target": "nets:build"}
RAIN = {"name": "nrtk", "perturber": "mine.Rain"}
HAZE = {"name": "nrtk", "perturber": "nrtk.impls.perturb_image.environment.haze.HazePerturber"}  # needs no trust


@pytest.mark.parametrize(
    ("command", "config", "line"),
    [
        ("train", {"model": OWN}, "convstab-evaluate run=a trust=nets:build"),
        ("train", {"model": {"kind": "timm", "target": None}}, "convstab-evaluate run=a"),
        ("train", {"dataset": {"load": {"target": "data:images"}}}, "convstab-evaluate run=a trust=data:images"),
        (
            "evaluate",  # as it is kept, with a data set that says nothing
            {"run": "m", "trust": "nets:build", "dataset": {"root": None}, "stage": "input"},
            "convstab-attack run=m trust=nets:build attack=ddn",
        ),
        ("evaluate", {"run": "m", "dataset": {"root": "there"}}, "convstab-report a"),
    ],
)
def test_what_loading_a_run_would_call_is_named(
    command: str, config: dict[str, object], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [f"convstab-{command}"])
    monkeypatch.chdir(tmp_path)
    write_config(Path("a"), config)
    directory.finish(Path("a"), command)
    assert next_steps.next_command(command, Path("a")) == line


def test_perturbers_and_images_of_draws_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    chain = {"name": "chain", "members": [[HAZE, 1.0], [RAIN, 2.0]]}
    write_json(Path("draws.json"), {"dataset": {}, "protocol": {"degradation": chain}})
    said = "convstab-import path=predictions.csv draws=."
    assert next_steps.next_command("draws", Path()) == f"{said} trust=mine.Rain"
    write_json(Path("draws.json"), {"dataset": {}, "protocol": {"degradation": HAZE}})
    assert next_steps.next_command("draws", Path()) == said


def test_a_page_that_was_just_made_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = finished(Path("a"), "attack", "m") / "report.html"
    page.touch()
    assert next_steps.next_command("attack", Path("a")) == next_steps.opened(page)
    held = Path("a/requirements.json")
    held.touch()
    os.utime(held, (2**32, 2**32))  # the result was held against requirements since
    assert next_steps.next_command("attack", Path("a")) == "convstab-report a"
    held.unlink()
    os.utime(page, (1, 1))  # the result was made again since
    assert next_steps.next_command("attack", Path("a")) == "convstab-report a"


SWEEPS = [
    ("train", ["s/a", "s/b"], {"model": OWN}, "convstab-evaluate sweep=runs of=s trust=nets:build"),
    ("train", ["s/a"], {}, "convstab-evaluate sweep=runs of=s"),
    ("evaluate", ["e/a", "e/b"], {"run": "m"}, "convstab-report s"),
    ("attack", ["e/a", "e/b"], {"run": "m"}, "convstab-report s"),
    ("predictions", ["e/a", "e/b"], {}, "convstab-report s"),
    ("evaluate", ["e/a"], {"run": "m"}, "convstab-attack run=m attack=ddn"),  # one, by several shards
    ("evaluate", [], {}, ""),
]


@pytest.mark.parametrize(("command", "outputs", "config", "line"), SWEEPS)
def test_after_a_sweep_comes_what_takes_all_its_results(
    command: str,
    outputs: list[str],
    config: dict[str, object],
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", [f"convstab-{command}"])
    monkeypatch.chdir(tmp_path)
    for folder in map(Path, outputs):
        write_config(folder, config)
        directory.finish(folder, "evaluate" if command == "predictions" else command)
    begun = Path("s/begun")  # by a shard, while others are at work
    write_config(begun, config)
    assert next_steps.after_sweep(command, Path("s").absolute(), [*map(Path, outputs), begun]) == line
    if line:
        understood(shlex.split(line), monkeypatch)


@pytest.mark.parametrize(("word", "told"), [("sweep=ensemble", "run=s"), ("sweep=seeds", "sweep=runs of=s")])
def test_the_trainings_of_an_ensemble_are_evaluated_as_one(
    word: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["convstab-train"])
    monkeypatch.chdir(tmp_path)
    write_config(Path("s"), {"model": OWN}, "sweep.yaml")
    for seed in range(2):
        job = {
            "name": f"seed-{seed}",
            "overrides": [word, f"seed={seed}"],
            "status": "done",
            "output": f"s/seed-{seed}",
        }
        write_config(Path(f"s/seed-{seed}"), {"model": OWN})
        write_json(Path(f"s/seed-{seed}/job.json"), job)
        directory.finish(Path(f"s/seed-{seed}"), "train")
    line = next_steps.after_sweep("train", Path("s"), [Path("s/seed-0"), Path("s/seed-1")])
    assert line == f"convstab-evaluate {told} trust=nets:build"
    understood(shlex.split(line), monkeypatch)


def test_of_a_sweep_of_copies_the_first_are_predicted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("s/a", "s/b"):
        Path(name).mkdir(parents=True)
        write_json(Path(name, "draws.json"), {"dataset": {}, "protocol": {"degradation": HAZE}})
    line = next_steps.after_sweep("draws", Path("s"), [Path("s/a"), Path("s/b")])
    assert line == "convstab-import path=predictions.csv draws=s/a"
    understood(shlex.split(line), monkeypatch)


def test_a_camera_is_followed_by_its_noise_for_a_model_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys, "argv", ["convstab-camera"])
    words, picture = "degradation=sensor degradation.read_noise=3 levels=[1,2]", Path("c/transfer.png")
    quoted = "degradation=sensor degradation.read_noise=3 'levels=[1,2]'"
    drawn = "xdg-open c/transfer.png"
    assert next_steps.after_camera(words, None, picture) == drawn  # no model is there
    evaluation = finished(Path("e"), "evaluate", "m")
    line = next_steps.after_camera(words, evaluation, picture)
    assert line == f"convstab-evaluate run=m {quoted}"
    understood(shlex.split(line), monkeypatch)
    assert next_steps.after_camera(words, finished(Path("all"), "evaluate", ["m", "n"]), picture) == drawn
    write_config(Path("runs/own"), {"model": OWN})
    directory.finish(Path("runs/own"), "train")
    line = next_steps.after_camera(words, None, picture)
    assert line == f"convstab-evaluate run=runs/own trust=nets:build {quoted}"
    understood(shlex.split(line), monkeypatch)
    assert next_steps.after_camera("", evaluation, picture) == drawn  # its noise is not known


def test_one_result_has_its_page_and_several_have_one_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    one, two = finished(Path("a"), "evaluate", "m"), finished(Path("b"), "attack", "m")
    (one / "report.html").touch()
    assert next_steps.report_of([one]) == next_steps.opened(one / "report.html")
    line = next_steps.report_of([one, two])
    assert line == "convstab-report a b"
    understood(shlex.split(line), monkeypatch)


def test_a_reproduction_ends_with_its_page_where_it_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    next_steps.say_next("reproduce", Path())
    assert capsys.readouterr().out == ""
    Path("report.html").touch()
    next_steps.say_next("reproduce", Path())
    assert capsys.readouterr().out == f"next: {next_steps.opened(Path('report.html'))}\n"


def test_files_of_wandb_that_are_not_sent_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert next_steps.unsent(Path("a")) == ""
    Path("a/wandb/run-1").mkdir(parents=True)
    assert next_steps.unsent(Path("a")) == ""
    Path("a/wandb/offline-run-1").mkdir()
    assert next_steps.unsent(Path("a")) == "W&B, not sent: a/wandb/offline-run-1; convstab-publish a sends it"
    os.utime("a/wandb/run-1", (2e9, 2e9))  # the result was sent since
    assert next_steps.unsent(Path("a")) == ""
    os.utime("a/wandb/run-1", (1, 1))
    Path("a/wandb/offline-run-1/run-1.wandb.synced").touch()
    assert next_steps.unsent(Path("a")) == ""


@pytest.mark.parametrize(("system", "opener"), [("linux", "xdg-open"), ("darwin", "open"), ("win32", "start")])
def test_a_page_is_opened_as_the_system_does_it(system: str, opener: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", system)
    assert next_steps.opened(Path("a page.html")) == f"{opener} 'a page.html'"


def test_what_follows_is_not_said_where_a_command_goes_on_by_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(next_steps.GOES_ON_ITSELF, "1")
    next_steps.say("convstab-report a")
    assert capsys.readouterr().out == ""


def test_what_is_printed_can_be_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["convstab"])
    assert next_steps.next_command("train", Path("my runs/a")) == "convstab evaluate run='my runs/a'"


def test_long_names_keep_both_ends() -> None:
    assert shortened("speed limit", LONGEST) == "speed limit"
    name = "vehicles over 3.5 tons, no overtaking, variant a"
    cut = shortened(name, LONGEST)
    assert len(cut) == LONGEST
    start, end = cut.split("…")
    assert name.startswith(start)
    assert name.endswith(end)
    assert abs(len(start) - len(end)) <= 1
    table = class_table({f"precision/{name}": 1.0, f"recall/{name}": 1.0}, [name], "classes", 80)
    assert list(table.columns[0].cells) == [cut]
