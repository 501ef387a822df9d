"""Signals, kills at random moments, pipes that close, two at once, no network, no home, no space, no secrets."""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from convstab.commands import signals
from convstab.commands.app import train
from convstab.data.image_files import decoded
from convstab.files import LAST, METRICS, read_json
from convstab.models.classifier import Classifier
from convstab.paper.report import PAGE
from convstab.runs.directory import FINISHED, finished
from tests.support.fresh_process import ROOT, TRAIN, environment
from tests.support.in_process import train_short
from tests.support.report_text import report
from tests.support.stopping import left_over, start, until

KILL, TERM, INT = signal.SIGKILL, signal.SIGTERM, signal.SIGINT
ONE_EPOCH = ["dataset.images=200", "trainer.max_epochs=1"]
COMMANDS = {  # each with a folder "run" to read and "out" to write
    "train": ["dataset.images=200", "augment=gaussian", "trainer.max_epochs=5", "logger=csv", "skip_done=true"],
    "evaluate": ["run=run", "images=60", "draws=10", "slice=4", "logger=none"],
    "attack": ["run=run", "attack=ddn", "attack.steps=20", "images=10", "slice=8", "logger=none"],
}
REPRODUCE = ["size=smoke", "experiment=[table2,table4,figure2]", "attacks=[ddn]", "threads=1"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a training, "run"."""
    return train_short(tmp_path_factory.mktemp("trained"), {"run": ()})


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """A copy of it for one test."""
    shutil.copytree(trained / "run", tmp_path / "run")
    return tmp_path


def values(out: Path) -> dict[str, Any]:
    """What a result comes to, without the time that it took."""
    if finished(out) == "train":
        metrics = {key: value for key, value in read_json(out / METRICS).items() if key != "seconds"}
        weights = torch.load(out / LAST, weights_only=True)["state_dict"]
        lines = (out / "metrics.csv").read_text() if (out / "metrics.csv").exists() else ""
        return metrics | {name: weight.numpy().tobytes() for name, weight in weights.items()} | {"csv": lines}
    tables = {path.name: pq.read_table(path) for path in out.glob("*.parquet")}
    found = {
        name: table.select([key for key in table.column_names if key != "seconds"]) for name, table in tables.items()
    }
    return found | {path.name: path.read_bytes() for path in out.glob("*.npz")}


@pytest.fixture(scope="module")
def undisturbed(trained: Path) -> Callable[[str], tuple[dict[str, Any], float]]:
    """The values of a command that nothing stops, and how long it takes."""
    known: dict[str, tuple[dict[str, Any], float]] = {}

    def of(command: str) -> tuple[dict[str, Any], float]:
        if command not in known:
            began = time.monotonic()
            code, errors = start(trained, command, *COMMANDS[command], f"output={command}").end()
            assert (code, errors) == (0, "")
            known[command] = values(trained / command), time.monotonic() - began
        return known[command]

    return of


# a tenth of the signals by default and with -m slow, all of them with -m endurance:
# (command, seed, SIGKILLs, SIGTERMs, SIGINTs)
FEW = [("evaluate", 2, 2, 1, 1)]
SOME = [pytest.param(*case, marks=pytest.mark.slow) for case in [("train", 11, 2, 1, 1), ("attack", 13, 2, 1, 1)]]
ALL = [("train", 11, 20, 8, 8), ("evaluate", 12, 12, 5, 5), ("attack", 13, 8, 4, 4)]
MANY = [pytest.param(*case, marks=pytest.mark.endurance) for case in ALL]


@pytest.mark.parametrize(("command", "seed", "kills", "terms", "ints"), [*FEW, *SOME, *MANY])
def test_a_command_may_be_stopped_at_any_moment(
    command: str, seed: int, kills: int, terms: int, ints: int, folder: Path, undisturbed: Any
) -> None:
    expected, seconds = undisturbed(command)
    chance, words = random.Random(seed), [*COMMANDS[command], "output=out"]
    numbers = [KILL] * kills + [TERM] * terms + [INT] * ints
    chance.shuffle(numbers)
    for number in numbers:
        moment = chance.uniform(0.1, seconds)
        code, errors = start(folder, command, *words).stop(number, moment)
        told = f"seed {seed}: {number.name} after {moment:.3f} s ended with {code}: {errors}"
        if code == 0:
            assert finished(folder / "out") == command, told
        elif number == KILL:
            assert code == -KILL, told
        elif code != -number:  # which comes before the command listens
            assert code == 128 + number, told
            assert errors.startswith(f"convstab: stopped by {number.name}; "), told
            assert len(errors.splitlines()) == 1, told
        if finished(folder / "out"):  # it was faster, if only by the mark that comes last; once more from the beginning
            assert values(folder / "out") == expected, told
            shutil.rmtree(folder / "out")
    code, errors = start(folder, command, *words).end()
    assert (code, errors) == (0, "")
    assert values(folder / "out") == expected
    assert left_over(folder) == []


LOSING = """
import os, signal, time
from convstab.commands.signals import command, goes_on

class Loses:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        raise KeyError("another one")  # after the handler has had its turn

class Fails:
    def __del__(self):
        raise KeyError("shown")

with command():
    goes_on(lambda: "go on")
    Fails()
    Loses()
    time.sleep(60)
"""


def test_a_signal_that_python_ignores_in_a_destructor_ends_it_all_the_same() -> None:
    done = subprocess.run([sys.executable, "-c", LOSING], capture_output=True, text=True, check=False, timeout=30)
    *others, last = done.stderr.splitlines()
    assert (done.returncode, last) == (143, "convstab: stopped by SIGTERM; go on")
    assert [line for line in others if "Stopped" in line] == []
    assert others[-1] == "KeyError: 'shown'"


def test_ctrl_c_just_after_the_end_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal that comes when Python's own handler is back, and the process has not ended yet."""
    install, outside = signal.signal, signal.signal(INT, signal.default_int_handler)  # ignored under nohup
    before, ended = {number: signal.getsignal(number) for number in (INT, TERM)}, False

    def interrupted(number: signal.Signals, handler: Any) -> Any:
        old = install(number, handler)
        if ended and number == INT:
            raise KeyboardInterrupt
        return old

    monkeypatch.setattr(signal, "signal", interrupted)
    with signals.command():
        ended = signal.getsignal(INT) != before[INT]  # or nothing would be put back
    after = {number: signal.getsignal(number) for number in before}
    install(INT, outside)
    assert ended
    assert after == before


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A folder with a reproduction, "out", that nothing stopped, and how long it took."""
    whole, began = tmp_path_factory.mktemp("whole"), time.monotonic()
    assert start(whole, "reproduce", *REPRODUCE, "output=out").end()[0] == 0
    return whole, time.monotonic() - began


MOMENTS = {  # a file that shows that a step is under way
    "the first training": "train/digits_jitter_0/checkpoints/last.ckpt",
    "the second evaluation": "evaluate/digits_jitter_x2/config.yaml",
    "the attack": "attack/digits_jitter_ddn/config.yaml",
}


@pytest.mark.slow
def test_killed_again_and_again_a_reproduction_ends_in_the_same_report(
    reproduced: tuple[Path, float], tmp_path: Path
) -> None:
    for name in MOMENTS.values():
        started = start(tmp_path, "reproduce", *REPRODUCE, "output=out")
        until((tmp_path / "out" / name).exists, 120)
        assert started.stop(KILL, 0)[0] == -KILL
        assert not (tmp_path / "out" / PAGE).exists()
    assert start(tmp_path, "reproduce", *REPRODUCE, "output=out").end() == (0, "")
    assert report(tmp_path) == report(reproduced[0])


@pytest.mark.endurance
def test_a_reproduction_may_be_stopped_at_any_moment(reproduced: tuple[Path, float], tmp_path: Path) -> None:
    (whole, seconds), stopped, chance = reproduced, tmp_path, random.Random(14)
    numbers = [KILL] * 10 + [TERM] * 3 + [INT] * 3
    chance.shuffle(numbers)
    for number in numbers:
        moment = chance.uniform(0.1, seconds / 2)
        code, errors = start(stopped, "reproduce", *REPRODUCE, "output=out").stop(number, moment)
        assert code in (0, -number, 128 + number), f"{number.name} after {moment:.3f} s: {errors}"
        assert len(errors.splitlines()) <= 1, f"{number.name} after {moment:.3f} s: {errors}"
    code, errors = start(stopped, "reproduce", *REPRODUCE, "output=out").end()
    assert (code, errors) == (0, "")
    assert (stopped / "out" / PAGE).exists()
    found = {path.parent.relative_to(whole / "out") for path in (whole / "out").rglob(FINISHED)}
    assert found == {path.parent.relative_to(stopped / "out") for path in (stopped / "out").rglob(FINISHED)}
    for name in found:
        assert values(stopped / "out" / name) == values(whole / "out" / name), name
    assert report(stopped) == report(whole)
    assert left_over(stopped) == []


RESULTS = "figures", "publish", "report", "ledger", "members", "require"  # commands about results that are there
STOPS_ITSELF = """
import os, signal, sys
if signal.getsignal(signal.{name}) == signal.SIG_IGN:  # by nohup, under which these tests may run
    signal.signal(signal.{name}, signal.SIG_DFL)
class Loading:
    def find_spec(self, name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), signal.{name})
sys.meta_path.insert(0, Loading())
sys.argv = {words!r}
from convstab.commands.{where} import {call} as command
command()
"""


@pytest.mark.parametrize(
    ("command", "module", "number"),
    [
        ("train", "hydra", INT),
        pytest.param("train", "pytorch_lightning", INT, marks=pytest.mark.slow),
        pytest.param("train", "pytorch_lightning", TERM, marks=pytest.mark.slow),
        ("train", "omegaconf", signal.SIGHUP),
        ("evaluate", "torch", INT),
        ("reproduce", "hydra.core", INT),
        ("figures", "numpy", INT),
        ("publish", "torch", TERM),
        ("report", "torch", INT),
        ("ledger", "numpy", INT),
        ("members", "numpy", INT),
        ("require", "yaml", TERM),
    ],
)
def test_a_signal_while_a_command_is_loaded_is_a_line(
    command: str, module: str, number: signal.Signals, tmp_path: Path
) -> None:
    where, call = (f"results.{command}", "main") if command in RESULTS else ("app", command)
    words = [command, *(["x", "x"] if call == "main" else ["run=x"] if command == "evaluate" else [])]
    code = STOPS_ITSELF.format(module=module, name=number.name, words=words, where=where, call=call)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    said = f"convstab: stopped by {number.name}; give the same command again\n"
    assert (done.returncode, done.stderr) == (128 + number, said)


def test_a_training_that_is_stopped_says_how_to_go_on_and_is_not_finished(tmp_path: Path) -> None:
    """As a user has it: Lightning made a success of SIGTERM, with exit code 0."""
    words = ["dataset.images=200", "trainer.max_epochs=500", "logger=none"]
    running = start(tmp_path, "train", *words, "output=out")
    until((tmp_path / "out" / LAST).exists)
    code, errors = running.stop(TERM, 0)
    said = "convstab: stopped by SIGTERM; the same command with ckpt=last goes on from here\n"
    assert (code, errors) == (128 + TERM, said)
    assert finished(tmp_path / "out") is None
    assert not (tmp_path / "out" / METRICS).exists()


def hears_ctrl_c() -> None:
    """In a new process: also where a shell has started these tests in its background, whose jobs do not hear it."""
    signal.signal(INT, signal.SIG_DFL)


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["basic", "joblib"])
def test_ctrl_c_stops_a_sweep_and_its_table_says_so(launcher: str, tmp_path: Path) -> None:
    if launcher != "basic":
        pytest.importorskip("hydra_plugins.hydra_joblib_launcher", reason="the extra is missing")
    words = ["-m", "dataset.images=200", "trainer.max_epochs=500", "logger=none", "seed=1,2", "hydra.sweep.dir=all"]
    output = (tmp_path / "out.txt").open("w")
    running = subprocess.Popen(
        [*TRAIN, *words, f"hydra/launcher={launcher}"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hears_ctrl_c,  # noqa: PLW1509
    )
    until(lambda: any((tmp_path / "all").glob(f"*/{LAST}")))
    os.killpg(running.pid, INT)  # as a terminal does
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert errors == "convstab: stopped by SIGINT; the same command with skip_done=true goes on from here\n"
    table = (tmp_path / "all/sweep.csv").read_text()
    assert "running" in table
    assert "done" not in table.split("\n", 1)[1].replace("skip_done", "")
    assert "not finished" in (tmp_path / "out.txt").read_text()
    if launcher == "basic":
        assert len(list((tmp_path / "all").glob("*/job.json"))) == 1  # the second was not begun


def test_an_interrupt_that_lightning_turns_into_an_exit_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: Any) -> None:  # as in a process of joblib, where our own handler does not stand
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Classifier, "training_step", interrupted)
    monkeypatch.setattr(sys, "argv", ["train.py", "-m", *ONE_EPOCH, "logger=none", "seed=1,2", "hydra.sweep.dir=all"])
    with pytest.raises(SystemExit) as end:
        train()
    assert end.value.code == 128 + INT
    assert "stopped by SIGINT" in capsys.readouterr().err
    assert [read_json(path)["status"] for path in tmp_path.glob("all/*/job.json")] == ["running"]


def closed_pipe() -> int:
    """A pipe that nobody reads."""
    reads, writes = os.pipe()
    os.close(reads)
    return writes


EVALUATE = """
from matplotlib.figure import Figure
from convstab.commands.app import evaluate
from tests.support.in_process import one_dot
Figure.savefig = one_dot
evaluate()
"""


def test_the_work_goes_on_when_standard_output_is_closed(folder: Path) -> None:
    words = ["run=run", "images=10", "draws=1", "logger=none", "output=out"]
    program, output = [sys.executable, "-c", EVALUATE, *words], closed_pipe()
    settings = environment(folder) | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(program, cwd=folder, env=settings, stdout=output, stderr=subprocess.PIPE, check=False)
    os.close(output)
    assert (done.returncode, done.stderr) == (0, b"")
    assert finished(folder / "out") == "evaluate"


@pytest.mark.parametrize("module", ["app import train", "results.figures import main"])
def test_help_into_a_pipe_that_is_closed_is_quiet(module: str) -> None:
    code = f"import sys; sys.argv = ['x', '--help']; from convstab.commands.{module} as command; command()"
    output = closed_pipe()
    done = subprocess.run([sys.executable, "-c", code], stdout=output, stderr=subprocess.PIPE, check=False)
    os.close(output)
    assert (done.returncode, done.stderr) == (0, b"")


SLOW = pytest.mark.slow
TWICE = [("evaluate", 0), pytest.param("train", 2, marks=SLOW), pytest.param("attack", 0, marks=SLOW)]


@pytest.mark.parametrize(("command", "second"), TWICE)
def test_two_at_once_in_a_folder(command: str, second: int, folder: Path, undisturbed: Any) -> None:
    both = [start(folder, command, *COMMANDS[command], "output=out") for _ in range(2)]
    ends = sorted(one.end() for one in both)
    assert ends[0] == (0, "")
    assert ends[1][0] == second
    at_work = "convstab: another training is at work in "
    assert ends[1][1].startswith(at_work if second else "")
    assert len(ends[1][1].splitlines()) == bool(second)
    assert values(folder / "out") == undisturbed(command)[0]
    assert left_over(folder) == []


@pytest.mark.slow
def test_two_reproductions_at_once(tmp_path: Path) -> None:
    both = [start(tmp_path, "reproduce", *REPRODUCE, "output=out") for _ in range(2)]
    ends = sorted(one.end() for one in both)
    assert ends[0] == (0, "")
    assert ends[1][0] == 2
    (line,) = ends[1][1].splitlines()
    assert line.startswith("convstab: another convstab-reproduce is at work in ")


DECODE = """
import sys
from pathlib import Path
from convstab.data.image_files import decoded
base = Path(sys.argv[1])
print("loaded", flush=True)
decoded(base, "made_up", sorted(base.glob("images/*.png")), 32)
"""
PROVIDE = """
import sys
from hashlib import md5
from pathlib import Path
from convstab.data.archives import Archive, provide
base = Path(sys.argv[1])
print("loaded", flush=True)
md5 = md5((base / "toys.zip").read_bytes()).hexdigest()
provide("toys", base, [Archive("http://127.0.0.1:9/toys.zip", md5, "toys")])
"""


def images_in(base: Path, count: int) -> list[Path]:
    """Image files of noise."""
    (base / "images").mkdir(parents=True)
    chance, paths = np.random.default_rng(0), []
    for number in range(count):
        paths.append(base / f"images/{number:04d}.png")
        Image.fromarray(chance.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(paths[-1])
    return paths


def preparing(code: str, base: Path) -> subprocess.Popen[str]:
    """A process that prepares data, as it begins."""
    process = subprocess.Popen([sys.executable, "-c", code, str(base)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "loaded\n"
    return process


KILLS = [pytest.param(2, id="few"), pytest.param(20, marks=pytest.mark.slow, id="many")]


@pytest.mark.parametrize("kills", KILLS)
def test_decoding_may_be_killed(kills: int, tmp_path: Path) -> None:
    paths, chance = images_in(tmp_path / "data", 400), random.Random(5)
    for _ in range(kills):
        with preparing(DECODE, tmp_path / "data") as process:
            time.sleep(chance.uniform(0, 0.3))
            process.kill()
    with preparing(DECODE, tmp_path / "data") as one, preparing(DECODE, tmp_path / "data") as other:  # two at once
        assert [one.wait(), other.wait()] == [0, 0]
    expected = np.stack([np.asarray(Image.open(path).resize((32, 32), Image.Resampling.BICUBIC)) for path in paths])
    assert np.array_equal(decoded(tmp_path / "data", "made_up", paths, 32), expected.transpose(0, 3, 1, 2))
    assert len(list(tmp_path.rglob("*.npy"))) == 1
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("kills", KILLS)
def test_unpacking_may_be_killed(kills: int, tmp_path: Path) -> None:
    (tmp_path / "made/toys").mkdir(parents=True)
    for number in range(1500):
        (tmp_path / f"made/toys/{number}.txt").write_text(f"{number}\n" * 200)
    base, chance = tmp_path / "data", random.Random(6)
    base.mkdir()
    shutil.make_archive(str(base / "toys"), "zip", tmp_path / "made")
    for _ in range(kills):
        with preparing(PROVIDE, base) as process:
            time.sleep(chance.uniform(0, 0.3))
            process.kill()
        assert not (base / "toys").exists() or len(list((base / "toys").glob("*.txt"))) == 1500
    with preparing(PROVIDE, base) as one, preparing(PROVIDE, base) as other:
        assert [one.wait(), other.wait()] == [0, 0]
    assert {path.name: path.read_text() for path in (base / "toys").glob("*.txt")} == {
        path.name: path.read_text() for path in (tmp_path / "made/toys").iterdir()
    }
    assert left_over(base) == []


WATCHED = """
import socket, sys
def seen(*asked, **_):
    open("asked.txt", "a").write(f"AF_INET {asked}\\n")
    raise OSError("no network")
socket.getaddrinfo = seen
sys.argv = ["convstab-train", *sys.argv[1:]]
from convstab.commands.app import train
train()
"""


@pytest.mark.slow
def test_a_training_asks_the_network_nothing_and_needs_no_home(tmp_path: Path) -> None:
    """With the default loggers, no key and no wish; seen by strace, where it is, in all that the command starts."""
    strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=connect", "-o", "asked.txt", *TRAIN]
    program = strace if shutil.which("strace") else [sys.executable, "-c", WATCHED]
    settings = {**environment(tmp_path), "HOME": "/proc/nowhere"}
    for name in [name for name in settings if name.lower().endswith("_proxy") or name.startswith("XDG_")]:
        del settings[name]
    done = subprocess.run(
        [*program, *ONE_EPOCH, "output=out"], cwd=tmp_path, env=settings, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    asked = (tmp_path / "asked.txt").read_text().splitlines() if (tmp_path / "asked.txt").exists() else []
    assert [line for line in asked if "AF_INET" in line] == []
    assert list((tmp_path / "out/wandb").glob("offline-run-*/*.wandb"))


@pytest.mark.slow
def test_a_full_disk_is_named_by_the_run_and_leaves_nothing_half(tmp_path: Path) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))  # bytes; a checkpoint has 5 MB

    program = [*TRAIN, *ONE_EPOCH, "logger=csv", "output=out"]
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    done = subprocess.run(
        program,
        cwd=tmp_path,
        env=environment(tmp_path) | {"TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=small_files,
    )
    said = f"convstab: File too large; what is finished stays valid: {tmp_path / 'out'}\n"
    assert (done.returncode, done.stderr) == (1, said)
    assert left_over(tmp_path / "out") == []
    assert not list((tmp_path / "out").glob("checkpoints/*"))
    assert not list(temporary.rglob("*.*"))


@pytest.mark.slow
def test_a_key_is_written_nowhere(tmp_path: Path) -> None:
    keys = [letter * 3 + "0123456789abcdef" * 2 + "98765" for letter in "ab"]  # 40 characters, as W&B's
    (tmp_path / "home").mkdir()
    netrc = tmp_path / "home/.netrc"
    netrc.write_text(f"default\n  login user\n  password {keys[1]}\n")
    netrc.chmod(0o600)
    settings = environment(tmp_path / "home") | {"WANDB_API_KEY": keys[0], "TMPDIR": str(tmp_path)}
    program = [*TRAIN, *ONE_EPOCH, "output=out", "logger.wandb.mode=offline"]
    done = subprocess.run(program, cwd=tmp_path, env=settings, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    netrc.unlink()
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    for key in keys:
        assert not any(key.encode() in text for text in [done.stdout, done.stderr, *written])


def test_the_commands_are_loaded_in_no_time() -> None:
    code = "import sys, convstab.commands.app; print(sorted({'hydra', 'omegaconf', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    assert train.name == "train"
