"""What a training shows of itself."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ModelSummary

MINUTE = 60.0  # seconds


class Summary(ModelSummary):
    """One line about the model in place of Lightning's table, whose operations are 0 for want of an example."""

    @staticmethod
    def summarize(
        summary_data: list[tuple[str, list[str]]],  # noqa: ARG004 - Lightning's names
        total_parameters: int,
        trainable_parameters: int,
        model_size: float,
        *_: Any,
        **__: Any,
    ) -> None:
        """Print it."""
        print(
            f"{total_parameters:,} parameters, {trainable_parameters:,} of them trained; {model_size:.1f} MB in float32"
        )


class LineAMinute(pl.Callback):
    """How far a training is, for a log: a line a minute.

    clock: seconds. say: what takes a line.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, say: Callable[[str], object] | None = None) -> None:
        self.clock, self.say = clock, say or partial(print, flush=True)  # at once, in a file too
        self.begun = self.said = clock()
        self.before = 0  # steps of the training that is resumed

    def on_train_start(self, trainer: pl.Trainer, *_: object) -> None:
        """The first minute begins."""
        self.begun = self.said = self.clock()
        self.before = trainer.global_step

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object, **__: object) -> None:
        """Say it once a minute."""
        now = self.clock()
        if now - self.said >= MINUTE and trainer.is_global_zero:
            self.said = now
            steps, every = trainer.global_step, trainer.estimated_stepping_batches
            left = (now - self.begun) * (every - steps) / max(steps - self.before, 1)
            epochs = f"epoch {trainer.current_epoch + 1} of {trainer.max_epochs}, step {steps:,} of {every:,.0f}"
            self.say(f"{epochs}, about {left / MINUTE:.0f} min left")
