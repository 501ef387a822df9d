"""Processes that are killed while they unpack or decode, at moments that a seed draws."""

import logging
import random
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convstab.data.archives import OWN_FOLDER
from convstab.data.download import md5_of
from convstab.data.image_files import decoded

IMAGES, SIDE, SIZE = 1500, 40, 96
KILLS = 10
WORK = """
import sys
from pathlib import Path
from convstab.data.archives import Archive, provide
from convstab.data.image_files import decoded
root, md5, images, size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
sys.stdin.readline()  # another process of the same kind starts at the same time
print("started", flush=True)
provide("toys", root, [Archive("http://127.0.0.1:9/toys.zip", md5, "toys")])
decoded(root, "toys", [root / "toys" / f"{number}.ppm" for number in range(images)], size)
print("done", flush=True)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data folder with an archive of images."""
    random_pixels = np.random.default_rng(0).integers(0, 256, (IMAGES, SIDE, SIDE, 3)).astype(np.uint8)
    with zipfile.ZipFile(tmp_path / "toys.zip", "w") as packed:
        for number, pixels in enumerate(random_pixels):
            packed.writestr(f"toys/{number}.ppm", f"P6\n{SIDE} {SIDE}\n255\n".encode() + pixels.tobytes())
    return tmp_path


def start(root: Path) -> subprocess.Popen[str]:
    """A process that has imported everything and waits for a line."""
    command = [sys.executable, "-c", WORK, str(root), md5_of(root / "toys.zip"), str(IMAGES), str(SIZE)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "started\n"


def await_one(folder: Path, names: str) -> None:
    """Wait until there is such a file, or for as long as the work would take."""
    end = time.monotonic() + 2
    while not any(folder.glob(names)) and time.monotonic() < end:
        time.sleep(0.001)


def left(root: Path) -> list[str]:
    return sorted(path.name for folder in (root, root / OWN_FOLDER) for path in folder.iterdir())


def test_kills_at_any_moment_leave_what_the_next_start_repairs(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    moments, remains = random.Random(0), set()
    waiting = [start(root) for _ in range(2)]
    for turn in range(KILLS // 2):
        running, waiting = waiting, [start(root) for _ in range(2)]  # those of the next turn import meanwhile
        unpacks = turn % 2 == 0
        if unpacks:
            shutil.rmtree(root / "toys", ignore_errors=True)
        half_done = (root, ".*.unpacking") if unpacks else (root / OWN_FOLDER, "*.part")
        for process in running:
            go(process)
        for process in running:
            await_one(*half_done)
            time.sleep(moments.uniform(0, 0.03))
            process.kill()
            process.wait()
            remains |= {path.suffix for path in half_done[0].glob(half_done[1])}
    assert remains == {".unpacking", ".part"}
    for process in waiting:  # both go to their end, side by side
        go(process)
    assert [process.communicate(timeout=60)[0] for process in waiting] == ["done\n", "done\n"]
    paths = [root / "toys" / f"{number}.ppm" for number in range(IMAGES)]
    assert left(root) == sorted([OWN_FOLDER, "toys", "toys.zip", "lock", next((root / OWN_FOLDER).glob("*.npy")).name])
    with caplog.at_level(logging.WARNING):
        pixels = decoded(root, "toys", paths, SIZE)
    assert caplog.messages == []
    for number, path in enumerate(paths):
        with Image.open(path) as image:
            expected = np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
        assert np.array_equal(pixels[number], expected)
