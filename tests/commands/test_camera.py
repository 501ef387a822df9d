"""convstab-camera on files of frames, and on a real evaluation: what it prints, writes and refuses."""

import csv
import math
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from convstab.camera.light import Failure
from convstab.commands import app
from convstab.commands.next_steps import opened
from convstab.commands.results import camera
from convstab.evaluation.result import StabilityResult
from convstab.files import SUMMARY, read_json
from tests.camera.sensors import light_on, ramp, stored, write
from tests.documentation.test_commands import understood
from tests.support.in_process import Main, call_in, caller, train_short

GAINS = {100: 0.5, 400: 2.0}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames at two ISOs, and a training of the digits with evaluations under sensor noise, JPEG and Gaussian noise."""
    folder = train_short(tmp_path_factory.mktemp("camera"), {"one": []})
    for seed, (iso, gain) in enumerate(GAINS.items()):
        write(folder / "frames" / f"iso{iso}", stored(light_on(ramp(256, 256), gain, 3.0, 8, seed)))
    few = ["run=one", "images=100", "draws=4", "logger=none"]
    sensor = ["degradation=sensor", "degradation.read_noise=3.0", "levels=[0.001,1,4,64,200]"]
    call_in(folder, app.evaluate, *few, *sensor, "output=sensor")
    call_in(folder, app.evaluate, *few, "degradation=jpeg", "levels=[50]", "output=jpeg")
    return folder


@pytest.fixture
def measure(made: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Main:
    return caller(monkeypatch, capfd, made, camera.main)


def test_what_is_measured_stands_beside_the_frames(made: Path, capfd: pytest.CaptureFixture[str]) -> None:
    call_in(made, camera.main, "frames", drawn=True)
    folder = made / "frames_camera"
    assert {path.name for path in folder.iterdir()} == {"camera.csv", "camera.md", "points.csv", SUMMARY, "figures"}
    assert {path.name for path in (folder / "figures").iterdir()} == {"transfer.png", "transfer.svg"}
    said = capfd.readouterr().out
    assert said.splitlines()[-2:] == [
        "frames_camera",
        f"next: {opened(Path('frames_camera/figures/transfer.png'))}",
    ]  # no run here
    assert "cancel" in said
    with (folder / "camera.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["iso"]) for row in rows] == list(GAINS)
    assert [float(row["gain"]) for row in rows] == pytest.approx(list(GAINS.values()), rel=0.05)
    summary = read_json(folder / SUMMARY)
    assert [noise["gain"] for noise in summary["noises"]] == pytest.approx(list(GAINS.values()), rel=0.05)
    assert summary["evaluate"]["100"].startswith("degradation=sensor degradation.read_noise=")
    assert "stops" not in summary


def test_the_words_are_taken_by_evaluate(made: Path, measure: Main) -> None:
    assert measure("frames", "--output", "words") == (0, "")
    words = read_json(made / "words" / SUMMARY)["evaluate"]["400"].split()
    call_in(made, app.evaluate, "run=one", "images=5", "draws=1", "logger=none", *words, "output=again")
    result = StabilityResult.read(made / "again")
    assert result.degradation.name == "sensor"
    assert len(result.levels) == 1 + 7  # 2 * 2^6 is 128, the last below 255


@pytest.mark.parametrize("share", ["0.01", "0.3"])
def test_stops_that_are_left(
    share: str, made: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of two cameras whose gains are two stops apart, from where the flips of the evaluation exceed the share."""
    call_in(made, camera.main, "frames", "--result", "sensor", "--share", share, "--output", f"left{share}")
    said, error = capfd.readouterr()
    assert error == ""
    follows = shlex.split(said.splitlines()[-1])
    assert follows[:4] == ["next:", "convstab-evaluate", "run=one", "degradation=sensor"]
    understood(follows[1:], monkeypatch)
    found = read_json(made / f"left{share}" / SUMMARY)
    flips = StabilityResult.read(made / "sensor").flip_rate.value
    levels = [0, 0.001, 1, 4, 64, 200]
    first = int(np.flatnonzero(flips > float(share))[0])
    assert (found["failure"]["holds"], found["failure"]["fails"]) == (levels[first - 1], levels[first])
    for iso, gain in GAINS.items():
        assert found["stops"][str(iso)][1] == pytest.approx(math.log2(levels[first] / gain), abs=0.1)
    page = (made / f"left{share}/camera.md").read_text(encoding="utf-8")
    assert page.count("stops of light are left") == 2
    spent = [iso for iso, gain in GAINS.items() if found["stops"][str(iso)][1] <= 0]
    assert page.count("no stops of light are left") == len(spent)
    assert "-" not in "".join(re.findall(r"(\S+) stops of light", page))
    assert f"flips exceed {100 * float(share):g} % at level {levels[first]:g}" in page
    assert (
        found["failure"]["significant"] == Failure.of(StabilityResult.read(made / "sensor"), float(share)).significant
    )


BAD = [
    (["nowhere"], "nowhere is not a folder with frames, or with a folder of them for each ISO"),
    (["empty"], "empty holds no frames; they are files .png, .tif, .tiff, .jpg, .jpeg, also in a folder for each ISO"),
    (["single"], "single holds one frame; noise is measured between two or more frames of one static scene"),
    (["frames", "--output", "frames/x"], "frames/x lies in the folder of the frames; choose another --output"),
    (["frames", "--result", "one"], "one does not hold a finished evaluation"),
    (["frames", "--result", "jpeg"], "the evaluation is of jpeg; stops need levels of sensor or gaussian"),
    (["frames", "--result", "sensor", "--share", "1"], "share is 1.0; it must be above 0 and below 1"),
    (
        ["frames", "--black", "300"],
        "black is 300 and white 255; they must be values of the files, 0 to 255, black below white",
    ),
]


@pytest.mark.parametrize(("words", "line"), BAD)
def test_bad_input_is_told_in_one_line(words: list[str], line: str, made: Path, measure: Main) -> None:
    (made / "empty").mkdir(exist_ok=True)
    write(made / "single", stored(light_on(ramp(), 1.0, 3.0, 1)))
    before = sorted(made.rglob("*"))
    assert measure(*words) == (2, f"convstab: {line}\n")
    assert sorted(made.rglob("*")) == before
