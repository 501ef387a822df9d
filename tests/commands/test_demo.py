"""convstab demo: its steps are commands as a reader would type them, and end with the page."""

from pathlib import Path

import pytest

from convstab.commands.next_steps import opened
from convstab.commands.results import demo
from convstab.files import CONFIG
from convstab.runs.directory import finished
from tests.documentation.test_commands import understood


def test_each_step_is_a_command_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for words in demo.steps(Path("runs/demo")):
        understood([f"convstab-{words[0]}", *words[1:]], monkeypatch)


@pytest.mark.parametrize("kind", ["file", "result"])
def test_a_folder_that_holds_something_else_is_refused(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "demo"
    if kind == "file":
        place.touch()
    else:
        place.mkdir()
        (place / CONFIG).touch()
    with pytest.raises(SystemExit) as end:
        demo.main([str(place)])
    assert end.value.code == 2
    assert capsys.readouterr().err == f"convstab: {place} is a {kind}; name a folder for several results\n"


def test_a_step_that_fails_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "steps", lambda folder: [["ls", str(folder / "nowhere")], ["demo", str(folder / "next")]])
    with pytest.raises(SystemExit) as end:
        demo.main([str(tmp_path)])
    assert end.value.code == 2
    assert not (tmp_path / "next").exists()


@pytest.mark.parametrize(
    "calls", [pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.endurance)]
)
def test_it_ends_with_the_page_and_a_second_call_makes_nothing_again(
    calls: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "demo"
    made = []
    for _ in range(calls):
        demo.main([str(folder)])
        said = [line for line in capfd.readouterr().out.splitlines() if line.startswith("next: ")]
        assert said == [f"next: {opened(folder / 'report.html')}"]
        made.append([(folder / name / "finished.json").stat().st_mtime_ns for name in demo.FOLDERS])
    assert made[0] == made[-1]
    assert [finished(folder / name) for name in demo.FOLDERS] == list(demo.FOLDERS)
    page = (folder / "report.html").read_text(encoding="utf-8")
    for told in ("How stable is LeNet on handwritten digits?", "The least noise", "Image by image"):
        assert told in page
