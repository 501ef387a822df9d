"""Files and folders that several processes may want at once."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from convstab.errors import InputError
from convstab.files import alone, temporary_path

HOLD = "import sys, time; from pathlib import Path; from convstab.files import alone\n"
HOLD += "with alone(Path(sys.argv[1]), 'training'): print('in', flush=True); time.sleep(60)"


def test_a_folder_is_one_ones_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "runs/a"
    said = "another training is at work in .*: wait for it, stop it, or choose another output="
    with alone(folder, "training"), alone(tmp_path / "runs/b", "training"), pytest.raises(InputError, match=said):
        alone(folder, "training").__enter__()
    with pytest.raises(KeyError), alone(folder, "training"):  # free again
        raise KeyError
    with alone(folder, "training"):  # also after an error
        pass


def test_a_process_that_was_killed_leaves_the_folder_free(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"in\n"
        with pytest.raises(InputError, match="another training"):
            alone(tmp_path, "training").__enter__()
        process.send_signal(signal.SIGKILL)
        process.wait()
    with alone(tmp_path, "training"):
        pass


def test_no_two_writers_share_a_temporary_name(tmp_path: Path) -> None:
    assert len({temporary_path(tmp_path / "a") for _ in range(100)}) == 100
