"""A training in several processes ends in all of them."""

import errno
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from subprocess import Popen, TimeoutExpired
from typing import Any

import pytorch_lightning as pl

SOON = 1.0  # seconds


class OneEnd(pl.Callback):
    """At an exception of the first process, a signal among them, those that it has started end, too.

    Lightning's own handler of SIGTERM broadcasts it, and waits for ever where the other process is in the middle of
    another exchange; it is taken out where there are several processes.

    heard: signals that end a training. handler: what happens then. lost: whether one of them had ended before.
    """

    def __init__(self, heard: Iterable[int], handler: Any) -> None:
        self.heard, self.handler, self.lost = tuple(heard), handler, False

    def on_sanity_check_start(self, trainer: pl.Trainer, *_: object) -> None:
        """Lightning has set its handlers right before."""
        self.listen(trainer)

    def on_train_start(self, trainer: pl.Trainer, *_: object) -> None:
        """As above: there may be no sanity check."""
        self.listen(trainer)

    def on_test_start(self, trainer: pl.Trainer, *_: object) -> None:
        """As above."""
        self.listen(trainer)

    def listen(self, trainer: pl.Trainer) -> None:
        """Set our handlers where there are several processes, but for signals that are ignored."""
        for number in self.heard:
            if trainer.world_size > 1 and signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self.handler)

    def on_exception(self, trainer: pl.Trainer, *_: object) -> None:
        """They end, too."""
        self.lost = any(has_ended(process) for process in started(trainer))
        end_started(trainer, signal.SIGTERM)


@contextmanager
def lost_process_named(trainer: pl.Trainer, how: Callable[[], str]) -> Iterator[None]:
    """Say in a line that another process is gone, whatever the first one says of the exchange that failed.

    how: says how to go on.
    """
    try:
        yield
    except RuntimeError as error:
        if any(isinstance(callback, OneEnd) and callback.lost for callback in trainer.callbacks):  # type: ignore[attr-defined]
            said = f"a process of this training has ended before the others; {how()}"
            raise ChildProcessError(errno.ECHILD, said) from error
        raise


def started(trainer: pl.Trainer) -> Sequence[Popen[bytes]]:
    """The processes that this one has started."""
    return getattr(trainer.strategy.launcher, "procs", ())


def has_ended(process: Popen[bytes]) -> bool:
    """Whether a process has ended, or does so now: the exchange may fail a moment before."""
    try:
        process.wait(SOON)
    except TimeoutExpired:
        return False
    return True


def end_started(trainer: pl.Trainer, number: signal.Signals) -> None:
    """Send a signal to the processes that this one has started."""
    if trainer.strategy.launcher is not None:
        trainer.strategy.launcher.kill(number)
