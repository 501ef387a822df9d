"""The one LightningDataModule, which serves the images of a data set."""

from collections.abc import Callable
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from convstab.data.augment import Mirror
from convstab.data.batches import IndexBatches
from convstab.data.degraded import DegradedCopies
from convstab.data.images import DataSource, ImageSet
from convstab.data.split import stratified_split
from convstab.errors import InputError
from convstab.images import Images, to_unit

Batch = tuple[Tensor, Tensor]


class InMemory(Dataset[Batch]):
    """Serves whole batches: an index tensor -> (uint8 pixels, labels), with no per-sample Python."""

    def __init__(self, images: Images) -> None:
        self.images = images

    def __getitem__(self, index: Tensor) -> Batch:
        return self.images.pixels[index], self.images.labels[index]

    def __len__(self) -> int:
        return len(self.images)


class ImageData(DataSource, pl.LightningDataModule):
    """Serves one data set: batches move as uint8 and become floats in [0, 1] on the device.

    load: folder -> ImageSet; downloads what is missing.
    root: the folder where data is found or downloaded to; None: $CONVSTAB_DATA, or the user's cache folder.
    batch_size: training images a batch; validation and test use larger ones.
    validation: share of the training images that choose the best checkpoint and do not train, in [0, 1).
    seed: of the split and of the order of the training images.
    augment: (images in [0, 1], labels) -> the same, applied to training batches on the device.
    images: use at most this many training and test images, evenly spaced; None: all.
    """

    def __init__(
        self,
        load: Callable[[Path], ImageSet],
        batch_size: int,
        validation: float = 0.1,
        root: str | None = None,
        seed: int = 0,
        augment: nn.Module | None = None,
        images: int | None = None,
    ) -> None:
        pl.LightningDataModule.__init__(self)
        DataSource.__init__(self, load, root, images)
        if batch_size < 1:
            raise InputError(f"dataset.batch_size is {batch_size}; it must be at least 1")
        if not 0 <= validation < 1:
            raise InputError(f"dataset.validation is {validation}; it is a share of the training images in [0, 1)")
        self.batch_size, self.validation, self.seed = batch_size, validation, seed
        self.augment = augment

    def setup(self, stage: str | None = None) -> None:  # noqa: ARG002
        """Split the training images into those that train and those that choose the best checkpoint."""
        if not len(self.images.train):
            raise InputError("the data set has no images to train on: it has test images only")
        for part in self.augment.modules() if self.augment is not None else ():
            if isinstance(part, Mirror):
                part.use(len(self.images.classes), self.images.mirror)
            elif isinstance(part, DegradedCopies):
                part.check_shape(self.shape)
        self.train, self.val = stratified_split(
            self.images.train.labels, self.images.train.groups, self.validation, self.seed
        )

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each channel of the images that train, (C,) each, in [0, 1]."""
        pixels = self.images.train.pixels
        total = torch.zeros(2, self.shape[0], dtype=torch.float64)
        for index in self.train.split(1000):  # in pieces: float64 copies of all images would not fit
            values = to_unit(pixels[index]).double()
            total += torch.stack([values.sum((0, 2, 3)), values.square().sum((0, 2, 3))])
        mean, square = total / (len(self.train) * self.shape[1] * self.shape[2])
        return mean.float(), (square - mean.square()).clamp_min(0).sqrt().float()

    def train_dataloader(self) -> DataLoader[Batch]:
        """Shuffled by (seed, epoch)."""
        return self._loader(self.images.train, self.train, self.batch_size, shuffle=True)

    def val_dataloader(self) -> DataLoader[Batch] | list[DataLoader[Batch]]:
        """In order; an empty list when no images are kept for validation."""
        return self._loader(self.images.train, self.val, 4 * self.batch_size) if len(self.val) else []

    def test_dataloader(self) -> DataLoader[Batch]:
        """In order."""
        return self._loader(self.images.test, torch.arange(len(self.images.test)), 4 * self.batch_size)

    def _loader(self, images: Images, index: Tensor, size: int, *, shuffle: bool = False) -> DataLoader[Batch]:
        rank, ranks = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        if len(index) < ranks:
            raise InputError(f"{len(index)} images are too few for {ranks} processes, each of which needs one")
        batches = IndexBatches(index, size, self.seed if shuffle else None, rank, ranks)
        pin = torch.cuda.is_available()
        own = torch.Generator()  # the global one it would draw from after an epoch's seed, but before it on a resume
        return DataLoader(InMemory(images), sampler=batches, batch_size=None, pin_memory=pin, generator=own)

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:  # noqa: ARG002
        """uint8 -> float in [0, 1], channels last; training batches are augmented."""
        pixels, labels = batch
        images = to_unit(pixels.contiguous(memory_format=torch.channels_last))
        if self.augment is not None and self.trainer is not None and self.trainer.training:
            augmented: Batch = self.augment(images, labels)
            return augmented
        return images, labels
