"""How alike the frames of one GTSRB sign fail: intra-class correlation of failures, per run and sigma.

python -m benchmarks.frames runs/train/gtsrb_jitter runs/train/gtsrb_jitter_noisy --draws 5

Measured on the validation tracks of each run, which did not train it (they chose its best epoch): the signs of the
test set are not published. A table for each run and sigma. failures: the share of draws that are misclassified.
correlation: that of the failure rates of two frames of a track, as they come from this number of draws, with a 95 %
interval from the bootstrap over tracks. unlimited draws: the same with the variance of the draws taken out, which is
what an evaluation with many draws comes near to. design effect: 1 + (frames - 1) x that correlation, by which dependent
frames multiply the variance of an accuracy; the test set has 30 frames of each sign.

The correlation is that of a random pair of frames of a track, which is what the design effect needs. Where only every
third frame of the 30 is there, a random pair is about as far apart (11 frames on average) as one of all 30 (10.3).
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from convstab.commands.train import load_data
from convstab.errors import InputError
from convstab.evaluation.protocol import Protocol
from convstab.evaluation.stability import stability
from convstab.exits import bad_input_ends
from convstab.images import Images
from convstab.runs import checkpoints, configuration
from convstab.statistics import correlation
from convstab.statistics.intervals import Floats

FRAMES = 30  # of a sign in the test set


def validation_images(folder: Path, root: str | None) -> tuple[Images, Tensor]:
    """What did not train a run, and its places among the training images, (n,); InputError without tracks."""
    config = configuration.load_config(folder)
    if root is not None:
        config["dataset"]["root"] = root
    data = load_data(config)
    images, places = data.images.train, data.val
    if images.groups is None or not len(places):
        raise InputError(f"{folder} has no validation images in groups; it takes a training on gtsrb with validation")
    return images.part(places), places


def failure_rates(
    classifier: nn.Module, images: Images, places: Tensor, classes: int, protocol: Protocol, device: str
) -> Floats:
    """The share of the draws of each image that are misclassified, (images, levels)."""
    counts = stability(classifier.to(device), images.pixels, images.labels, places, classes, protocol, device=device)
    shape = len(images), len(protocol.levels)
    correct: Floats = (counts.rows["correct"] / counts.rows["draws"]).reshape(shape)
    return 1 - correct


def draw_errors(rates: Floats, protocol: Protocol) -> Floats:
    """The variance of each rate that comes from its draws, (images, levels); none where the one draw is the image."""
    clean = np.array(protocol.levels) == 0
    return np.where(clean, 0, correlation.draw_variance(rates, max(protocol.draws_of)))


def table(rates: Floats, tracks: Tensor, protocol: Protocol, resamples: int) -> Iterator[str]:
    """The lines of the table of one run."""
    columns = "correlation | 95 % | unlimited draws | 95 % | design effect | 95 %"
    yield f"| sigma | failures | {columns} |"
    yield "|---:|---:|" + "---:|" * 6
    as_drawn, unlimited = (
        estimate(rates, tracks, error, resamples) for error in (np.zeros(1), draw_errors(rates, protocol))
    )
    effect = correlation.design_effect(unlimited, FRAMES)
    for level, sigma in enumerate(protocol.levels):
        cells = " | ".join([cell(as_drawn[:, level]), cell(unlimited[:, level]), cell(effect[:, level], digits=1)])
        yield f"| {sigma:g} | {rates[:, level].mean():.2%} | {cells} |"


def estimate(rates: Floats, tracks: Tensor, error: Floats, resamples: int) -> Floats:
    """The correlation and the ends of its interval, (3, levels)."""
    groups = tracks.numpy()
    ends = correlation.correlation_interval(rates, groups, error, resamples)
    return np.stack([correlation.intraclass_correlation(rates, groups, error), *ends])


def cell(estimate: Floats, digits: int = 2) -> str:
    """A value and its interval, from (3,)."""
    value, low, high = estimate
    return f"{value:.{digits}f} | {low:.{digits}f} to {high:.{digits}f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table for each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="+", type=Path, help="run directories of train, of a data set with groups")
    parser.add_argument("--root", help="the folder of the data; default: where the training found it")
    parser.add_argument("--draws", type=int, default=5, help="for each image and sigma, at least 2")
    parser.add_argument(
        "--levels", type=float, nargs="+", default=Protocol.levels, help="grey levels; default: the paper's, and 0"
    )
    parser.add_argument("--resamples", type=int, default=2000, help="of the tracks, for the intervals")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--save", type=Path, help="folder for the failure rates, one NAME.npz for each run")
    options = parser.parse_args(arguments)
    with bad_input_ends():
        protocol = Protocol(tuple(options.levels), options.draws)
        for folder in options.run:
            classifier = checkpoints.load_classifier(folder)
            images, places = validation_images(folder, options.root)
            rates = failure_rates(classifier, images, places, len(classifier.classes), protocol, options.device)
            assert images.groups is not None
            if options.save is not None:
                options.save.mkdir(parents=True, exist_ok=True)
                np.savez(options.save / f"{folder.name}.npz", rates=rates, tracks=images.groups, places=places)
            print(f"{folder.name}: {len(images)} validation images of {len(images.groups.unique())} tracks,")
            print(f"{options.draws} draws, torch {torch.__version__}, {options.device}", "", sep="\n")
            print(*table(rates, images.groups, protocol, options.resamples), "", sep="\n", flush=True)


if __name__ == "__main__":
    main()
