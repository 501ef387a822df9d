"""Training images that train, and training images that choose the best checkpoint."""

import torch
from sklearn.model_selection import train_test_split
from torch import Tensor

from convstab.errors import InputError


def stratified_split(labels: Tensor, groups: Tensor | None, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Split N images by class, (training indices, validation indices), both int64 and sorted.

    Images of one group stay together, so that no frame of a validation track trains. Seeded: the same split each time.

    labels: int64, (N,). groups: int64, (N,), or None: each image is its own group.
    share: of the groups of each class that validates, in [0, 1); at least one group a class when not 0.
    Raises InputError when a class has too few groups to be split.
    """
    every = torch.arange(len(labels))
    if share == 0:
        return every, every[:0]
    groups = every if groups is None else groups
    names, member = torch.unique(groups, return_inverse=True)
    of_group = torch.empty(len(names), dtype=labels.dtype).scatter_(0, member, labels)
    count = max(round(share * len(names)), len(torch.unique(labels)))
    try:
        _, chosen = train_test_split(range(len(names)), test_size=count, stratify=of_group.numpy(), random_state=seed)
    except ValueError as error:
        raise InputError(
            f"dataset.validation={share} cannot be split off {len(names)} images or tracks by class: {error}"
        ) from error
    validates = torch.zeros(len(names), dtype=torch.bool)
    validates[list(chosen)] = True
    return every[~validates[member]], every[validates[member]]
