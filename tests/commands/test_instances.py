"""convstab-instances on an attack of a short training: what it writes, what it reads back, and its exit codes."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from convstab.attacks.result import AttackResult
from convstab.bounds.instances import nearest, read
from convstab.commands import app
from convstab.commands.results import instances
from convstab.runs.run import load_run
from tests.support.in_process import Main, call_in, caller

ONNX = "the extra onnx brings it, which not everyone installs"


@pytest.fixture(scope="module")
def attacked(trained: Path) -> Path:
    """An attack on a few images."""
    few = "run=one", "logger=none", "images=12", "attack=ddn", "attack.steps=10"
    call_in(trained, app.attack, *few, "output=attack")
    return trained


@pytest.fixture
def main(attacked: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Main:
    """The command on the attack; the exit code and the error stream."""
    return caller(monkeypatch, capfd, attacked, instances.main, "attack")


def test_questions_are_written_and_answers_read(main: Main, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason=ONNX)
    runtime = pytest.importorskip("onnxruntime", reason=ONNX)
    assert main("--images", "4", "--output", str(tmp_path)) == (0, "")
    lines = [line.split(",") for line in (tmp_path / "instances.csv").read_text().splitlines()]
    assert all((tmp_path / onnx).is_file() and (tmp_path / file).is_file() for onnx, file, _ in lines)
    attack, asked = AttackResult.read("attack"), read(tmp_path)
    rows = np.flatnonzero(attack.rows["attacked"])
    spread = rows[[round(share * (len(rows) - 1) / 3) for share in range(4)]]
    assert [one.image for one in asked] == attack.rows["index"][spread].tolist()
    assert [one.file for one in asked] == [file for _, file, _ in lines]
    np.testing.assert_allclose([one.radius for one in asked], nearest(attack)[spread] / 2, rtol=1e-5)
    images = attack.pixels[spread].astype(np.float32) / 255
    (logits,) = runtime.InferenceSession(tmp_path / "model.onnx").run(None, {"image": images})
    with torch.inference_mode():
        expected = load_run("one").model(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(logits, expected, atol=1e-4)

    answers = tmp_path / "results.csv"
    answers.write_text("".join(f"{one.file},unsat,1\n" for one in asked))
    assert main("--verdicts", str(answers), "--output", str(tmp_path)) == (0, "")
    with (tmp_path / "verdicts.csv").open(newline="") as file:
        assert [row["verdict"] for row in csv.DictReader(file)] == ["verified"] * 4
    (tmp_path / "questions.csv").write_text(f"image,label,radius,attack\n4,{asked[0].label},3,2\n")
    answers.write_text("image_4_radius_3.vnnlib,unsat,1\n")
    code, said = main("--verdicts", str(answers), "--output", str(tmp_path))
    assert (code, len(said.splitlines())) == (2, 1)
    assert "image 4 is verified within 3 grey levels" in said


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_extra_is_named(package: str, main: Main, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if package == "onnxruntime":
        pytest.importorskip("onnx", reason=ONNX)
    monkeypatch.setitem(sys.modules, package, None)
    code, said = main("--output", str(tmp_path / "questions"))
    assert (code, len(said.splitlines())) == (2, 1)
    assert f"{package} is needed" in said
    assert "convstab[onnx]" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--radius", "1", "--share", "0.5"], "give one of them"),
        (["--radius", "300"], "radius is 300"),
        (["--verdicts", "nowhere.csv"], "is not what convstab-instances writes"),
    ],
)
def test_what_cannot_be_is_refused(words: list[str], said: str, main: Main, tmp_path: Path) -> None:
    code, error = main(*words, "--output", str(tmp_path))
    assert (code, len(error.splitlines())) == (2, 1)
    assert said in error
