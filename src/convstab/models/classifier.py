"""The one base class of every architecture: normalisation, steps, metrics, optimiser and schedule."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from convstab.errors import InputError
from convstab.models.metrics import class_scores
from convstab.precision import true_float32

Parameters = Iterable[nn.Parameter]


class Classifier(pl.LightningModule):
    """Images in [0, 1], float (N, C, H, W) -> logits (N, K); it normalises inside.

    A subclass states only its layers: it calls this initialiser and sets ``self.net = self.build(...)``.

    shape: (C, H, W) of one image.
    classes: the K class names, in the order of the labels.
    optimizer: parameters -> optimiser; needed to train, not to classify.
    schedule: (optimiser, number of steps) -> learning-rate schedule, stepped after every batch.
    """

    normalises: ClassVar[bool] = True  # inside: nobody has to say how
    net: nn.Module
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        shape: Sequence[int],
        classes: Sequence[str],
        optimizer: Callable[[Parameters], Optimizer] | None = None,
        schedule: Callable[[Optimizer, int], LRScheduler] | None = None,
    ) -> None:
        super().__init__()
        self.shape, self.classes = tuple(shape), list(classes)
        self.optimizer, self.schedule = optimizer, schedule
        self.hparams.update({"shape": list(shape), "classes": list(classes)})  # plain: loads under weights_only
        self.register_buffer("mean", torch.zeros(self.channels, 1, 1))
        self.register_buffer("std", torch.ones(self.channels, 1, 1))
        self.test_scores = class_scores(self.classes)

    @classmethod
    def remade(cls, hparams: Mapping[str, Any], trust: Sequence[str] = ()) -> Self:  # noqa: ARG003
        """Made again for the weights of a checkpoint, from the hyper-parameters that it says.

        trust: functions of users that may be called for it; those that are trained here need none.
        """
        return cls(**hparams)

    @property
    def channels(self) -> int:
        """Number of colour channels of an image."""
        return self.shape[0]

    def build(self, features: Sequence[nn.Module], head: Callable[[int], Sequence[nn.Module]]) -> nn.Sequential:
        """Join convolutional layers and the layers that ``head`` makes for their flattened size.

        Raises InputError when images of ``shape`` are too small for the convolutions.
        """
        convolutions = nn.Sequential(*features, nn.Flatten())
        try:
            with torch.no_grad():
                size = convolutions(torch.zeros(1, *self.shape)).shape[1]
        except RuntimeError as error:
            raise self.too_small() from error
        if size == 0:
            raise self.too_small()
        net = nn.Sequential(*convolutions, *head(size))
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # 2-5x on a CPU
        return net

    def too_small(self) -> InputError:
        """Say that this architecture cannot take these images."""
        size = "x".join(map(str, self.shape))
        name = type(self).__name__
        return InputError(
            f"{name} cannot take {size} images: its convolutions and pools leave nothing; choose another model="
        )

    def set_statistics(self, mean: Tensor, std: Tensor) -> None:
        """Normalise with these training statistics, (C,) in [0, 1]; they are kept in the checkpoint."""
        self.mean.copy_(mean.view_as(self.mean))
        self.std.copy_(std.view_as(self.std).clamp_min(1 / 255))  # a constant channel must not divide by 0

    def forward(self, images: Tensor) -> Tensor:
        """Images in [0, 1], float (N, C, H, W) -> logits (N, K)."""
        logits: Tensor = self.net((images - self.mean) / self.std)
        return logits

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Cross-entropy of one batch; a loss that is not finite ends the training."""
        images, labels = batch
        logits = self(images)
        loss = F.cross_entropy(logits.float(), labels)
        if not torch.isfinite(loss):
            raise InputError(
                f"the loss is {loss.item()} at epoch {self.current_epoch}, batch {index}: "
                "lower optimizer.lr, or set trainer.gradient_clip_val"
            )
        self.seen += len(labels)
        self.sums += torch.stack((loss.detach() * len(labels), (logits.detach().argmax(1) == labels).sum()))
        return loss

    def on_train_epoch_start(self) -> None:
        """Count anew; ``self.log`` in every step would cost a tenth of LeNet's speed."""
        self.sums, self.seen = torch.zeros(2, device=self.device), 0  # loss and correct answers; images

    def on_train_epoch_end(self) -> None:
        """Log the epoch's means, here and not after the epoch's checkpoint: a kill between the two would lose them."""
        loss, accuracy = self.means(self.sums, self.seen)
        means = {"train/loss": loss, "train/accuracy": accuracy}
        self.log_dict(means, logger=False, sync_dist=True)  # for callbacks
        for logger in self.loggers:
            logger.log_metrics(means | {"epoch": self.current_epoch}, self.global_step - 1)

    def means(self, sums: Tensor, seen: int) -> tuple[float, float]:
        """Loss and accuracy of the images that all processes have seen; Lightning would average the processes' means.

        sums: loss and correct answers of the ``seen`` images of this process.
        """
        totals = torch.cat((sums, sums.new_tensor([seen])))
        loss, correct, images = self.trainer.strategy.reduce(totals, reduce_op="sum").tolist()
        return loss / images, correct / images

    def on_validation_epoch_start(self) -> None:
        """Count anew."""
        self.val_sums, self.val_seen = torch.zeros(2, device=self.device), 0

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:  # noqa: ARG002
        """Count loss and correct answers on images that did not train."""
        images, labels = batch
        logits = self.exact_logits(images)
        loss = F.cross_entropy(logits, labels, reduction="sum")
        self.val_sums += torch.stack((loss, (logits.argmax(1) == labels).sum()))
        self.val_seen += len(labels)

    def on_validation_epoch_end(self) -> None:
        """Log the means, by which the best checkpoint is chosen."""
        loss, accuracy = self.means(self.val_sums, self.val_seen)
        self.log("val/loss", loss, sync_dist=True)
        self.log("val/accuracy", accuracy, prog_bar=True, sync_dist=True)

    def test_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:  # noqa: ARG002
        """Count what every class is taken for."""
        images, labels = batch
        self.test_scores.update(self.exact_logits(images), labels)

    def exact_logits(self, images: Tensor) -> Tensor:
        """float32 logits whatever trainer.precision is, so that a test accuracy is the one that evaluate finds."""
        with true_float32(), torch.autocast(self.device.type, enabled=False):
            logits: Tensor = self(images.float())
        return logits

    def on_test_epoch_end(self) -> None:
        """Log every number of the test; the confusion matrix stays in ``test_scores``."""
        scores = self.test_scores.compute()
        numbers = {f"test/{name}": value for name, value in scores.items() if value.ndim == 0}
        self.log_dict(numbers, sync_dist=True)  # already of all processes: sync_dist only keeps Lightning from warning

    def configure_optimizers(self) -> Any:
        """Lightning's form of the optimiser and its schedule."""
        if self.optimizer is None:
            raise InputError("this classifier was made without an optimizer and cannot be trained")
        optimizer = self.optimizer(self.parameters())
        if self.schedule is None:
            return optimizer
        schedule = self.schedule(optimizer, int(self.trainer.estimated_stepping_batches))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
