"""What a training shows of itself."""

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import ModelSummary
from rich.progress import TaskID

from convstab.progress.lines import LineAMinute


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


class TrainingLog(pl.Callback):
    """How far a training is, for a log.

    lines: that say it.
    """

    def __init__(self, lines: LineAMinute | None = None) -> None:
        self.lines = lines or LineAMinute()
        self.task = TaskID(0)

    def on_train_start(self, trainer: pl.Trainer, *_: object) -> None:
        """The first minute begins; of a training that is resumed, its own steps count."""
        steps, every = trainer.global_step, trainer.estimated_stepping_batches
        self.task = self.lines.add_task("", completed=steps, total=every)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object, **__: object) -> None:
        """Say it once a minute."""
        if trainer.is_global_zero:
            self.lines.name = f"epoch {trainer.current_epoch + 1} of {trainer.max_epochs}, step"
            self.lines.advance(self.task, trainer.global_step - self.lines.done)
