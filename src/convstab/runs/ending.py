"""A training in several processes ends in all of them."""

import signal
from collections.abc import Iterable
from typing import Any

import pytorch_lightning as pl


class OneEnd(pl.Callback):
    """At an exception of the first process, a signal among them, those that it has started end, too.

    Lightning's own handler of SIGTERM broadcasts it, and waits for ever where the other process is in the middle of
    another exchange; it is taken out where there are several processes.

    heard: signals that end a training. handler: what happens then.
    """

    def __init__(self, heard: Iterable[int], handler: Any) -> None:
        self.heard, self.handler = tuple(heard), handler

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
        end_started(trainer, signal.SIGTERM)


def end_started(trainer: pl.Trainer, number: signal.Signals) -> None:
    """Send a signal to the processes that this one has started."""
    if trainer.strategy.launcher is not None:
        trainer.strategy.launcher.kill(number)
