"""Images of one class in groups of known size: the groups whose members are most alike."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from convstab.errors import InputError

Floats = NDArray[np.float64]
Integers = NDArray[np.integer[Any]]


def groups_of_size(affinity: Floats, size: int) -> Integers:
    """Group numbers 0 ... n / size - 1 of n images, each of exactly ``size`` of them, (n,).

    A local maximum of the sum of the affinities within groups: average linkage that never exceeds the size, then
    what is left over is assigned, then pairs of images are swapped while the sum rises.

    affinity: (n, n), symmetric and finite, such as log-odds that two images show one object; the diagonal is ignored.
    Raises InputError when n is not a multiple of the size.
    """
    if size < 2 or len(affinity) % size:
        raise InputError(f"{len(affinity)} images cannot be groups of {size}; it takes a multiple, of at least 2")
    alike = np.array(affinity, float)
    np.fill_diagonal(alike, 0)
    return swapped(alike, assigned(alike, linked(alike, size), size), size)


def linked(alike: Floats, size: int) -> Integers:
    """Average linkage in which no group exceeds the size: group numbers, (n,), of groups of that size or less."""
    means, sizes, label = alike.copy(), np.ones(len(alike)), np.arange(len(alike))
    np.fill_diagonal(means, -np.inf)
    if size >= len(alike):
        return np.zeros(len(alike), np.int64)
    while True:
        a, b = divmod(int(means.argmax()), len(means))
        if means[a, b] == -np.inf:
            return label
        both = sizes[a] + sizes[b]
        merged = (sizes[a] * means[a] + sizes[b] * means[b]) / both
        sizes[a], sizes[b] = both, 0
        merged[(sizes + both > size) | (sizes == 0)] = -np.inf
        merged[a] = -np.inf
        means[a], means[:, a], means[b], means[:, b] = merged, merged, -np.inf, -np.inf
        label[label == b] = a


def assigned(alike: Floats, label: Integers, size: int) -> Integers:
    """The largest groups, filled up with the images of the others, as alike as can be: all of the size."""
    names, counts = np.unique(label, return_counts=True)
    kept = names[np.argsort(-counts, kind="stable")[: len(alike) // size]]
    member = (label[:, None] == kept).astype(float)
    left = np.flatnonzero(member.sum(1) == 0)
    places = np.repeat(np.arange(len(kept)), (size - member.sum(0)).astype(int))
    found: Integers = member.argmax(1)
    gain = alike[left] @ member / member.sum(0)
    _, chosen = linear_sum_assignment(gain[:, places], maximize=True)
    found[left] = places[chosen]
    return found


def swapped(alike: Floats, label: Integers, size: int) -> Integers:
    """The same groups after the best swap of two images, again and again, until none raises the sum within groups."""
    label, images = label.copy(), np.arange(len(alike))
    while True:
        to = alike @ np.eye(len(alike) // size)[label]  # of each image to each group
        move = to[:, label] - to[images, label][:, None]
        gain = np.where(label[:, None] == label, -np.inf, move + move.T - 2 * alike)
        a, b = divmod(int(gain.argmax()), len(gain))
        if gain[a, b] <= 1e-9:
            return label
        label[a], label[b] = label[b], label[a]
