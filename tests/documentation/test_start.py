"""docs/start.md from its first line to its last, as a reader would do it: what it writes out, and each command."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.documented import BLOCK, ROOT, run_blocks
from tests.support.fresh_process import environment

TEXT = (ROOT / "docs/start.md").read_text(encoding="utf-8")
SHORT = {  # of what takes more than some seconds: less of the same
    "convstab-attack": "attack.steps=20",
    "convstab-evaluate": "draws=2",
    "convstab-train": "trainer.max_epochs=2",
}
NAMED = {"python": ("photos.py", "nets.py", "last.py"), "yaml": ("requirements.yaml",)}  # files, in the page's order


@pytest.mark.slow
def test_from_a_folder_and_a_model_to_a_page(tmp_path: Path) -> None:
    found = BLOCK.findall(TEXT)
    for language, names in NAMED.items():
        blocks = [content for _, kind, content in found if kind == language]
        for name, content in zip(names, blocks, strict=True):
            (tmp_path / name).write_text(content, encoding="utf-8")
    commands = run_blocks("docs/start.md")
    assert len(commands) == 12
    said = [run(command, tmp_path) for command in [*commands, "python last.py"]]
    assert "accuracy" in said[2]
    assert "First to fail" in said[6]
    assert "pass" in said[7]
    assert "noise_noisy" in said[11]
    assert "| flip rate |" in said[-1]
    page = (tmp_path / "page/report.html").read_text(encoding="utf-8")
    assert all(
        said_there in page for said_there in ("motion blur", "391 test images", "DDN", "2 pass (requirements.yaml")
    )
    assert (tmp_path / "runs/noise/report.html").exists()


def run(command: str, folder: Path) -> str:
    """Give a command in a shell of its own; what it says. It must succeed."""
    program, *words = shlex.split(command.replace("\\\n", " "))
    there = Path(sys.executable) if program == "python" else Path(sys.executable).parent / program
    more = [SHORT[program]] if program in SHORT else []
    log = environment(folder) | {"WANDB_MODE": "offline"}
    done = subprocess.run(
        [str(there), *words, *more], cwd=folder, env=log, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, f"{command}\n{done.stderr[-2000:]}"
    return done.stdout
