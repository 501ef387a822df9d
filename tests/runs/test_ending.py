"""What ends a training in several processes; tests/test_ddp.py has two of them."""

import signal
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

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
