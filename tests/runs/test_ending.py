"""What ends a training in several processes; tests/test_ddp.py has two of them."""

import signal
import sys
from collections.abc import Iterator
from subprocess import Popen
from types import SimpleNamespace
from typing import Any

import pytest

from convstab import exits
from convstab.runs import ending
from convstab.runs.ending import OneEnd

TERM = signal.SIGTERM
HOOKS = ("on_sanity_check_start", "on_train_start", "on_test_start")


def ours(number: int, _: Any) -> None:
    """A handler."""


def lightnings(number: int, _: Any) -> None:
    """Another one."""


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = signal.getsignal(TERM)
    yield
    signal.signal(TERM, before)


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize(
    ("processes", "before", "after"),
    [(2, lightnings, ours), (1, lightnings, lightnings), (2, signal.SIG_IGN, signal.SIG_IGN)],
)
def test_lightnings_handler_is_taken_out_of_several_processes(
    hook: str, processes: int, before: Any, after: Any
) -> None:
    signal.signal(TERM, before)
    getattr(OneEnd([TERM], ours), hook)(SimpleNamespace(world_size=processes), None)
    assert signal.getsignal(TERM) == after


def test_an_exception_ends_the_processes_that_were_started() -> None:
    sent: list[int] = []
    for launcher in (SimpleNamespace(kill=sent.append), None):  # None: somebody else has started them
        trainer: Any = SimpleNamespace(strategy=SimpleNamespace(launcher=launcher))
        OneEnd([TERM], ours).on_exception(trainer, None, RuntimeError())
    assert sent == [TERM]


@pytest.mark.parametrize(("code", "raised"), [("", ChildProcessError), ("import time; time.sleep(60)", RuntimeError)])
def test_of_processes_that_were_lost_before_a_line_is_said(
    code: str, raised: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "SOON", 3.0 if raised is ChildProcessError else 0.01)
    with Popen([sys.executable, "-c", code]) as process:
        launcher = SimpleNamespace(procs=[process], kill=lambda _: process.kill())
        end = OneEnd([TERM], ours)
        trainer: Any = SimpleNamespace(strategy=SimpleNamespace(launcher=launcher), callbacks=[end])
        error = RuntimeError("connection closed by peer")
        end.on_exception(trainer, None, error)
        with pytest.raises(raised) as found, ending.lost_process_named(trainer, lambda: "go on"):
            raise error
    line = exits.machine_fault(found.value)
    lost = "convstab: a process of this training has ended before the others; go on"
    assert line == (lost if raised is ChildProcessError else None)


def test_what_else_fails_is_left_as_it_is() -> None:
    end = OneEnd([TERM], ours)
    end.lost = True
    with pytest.raises(KeyError), ending.lost_process_named(SimpleNamespace(callbacks=[end]), str):  # type: ignore[arg-type]
        raise KeyError
