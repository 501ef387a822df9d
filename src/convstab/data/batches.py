"""Batches of indices."""

from collections.abc import Iterator

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import Sampler


class IndexBatches(Sampler[Tensor]):
    """Yields the index tensors of one epoch, (batch_size,) each, the last one shorter.

    index: int64, (N,), the images to serve.
    seed: shuffles by (seed, epoch), so that a resumed training sees the order of an uninterrupted one; None: in order.
    rank, ranks: every process takes each ``ranks``-th image. Shuffled (training) shares are cut to the same length,
        as gradient exchange needs; unshuffled (testing) shares are complete and nothing is repeated.
    """

    def __init__(self, index: Tensor, batch_size: int, seed: int | None, rank: int = 0, ranks: int = 1) -> None:
        self.index, self.batch_size, self.seed = index, batch_size, seed
        self.rank, self.ranks, self.epoch = rank, ranks, 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order; Lightning calls this before every epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[Tensor]:
        index = self.index
        if self.seed is not None:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
            order = torch.randperm(len(index), generator=generator)
            index = index[order[: len(index) // self.ranks * self.ranks]]
        yield from index[self.rank :: self.ranks].split(self.batch_size)

    def __len__(self) -> int:
        share = len(self.index) // self.ranks
        if self.seed is None:
            share += self.rank < len(self.index) % self.ranks
        return (share + self.batch_size - 1) // self.batch_size


class SeedEveryEpoch(pl.Callback):
    """Seeds each epoch by (seed, epoch, rank): a resumed training draws what an uninterrupted one does."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Seed the generators of all devices."""
        torch.manual_seed(((self.seed * 1_000_003) + trainer.current_epoch) * 1009 + trainer.global_rank)
