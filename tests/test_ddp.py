import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate

from convstab.commands import app, signals
from convstab.data.module import ImageData
from convstab.errors import InputError
from convstab.files import METRICS, read_json
from convstab.images import to_unit
from convstab.runs import checkpoints, configuration
from tests.support.fresh_process import TRAIN, environment
from tests.support.stopping import until

TWO = ["trainer.accelerator=cpu", "trainer.devices=2", "trainer.strategy=ddp"]
ODD = ["dataset.images=407", "dataset.batch_size=5"]  # 41 images validate, 20 a batch: two batches here, one there
Done = subprocess.CompletedProcess[str]


def train_two(cwd: Path, *overrides: str) -> Done:
    """Train with two processes, as a user does."""
    words = [*TRAIN, *TWO, *ODD, "output=run", *overrides]
    env = environment(cwd)
    return subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """A training in two processes."""
    cwd = tmp_path_factory.mktemp("ddp")
    done = train_two(cwd, "logger=[csv,tensorboard]", "trainer.max_epochs=3")
    assert done.returncode == 0, done.stderr
    return cwd / "run", done


@pytest.mark.slow
def test_two_processes_test_every_image_once_and_as_one_process_does(trained: tuple[Path, Done]) -> None:
    run, _ = trained
    metrics = read_json(run / METRICS)
    classifier, data = (
        checkpoints.load_classifier(run),
        instantiate(configuration.load_config(run)["dataset"], _convert_="all"),
    )
    test = data.images.test
    with torch.inference_mode():
        predicted = classifier(to_unit(test.pixels)).argmax(1)
    confusion = torch.zeros(10, 10, dtype=torch.int64)
    confusion.index_put_((test.labels, predicted), torch.ones_like(predicted), accumulate=True)
    assert torch.tensor(metrics["test/confusion"]).equal(confusion)
    assert confusion.sum() == metrics["images/test"] == 407
    assert metrics["test/accuracy"] == pytest.approx((predicted == test.labels).double().mean().item())
    recalls = confusion.diag() / confusion.sum(1)
    assert metrics["test/balanced_accuracy"] == pytest.approx(recalls.mean().item())
    assert [metrics[f"test/recall/{digit}"] for digit in range(10)] == pytest.approx(recalls.tolist())


@pytest.mark.slow
def test_two_processes_train_and_validate_every_image(trained: tuple[Path, Done]) -> None:
    run, _ = trained
    metrics = read_json(run / METRICS)
    assert metrics["epochs"] == 3
    assert metrics["val/accuracy"] > 0.5  # chance is 0.1
    correct = metrics["val/accuracy"] * metrics["images/validation"]
    assert metrics["images/validation"] == 41
    assert correct == pytest.approx(round(correct), abs=1e-4)  # equal weights for 21 and 20 images would not give it


@pytest.mark.slow
def test_one_process_writes(trained: tuple[Path, Done]) -> None:
    run, done = trained
    assert done.stdout.count(f"s: {run}") == 1
    assert "sync_dist" not in done.stderr
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]
    rows = (run / "metrics.csv").read_text().splitlines()
    assert sum(",test/accuracy" in row for row in rows) == 1  # one header
    steps = [int(row.partition(",")[0]) for row in rows[1:]]
    assert steps == sorted(steps)
    assert len({path.name.split(".")[-2] for path in run.glob("events.out.tfevents.*")}) == 1  # process ids


@pytest.mark.slow
def test_a_bad_loss_ends_both_processes(tmp_path: Path) -> None:
    start = time.monotonic()
    done = train_two(tmp_path, "logger=none", "optimizer.lr=1e10")
    assert done.returncode == 2, done.stderr
    assert "convstab: the loss is " in done.stderr
    assert time.monotonic() - start < 100
    assert not (tmp_path / "run" / METRICS).exists()


SAME = "the same command"
SENT = [
    (os.kill, "checkpoints/last.ckpt", 0, f"{SAME} with ckpt=last goes on from here"),
    (os.killpg, "config.yaml", 3, f"nothing was kept yet: {SAME} begins anew"),  # while one waits for the other
]
SENT_TO_ONE = (os.kill, *SENT[1][1:])


@pytest.mark.parametrize(
    ("send", "begun", "seconds", "line"),
    [
        *(pytest.param(*case, marks=pytest.mark.slow) for case in SENT),
        pytest.param(*SENT_TO_ONE, marks=pytest.mark.endurance),
    ],
)
def test_a_signal_to_one_process_or_to_both_ends_both_in_a_line(
    send: Callable[[int, int], None], begun: str, seconds: float, line: str, tmp_path: Path
) -> None:
    words = [*TRAIN, *TWO, *ODD, "output=run", "logger=none", "trainer.max_epochs=1000"]
    with (tmp_path / "errors").open("w") as errors:
        env = environment(tmp_path)
        first = subprocess.Popen(
            words, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True
        )
        until((tmp_path / "run" / begun).exists)
        time.sleep(seconds)
        send(first.pid, signal.SIGTERM)
        assert first.wait(60) == 128 + signal.SIGTERM
    said = [text for text in (tmp_path / "errors").read_text().splitlines() if text.startswith("convstab: ")]
    assert said == [f"convstab: stopped by SIGTERM; {line}"]
    until(lambda: not at_work(first.pid), seconds=10)
    assert not (tmp_path / "run" / METRICS).exists()


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGKILL, marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, marks=pytest.mark.endurance),
    ],
)
def test_the_end_of_another_process_ends_the_first_in_a_line(number: int, tmp_path: Path) -> None:
    words = [*TRAIN, *TWO, *ODD, "output=run", "logger=none", "trainer.max_epochs=1000"]
    with (tmp_path / "errors").open("w") as errors:
        first = subprocess.Popen(
            words,
            cwd=tmp_path,
            env=environment(tmp_path),
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
        until((tmp_path / "run/checkpoints/last.ckpt").exists)
        (second,) = (process for process in children(first.pid) if "train.py" in command_line(process))
        os.kill(second, number)
        assert first.wait(60) == 1
    lost = f"a process of this training has ended before the others; {SAME} with ckpt=last goes on from here"
    said = [text for text in (tmp_path / "errors").read_text().splitlines() if not text.startswith("[rank")]
    assert said[-1] == f"convstab: {lost}"
    assert "Traceback" not in "".join(said)
    until(lambda: not at_work(first.pid), seconds=10)
    assert not (tmp_path / "run" / METRICS).exists()


def test_a_signal_that_the_main_thread_cannot_hear_ends_the_others_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    listener, ended = signals.Listener(), list[str]()
    reader, writer = os.pipe()
    os.write(writer, bytes([signal.SIGCHLD, signal.SIGTERM]))  # the first asks for no end
    os.close(writer)
    monkeypatch.setattr(signals, "DEAF", 0.0)
    monkeypatch.setattr(os, "_exit", sys.exit)
    with pytest.raises(SystemExit) as end:
        listener.watch(reader, lambda: ended.append(listener.line()))
    os.close(reader)
    assert end.value.code == 128 + signal.SIGTERM
    assert ended == ["convstab: stopped by SIGTERM; give the same command again"]


def fields() -> dict[int, list[str]]:
    """What /proc says of each process, from the third field on."""
    stats = Path("/proc").glob("[0-9]*/stat")
    return {int(path.parent.name): path.read_text().rpartition(")")[2].split() for path in stats}


def children(parent: int) -> list[int]:
    """The processes that one has started: the fourth field in /proc is the parent."""
    return [process for process, (_, of, *_) in fields().items() if int(of) == parent]


def command_line(process: int) -> str:
    """What a process was started with."""
    return Path(f"/proc/{process}/cmdline").read_text()


def at_work(group: int) -> bool:
    """Whether a process of a group has not ended: its third field in /proc is its state, its fifth the group."""
    return any(state != "Z" and int(of) == group for state, _, of, *_ in fields().values())


def test_a_multirun_does_not_start_processes_that_would_start_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["train.py", "-m", *TWO, *ODD, "logger=none", "seed=1"])
    with pytest.raises(SystemExit, match="2"):
        app.train()
    assert "convstab: trainer.devices=2 starts processes of its own" in capsys.readouterr().err


def test_fewer_images_than_processes_are_refused_before_one_waits_for_the_other(
    make_data: Callable[..., ImageData],
) -> None:
    class Ten:
        global_rank, world_size, training = 3, 90, False

    data = make_data()
    data.setup()
    data.trainer = Ten()  # type: ignore[assignment]
    assert data.train_dataloader()  # 216 images
    with pytest.raises(InputError, match="80 images are too few for 90 processes"):
        data.test_dataloader()
