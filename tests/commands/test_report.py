"""convstab-report on real results of short trainings: the files that it leaves, and what it refuses."""

import shutil
from pathlib import Path

import pytest

from convstab.commands import app
from convstab.commands.next_steps import opened
from convstab.commands.results import report, require
from convstab.files import write_json
from convstab.paper import CONTRADICTIONS
from convstab.paper.report import OTHER_TITLE, PAGE, TEXT, write_report
from convstab.report.results import gather
from convstab.runs.configuration import write_config
from convstab.runs.directory import FINISHED, JOB, SWEEP
from tests.support.in_process import call_in
from tests.support.wandb_files import offline_runs


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of the digits, an evaluation and an attack of it."""
    root = tmp_path_factory.mktemp("made")
    call_in(root, app.train, "dataset.images=100", "trainer.max_epochs=1", "logger=none", "output=train")
    few = ("run=train", "images=20", "logger=none")
    call_in(root, app.evaluate, *few, "draws=2", "levels=[1,10,40]", "output=evaluate")
    call_in(root, app.attack, "run=train", "images=[0,1,2,3,4,5]", "logger=none", "attack=least_level", "output=attack")
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """A copy of them."""
    return Path(shutil.copytree(made, tmp_path / "made"))


def test_of_a_sweep_the_results_of_its_jobs_are_told(root: Path, tmp_path: Path) -> None:
    sweep, results = tmp_path / "sweep", [root / "evaluate", root / "attack"]
    write_config(sweep, {}, SWEEP)
    for number, folder in enumerate(results):
        job = {"name": str(number), "overrides": [], "status": "done", "output": str(folder)}
        (sweep / str(number)).mkdir()
        write_json(sweep / str(number) / JOB, job)
    report.main([str(sweep)])
    told = (sweep / TEXT).read_text(encoding="utf-8")
    report.main([*map(str, results), "--output", str(tmp_path / "each")])
    assert told == (tmp_path / "each" / TEXT).read_text(encoding="utf-8")


def test_jobs_of_a_sweep_without_a_result_are_named(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = tmp_path / "sweep"
    write_config(sweep, {}, SWEEP)
    for name, status, output in (
        ("good", "done", root / "evaluate"),
        ("lost", "done", root / "gone"),
        ("bad", "failed", sweep / "bad"),
        ("long", "running", sweep / "long"),
    ):
        (sweep / name).mkdir()
        job = {"name": name, "overrides": [], "status": status, "output": str(output), "reason": "no run is there"}
        write_json(sweep / name / JOB, job)
    report.main([str(sweep)])
    told = (sweep / TEXT).read_text(encoding="utf-8").partition("## What was left out")[2]
    assert "sweep/bad failed: no run is there" in told
    assert "sweep/long has not ended" in told
    assert f"sweep/lost wrote to {root / 'gone'}, which is not there" in told.replace("\\", "")
    assert "good" not in told
    shutil.rmtree(root / "evaluate")
    capsys.readouterr()
    assert f"convstab: no result of the sweep {sweep} is there: " in refusal(capsys, sweep)


def test_requirements_in_the_folder_of_a_sweep_are_shown(root: Path, tmp_path: Path) -> None:
    sweep, asked = tmp_path / "sweep", tmp_path / "r.yaml"
    write_config(sweep, {}, SWEEP)
    (sweep / "0").mkdir()
    job = {"name": "0", "overrides": [], "status": "done", "output": str(root / "evaluate")}
    write_json(sweep / "0" / JOB, job)
    asked.write_text("requirements:\n  - {metric: accuracy, level: 1, at_least: 0.1}\n", encoding="utf-8")
    with pytest.raises(SystemExit):
        require.main([str(asked), str(root / "evaluate"), "--output", str(sweep)])
    report.main([str(sweep)])
    assert "## Requirements" in (sweep / TEXT).read_text(encoding="utf-8")


def refusal(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """The one line that the command ends with."""
    with pytest.raises(SystemExit) as end:
        report.main([str(word) for word in words])
    error = capsys.readouterr().err
    assert (end.value.code, len(error.splitlines())) == (2, 1), error
    return error


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_the_report_lies_in_the_first_folder(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(root)
    report.main([str(root)])
    written = [str(root / "report.html"), str(root / "report.md")]
    assert capsys.readouterr().out.splitlines() == [*written, f"next: {opened(Path(written[0]))}"]
    assert files(root) - before == {"report.html", "report.md"}  # and nothing half-written
    page, text = (root / "report.html").read_text(encoding="utf-8"), (root / "report.md").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    for told in (page, text):
        assert OTHER_TITLE in told
        assert "digits" in told
        assert "the paper" not in told.partition("</main>")[0].lower()
    assert 'id="scatter-0"' in page
    assert 'id="attack-0"' in page


def test_folder_and_title_can_be_chosen(root: Path, tmp_path: Path) -> None:
    output = tmp_path / "a" / "b"
    folders = [str(root / name) for name in ("evaluate", "train")]
    report.main([*folders, "--output", str(output), "--title", "Nine <models> & more"])
    assert files(output) == {"report.html", "report.md"}
    page = (output / "report.html").read_text(encoding="utf-8")
    assert "<title>Nine &lt;models&gt; &amp; more</title>" in page
    assert 'id="attack-0"' not in page


def test_a_report_is_the_same_twice_and_does_not_read_itself(root: Path) -> None:
    first = write_report([root], root)
    pages = [(root / "report.html").read_bytes()]
    second = write_report([root], root)
    pages.append((root / "report.html").read_bytes())
    assert pages[0] == pages[1]
    assert [len(one.evidence.evaluations) for one in (first, second)] == [1, 1]


def test_what_is_half_finished_is_a_remark(root: Path) -> None:
    (root / "evaluate" / FINISHED).unlink()
    written = write_report([root], root, remarks=["One step more was not tried"], reproduced=True)
    (left_out, more) = written.remarks
    assert ("half-finished" in left_out, more) == (True, "One step more was not tried")
    assert written.contradictions == CONTRADICTIONS
    for name in (PAGE, TEXT):
        told = (root / name).read_text(encoding="utf-8")
        assert "half-finished" in told
        assert more in told
        assert "Where the paper contradicts itself" in told


def test_bad_input_ends_in_a_line(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nowhere does not exist" in refusal(capsys, "nowhere")
    (tmp_path / "empty").mkdir()
    assert "holds no result" in refusal(capsys, tmp_path / "empty")
    (tmp_path / "file").touch()
    assert str(tmp_path / "file") in refusal(capsys, root, "--output", tmp_path / "file" / "x")
    (root / "evaluate" / "stability.parquet").write_bytes(b"no table")
    assert str(root / "evaluate") in refusal(capsys, root)
    assert not (root / "report.html").exists()


def test_the_report_goes_to_wandb_under_an_id_of_its_own(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_DIR", "WANDB_PROJECT", "WANDB_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(root / "netrc"))
    monkeypatch.setenv("WANDB_DATA_DIR", str(root / "staging"))
    report.main([str(root / "evaluate"), "--wandb", "offline"])
    (run,) = offline_runs(root / "evaluate" / "report")
    assert (run.exit_code, run.run.job_type, run.run.display_name) == (0, "report", "report")
    assert run.config == {"title": OTHER_TITLE, "folders": [str(root / "evaluate")]}
    assert not (root / "evaluate" / "wandb.id").exists()  # that would be the run of the evaluation
    *_, sent, follows = capsys.readouterr().out.splitlines()
    assert sent.startswith("wandb sync ")
    assert follows == f"next: {opened(root / 'evaluate' / 'report.html')}"
    assert len(gather([root / "evaluate"]).evaluations) == 1


def test_disabled_wandb_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert "sends nothing" in refusal(capsys, root / "evaluate", "--wandb", "auto")
