"""Rebuild the signs of GTSRB's test set, and measure on hidden training tracks how far that can be trusted.

python -m benchmarks.signs DATA --check 0 1      hide a third of the training tracks, find them again, print how well
python -m benchmarks.signs DATA --write FILE     train on all tracks, group the test set by 30, write the table

The test set is 30 frames of each of 421 signs, in random order. Whether two images of a class show one sign is learnt
from the training tracks: discriminant analysis (what varies between tracks but not within one) of colours and
gradients, then boosted trees on pairs of images, which also see native sizes, sign boxes and colours. Maps and trees
are fitted on different tracks. ``grouping`` then makes groups of exactly 30; in the check, of the frames of a track.
"""

import argparse
import csv
import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.linalg import eigh
from sklearn.ensemble import HistGradientBoostingClassifier

from convstab.data.grouping import Integers, groups_of_size

FOLDS, BASIS, DIRECTIONS, FEW, CERTAIN, FRAMES = 4, 400, 60, 20, 12.0, 30
HIDDEN = 1 / 3
Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Frames:
    """n images as vectors: labels (n,), tracks (n,), and what pairs are compared by."""

    labels: Integers
    tracks: Integers
    scalars: Floats  # (n, s): sizes, shapes, colours
    units: list[Floats]  # of length 1, compared by their cosines
    vector: Floats  # (n, d): for the discriminant analysis

    def part(self, rows: NDArray[np.bool_]) -> "Frames":
        """Some of the images."""
        units = [unit[rows] for unit in self.units]
        return Frames(self.labels[rows], self.tracks[rows], self.scalars[rows], units, self.vector[rows])


def read(files: Sequence[Path], rows: Sequence[dict[str, str]], tracks: Integers) -> Frames:
    """Describe images, given the rows of their GT-*.csv."""
    pixels = np.stack([np.asarray(Image.open(file).convert("RGB").resize((32, 32)), np.float32) for file in files])
    box = np.array([[float(row[f"Roi.{end}"]) for end in ("X1", "Y1", "X2", "Y2")] for row in rows])
    width, height = (np.array([float(row[name]) for row in rows]) for name in ("Width", "Height"))
    labels = np.array([int(row["ClassId"]) for row in rows])
    gradients, logs = oriented_gradients(pixels), np.log1p(pixels / 16)
    coarse = blocks(logs, 2)
    vector = np.concatenate([coarse / coarse.std(), 3 * gradients], 1)
    grey = pixels.mean(3)
    rim = np.ones((32, 32), bool)
    rim[5:27, 5:27] = False
    units = [centred(blocks(pixels, 2)), unit(blocks(pixels - grey[..., None], 4)), centred(grey[:, rim])]
    return Frames(labels, tracks, scalars(logs, grey, rim, width, height, box), [*units, unit(gradients)], vector)


def scalars(logs: Floats, grey: Floats, rim: NDArray[np.bool_], width: Floats, height: Floats, box: Floats) -> Floats:
    """Log size, shapes and place of the sign box, and brightness, colour, contrast and sharpness, (n, s)."""
    left, top, right, bottom = box.T
    outside, inside = logs[:, rim].mean(1), logs[:, 9:23, 9:23].mean((1, 2))
    steps = np.abs(np.diff(grey, axis=1)).mean((1, 2)) / grey.mean((1, 2))
    return np.column_stack([
        np.log(width), np.log((right - left) / (bottom - top)), np.log(width / height),
        (left + right) / 2 / width, (top + bottom) / 2 / height, logs.mean((1, 2, 3)), logs.mean((1, 2)),
        outside.mean(1), outside - outside.mean(1, keepdims=True), inside,
        grey[:, 9:23, 9:23].std((1, 2)) / grey.mean((1, 2)), np.log(steps),
    ])  # fmt: skip


def oriented_gradients(pixels: Floats, cell: int = 4, bins: int = 8) -> Floats:
    """Root of the share of gradient in each direction, in cells: histograms of oriented gradients, (n, d)."""
    logs = np.log1p(pixels.mean(3) / 16)
    down, across = np.gradient(logs, axis=1), np.gradient(logs, axis=2)
    place = np.arctan2(down, across) / (2 * np.pi) * bins % bins
    low, part = place.astype(int) % bins, place - np.floor(place)
    votes = np.zeros((*logs.shape, bins), np.float32)
    for number, share in ((low, 1 - part), ((low + 1) % bins, part)):
        votes[(*np.indices(logs.shape), number)] += np.hypot(down, across) * share
    sums = blocks(votes, cell)
    roots: Floats = np.sqrt(sums / (sums.sum(1, keepdims=True) + 1e-6))
    return roots


def blocks(values: Floats, size: int) -> Floats:
    """Means over squares of pixels, (n, 32, 32, c) -> (n, d)."""
    count = 32 // size
    means: Floats = values.reshape(len(values), count, size, count, size, -1).mean((2, 4)).reshape(len(values), -1)
    return means


def unit(vectors: Floats) -> Floats:
    """Vectors of length 1."""
    scaled: Floats = vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-3)
    return scaled


def centred(vectors: Floats) -> Floats:
    """Vectors with mean 0 and length 1: their cosine is their correlation."""
    return unit(vectors - vectors.mean(1, keepdims=True))


def discriminant(vectors: Floats, tracks: Integers) -> Floats:
    """Directions that differ between tracks and not within them, (d, DIRECTIONS), the least telling first."""
    _, member, counts = np.unique(tracks, return_inverse=True, return_counts=True)
    means = np.zeros((len(counts), vectors.shape[1]))
    np.add.at(means, member, vectors)
    means /= counts[:, None]
    own = vectors - means[member]
    within = own.T @ own / (len(own) - len(means))
    within += np.diag(0.02 * np.diag(within) + 1e-5 * np.trace(within) / len(within))
    ratio, directions = eigh(np.cov(means.T), within)
    weights: Floats = (directions * np.sqrt(ratio.clip(0) / (1 + ratio.clip(0))))[:, -DIRECTIONS:]
    return weights


def pairs(frames: Frames, maps: Sequence[Floats]) -> Floats:
    """What is known of each two images of one class, (pairs, features), in the order of ``np.triu_indices``."""
    one, other = np.triu_indices(len(frames.labels), 1)
    sizes = frames.scalars[:, 0]
    few = [unit(frames.vector @ directions[:, -FEW:]) for directions in maps]
    many = [unit(frames.vector @ directions) for directions in maps]
    cosines = [(vectors @ vectors.T)[one, other] for vectors in frames.units]
    learnt = [np.mean([vectors @ vectors.T for vectors in group], 0)[one, other] for group in (many, few)]
    differences = np.abs(frames.scalars[one] - frames.scalars[other])
    ends = np.minimum(sizes[one], sizes[other]), np.maximum(sizes[one], sizes[other])
    return np.column_stack([differences, *ends, *cosines, *learnt]).astype(np.float32)


class SameSign:
    """Log-odds that two images of a class show one sign, learnt from tracks."""

    def __init__(self, frames: Frames, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        centred_vectors = centred_by_class(frames).astype(float)
        _, directions = np.linalg.eigh(centred_vectors.T @ centred_vectors)
        self.basis = directions[:, -BASIS:]
        frames = self.project(frames)
        fold = folds(frames, rng)
        self.maps = [discriminant(frames.vector[fold != k], frames.tracks[fold != k]) for k in range(FOLDS)]
        known, same = [], []
        for k, label in np.ndindex(FOLDS, int(frames.labels.max()) + 1):
            chosen = frames.part((fold == k) & (frames.labels == label))
            if len(chosen.labels) > 1:
                known.append(pairs(chosen, self.maps[k : k + 1]))
                same.append((chosen.tracks[:, None] == chosen.tracks)[np.triu_indices(len(chosen.tracks), 1)])
        trees = HistGradientBoostingClassifier(
            max_iter=350, learning_rate=0.08, l2_regularization=1.0, min_samples_leaf=40, early_stopping=False
        )
        self.trees = trees.fit(np.concatenate(known), np.concatenate(same))

    def project(self, frames: Frames) -> Frames:
        """The same images, with shorter vectors beside the mean of their class."""
        return replace(frames, vector=centred_by_class(frames) @ self.basis)

    def groups(self, frames: Frames, size: int) -> Integers:
        """The sign of each image, (n,), numbered through all classes."""
        frames, found, start = self.project(frames), np.zeros(len(frames.labels), np.int64), 0
        for label in np.unique(frames.labels):
            rows = frames.labels == label
            count = int(rows.sum())
            affinity = np.zeros((count, count))
            affinity[np.triu_indices(count, 1)] = self.trees.decision_function(pairs(frames.part(rows), self.maps))
            found[rows] = start + groups_of_size((affinity + affinity.T).clip(-CERTAIN, CERTAIN), size)
            start += count // size
        return found


def centred_by_class(frames: Frames) -> Floats:
    """The vectors without the mean of their class among these images, (n, d)."""
    _, member, counts = np.unique(frames.labels, return_inverse=True, return_counts=True)
    means = np.zeros((len(counts), frames.vector.shape[1]))
    np.add.at(means, member, frames.vector)
    return frames.vector - (means / counts[:, None])[member]


def folds(frames: Frames, rng: np.random.Generator) -> Integers:
    """The fold of each image, (n,): the tracks of each class are dealt out."""
    fold = np.zeros(len(frames.labels), np.int64)
    for label in np.unique(frames.labels):
        for place, track in enumerate(rng.permutation(np.unique(frames.tracks[frames.labels == label]))):
            fold[frames.tracks == track] = place % FOLDS
    return fold


def hidden(frames: Frames, seed: int) -> NDArray[np.bool_]:
    """A third of the tracks of each class, as many as the test set has signs: their images, (n,)."""
    rng, chosen = np.random.default_rng(seed), []
    for label in np.unique(frames.labels):
        tracks = rng.permutation(np.unique(frames.tracks[frames.labels == label]))
        chosen += list(tracks[: max(2, round(HIDDEN * len(tracks)))])
    return np.isin(frames.tracks, chosen)


def check(frames: Frames, seed: int) -> str:
    """How well hidden tracks are found again, in one line."""
    out = hidden(frames, seed)
    unknown = frames.part(out)
    size = int(np.bincount(frames.tracks).max())
    found = SameSign(frames.part(~out), seed).groups(unknown, size)
    table = np.zeros((found.max() + 1, unknown.tracks.max() + 1))
    np.add.at(table, (found, unknown.tracks), 1)
    both, each = (table * (table - 1)).sum(), len(found) * (size - 1)  # ordered pairs; all groups and tracks are alike
    whole = int((table.max(1) == size).sum())
    purity = f"purity {table.max(1).sum() / len(found):.4f}, pair precision = recall {both / each:.4f}"
    return f"seed {seed}: {len(found)} frames of {len(table)} hidden tracks, {purity}, {whole} of {len(table)} whole"


def training_frames(root: Path) -> Frames:
    """The final training set, as far as tracks are complete: a shorter one is left out."""
    files, rows, names = [], [], []
    for listing in sorted(root.glob("GTSRB/Final_Training/Images/*/GT-*.csv")):
        for row in lines(listing):
            files.append(listing.parent / row["Filename"])
            rows.append(row)
            names.append(f"{row['ClassId']}/{row['Filename'].partition('_')[0]}")
    _, tracks, counts = np.unique(names, return_inverse=True, return_counts=True)
    frames = read(files, rows, tracks)
    return frames.part(counts[tracks] == counts.max())


def lines(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a GT-*.csv."""
    with path.open(newline="") as file:
        yield from csv.DictReader(file, delimiter=";")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the checks, or write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="the folder that holds GTSRB/ and GT-final_test.csv")
    parser.add_argument("--check", type=int, nargs="*", default=[], help="seeds of the tracks to hide")
    parser.add_argument(
        "--write", type=Path, help="table of the test set, one sign number a line, in the order of its ids"
    )
    options = parser.parse_args(arguments)
    frames = training_frames(options.root)
    for seed in options.check:
        print(check(frames, seed), flush=True)
    if options.write is not None:
        rows = list(lines(options.root / "GT-final_test.csv"))
        files = [options.root / "GTSRB/Final_Test/Images" / row["Filename"] for row in rows]
        found = SameSign(frames).groups(read(files, rows, np.zeros(len(rows), np.int64)), FRAMES)
        table = "".join(f"{Path(row['Filename']).stem},{sign}\n" for row, sign in zip(rows, found, strict=True))
        options.write.write_bytes(gzip.compress(f"image,sign\n{table}".encode(), mtime=0))


if __name__ == "__main__":
    main()
